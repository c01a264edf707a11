//! Manifests that look valid and are not so: numbers, names and lists changed to what an attacker, or a careless writer,
//! would make of them. What they are encoded to has right checksums.

use tenrow_format::manifest::{Chunk, ChunkLayout, DataFile, Leaf, Partition, Root, RowIdRange};
use tenrow_format::{Attribute, FieldId, Schema};

/// Where choices come from: dice, or the bytes of a fuzzer.
pub trait Choices {
    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: u64) -> u64;
}

/// The bytes of a fuzzer, as long as they last; then 0 is chosen for ever.
pub struct FromBytes<'a>(pub &'a [u8]);

impl Choices for FromBytes<'_> {
    fn below(&mut self, limit: u64) -> u64 {
        let Some((head, rest)) = self.0.split_first_chunk::<2>() else { return 0 };
        self.0 = rest;
        u64::from(u16::from_le_bytes(*head)) % limit
    }
}

/// What a change makes of the rows, if nothing is found wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// They must be the same.
    Same,
    /// Another dataset, as valid as the first: fewer rows, older values, other names.
    Others,
}

/// Changes one thing; `None` if there is nothing to change where it looked.
pub fn mutate(
    root: &mut Root,
    leaves: &mut [Leaf],
    choices: &mut dyn Choices,
) -> Option<(String, Rows)> {
    match choices.below(8) {
        0 => in_root(root, choices),
        1 => {
            let leaf = pick(leaves, choices)?;
            in_leaf(leaf, choices)
        }
        2 => in_partition(pick(&mut pick(leaves, choices)?.partitions, choices)?, choices),
        3 => {
            let partition = pick(&mut pick(leaves, choices)?.partitions, choices)?;
            in_file(pick(&mut partition.files, choices)?, choices)
        }
        _ => {
            let partition = pick(&mut pick(leaves, choices)?.partitions, choices)?;
            in_chunks(&mut pick(&mut partition.files, choices)?.chunks, choices)
        }
    }
}

fn pick<'a, T>(items: &'a mut [T], choices: &mut dyn Choices) -> Option<&'a mut T> {
    let count = items.len() as u64;
    (count > 0).then(|| &mut items[choices.below(count.max(1)) as usize])
}

/// A number that something may be taken for in place of `old`.
fn number(old: u64, choices: &mut dyn Choices) -> u64 {
    const SOME: [u64; 10] =
        [0, 1, 2, 7, 64, 1 << 16, 1 << 20, i32::MAX as u64, u32::MAX as u64, i64::MAX as u64];
    match choices.below(16) {
        0 | 1 => old.saturating_add(1).min(i64::MAX as u64),
        2 | 3 => old.saturating_sub(1),
        4 => old.saturating_mul(2).min(i64::MAX as u64),
        5 => old / 2,
        other => SOME[(other as usize + choices.below(10) as usize) % SOME.len()],
    }
}

fn small(old: u32, choices: &mut dyn Choices) -> u32 {
    number(old.into(), choices).min(i32::MAX as u64) as u32
}

/// Drops, repeats, swaps or turns round; says which.
fn shuffle<T: Clone>(items: &mut Vec<T>, choices: &mut dyn Choices) -> &'static str {
    let count = items.len() as u64;
    if count == 0 {
        return "left empty";
    }
    let (one, other) = (choices.below(count) as usize, choices.below(count) as usize);
    match choices.below(5) {
        0 => {
            items.remove(one);
            "one dropped"
        }
        1 => {
            items.insert(other, items[one].clone());
            "one twice"
        }
        2 => {
            items.swap(one, other);
            "two swapped"
        }
        3 => {
            items.reverse();
            "reversed"
        }
        _ => {
            items.clear();
            "all dropped"
        }
    }
}

fn in_root(root: &mut Root, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    let same = |what: &str| Some((what.to_owned(), Rows::Same));
    match choices.below(8) {
        0 => {
            let next = number(root.next_row_id, choices);
            root.next_row_id = next;
            same("next_row_id")
        }
        1 => {
            let what = shuffle(&mut root.leaves, choices);
            Some((format!("leaves: {what}"), Rows::Others))
        }
        2 => in_schema(root, choices),
        3 => {
            let features = [&mut root.reader_features, &mut root.writer_features];
            features.into_iter().for_each(std::collections::BTreeSet::clear);
            same("no features")
        }
        4 => {
            root.parent = root.parent.map(|mut parent| {
                parent.version.0 = number(parent.version.0, choices);
                parent
            });
            same("parent")
        }
        _ => {
            let leaf = pick(&mut root.leaves, choices)?;
            let numbers = [
                &mut leaf.row_count,
                &mut leaf.partition_count,
                &mut leaf.size_bytes,
                &mut leaf.size_of_files_bytes,
                &mut leaf.first_row_id,
                &mut leaf.sequence,
            ];
            let at = choices.below(numbers.len() as u64) as usize;
            let new = number(*numbers[at], choices);
            let what = format!("number {at} of a leaf's reference: {} -> {new}", numbers[at]);
            for (index, old) in numbers.into_iter().enumerate() {
                *old = if index == at { new } else { *old };
            }
            // Of two files with a value the newer one counts.
            Some((what, if at == 5 { Rows::Others } else { Rows::Same }))
        }
    }
}

