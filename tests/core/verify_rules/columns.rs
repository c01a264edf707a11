//! Files, and which of their columns and pages an attribute has.

use tenrow::engine::manifest::ChunkLayout;

use super::damaged::Level::{Full, Quick};
use super::damaged::{
    Case, change_attribute, file, id, layout, nothing, partition, updated, with_large,
};

pub(super) const CASES: &[Case] = &[
    (
        "an attribute that must have values has some",
        Quick,
        "no file has attribute \"label\"",
        |m| {
            let label = id(m, "label");
            for file in &mut partition(m).files {
                file.field_ids.retain(|field| *field != label);
                file.chunks.retain(|chunk| chunk.field != label);
            }
        },
        nothing,
    ),
    (
        "a file has the element type of the form",
        Quick,
        "expected i8[2,3]",
        |m| {
            change_attribute(m, "image", "i8[2,3]");
        },
        nothing,
    ),
    (
        "a file has the shape of the form",
        Quick,
        "expected u8[3,2]",
        |m| {
            change_attribute(m, "image", "u8[3,2]");
        },
        nothing,
    ),
    (
        "a file has the nullability of the form",
        Quick,
        "expected f32[5]",
        |m| {
            change_attribute(m, "weights", "f32[5]");
        },
        nothing,
    ),
    (
        "a chunk is of the attribute that it is listed for",
        Quick,
        "which is that of \"other\"",
        |m| {
            let (label, other) = (id(m, "label"), id(m, "other"));
            for chunk in &mut file(m).chunks {
                chunk.field = match chunk.field {
                    field if field == label => other,
                    field if field == other => label,
                    field => field,
                };
            }
        },
        nothing,
    ),
    (
        "the columns of an attribute are those of one field",
        Quick,
        "which are not those of one field",
        |m| {
            let (image, boxes) = (id(m, "image"), id(m, "boxes"));
            file(m).chunks.iter_mut().filter(|c| c.field == boxes).for_each(|c| c.field = image);
            file(m).field_ids.retain(|field| *field != boxes);
        },
        nothing,
    ),
    (
        "a field that a leaf names is in the file",
        Quick,
        "no column has this id",
        |m| {
            let split = id(m, "split");
            file(m).field_ids.push(split);
        },
        nothing,
    ),
    (
        "a listed column is in the file",
        Quick,
        "which are not those of one field",
        |m| {
            let label = id(m, "label");
            file(m).chunks.iter_mut().filter(|c| c.field == label).for_each(|c| c.column += 1000);
        },
        nothing,
    ),
    (
        "a file has its size",
        Quick,
        "bytes, but its manifest says",
        |m| {
            file(m).size_bytes += 1;
            m.count();
        },
        nothing,
    ),
    (
        "a file has the row groups that its leaf says",
        Quick,
        "but the manifest says",
        |m| {
            let groups = &mut file(m).row_groups;
            assert!(groups.len() > 1);
            let last = groups.len() - 1;
            groups.swap(0, last);
            if groups[0] == groups[groups.len() - 1] {
                groups[0] += 1;
                groups[1] -= 1;
            }
            file(m).chunks.clear();
        },
        nothing,
    ),
    (
        "a file has its checksum",
        Full,
        "of the file, expected",
        |m| {
            file(m).checksum ^= 1;
        },
        nothing,
    ),
    (
        "a large file that a row names is listed",
        Full,
        "which its leaf does not list",
        |m| {
            with_large(m).external_files.pop();
        },
        nothing,
    ),
    (
        "a large file that is listed is there",
        Quick,
        "files/00/none",
        |m| {
            with_large(m).external_files.push("files/00/none".into());
        },
        nothing,
    ),
    ("a leaf has its size", Quick, "bytes, but its root says", nothing, |root| {
        root.leaves[0].size_bytes += 1;
    }),
    (
        "files of one sequence have equal values",
        Full,
        "has other values",
        |m| {
            let partition = updated(m);
            partition.files.iter_mut().for_each(|file| file.sequence = Some(2));
        },
        nothing,
    ),
    (
        "an offset index is where the footer has it",
        Quick,
        "its offset index is at",
        |m| {
            let ChunkLayout::Indexed { offset_index: Some(range) } = layout(m, "label") else {
                panic!()
            };
            range.start += 1;
        },
        nothing,
    ),
    (
        "raw pages are where the footer has them",
        Quick,
        "but the offset index says",
        |m| {
            let ChunkLayout::Strided { first_page, .. } = layout(m, "image") else { panic!() };
            *first_page -= 1;
        },
        nothing,
    ),
    (
        "raw values begin where the leaf says",
        Quick,
        "but the offset index says",
        |m| {
            let ChunkLayout::Strided { last_prefix, .. } = layout(m, "image") else { panic!() };
            *last_prefix -= 1;
        },
        nothing,
    ),
    (
        "raw elements have a size of their type",
        Quick,
        "bits an element of u8, expected 8",
        |m| {
            let ChunkLayout::Strided { item_bits, .. } = layout(m, "image") else { panic!() };
            *item_bits = 64;
        },
        nothing,
    ),
    (
        "lists are not strided",
        Quick,
        "rows that differ in length",
        |m| {
            let image = layout(m, "image").clone();
            *layout(m, "tokens") = ChunkLayout::Strided {
                item_bits: 16,
                first_page: 4,
                page_stride: 64,
                page_rows: 1 << 20,
                prefix: 0,
                last_prefix: 0,
            };
            assert!(matches!(image, ChunkLayout::Strided { .. }));
        },
        nothing,
    ),
    (
        "scalars are not raw",
        Quick,
        "raw pages of i64",
        |m| {
            *layout(m, "label") = ChunkLayout::Strided {
                item_bits: 64,
                first_page: 4,
                page_stride: 64,
                page_rows: 1 << 20,
                prefix: 0,
                last_prefix: 0,
            };
        },
        nothing,
    ),
    (
        "null rows are those of the levels",
        Full,
        "which the manifest contradicts",
        |m| {
            let weights = id(m, "weights");
            // A chunk with a null row next to one that is not, in one page: they change places.
            let mut layouts =
                file(m).chunks.iter_mut().filter(|c| c.field == weights).map(|c| &mut c.layout);
            let flipped = layouts.find_map(|layout| match layout {
                ChunkLayout::Paged { null_rows, pages, .. } if pages.len() == 1 => {
                    let byte = null_rows.first_mut()?;
                    let at = (0..3).find(|bit| (*byte >> bit) & 3 == 1)?;
                    *byte ^= 3 << at;
                    Some(())
                }
                _ => None,
            });
            flipped.unwrap();
        },
        nothing,
    ),
    (
        "elements are counted rightly",
        Quick,
        "but the offset index says",
        |m| {
            let ChunkLayout::Paged { value_count, .. } = layout(m, "tokens") else { panic!() };
            *value_count -= 1;
        },
        nothing,
    ),
];
