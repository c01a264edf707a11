//! `verify` names every broken rule: each case breaks one, with right checksums, in a dataset that was well.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use object_store::local::LocalFileSystem;
use serde_json::json;
use tenrow::format::manifest::{
    Chunk, ChunkLayout, DataFile, Partition, Root, RowIdRange, Statistics, Version,
};
use tenrow::{
    Attribute, Dataset, FieldId, Schema, SchemaChange, VerifyOptions, ViewOptions, WriteOptions,
};
use tenrow_tests::edited::{Edited, Manifests, root_path};
use tenrow_tests::{block_on, place, random, zoo};

const ATTRIBUTES: [&str; 9] = [
    "kind:string",
    "label:i64",
    "other:i64",
    "name:string?",
    "image:u8[2,3]",
    "weights:f32[5]?",
    "tokens:list<u16>",
    "boxes:f32[?,2]?",
    "photo:file?",
];

/// A dataset with something of everything: keys, sorted labels, deleted and updated rows, large files, a tag, a view.
async fn well() -> Edited {
    let edited = Edited::new();
    let dataset = edited.dataset();
    let attributes = ATTRIBUTES.iter().map(|text| Attribute::parse(text).unwrap());
    let schema = Schema::new(attributes).unwrap();
    dataset.create_here(schema.clone(), &Default::default()).await.unwrap();
    for part in 0..3 {
        let options = WriteOptions::default()
            .with_row_group_bytes(800)
            .with_partition_bytes(3_000)
            .with_inline_file_bytes(zoo::INLINE_FILE_BYTES)
            .with_partition_by(["kind"]);
        let mut writer = dataset.writer_with(options).await.unwrap();
        writer.append(&batch(&schema, part)).await.unwrap();
        writer.commit().await.unwrap();
    }
    let latest = dataset.latest().await.unwrap();
    dataset.tag("good", Version(3)).await.unwrap();
    dataset.delete(&latest, &[2, 5]).await.unwrap();
    let others: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
    let values = RecordBatch::try_from_iter([("other", others)]).unwrap();
    dataset.update_ids(&[7], &values).await.unwrap();
    let split = Attribute::parse("split:i64").unwrap().with_default(7);
    dataset.change_schema(SchemaChange::Add(split)).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    dataset.create_view("some", &latest, vec![3, 3, 1], &ViewOptions::default()).await.unwrap();
    edited
}

fn batch(schema: &Schema, part: i64) -> RecordBatch {
    let all = random::batch(schema, 11 + part as u64, 40);
    let columns = all.schema_ref().fields().iter().zip(all.columns()).map(|(field, column)| {
        let column: ArrayRef = match field.name().as_str() {
            "kind" => Arc::new(StringArray::from(vec![format!("k{part}"); 40])),
            "label" => Arc::new(Int64Array::from_iter_values((0..40).map(|row| part * 40 + row))),
            _ => column.clone(),
        };
        column
    });
    RecordBatch::try_new(all.schema(), columns.collect()).unwrap()
}

async fn faults(dataset: &Dataset, full: bool) -> Vec<String> {
    let options = VerifyOptions { full, ..VerifyOptions::default() };
    let report = dataset.verify(options).await.unwrap();
    report.faults.iter().map(ToString::to_string).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Quick,
    /// Found by reading everything, and not before.
    Full,
}
use Level::{Full, Quick};

/// A rule that is broken, by what level it is found, and what is said of it.
type Case = (&'static str, Level, &'static str, fn(&mut Manifests), fn(&mut Root));

fn id(m: &Manifests, name: &str) -> FieldId {
    m.root.schema.attribute(name).unwrap().id
}

/// A partition of the first leaf, of which nothing was changed.
fn partition(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(is_plain).unwrap()
}

fn is_plain(p: &&mut Partition) -> bool {
    p.deletes.is_none() && !is_updated(p) && p.files[0].row_groups.len() > 1
}

/// Whether a file was added later: a projection came with the base file.
fn is_updated(p: &Partition) -> bool {
    p.files.iter().any(|file| file.sequence != p.files[0].sequence)
}

