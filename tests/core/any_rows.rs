//! Any rows of any schema come back bit by bit, however they were laid out and are read.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, cast::AsArray};
use arrow_select::concat::{concat, concat_batches};
use arrow_select::take::take_record_batch;
use futures::StreamExt;
use proptest::prelude::*;
use tenrow::engine::Ids;
use tenrow::{
    Attribute, AttributeType, Dataset, Encoding, PageChecks, ReadOptions, ScanOptions, Schema,
    Snapshot, WriteOptions,
};
use tenrow_tests::random::{self, Dice};
use tenrow_tests::{block_on, place};

/// Types of every kind; tensors of every dtype come beside them.
const TYPES: [&str; 47] = [
    "i8",
    "i16",
    "i32",
    "i64",
    "u8",
    "u16",
    "u32",
    "u64",
    "f16",
    "bf16",
    "f32",
    "f64",
    "bool",
    "string",
    "binary",
    "fixed_binary(5)",
    "fixed_binary(2)",
    "date32",
    "date64",
    "time32(s)",
    "time32(ms)",
    "time64(us)",
    "time64(ns)",
    "timestamp(s)",
    "timestamp(ms)",
    "timestamp(us,Europe/Berlin)",
    "timestamp(ns)",
    "duration(s)",
    "duration(ns)",
    "interval(year_month)",
    "interval(day_time)",
    "decimal32(9,2)",
    "decimal64(18,0)",
    "decimal128(38,10)",
    "decimal256(76,5)",
    "list<f32>",
    "list<u8?>",
    "list<bool>",
    "list<string?>",
    "list<list<i16>>",
    "list<struct<x:f64,y:bool?>?>",
    "struct<a:i64,b:list<string?>?>",
    "struct<a:struct<b:i8?>?>",
    "map<string,i64?>",
    "map<i32,list<u8>>",
    "file",
    "file",
];
const SHAPES: [&str; 13] = [
    "[]", "[1]", "[3]", "[10]", "[2,3]", "[41]", "[300]", "[0]", "[2,0,4]", "[?]", "[?,2]",
    "[?,3,?]", "[7,1]",
];
const KEYS: [&str; 6] = ["key:bool", "key:bool?", "key:i64?", "key:string?", "key:u8", "key:i32?"];

/// A dataset to write: everything about it but its values, which follow from `seed`.
#[derive(Debug, Clone)]
struct Plan {
    attributes: Vec<Attribute>,
    key: Option<Attribute>,
    seed: u64,
    commits: Vec<Vec<usize>>,
    row_group_bytes: u64,
    partition_bytes: u64,
    inline_file_bytes: u64,
}

fn attribute_types() -> impl Strategy<Value = AttributeType> {
    let dtypes = prop::sample::select(tenrow::DType::ALL.to_vec());
    let tensors = (dtypes, prop::sample::select(SHAPES.to_vec()))
        .prop_map(|(dtype, shape)| format!("{dtype}{shape}"));
    let others = prop::sample::select(TYPES.to_vec()).prop_map(str::to_owned);
    prop_oneof![tensors, others].prop_map(|text| text.parse().unwrap())
}

