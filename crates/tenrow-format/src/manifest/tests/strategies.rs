//! Random manifests that keep every rule.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use crate::manifest::*;
use crate::version::Version;
use crate::{Attribute, FieldId, Schema};

pub(super) fn path() -> impl Strategy<Value = String> {
    "(data|columns|files)/[a-zé]{1,8}(/[0-9a-f]{1,8}){0,2}"
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from), // NaN and infinities become null
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn bound() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        Just(None),
        any::<bool>().prop_map(|v| Some(v.into())),
        any::<i64>().prop_map(|v| Some(v.into())),
        (-1e300..1e300).prop_map(|v: f64| Some(v.into())),
        "\\PC{0,16}".prop_map(|v| Some(v.into())),
    ]
}

fn statistics(most: usize, rows: u64) -> impl Strategy<Value = Vec<Statistics>> {
    btree_map(1u32..100, (0..=rows, bound(), bound()), 0..=most).prop_map(|map| {
        map.into_iter()
            .map(|(id, (nulls, min, max))| Statistics::new(FieldId(id), nulls, min, max))
            .collect()
    })
}

fn schema() -> impl Strategy<Value = Schema> {
    const TYPES: [&str; 8] =
        ["u8[28,28]", "f32[?,5]", "string?", "file", "list<i32?>?", "bool", "bf16[3]", "date32"];
    btree_map("[a-z]{1,6}", (0..TYPES.len(), any::<bool>()), 1..6).prop_map(|map| {
        let attributes = map.into_iter().zip(1..).map(|((name, (of_type, zstd)), id)| {
            let attribute = Attribute::parse(&format!("{name}:{}", TYPES[of_type])).unwrap();
            let attribute = if zstd {
                attribute.with_encoding(crate::Encoding::Zstd(7))
            } else if TYPES[of_type] == "u8[28,28]" {
                attribute.with_dim_names(["y", "x"])
            } else {
                attribute
            };
            Attribute { id: FieldId(id * 2), ..attribute }
        });
        changed(Schema::from_parts(attributes.collect(), 99).unwrap())
    })
}

/// The schema after whatever changes it allows.
fn changed(schema: Schema) -> Schema {
    let names: Vec<String> = schema.attributes().iter().map(|a| a.name.clone()).collect();
    let mut schema = schema;
    for name in names {
        schema = schema.with_widened(&name, crate::DType::F64).unwrap_or(schema);
        schema = schema.with_made_nullable(&name).unwrap_or(schema);
    }
    let added = Attribute::parse("added_one:i16[2]").unwrap().with_default(7);
    schema.with_added(added).unwrap()
}

fn leaf_ref() -> impl Strategy<Value = LeafRef> {
    let numbers = (any::<u64>(), 1..1u64 << 20, 1u64..4096, 0..1u64 << 40, 0..1u64 << 50);
    (numbers, 0..1u64 << 50, any::<u64>(), statistics(8, 1 << 40)).prop_map(
        |((checksum, size, partitions, rows, files), first_row_id, sequence, statistics)| LeafRef {
            path: String::new(), // set where all paths are known
            checksum,
            size_bytes: size,
            partition_count: partitions,
            row_count: rows,
            size_of_files_bytes: files,
            first_row_id,
            sequence,
            statistics,
        },
    )
}

fn view_ref() -> impl Strategy<Value = ViewRef> {
    (any::<[u64; 2]>(), 0u64..1 << 30, 1u64..3, ".{0,20}", any::<i64>()).prop_map(
        |([checksum, input_checksum], row_count, version, query, created_ms)| ViewRef {
            path: format!("_tenrow/views/{checksum}.parquet"),
            checksum,
            size_bytes: row_count,
            row_count,
            version: Version(version),
            input_checksum,
            query,
            created_ms,
        },
    )
}

pub(super) fn root() -> impl Strategy<Value = Root> {
    let features = || btree_set(prop::sample::select(KNOWN_FEATURES.as_slice()), 0..5);
    let identity = (2..u64::MAX, any::<Option<u64>>(), "\\PC{1,20}", any::<i64>(), ".{0,9}");
    let maps = (
        btree_map(any::<String>(), any_json(), 0..4),
        btree_map(any::<String>(), any::<u64>(), 0..4),
        (btree_map("\\PC{1,9}", 1u64..3, 0..4), 1u64..3),
        btree_map("[a-z]{1,9}", view_ref(), 0..3),
        btree_map("[a-z0-9]{1,9}", ("/\\PC{0,20}", 1u64..99, any::<Option<u32>>()), 0..3),
    );
    let leaves = vec(leaf_ref(), 0..5);
    (features(), features(), identity, schema(), maps, leaves, any::<bool>()).prop_map(
        |(readers, writers, identity, schema, maps, leaves, single_writer)| {
            let (version, parent, write_id, created_ms, operation) = identity;
            let (properties, sequences, (tags, expired_before), views, origins) = maps;
            let origin = |(location, version, note): (String, u64, Option<u32>)| OriginRef {
                location,
                version: Version(version),
                note: note.map(|note| note.to_string()),
            };
            let path = |(n, leaf)| LeafRef { path: format!("_tenrow/leaves/{n}"), ..leaf };
            Root {
                reader_features: readers.into_iter().map(Into::into).collect(),
                writer_features: writers.into_iter().map(Into::into).collect(),
                version: Version(version),
                parent: parent.map(|checksum| Parent { version: Version(version / 2), checksum }),
                write_id,
                created_ms,
                times_from: Version(version / 2),
                operation,
                schema,
                properties: properties.into_iter().collect(),
                leaves: leaves.into_iter().enumerate().map(path).collect(),
                next_row_id: 1 << 51,
                sequences,
                tags: tags.into_iter().map(|(name, v)| (name, Version(v))).collect(),
                expired_before: Version(expired_before),
                views,
                origins: origins.into_iter().map(|(name, found)| (name, origin(found))).collect(),
                single_writer,
            }
        },
    )
}