fn file(m: &mut Manifests) -> &mut DataFile {
    &mut partition(m).files[0]
}

fn chunk<'a>(m: &'a mut Manifests, name: &str) -> &'a mut Chunk {
    let id = id(m, name);
    file(m).chunks.iter_mut().find(|chunk| chunk.field == id).unwrap()
}

fn layout<'a>(m: &'a mut Manifests, name: &str) -> &'a mut ChunkLayout {
    &mut chunk(m, name).layout
}

fn statistics<'a>(m: &'a mut Manifests, name: &str) -> &'a mut Statistics {
    let id = id(m, name);
    partition(m).statistics.iter_mut().find(|own| own.field == id).unwrap()
}

fn deleted(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| p.deletes.is_some()).unwrap()
}

fn updated(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| is_updated(p)).unwrap()
}

fn with_large(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| !p.external_files.is_empty()).unwrap()
}

/// Names the ids that partitions inherit.
fn name_ids(m: &mut Manifests) {
    for (reference, leaf) in m.root.leaves.iter().zip(&mut m.leaves) {
        let mut next = reference.first_row_id;
        for partition in leaf.partitions.iter_mut().filter(|p| p.row_ids.is_empty()) {
            partition.row_ids = vec![RowIdRange { first: next, count: partition.row_count }];
            next += partition.row_count;
        }
    }
}

fn change_attribute(m: &mut Manifests, name: &str, text: &str) {
    let mut attributes = m.root.schema.attributes().to_vec();
    let attribute = attributes.iter_mut().find(|attribute| attribute.name == name).unwrap();
    let new = Attribute::parse(&format!("{name}:{text}")).unwrap();
    *attribute = Attribute { id: attribute.id, encoding: attribute.encoding.clone(), ..new };
    m.root.schema = Schema::from_parts(attributes, m.root.schema.next_field_id()).unwrap();
}

fn nothing<T>(_: &mut T) {}