fn in_schema(root: &mut Root, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    const TYPES: [&str; 12] = [
        "u8[2,3]",
        "i8[2,3]",
        "f64[2,3]",
        "u8[6]",
        "u8[7]",
        "bool[6]",
        "i16[2]",
        "string",
        "i32",
        "list<u32>",
        "f32[?,3]",
        "file",
    ];
    let mut attributes = root.schema.attributes().to_vec();
    let count = attributes.len() as u64;
    let (one, other) = (choices.below(count) as usize, choices.below(count) as usize);
    let what = match choices.below(3) {
        0 => {
            let text = TYPES[choices.below(TYPES.len() as u64) as usize];
            let new = Attribute::parse(&format!("{}:{text}", attributes[one].name)).ok()?;
            attributes[one] = Attribute { id: attributes[one].id, ..new };
            format!("attribute {one} is {text}")
        }
        1 => {
            attributes[one].nullable = !attributes[one].nullable;
            format!("attribute {one} is nullable: {}", attributes[one].nullable)
        }
        _ => {
            (attributes[one].id, attributes[other].id) = (attributes[other].id, attributes[one].id);
            format!("attributes {one} and {other} swap their ids")
        }
    };
    root.schema = Schema::from_parts(attributes, root.schema.next_field_id()).ok()?;
    Some((what, Rows::Others))
}

fn in_leaf(leaf: &mut Leaf, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    let what = shuffle(&mut leaf.partitions, choices);
    Some((format!("partitions: {what}"), Rows::Others))
}

fn in_partition(partition: &mut Partition, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    let rows = partition.row_count;
    match choices.below(8) {
        0 => {
            let first = number(0, choices);
            let ids = RowIdRange { first, count: rows };
            partition.row_ids = vec![ids];
            Some((format!("row ids from {first} on"), Rows::Same))
        }
        1 => {
            let what = shuffle(&mut partition.files, choices);
            Some((format!("files: {what}"), Rows::Others))
        }
        2 => {
            partition.deletes = None;
            Some(("no row deleted".into(), Rows::Others))
        }
        3 => {
            let deletes = partition.deletes.as_mut()?;
            deletes.row_count = number(deletes.row_count, choices);
            Some((format!("{} rows deleted", deletes.row_count), Rows::Same))
        }
        4 => {
            let what = shuffle(&mut partition.external_files, choices);
            Some((format!("large files: {what}"), Rows::Same))
        }
        5 => {
            let own = pick(&mut partition.statistics, choices)?;
            own.null_count = number(own.null_count, choices);
            std::mem::swap(&mut own.min, &mut own.max);
            Some((format!("statistics of field {}", own.field.0), Rows::Same))
        }
        6 => {
            // All files say the same, so the leaf is one that can be written.
            let rows = number(rows, choices);
            partition.row_count = rows;
            partition.row_ids.clear();
            partition.files.iter_mut().for_each(|file| file.row_groups = vec![rows]);
            Some((format!("{rows} rows in one row group"), Rows::Same))
        }
        _ => {
            let (a, b) = (choices.below(4) as usize, choices.below(4) as usize);
            let (a, b) =
                (partition.files.get(a)?.chunks.clone(), partition.files.get(b)?.chunks.clone());
            partition.files.first_mut()?.chunks = b;
            partition.files.last_mut()?.chunks = a;
            Some(("chunks of another file".into(), Rows::Same))
        }
    }
}

