//! A look at a Parquet footer before the `parquet` crate sees it.
//!
//! The crate allocates as many elements as a list claims to have. An element takes at least one
//! byte, so a list that claims more than there are bytes left is refused here. It walks the schema's tree, which is
//! stored as a list, by calls that nest, and allocates as many children as a node claims: so the tree is measured.

use crate::error::{FormatError, Result};

/// Nesting of a footer: four levels today.
const MAX_DEPTH: usize = 16;
/// Nesting of a schema: two groups for each level of a type, at most 32, and the root.
const MAX_SCHEMA_DEPTH: usize = 2 * crate::limits::MAX_TYPE_DEPTH + 4;
/// Parquet's numbers of fields: of the schema in the footer, of the number of children in a node.
const SCHEMA: u64 = 2;
const CHILD_COUNT: u64 = 5;
/// The footer's length and the magic.
const TAIL_BYTES: usize = 8;

/// Checks the Parquet footer at the end of `file`, so that the `parquet` crate neither allocates more than the
/// footer can hold nor nests its calls without end. Cost: one pass over the footer.
///
/// # Errors
/// [`FormatError::Malformed`] if it is cut short or counts what is not there.
pub fn check_footer(file: &[u8]) -> Result<()> {
    let malformed = || FormatError::malformed("parquet footer", "it is cut short or miscounted");
    let (body, tail) = file.split_last_chunk::<TAIL_BYTES>().ok_or_else(malformed)?;
    let length = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]) as usize;
    let start = body.len().checked_sub(length).ok_or_else(malformed)?;
    let mut children = Vec::new();
    let mut walk = Walk { rest: &body[start..], children: &mut children };
    walk.structure(0, At::Footer).ok_or_else(malformed)?;
    check_schema(&children)
}

/// Checks a tree that is given as the number of children of each node, in depth-first order.
fn check_schema(children: &[u64]) -> Result<()> {
    let malformed =
        |reason: &str| Err(FormatError::malformed("schema of a parquet footer", reason));
    // Of each group that is open, how many children are to come.
    let mut open: Vec<u64> = Vec::new();
    for (number, &count) in children.iter().enumerate() {
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(left) => *left -= 1,
            None if number == 0 => {}
            None => return malformed("it has more than one root"),
        }
        if count > (children.len() - number) as u64 {
            return malformed("a group has more children than there are");
        }
        if count > 0 {
            open.push(count);
        }
        if open.len() > MAX_SCHEMA_DEPTH {
            return malformed("it is nested too deeply");
        }
    }
    Ok(())
}

/// What a structure is, as far as it matters.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Footer,
    SchemaNode,
    Other,
}

/// Thrift's compact protocol: values are passed over, counts are checked.
struct Walk<'a> {
    rest: &'a [u8],
    /// Of each node of the schema.
    children: &'a mut Vec<u64>,
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn structure(&mut self, depth: usize, at: At) -> Option<()> {
        let mut id = 0u64;
        if at == At::SchemaNode {
            self.children.push(0);
        }
        loop {
            let header = self.byte()?;
            if header == 0 {
                return Some(());
            }
            id = match header >> 4 {
                // A field id that is not near the one before, in zigzag.
                0 => self.varint()? >> 1,
                distance => id + u64::from(distance),
            };
            match (at, id, header & 0x0f) {
                // A boolean field has its value in the header.
                (_, _, 1 | 2) => {}
                (At::Footer, SCHEMA, 9 | 10) => self.list(depth + 1, At::SchemaNode)?,
                (At::SchemaNode, CHILD_COUNT, 4..=6) => {
                    let zigzag = self.varint()?;
                    if zigzag & 1 == 1 {
                        return None;
                    }
                    *self.children.last_mut()? = zigzag >> 1;
                }
                (_, _, of_type) => self.value(of_type, depth, At::Other)?,
            }
        }
    }

    fn value(&mut self, of_type: u8, depth: usize, at: At) -> Option<()> {
        match of_type {
            1..=3 => self.pass(1),
            4..=6 => self.varint().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 if depth < MAX_DEPTH => self.list(depth + 1, At::Other),
            12 if depth < MAX_DEPTH => self.structure(depth + 1, at),
            _ => None, // maps do not occur in a footer
        }
    }

    fn list(&mut self, depth: usize, of: At) -> Option<()> {
        let header = self.byte()?;
        let count = if header >> 4 == 15 { self.varint()? } else { u64::from(header >> 4) };
        if count > self.rest.len() as u64 {
            return None;
        }
        (0..count).try_for_each(|_| self.value(header & 0x0f, depth, of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_that_are_too_deep_or_count_what_is_not_there_are_refused() {
        for good in [&[][..], &[0], &[1, 0], &[2, 1, 0, 0], &[2, 0, 2, 0, 0]] {
            check_schema(good).unwrap();
        }
        let deep = [vec![1; MAX_SCHEMA_DEPTH + 1], vec![0]].concat();
        for (bad, reason) in [
            (&[0, 0][..], "more than one root"),
            (&[1, 0, 0], "more than one root"),
            (&[3, 0], "more children"),
            (&[u64::MAX >> 1], "more children"),
            (&deep, "too deeply"),
        ] {
            let error = check_schema(bad).unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
