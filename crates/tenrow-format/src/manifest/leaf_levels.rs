//! The repetition and definition levels of a leaf's columns. Arrow's reader takes them as they come: a level that means
//! nothing becomes a null or is passed over, and of a group it asks the first column only.

use std::collections::HashMap;

use parquet::basic::Repetition;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use crate::error::{FormatError, Result};
use crate::page::levels::{LevelRuns, Run};

/// Bytes before the levels of a page that say how many follow.
const LENGTH_BYTES: usize = 4;

/// The optional and repeated groups that a column is in, from the outermost; the last may be the column itself.
#[derive(Debug)]
pub(super) struct ColumnLevels {
    path: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    /// Names of the groups that lead to it.
    path: String,
    is_repeated: bool,
    is_group: bool,
}

/// What the columns of a group say of it in one row group, by the path of the group.
pub(super) type Groups = HashMap<String, Outline>;

/// How often a group is there: a sum over its levels, the same for every column that says the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Outline {
    sum: u64,
    level: (u8, u8),
    count: u64,
}

impl Outline {
    fn add(&mut self, level: (u8, u8), count: u64) {
        if level != self.level {
            self.mix();
            (self.level, self.count) = (level, 0);
        }
        self.count += count;
    }

    fn mix(&mut self) {
        for word in [u64::from(self.level.0) << 8 | u64::from(self.level.1), self.count] {
            self.sum = (self.sum ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
    }
}

impl ColumnLevels {
    pub(super) fn new(schema: &SchemaDescriptor, column: &ColumnDescriptor) -> Result<Self> {
        let path = column.path().string();
        let missing =
            || FormatError::malformed(format!("column {path} of a leaf"), "it has no group");
        let mut steps = Vec::new();
        let mut node: &Type = schema.root_schema();
        let mut names = String::new();
        for name in column.path().parts() {
            let child = node.get_fields().iter().find(|child| child.name() == name);
            node = child.ok_or_else(missing)?;
            names = format!("{names}/{name}");
            let is_repeated = match node.get_basic_info().repetition() {
                Repetition::REQUIRED => continue,
                repetition => repetition == Repetition::REPEATED,
            };
            steps.push(Step { path: names.clone(), is_repeated, is_group: node.is_group() });
        }
        let repeated = steps.iter().filter(|step| step.is_repeated).count();
        let (max_repetition, max_definition) = (column.max_rep_level(), column.max_def_level());
        if (repeated as i64, steps.len() as i64)
            != (i64::from(max_repetition), i64::from(max_definition))
        {
            return Err(missing());
        }
        Ok(Self { path, steps })
    }

    /// Checks the levels of a column's chunk, page by page, and gives its rows. `first` column of a group says how often
    /// that is there, the others must agree.
    pub(super) fn check<'a>(
        &self,
        pages: impl Iterator<Item = (&'a [u8], u64)>,
        groups: &mut Groups,
    ) -> Result<u64> {
        let fault = |reason: String| {
            FormatError::malformed(format!("column {} of a leaf", self.path), reason)
        };
        // Of each step: the repetition and the definition level at which it is there.
        let mut repetition = 0;
        let levels: Vec<(u8, u8)> = (1u8..)
            .zip(&self.steps)
            .map(|(definition, step)| {
                repetition += u8::from(step.is_repeated);
                (repetition, definition)
            })
            .collect();
        let max = levels.last().copied().unwrap_or_default();
        let mut outlines = vec![Outline::default(); self.steps.len()];
        let mut rows = 0;
        for (page, entries) in pages {
            let (mut repetitions, rest) = runs(page, max.0, entries)?;
            let (mut definitions, _) = runs(rest, max.1, entries)?;
            let (mut rep, mut def) = (Run::default(), Run::default());
            let mut left = entries;
            while left > 0 {
                next(&mut rep, repetitions.as_mut(), left)?;
                next(&mut def, definitions.as_mut(), left)?;
                if rep.level > max.0 || def.level > max.1 {
                    let (rep, def) = (rep.level, def.level);
                    return Err(fault(format!(
                        "levels {rep} and {def}, of at most {} and {}",
                        max.0, max.1
                    )));
                }
                if rep.level == 0 {
                    rows += rep.count.min(def.count);
                } else {
                    let repeats =
                        |step: &(&Step, &(u8, u8))| step.0.is_repeated && step.1.0 == rep.level;
                    let repeated = self.steps.iter().zip(&levels).find(repeats);
                    if rows == 0 || repeated.is_none_or(|(_, level)| def.level < level.1) {
                        return Err(fault("a list goes on that has no element".into()));
                    }
                }
                let count = rep.count.min(def.count);
                for (outline, (step, level)) in
                    outlines.iter_mut().zip(self.steps.iter().zip(&levels))
                {
                    if step.is_group && rep.level <= level.0 {
                        outline.add((rep.level, def.level.min(level.1)), count);
                    }
                }
                rep.count -= count;
                def.count -= count;
                left -= count;
            }
        }
        for (step, mut outline) in self.steps.iter().zip(outlines) {
            outline.mix();
            outline = Outline { sum: outline.sum, ..Outline::default() };
            if step.is_group && *groups.entry(step.path.clone()).or_insert(outline) != outline {
                return Err(fault(format!(
                    "it is there in other rows than its neighbours in {}",
                    step.path
                )));
            }
        }
        Ok(rows)
    }
}

/// The levels at the front of a page, if the column has any, and what follows them.
fn runs(page: &[u8], max: u8, entries: u64) -> Result<(Option<LevelRuns<'_>>, &[u8])> {
    if max == 0 {
        return Ok((None, page));
    }
    let cut = || FormatError::malformed("page of a leaf", "it ends within its levels");
    let (length, rest) = page.split_first_chunk::<LENGTH_BYTES>().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (levels, rest) = rest.split_at_checked(length).ok_or_else(cut)?;
    Ok((Some(LevelRuns::new(levels, u8::BITS - max.leading_zeros(), entries)), rest))
}

/// Goes on to the next run where one is used up; a column without such levels has all zeros.
fn next(run: &mut Run, runs: Option<&mut LevelRuns<'_>>, left: u64) -> Result<()> {
    if run.count == 0 {
        *run = match runs {
            Some(runs) => runs.next_run()?,
            None => Run { level: 0, count: left },
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::page::levels::Runs;

    const SCHEMA: &str = "message leaf {
        required int64 count;
        required group files (LIST) { repeated group list { required group element {
            required int64 size;
            optional group foreign { required int64 modified; optional int64 note; }
            required group ids (LIST) { repeated group list { required int32 element; } }
        } } }
    }";

    /// A column's number, and the levels of its entries.
    type Levels<'a> = (usize, &'a [(u8, u8)]);

    /// The rows of columns of these levels, each column one page; the last is the one that is refused, if any is.
    fn check(columns: &[Levels<'_>]) -> Result<u64> {
        let schema = SchemaDescriptor::new(Arc::new(parse_message_type(SCHEMA).unwrap()));
        let mut groups = Groups::new();
        let mut rows = 0;
        for (number, levels) in columns {
            let column = schema.column(*number);
            let mut page = Vec::new();
            let mut put = |max: i16, level: fn(&(u8, u8)) -> u8| {
                if max > 0 {
                    let mut runs = Runs::default();
                    levels.iter().for_each(|pair| runs.push(level(pair), 1));
                    let bytes = runs.encode();
                    page.extend((bytes.len() as u32).to_le_bytes());
                    page.extend(bytes);
                }
            };
            put(column.max_rep_level(), |pair| pair.0);
            put(column.max_def_level(), |pair| pair.1);
            let pages = [(&page[..], levels.len() as u64)];
            let levels = ColumnLevels::new(&schema, &column).unwrap();
            rows = levels.check(pages.into_iter(), &mut groups)?;
        }
        Ok(rows)
    }

    #[test]
    fn levels_of_columns_that_agree_give_their_rows() {
        // Two files, the second foreign with a note; then none; then one, foreign without a note.
        assert_eq!(check(&[(0, &[(0, 0), (0, 0), (0, 0)])]).unwrap(), 3);
        let rows = check(&[
            (1, &[(0, 1), (1, 1), (0, 0), (0, 1)]),
            (2, &[(0, 1), (1, 2), (0, 0), (0, 2)]),
            (3, &[(0, 1), (1, 3), (0, 0), (0, 2)]),
            (4, &[(0, 2), (2, 2), (1, 1), (0, 0), (0, 2)]),
        ]);
        assert_eq!(rows.unwrap(), 3);
    }

    #[test]
    fn levels_that_mean_nothing_are_refused() {
        let refused: [(&[Levels<'_>], &str); 7] = [
            (&[(1, &[(0, 2)])], "levels 0 and 2"),
            (&[(1, &[(0, 1), (2, 1)])], "levels 2 and 1"),
            (&[(1, &[(1, 1)])], "no element"),
            (&[(4, &[(0, 2), (2, 1), (2, 2)])], "no element"),
            (&[(1, &[(0, 1), (1, 1)]), (4, &[(0, 2), (0, 2)])], "neighbours"),
            (&[(2, &[(0, 2)]), (3, &[(0, 1)])], "neighbours in /files/list/element/foreign"),
            (&[(1, &[(0, 1), (1, 1)]), (2, &[(0, 1)])], "neighbours"),
        ];
        for (columns, reason) in refused {
            let error = check(columns).unwrap_err().to_string();
            assert!(error.contains(reason), "{columns:?}: {error}");
        }
    }

    #[test]
    fn pages_that_end_within_their_levels_are_refused() {
        let schema = SchemaDescriptor::new(Arc::new(parse_message_type(SCHEMA).unwrap()));
        let levels = ColumnLevels::new(&schema, &schema.column(1)).unwrap();
        for page in [&b""[..], &[2, 0, 0], &[9, 0, 0, 0, 2, 0], &[2, 0, 0, 0, 2, 0, 2, 0, 0, 0]] {
            levels.check([(page, 1)].into_iter(), &mut Groups::new()).unwrap_err();
        }
    }
}