fn item_bits() -> impl Strategy<Value = u8> {
    prop::sample::select([1u8, 8, 16, 32, 64].as_slice())
}

fn layout(rows: u64) -> impl Strategy<Value = ChunkLayout> {
    let strided = (item_bits(), 4u64..1000, 70u64..5000, 1u64..100, 0u32..64, 0u32..64).prop_map(
        |(item_bits, first_page, page_stride, page_rows, prefix, last_prefix)| {
            ChunkLayout::Strided {
                item_bits,
                first_page,
                page_stride,
                page_rows,
                prefix,
                last_prefix,
            }
        },
    );
    let paged = (item_bits(), 4u64..1000, 1u64..60, 0u64..50, any::<bool>()).prop_map(
        move |(item_bits, first_page, page_rows, values_per_row, nulls)| {
            let starts = (0..rows).step_by(page_rows as usize);
            let page = |first_row| PageStart {
                first_row,
                first_value: first_row * values_per_row,
                values_offset: first_page + 20 + first_row * (values_per_row * 8 + 20),
            };
            let mut null_rows = vec![0x55; if nulls { rows.div_ceil(8) as usize } else { 0 }];
            if let (Some(last), used @ 1..) = (null_rows.last_mut(), rows % 8) {
                *last &= (1 << used) - 1;
            }
            ChunkLayout::Paged {
                item_bits,
                first_page,
                value_count: rows * values_per_row,
                pages: starts.map(page).collect(),
                null_rows,
            }
        },
    );
    let indexed = option::of((0u64..1000, 1u64..1000))
        .prop_map(|range| ChunkLayout::Indexed { offset_index: range.map(|(at, n)| at..at + n) });
    prop_oneof![strided, paged, indexed]
}

fn data_file(row_groups: Vec<u64>) -> impl Strategy<Value = DataFile> {
    let chunks: Vec<_> = row_groups
        .iter()
        .enumerate()
        .flat_map(|(row_group, &rows)| {
            (0..2u32).map(move |column| {
                layout(rows).prop_map(move |layout| Chunk {
                    field: FieldId(column + 3),
                    row_group: row_group as u32,
                    column,
                    layout,
                })
            })
        })
        .collect();
    let foreign = option::of(any::<i64>());
    let numbers = (1u64 << 30..1 << 40, any::<u64>(), 8u64..1 << 20, option::of(0..1u64 << 62));
    (path(), foreign, numbers, chunks).prop_map(
        move |(path, foreign, (size_bytes, checksum, footer_bytes, sequence), chunks)| DataFile {
            path: if foreign.is_some() { format!("/../{path}") } else { path },
            foreign: foreign.map(|modified_ns| ForeignFile { modified_ns }),
            size_bytes,
            checksum,
            footer_bytes,
            sequence,
            field_ids: vec![FieldId(3), FieldId(4), FieldId(9)],
            row_groups: row_groups.clone(),
            chunks,
        },
    )
}

fn key() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ]
}

fn partition(named: bool) -> impl Strategy<Value = Partition> {
    vec(0u64..200, 1..4).prop_flat_map(move |row_groups| {
        let row_count: u64 = row_groups.iter().sum();
        let deletes = (any::<bool>(), path(), any::<u64>(), 0..1u64 << 40).prop_map(
            move |(deleted, path, checksum, size_bytes)| {
                (deleted && row_count > 0).then(|| DeletionVector {
                    path,
                    size_bytes,
                    checksum,
                    row_count: row_count / 2 + 1,
                })
            },
        );
        let row_ids = (0..1u64 << 50).prop_map(move |first| {
            let halves = [
                RowIdRange { first: first + row_count, count: row_count / 2 },
                RowIdRange { first, count: row_count - row_count / 2 },
            ];
            halves.into_iter().filter(|range| named && range.count > 0).collect::<Vec<_>>()
        });
        let keys = vec(key(), 0..3).prop_map(|values| {
            let key = |(value, id)| KeyValue { field: FieldId(id), value };
            values.into_iter().zip(1..).map(key).collect::<Vec<_>>()
        });
        let files = vec(data_file(row_groups), 1..3).prop_map(|files| {
            let renamed = |(n, file): (usize, DataFile)| DataFile {
                path: format!("{}-{n}", file.path),
                ..file
            };
            files.into_iter().enumerate().map(renamed).collect::<Vec<_>>()
        });
        (deletes, row_ids, keys, files, statistics(3, row_count), vec(path(), 0..3)).prop_map(
            move |(deletes, row_ids, keys, files, statistics, external_files)| Partition {
                row_count,
                row_ids,
                keys,
                files,
                statistics,
                deletes,
                external_files,
            },
        )
    })
}

pub(super) fn leaf() -> impl Strategy<Value = Leaf> {
    let partitions = any::<bool>().prop_flat_map(|named| vec(partition(named), 0..5));
    partitions.prop_map(|partitions| Leaf { partitions })
}