fn encodings() -> impl Strategy<Value = Option<Encoding>> {
    prop_oneof![
        Just(None),
        Just(Some(Encoding::Raw)),
        Just(Some(Encoding::Zstd(1))),
        Just(Some(Encoding::ByteStreamSplitZstd(3))),
        Just(Some(Encoding::Auto)),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let attribute = (attribute_types(), any::<bool>(), encodings());
    prop::collection::vec(attribute, 1..5).prop_map(|list| {
        let named = list.into_iter().enumerate();
        named
            .map(|(i, (attribute_type, nullable, encoding))| {
                let splits = attribute_type.dtype().is_some_and(tenrow::DType::splits_into_bytes);
                let attribute =
                    Attribute::new(format!("a{i}"), attribute_type).with_nullable(nullable);
                match encoding {
                    Some(Encoding::ByteStreamSplitZstd(_)) if !splits => attribute,
                    Some(encoding) => attribute.with_encoding(encoding),
                    None => attribute,
                }
            })
            .collect()
    })
}

fn plans() -> impl Strategy<Value = Plan> {
    let key = prop::option::of(prop::sample::select(KEYS.to_vec()))
        .prop_map(|key| key.map(|text| Attribute::parse(text).unwrap()));
    let batch_rows = prop_oneof![Just(0usize), 1usize..5, 5usize..60, 60usize..300];
    let commits = prop::collection::vec(prop::collection::vec(batch_rows, 0..4), 1..3);
    let bytes = || prop_oneof![1u64..200, 200u64..5000, 5000u64..200_000, Just(64u64 << 20)];
    let inline = prop_oneof![Just(0u64), Just(40), Just(1 << 20)];
    (attributes(), key, any::<u64>(), commits, bytes(), bytes(), inline).prop_map(
        |(attributes, key, seed, commits, row_group_bytes, partition_bytes, inline_file_bytes)| {
            Plan {
                attributes,
                key,
                seed,
                commits,
                row_group_bytes,
                partition_bytes,
                inline_file_bytes,
            }
        },
    )
}

impl Plan {
    fn schema(&self) -> Schema {
        Schema::new(self.attributes.iter().chain(&self.key).cloned()).unwrap()
    }

    fn options(&self) -> WriteOptions {
        WriteOptions::default()
            .with_row_group_bytes(self.row_group_bytes)
            .with_partition_bytes(self.partition_bytes)
            .with_inline_file_bytes(self.inline_file_bytes)
            .with_partition_by(self.key.iter().map(|key| key.name.clone()))
    }

    /// The batches of each commit; a key takes few values, or partitions would be of one row.
    fn batches(&self) -> Vec<Vec<RecordBatch>> {
        let schema = self.schema();
        let mut seed = self.seed;
        let mut batch = |&rows: &usize| {
            seed = seed.wrapping_add(1);
            let batch = random::batch(&schema, seed, rows);
            match &self.key {
                Some(_) => with_few_keys(&batch, seed),
                None => batch,
            }
        };
        self.commits.iter().map(|sizes| sizes.iter().map(&mut batch).collect()).collect()
    }

    /// Writes the commits, and gives the rows in the order in which they must be read.
    async fn write(&self, dataset: &Dataset) -> (Snapshot, RecordBatch) {
        let mut expected = Vec::new();
        for batches in self.batches() {
            let mut writer = dataset.writer_with(self.options()).await.unwrap();
            for batch in &batches {
                writer.append(batch).await.unwrap();
            }
            writer.commit().await.unwrap();
            if let Some(first) = batches.first() {
                let rows = concat_batches(&first.schema(), &batches).unwrap();
                expected.push(if self.key.is_some() { sorted_by_key(&rows) } else { rows });
            }
        }
        let none = random::batch(&self.schema(), 0, 0);
        expected.insert(0, none);
        let expected = concat_batches(&expected[0].schema(), &expected).unwrap();
        (dataset.latest().await.unwrap(), expected)
    }
}

/// The batch with a key of at most four values, null among them.
fn with_few_keys(batch: &RecordBatch, seed: u64) -> RecordBatch {
    let mut dice = Dice::new(seed);
    let last = batch.num_columns() - 1;
    let key = batch.column(last);
    if batch.num_rows() == 0 {
        return batch.clone();
    }
    let few = batch.num_rows().min(4) as u64;
    let picks: UInt32Array = (0..batch.num_rows()).map(|_| Some(dice.below(few) as u32)).collect();
    let mut columns = batch.columns().to_vec();
    columns[last] = arrow_select::take::take(key, &picks, None).unwrap();
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// Null first, then by value; within a key the order of the rows.
fn sorted_by_key(rows: &RecordBatch) -> RecordBatch {
    let key = rows.column(rows.num_columns() - 1);
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    let text = |row: u32| {
        let row = row as usize;
        key.is_valid(row).then(|| key.as_string_opt::<i32>().map(|texts| texts.value(row)))
    };
    let number = |row: u32| {
        let row = row as usize;
        let numbers = match key.as_any().downcast_ref::<BooleanArray>() {
            Some(bools) => return bools.is_valid(row).then(|| i64::from(bools.value(row))),
            None => arrow_cast::cast(key, &arrow_schema::DataType::Int64).ok()?,
        };
        numbers.is_valid(row).then(|| numbers.as_primitive::<Int64Type>().value(row))
    };
    match key.as_string_opt::<i32>() {
        Some(_) => order.sort_by_key(|&row| text(row)),
        None => order.sort_by_cached_key(|&row| number(row)),
    }
    take_record_batch(rows, &UInt32Array::from(order)).unwrap()
}

/// Every column of `found` has the bits of `expected`, and files the bytes that were given.
#[track_caller]
fn assert_same(found: &RecordBatch, expected: &RecordBatch, how: &str) {
    assert_eq!(found.num_rows(), expected.num_rows(), "{how}");
    for (i, field) in expected.schema().fields().iter().enumerate() {
        let name = field.name();
        let column = found.column_by_name(name).unwrap();
        let (column, expected) = match is_file(expected.column(i)) {
            true => (told_of_files(column), told_of_files(expected.column(i))),
            false => (column.clone(), expected.column(i).clone()),
        };
        let (found, expected) = (column.to_data(), expected.to_data());
        assert_eq!(found.data_type(), expected.data_type(), "{how}: {name}");
        assert!(found == expected, "{how}: {name}\nfound {column:?}");
    }
}

fn is_file(column: &ArrayRef) -> bool {
    column.as_struct_opt().is_some_and(|fields| fields.column_by_name("media_type").is_some())
}

/// What the caller told of files; where their bytes are is tenrow's business.
fn told_of_files(column: &ArrayRef) -> ArrayRef {
    let files = column.as_struct();
    let fields = ["name", "media_type"].map(|name| {
        let column = files.column_by_name(name).unwrap().clone();
        (Arc::new(arrow_schema::Field::new(name, column.data_type().clone(), true)), column)
    });
    let (fields, columns): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let nulls = files.nulls().cloned();
    Arc::new(arrow_array::StructArray::new(fields.into(), columns, nulls))
}

async fn check_reads(snapshot: &Snapshot, expected: &RecordBatch, dice: &mut Dice) {
    let rows = expected.num_rows() as u64;
    assert_eq!(snapshot.row_count(), rows);
    assert!(snapshot.get(rows).await.is_err());
    assert_same(&snapshot.slice(0..rows).await.unwrap(), expected, "slice of all");
    let batch_rows = 1 + dice.below(rows + 2) as usize;
    for options in [ScanOptions::default(), ScanOptions::default().with_batch_rows(batch_rows)] {
        let batches: Vec<_> = snapshot.scan_with(&options).map(Result::unwrap).collect().await;
        if let Some(fixed) = options.batch_rows {
            assert!(batches.iter().rev().skip(1).all(|batch| batch.num_rows() == fixed));
        }
        let all = match batches.first() {
            Some(first) => concat_batches(&first.schema(), &batches).unwrap(),
            None => expected.slice(0, 0),
        };
        assert_same(&all, expected, &format!("scan {batch_rows}"));
    }
    if rows == 0 {
        assert_same(&snapshot.take(&[]).await.unwrap(), expected, "take of nothing");
        return;
    }
    let wanted: Vec<u64> = (0..dice.below(40)).map(|_| dice.below(rows)).collect();
    let indices = UInt32Array::from_iter_values(wanted.iter().map(|&row| row as u32));
    let picked = take_record_batch(expected, &indices).unwrap();
    assert_same(&snapshot.take(&wanted).await.unwrap(), &picked, "take");
    let always = ReadOptions::default().with_page_checks(PageChecks::Always);
    assert_same(&snapshot.take_with(&wanted, &always).await.unwrap(), &picked, "take, always");
    let (a, b) = (dice.below(rows + 1), dice.below(rows + 1));
    let range = a.min(b)..a.max(b);
    let part = expected.slice(range.start as usize, (range.end - range.start) as usize);
    assert_same(&snapshot.slice(range.clone()).await.unwrap(), &part, "slice");
    assert_same(&snapshot.slice_with(range, &always).await.unwrap(), &part, "slice, always");
    for row in wanted.into_iter().take(3) {
        let one = expected.slice(row as usize, 1);
        assert_same(&snapshot.get(row).await.unwrap(), &one, "get");
        check_columns(snapshot, expected, row).await;
    }
}

/// One row through the handles on tensors and files.
async fn check_columns(snapshot: &Snapshot, expected: &RecordBatch, row: u64) {
    for attribute in snapshot.schema().attributes() {
        let column = expected.column_by_name(&attribute.name).unwrap();
        match &attribute.attribute_type {
            AttributeType::File => {
                let bytes = column.as_struct().column(0).as_binary::<i32>();
                let given = column.is_valid(row as usize).then(|| bytes.value(row as usize));
                let found =
                    snapshot.file_column(&attribute.name).unwrap().bytes(row).await.unwrap();
                assert_eq!(found.as_deref(), given, "file of row {row}");
            }
            AttributeType::Tensor { dtype, shape } if shape.element_count() > 0 => {
                let tensor =
                    snapshot.tensor_column(&attribute.name).unwrap().get(row).await.unwrap();
                assert_eq!(tensor.is_some(), column.is_valid(row as usize));
                let Some(tensor) = tensor else { continue };
                assert_eq!(tensor.shape(), shape.dims());
                let elements = column.as_fixed_size_list().value(row as usize);
                let bits: Vec<u8> = match dtype.item_bytes() {
                    Some(size) => {
                        let data = elements.to_data();
                        let (at, len) =
                            (data.offset() * size as usize, elements.len() * size as usize);
                        data.buffers()[0].as_slice()[at..at + len].to_vec()
                    }
                    None => elements.as_boolean().iter().map(|b| u8::from(b.unwrap())).collect(),
                };
                assert_eq!(tensor.bytes(), &bits, "tensor of row {row}");
            }
            _ => {}
        }
    }
}

/// All tensors of a column as one, where none is null.
async fn check_whole_tensors(snapshot: &Snapshot, expected: &RecordBatch) {
    for attribute in snapshot.schema().attributes() {
        let column = expected.column_by_name(&attribute.name).unwrap();
        if let AttributeType::Tensor { dtype, shape } = &attribute.attribute_type
            && shape.element_count() > 0
            && let Some(size) = dtype.item_bytes()
            && column.null_count() == 0
        {
            let rows = snapshot.row_count();
            let tensors =
                snapshot.tensor_column(&attribute.name).unwrap().slice(0..rows).await.unwrap();
            let whole = concat(&[column.as_fixed_size_list().values().as_ref()]).unwrap().to_data();
            let len = (rows * shape.element_count() * size) as usize;
            assert_eq!(tensors.tensor.bytes(), &whole.buffers()[0].as_slice()[..len]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_rows_come_back_bit_by_bit(plan in plans()) {
        let folder = place::folder();
        let place = folder.path().join("ds");
        block_on(async {
            let dataset = Dataset::at(place::storage(&place)).with_ids(Ids::seeded(plan.seed));
            dataset.create_here(plan.schema(), &Default::default()).await.unwrap();
            let (snapshot, expected) = plan.write(&dataset).await;
            check_reads(&snapshot, &expected, &mut Dice::new(plan.seed)).await;
            check_whole_tensors(&snapshot, &expected).await;
            let unmapped = Dataset::at(place::storage(&place).with_mmap(false));
            check_reads(&unmapped.latest().await.unwrap(), &expected, &mut Dice::new(!plan.seed)).await;
        });
    }
}