/// What manifests alone can say wrongly.
const CASES: &[Case] = &[
    (
        "row ids ascend with partitions",
        Quick,
        "ids ascend with rows",
        |m| {
            name_ids(m);
            let (one, other) = m.leaves[0].partitions.split_at_mut(1);
            std::mem::swap(&mut one[0].row_ids, &mut other[0].row_ids);
            let (a, b) = (&mut one[0], &mut other[0]);
            (a.row_ids[0].count, b.row_ids[0].count) = (a.row_count, b.row_count);
        },
        nothing,
    ),
    (
        "row ids ascend within a partition",
        Quick,
        "ids ascend with rows",
        |m| {
            name_ids(m);
            let last = partition(m);
            let ids = last.row_ids.pop().unwrap();
            let half = ids.count / 2;
            last.row_ids.push(RowIdRange { first: ids.first + half, count: ids.count - half });
            last.row_ids.push(RowIdRange { first: ids.first, count: half });
        },
        nothing,
    ),
    (
        "no row id twice in the version",
        Quick,
        "an earlier row has the id",
        |m| {
            name_ids(m);
            m.leaves.last_mut().unwrap().partitions.last_mut().unwrap().row_ids[0].first = 0;
        },
        nothing,
    ),
    (
        "a leaf's first_row_id is that of its first row",
        Quick,
        "its first row has the id",
        name_ids,
        |root| {
            root.leaves[0].first_row_id += 1;
        },
    ),
    ("next_row_id is above all ids", Quick, "next_row_id is", nothing, |root| {
        root.next_row_id = root.leaves.last().unwrap().first_row_id;
    }),
    (
        "all partitions of a leaf name their ids, or none",
        Quick,
        "expected all or none",
        |m| {
            name_ids(m);
            m.leaves[0].partitions[1].row_ids.clear();
        },
        nothing,
    ),
    (
        "a partition is known by its base file",
        Quick,
        "is that of an earlier partition too",
        |m| {
            name_ids(m);
            let mut again = m.leaves[0].partitions[0].clone();
            again.row_ids = vec![RowIdRange { first: 5000, count: again.row_count }];
            m.root.next_row_id = 9000;
            m.leaves.last_mut().unwrap().partitions.push(again);
            m.count();
        },
        nothing,
    ),
    (
        "a partition whose every row is deleted is left out",
        Quick,
        "it is to be left out",
        |m| {
            let partition = deleted(m);
            partition.deletes.as_mut().unwrap().row_count = partition.row_count;
            m.count();
        },
        nothing,
    ),
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
        "a root has the live rows of its leaves",
        Quick,
        "live rows, but its root says",
        nothing,
        |root| {
            root.leaves[0].row_count -= 1;
        },
    ),
    (
        "a root has the partitions of its leaves",
        Quick,
        "partitions, but its root says",
        nothing,
        |root| {
            root.leaves[0].partition_count += 1;
        },
    ),
    (
        "a root has the bytes of its files",
        Quick,
        "bytes of files, but its root says",
        nothing,
        |root| {
            root.leaves[0].size_of_files_bytes += 1;
        },
    ),
    ("a leaf is not of a later version", Quick, "which is beyond version", nothing, |root| {
        root.leaves[0].sequence = root.version.0 + 1;
    }),
    (
        "a file is not of a later version",
        Quick,
        "which is beyond version",
        |m| {
            file(m).sequence = Some(m_version(1_000));
        },
        nothing,
    ),
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
        "a minimum is at most every value",
        Full,
        "statistics say a minimum of",
        |m| {
            let own = statistics(m, "other");
            (own.exact, own.min) = (false, own.max.clone());
        },
        nothing,
    ),
    (
        "a maximum is at least every value",
        Full,
        "statistics say a maximum of",
        |m| {
            let own = statistics(m, "other");
            (own.exact, own.max) = (false, own.min.clone());
        },
        nothing,
    ),
    (
        "exact bounds occur",
        Full,
        "which does not occur",
        |m| {
            let own = statistics(m, "other");
            (own.min, own.exact) = (Some(json!(i64::MIN)), true);
        },
        nothing,
    ),
    (
        "nulls are counted rightly",
        Full,
        "nulls, found",
        |m| {
            statistics(m, "name").null_count += 1;
        },
        nothing,
    ),
    (
        "bounds of texts hold",
        Full,
        "statistics say a maximum of",
        |m| {
            let own = statistics(m, "name");
            (own.exact, own.max, own.min) = (false, Some(json!("")), Some(json!("")));
        },
        nothing,
    ),
    (
        "bounds are a range",
        Quick,
        "is no range",
        |m| {
            let own = statistics(m, "other");
            std::mem::swap(&mut own.min, &mut own.max);
        },
        nothing,
    ),
    (
        "there are no more nulls than rows",
        Quick,
        "nulls in",
        |m| {
            statistics(m, "name").null_count = 100_000;
        },
        nothing,
    ),
    (
        "exact needs both bounds",
        Quick,
        "exact without both bounds",
        |m| {
            statistics(m, "other").min = None;
        },
        nothing,
    ),
    (
        "a leaf's bounds contain those of its partitions",
        Quick,
        "but a partition has",
        nothing,
        |root| {
            let own =
                root.leaves[0].statistics.iter_mut().find(|own| own.field == FieldId(2)).unwrap();
            own.min = own.max.clone();
        },
    ),
    ("a leaf's nulls are those of its partitions", Quick, "its partitions 0", nothing, |root| {
        root.leaves[0].statistics[0].null_count += 1;
    }),
    ("a leaf's exact bounds occur", Quick, "which no partition has", nothing, |root| {
        let own = root.leaves[0].statistics.iter_mut().find(|own| own.field == FieldId(2)).unwrap();
        own.max = Some(json!(100_000));
    }),
    (
        "a key is what its bounds say",
        Quick,
        "but its bounds are others",
        |m| {
            partition(m).keys[0].value = json!("other");
        },
        nothing,
    ),
    (
        "a key is the value of all rows",
        Full,
        "the key is \"other\"",
        |m| {
            let kind = id(m, "kind");
            partition(m).keys[0].value = json!("other");
            partition(m).statistics.retain(|own| own.field != kind);
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
    (
        "a deletion vector has its checksum",
        Quick,
        "checksum",
        |m| {
            deleted(m).deletes.as_mut().unwrap().checksum ^= 1;
        },
        nothing,
    ),
    (
        "a deletion vector has its rows",
        Quick,
        "rows, but its leaf says",
        |m| {
            deleted(m).deletes.as_mut().unwrap().row_count += 1;
            m.count();
        },
        nothing,
    ),
    (
        "a parent has the checksum that its child says",
        Quick,
        "but the next version says",
        nothing,
        |root| {
            root.parent.as_mut().unwrap().checksum ^= 1;
        },
    ),
    (
        "a version is made from the one before it",
        Quick,
        "expected the one before version",
        nothing,
        |root| {
            root.parent.as_mut().unwrap().version.0 -= 1;
        },
    ),
    ("only the first version has no parent", Quick, "it names no parent", nothing, |root| {
        root.parent = None;
    }),
    ("times never fall", Quick, "created_ms is 5", nothing, |root| root.created_ms = 5),
    ("field ids are never given twice", Quick, "next_field_id is", nothing, |root| {
        let mut attributes = root.schema.attributes().to_vec();
        attributes.pop();
        root.schema = Schema::from_parts(attributes, root.schema.next_field_id() - 1).unwrap();
    }),
    (
        "the flag of one writer is a feature",
        Quick,
        "\"single_writer\" is used, but not named",
        nothing,
        |root| {
            root.single_writer = true;
        },
    ),
    ("a view has its size", Quick, "bytes, but its manifest says", nothing, |root| {
        root.views.get_mut("some").unwrap().size_bytes += 1;
    }),
    ("a view has its checksum", Quick, "its root says", nothing, |root| {
        root.views.get_mut("some").unwrap().checksum ^= 1;
    }),
    ("a view has its rows", Quick, "_tenrow/views/", nothing, |root| {
        root.views.get_mut("some").unwrap().row_count += 1;
    }),
    (
        "a view is of the version that it was made from",
        Quick,
        "the view was made from",
        nothing,
        |root| {
            root.views.get_mut("some").unwrap().input_checksum ^= 1;
        },
    ),
];

/// A sequence that no version of these tests has.
const fn m_version(number: u64) -> u64 {
    number
}

#[test]
fn verify_names_every_rule_that_manifests_break() {
    block_on(async {
        let well = well().await;
        assert_eq!(faults(&well.dataset(), false).await, [""; 0]);
        assert_eq!(faults(&well.dataset(), true).await, [""; 0]);
        let mut tried = 0;
        let mut missed = Vec::new();
        for (rule, level, says, damage, damage_root) in CASES {
            let edited = well.copy().await;
            let mut manifests = edited.manifests().await;
            damage(&mut manifests);
            tried += 1;
            if !edited.write(&manifests).await {
                missed.push(format!("{rule}: refused before it is looked at"));
                continue;
            }
            let mut root = edited.root().await;
            damage_root(&mut root);
            edited.put(&root_path(root.version), root.encode()).await;
            let quick = faults(&edited.dataset(), false).await;
            let full = faults(&edited.dataset(), true).await;
            let found = if *level == Quick { &quick } else { &full };
            if !found.iter().any(|fault| fault.contains(says)) {
                missed.push(format!("{rule}: {says:?} is not in {found:#?}"));
            }
            if *level == Full && !quick.is_empty() {
                missed.push(format!("{rule}: found without reading everything: {quick:#?}"));
            }
        }
        assert!(missed.is_empty(), "{} of {tried}: {}", missed.len(), missed.join("\n"));
        assert_eq!(tried, 60);
    });
}

#[test]
fn verify_names_every_feature_that_is_used_and_not_named() {
    block_on(async {
        let well = well().await;
        let root = well.root().await;
        let named: BTreeSet<String> = &root.reader_features | &root.writer_features;
        let expected =
            ["column_files", "default_values", "deletion_vectors", "external_files", "views"];
        assert_eq!(named.iter().map(String::as_str).collect::<Vec<_>>(), expected);
        for feature in &named {
            let edited = well.copy().await;
            let mut root = root.clone();
            root.reader_features.remove(feature);
            root.writer_features.remove(feature);
            edited.put(&root_path(root.version), root.encode()).await;
            let found = faults(&edited.dataset(), false).await;
            let says = format!("feature {feature:?} is used, but not named for writers");
            assert!(found.iter().any(|fault| fault.contains(&says)), "{feature}: {found:#?}");
        }
    });
}

#[test]
fn verify_names_every_object_that_is_missing() {
    block_on(async {
        let well = well().await;
        let mut tried = 0;
        for folder in ["data/", "columns/", "files/", "_tenrow/deletes/", "_tenrow/views/"] {
            for name in well.names(folder).await {
                let edited = well.copy().await;
                edited.delete(&name).await;
                let found = faults(&edited.dataset(), true).await;
                assert!(found.iter().any(|fault| fault.contains(&name)), "{name}: {found:#?}");
                tried += 1;
            }
        }
        // Leaves and roots of older versions too, as long as they have not expired.
        for name in well.names("_tenrow/leaves/").await {
            let edited = well.copy().await;
            edited.delete(&name).await;
            let found = faults(&edited.dataset(), true).await;
            assert!(found.iter().any(|fault| fault.contains(&name)), "{name}: {found:#?}");
            tried += 1;
        }
        let edited = well.copy().await;
        edited.delete(&root_path(Version(3))).await;
        let found = faults(&edited.dataset(), false).await;
        for says in [
            "tag \"good\" is of version 3, which is not there",
            "missing though it has not expired",
        ] {
            assert!(found.iter().any(|fault| fault.contains(says)), "{found:#?}");
        }
        assert!(tried > 20, "{tried}");
    });
}

#[test]
fn verify_names_an_origin_that_does_not_keep_what_is_referred_to() {
    if !place::needs_folders("notes are removed there") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| place::location(folder.path().join(name));
        let schema = Schema::new([Attribute::parse("a:i64").unwrap()]).unwrap();
        let origin = Dataset::create(&at("origin"), schema.clone()).await.unwrap();
        let mut writer = origin.writer().await.unwrap();
        writer.append(&random::batch(&schema, 1, 5)).await.unwrap();
        let version = writer.commit().await.unwrap().version();
        let clone = origin.clone_to(&at("clone"), version).await.unwrap();
        assert_eq!(faults(&clone, true).await, [""; 0]);
        let store = LocalFileSystem::new_with_prefix(folder.path().join("origin")).unwrap();
        let objects = Edited { store: Arc::new(store) };
        let note = objects.names("_tenrow/clones/").await.remove(0);
        let good = objects.get(&note).await;

        objects.put(&note, String::from_utf8(good.to_vec()).unwrap().replace(":2}", ":1}")).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("the note there keeps version 1, expected 2"), "{found:#?}");
        objects.delete(&note).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("nothing there keeps it"), "{found:#?}");
        objects.put(&note, good).await;
        assert_eq!(faults(&clone, true).await, [""; 0]);
        objects.delete(&root_path(version)).await;
        let found = faults(&clone, false).await;
        assert!(found[0].contains("no version 2"), "{found:#?}");
    });
}

#[test]
fn verify_names_a_column_of_a_foreign_file_that_no_leaf_lists() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let parquet = folder.path().join("a.parquet");
        let schema = Schema::new([Attribute::parse("a:i64").unwrap()]).unwrap();
        let batch = random::batch(&schema, 1, 5);
        let out = std::fs::File::create(&parquet).unwrap();
        let mut writer = parquet::arrow::ArrowWriter::try_new(out, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let edited = Edited::new();
        let dataset = edited.dataset();
        dataset.create_here(schema, &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_in_place(&parquet, &Default::default()).await.unwrap();
        writer.commit().await.unwrap();
        assert_eq!(faults(&dataset, true).await, [""; 0]);
        let mut manifests = edited.manifests().await;
        let file = &mut manifests.leaves[0].partitions[0].files[0];
        assert_eq!(file.chunks.len(), 1);
        file.chunks.clear();
        file.field_ids = vec![FieldId(1)];
        edited.write(&manifests).await;
        assert!(!faults(&edited.dataset(), false).await.is_empty());
    });
}