fn in_file(file: &mut DataFile, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    match choices.below(8) {
        0 => {
            file.size_bytes = number(file.size_bytes, choices);
            Some((format!("a file of {} bytes", file.size_bytes), Rows::Same))
        }
        1 => {
            file.footer_bytes = number(file.footer_bytes, choices);
            Some((format!("a footer of {} bytes", file.footer_bytes), Rows::Same))
        }
        2 => {
            file.sequence = Some(number(file.sequence.unwrap_or_default(), choices));
            Some((format!("sequence {:?}", file.sequence), Rows::Others))
        }
        3 => {
            let what = shuffle(&mut file.field_ids, choices);
            let fields = file.field_ids.clone();
            file.chunks.retain(|chunk| fields.contains(&chunk.field));
            Some((format!("fields: {what}"), Rows::Others))
        }
        4 => {
            let field = FieldId(small(1, choices));
            file.field_ids.push(field);
            Some((format!("field {} added", field.0), Rows::Others))
        }
        5 => {
            let what = shuffle(&mut file.row_groups, choices);
            Some((format!("row groups: {what}"), Rows::Same))
        }
        6 => {
            let group = file.row_groups.pop()?;
            let half = choices.below(group.max(1));
            file.row_groups.extend([half, group - half]);
            Some(("the last row group is two".into(), Rows::Same))
        }
        _ => {
            let group = file.row_groups.pop()?;
            let before = file.row_groups.pop()?;
            file.row_groups.push(group + before);
            Some(("the last two row groups are one".into(), Rows::Same))
        }
    }
}

fn in_chunks(chunks: &mut Vec<Chunk>, choices: &mut dyn Choices) -> Option<(String, Rows)> {
    let count = chunks.len() as u64;
    if count == 0 {
        return None;
    }
    let (one, other) = (choices.below(count) as usize, choices.below(count) as usize);
    let what = match choices.below(8) {
        0 => {
            chunks[one].row_group = small(chunks[one].row_group, choices);
            format!("a chunk of row group {}", chunks[one].row_group)
        }
        1 => {
            chunks[one].column = small(chunks[one].column, choices);
            format!("a chunk of column {}", chunks[one].column)
        }
        2 => format!("chunks: {}", shuffle(chunks, choices)),
        3 => {
            let (field, old) = (chunks[other].field, chunks[one].field);
            for chunk in chunks.iter_mut() {
                chunk.field = match chunk.field {
                    same if same == old => field,
                    same if same == field => old,
                    same => same,
                };
            }
            format!("chunks of fields {} and {} swapped", field.0, old.0)
        }
        4 => {
            chunks[one].field = chunks[other].field;
            format!("a chunk of field {}", chunks[one].field.0)
        }
        5 => {
            chunks[one].layout = chunks[other].layout.clone();
            format!("chunk {one} laid out as chunk {other}")
        }
        _ => {
            let (field, before) = (chunks[one].field.0, chunks[one].layout.clone());
            in_layout(&mut chunks[one].layout, choices);
            format!("field {field}: {before:?} -> {:?}", chunks[one].layout)
        }
    };
    Some((what, Rows::Same))
}

fn in_layout(layout: &mut ChunkLayout, choices: &mut dyn Choices) {
    const BITS: [u8; 6] = [1, 8, 16, 32, 64, 7];
    let bits = BITS[choices.below(6) as usize];
    match layout {
        ChunkLayout::Strided {
            item_bits,
            first_page,
            page_stride,
            page_rows,
            prefix,
            last_prefix,
        } => match choices.below(7) {
            0 => *item_bits = bits,
            1 => *first_page = number(*first_page, choices),
            2 => *page_stride = number(*page_stride, choices),
            3 => *page_rows = number(*page_rows, choices),
            4 => *prefix = small(*prefix, choices),
            5 => *last_prefix = small(*last_prefix, choices),
            _ => *layout = ChunkLayout::Indexed { offset_index: None },
        },
        ChunkLayout::Paged { item_bits, first_page, value_count, pages, null_rows } => {
            match choices.below(8) {
                0 => *item_bits = bits,
                1 => *first_page = number(*first_page, choices),
                2 => *value_count = number(*value_count, choices),
                3 => {
                    shuffle(pages, choices);
                }
                4 => {
                    shuffle(null_rows, choices);
                }
                5 => {
                    if let Some(byte) = pick(null_rows, choices) {
                        *byte ^= 1 << choices.below(8);
                    }
                }
                6 => *layout = ChunkLayout::Indexed { offset_index: None },
                _ => {
                    if let Some(page) = pick(pages, choices) {
                        let numbers =
                            [&mut page.first_row, &mut page.first_value, &mut page.values_offset];
                        let at = choices.below(3) as usize;
                        for (_, old) in numbers.into_iter().enumerate().filter(|(i, _)| *i == at) {
                            *old = number(*old, choices);
                        }
                    }
                }
            }
        }
        ChunkLayout::Indexed { offset_index } => match choices.below(3) {
            0 => {
                if let Some(range) = offset_index {
                    range.start = number(range.start, choices);
                }
            }
            1 => *offset_index = None,
            _ => {
                *layout = ChunkLayout::Strided {
                    item_bits: bits,
                    first_page: number(4, choices),
                    page_stride: number(64, choices),
                    page_rows: number(8, choices),
                    prefix: small(30, choices),
                    last_prefix: small(30, choices),
                };
            }
        },
    }
}
