//! What becomes of an operation if another is committed just before it: the table of `spec/commit.md`, tried.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, RecordBatch};
use futures::FutureExt;
use object_store::memory::InMemory;
use tenrow::storage::Storage;
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, DType, Dataset, Error, ErrorKind,
    ExpireOptions, Result, Schema, SchemaChange, VerifyOptions, Version, WriteOptions,
};
use tenrow_tests::fault::FaultyStore;
use tenrow_tests::{block_on, place};

const OPERATIONS: [Operation; 14] = [
    Operation::Append,
    Operation::Add,
    Operation::Fill,
    Operation::Drop,
    Operation::Rename,
    Operation::Widen,
    Operation::Delete,
    Operation::Update,
    Operation::Overwrite,
    Operation::OverwriteWithSchema,
    Operation::Compact,
    Operation::Restore,
    Operation::Tag,
    Operation::Expire,
];

/// The table of `spec/commit.md`: for two operations, the second first, `R` rebased, `C` conflict, `S` conflict if both
/// concern the same attribute, name or version, `L` left as it is.
fn table() -> Vec<(Operation, Operation, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/commit.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("| second ↓, first → |").unwrap();
    let (heads, rows) = table.split_once("|\n").unwrap();
    let heads: Vec<&str> = heads.split('|').map(str::trim).collect();
    let mut cells = Vec::new();
    for row in rows.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let mut row = row.trim_matches('|').split('|').map(str::trim);
        let seconds = operations(row.next().unwrap());
        let row: Vec<&str> = row.collect();
        assert_eq!(row.len(), heads.len(), "{seconds:?}");
        for second in seconds {
            let firsts = heads.iter().flat_map(|head| operations(head));
            cells.extend(firsts.zip(&row).map(|(first, cell)| (second, first, (*cell).to_owned())));
        }
    }
    cells
}

/// What the table calls so; a row may be of two.
fn operations(name: &str) -> Vec<Operation> {
    vec![match name.trim_end_matches(" column") {
        "append" => Operation::Append,
        "add" => Operation::Add,
        "fill" => Operation::Fill,
        "drop" => Operation::Drop,
        "rename" => Operation::Rename,
        "widen" => Operation::Widen,
        "delete" => Operation::Delete,
        "update" => Operation::Update,
        "overwrite" => Operation::Overwrite,
        "overwrite, new schema" => Operation::OverwriteWithSchema,
        "overwrite, new schema or not" => {
            return vec![Operation::Overwrite, Operation::OverwriteWithSchema];
        }
        "compact" => Operation::Compact,
        "restore" => Operation::Restore,
        "tag" => Operation::Tag,
        "expire" => Operation::Expire,
        name => panic!("no test does {name:?}"),
    }]
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Operation {
    Append,
    Add,
    Fill,
    Drop,
    Rename,
    Widen,
    Delete,
    Update,
    Overwrite,
    OverwriteWithSchema,
    Compact,
    Restore,
    Tag,
    Expire,
}

/// What two operations concern: both the one, or each its own.
#[derive(Debug, Clone, Copy)]
struct Subject {
    attribute: &'static str,
    new_name: &'static str,
    tag: &'static str,
    /// The versions that an expiry leaves.
    keep: u64,
}

const ONE: Subject = Subject { attribute: "y", new_name: "w", tag: "best", keep: 1 };
const OTHER: Subject = Subject { attribute: "z", new_name: "u", tag: "good", keep: 5 };

#[test]
fn operations_are_rebased_or_conflict_as_the_table_says() {
    let table = table();
    let all = OPERATIONS.into_iter().flat_map(|second| OPERATIONS.map(|first| (second, first)));
    assert_eq!(
        all.collect::<Vec<_>>(),
        table.iter().map(|cell| (cell.0, cell.1)).collect::<Vec<_>>()
    );
    for (second, first, cell) in &table {
        let tries = match cell.as_str() {
            "S" => vec![(ONE, "C"), (OTHER, "R")],
            cell => vec![(ONE, cell)],
        };
        for (subject, expected) in tries {
            let context = format!("{second:?} after {first:?} of {subject:?}");
            block_on(try_pair(*second, *first, subject, expected, &context));
        }
    }
}

async fn try_pair(
    second: Operation,
    first: Operation,
    subject: Subject,
    expected: &str,
    context: &str,
) {
    let (dataset, store) = base().await;
    let rival = Dataset::at(dataset.storage().clone());
    store.before_next_version(move || {
        async move {
            run(&rival, first, subject, 2).await.unwrap();
        }
        .boxed()
    });

    let result = run(&dataset, second, ONE, 3).await;

    let winner = dataset.version(Version(7)).await.unwrap().root().operation.clone();
    match (expected, result) {
        ("C", Err(error)) => check_message(&error, &winner, second, context),
        ("R", Ok(left)) => assert_eq!(left, 0, "{context}"),
        ("L", Ok(left)) => assert!(left > 0, "{context}"),
        (expected, Ok(_)) => panic!("{context} was done, expected {expected}"),
        (expected, Err(error)) => panic!("{context}: {}, expected {expected}", error.chain()),
    }
    let options = VerifyOptions { full: true, ..VerifyOptions::default() };
    let report = dataset.verify(options).await.unwrap();
    assert!(report.faults.is_empty(), "{context}: {:?}", report.faults);
    assert!(report.versions <= 8, "{context}: {} versions", report.versions);
}

/// A conflict says which version won, and by what.
fn check_message(error: &Error, winner: &str, second: Operation, context: &str) {
    let text = error.to_string();
    if winner == "expire" {
        assert_eq!(error.kind(), ErrorKind::NotFound, "{context}: {text}");
        assert!(text.contains("has expired"), "{context}: {text}");
        return;
    }
    if second == Operation::Tag {
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{context}: {text}");
        assert!(text.contains("is that of version 2"), "{context}: {text}");
        return;
    }
    assert_eq!(error.kind(), ErrorKind::Conflict, "{context}: {text}");
    assert!(text.starts_with(&format!("version 7 ({winner}) was ")), "{context}: {text}");
}

/// Version 6: three partitions, of which two lack the attributes `y` and `z`.
async fn base() -> (Dataset, Arc<FaultyStore>) {
    let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
    let dataset = Dataset::at(Storage::from_store(store.clone(), "place".into()));
    let schema = Schema::new([Attribute::parse("x:i32").unwrap()]).unwrap();
    dataset.create_here(schema, &Default::default()).await.unwrap();
    append(&dataset).await.unwrap();
    append(&dataset).await.unwrap();
    for text in ["y:i32?", "z:i32?"] {
        let attribute = Attribute::parse(text).unwrap();
        dataset.change_schema(SchemaChange::Add(attribute)).await.unwrap();
    }
    append(&dataset).await.unwrap();
    (dataset, store)
}

async fn append(dataset: &Dataset) -> Result<()> {
    let mut writer = dataset.writer().await?;
    writer.append_columns(Columns::new().scalars("x", [1i32, 2])).await?;
    writer.commit().await.map(drop)
}

async fn overwrite(dataset: &Dataset, schema: Option<Schema>) -> Result<()> {
    let mut writer = dataset.overwriter(schema, WriteOptions::default()).await?;
    writer.append_columns(Columns::new().scalars("x", [7i32])).await?;
    writer.commit().await.map(drop)
}

/// Does it; gives the partitions that were left as they are.
async fn run(
    dataset: &Dataset,
    operation: Operation,
    subject: Subject,
    tagged: u64,
) -> Result<u64> {
    let name = subject.attribute.to_owned();
    let change = |change| async { dataset.change_schema(change).await.map(drop) };
    match operation {
        Operation::Append => append(dataset).await?,
        Operation::Add => {
            let attribute = Attribute::parse(&format!("{}:i32?", subject.new_name)).unwrap();
            change(SchemaChange::Add(attribute)).await?;
        }
        Operation::Fill => {
            let compute = |batch: &RecordBatch| Ok(batch.column(0).clone());
            dataset.fill_column(&ColumnFill::new(name, ["x"]), compute).await?;
        }
        Operation::Drop => change(SchemaChange::Drop(name)).await?,
        Operation::Rename => {
            change(SchemaChange::Rename { from: name, to: subject.new_name.into() }).await?;
        }
        Operation::Widen => change(SchemaChange::Widen { name, dtype: DType::I64 }).await?,
        Operation::Delete => drop(dataset.delete_ids(&[0]).await?),
        Operation::Update => {
            let values: ArrayRef = Arc::new(Int32Array::from(vec![9]));
            let values = Columns::new().array(&name, values).into_batch()?;
            dataset.update_ids(&[0], &values).await?;
        }
        Operation::Overwrite => overwrite(dataset, None).await?,
        Operation::OverwriteWithSchema => {
            let schema = Schema::new([Attribute::parse("x:i32").unwrap()]).unwrap();
            overwrite(dataset, Some(schema)).await?;
        }
        Operation::Compact => {
            let report = dataset.compact(CompactOptions::default()).await?;
            return Ok(report.skipped_partitions);
        }
        Operation::Restore => drop(dataset.restore(Version(5)).await?),
        Operation::Tag => drop(dataset.tag(subject.tag, Version(tagged)).await?),
        Operation::Expire => {
            let keep_last = Some(subject.keep);
            dataset.expire(&ExpireOptions { keep_last, ..ExpireOptions::default() }).await?;
        }
    }
    Ok(0)
}

/// However many versions came since, the one is named that won, and few are read to find it.
#[test]
fn a_conflict_names_the_version_that_won_among_many() {
    block_on(async {
        let folder = place::folder();
        let dataset = Dataset::at(place::counted(folder.path()));
        let schema = Schema::new([Attribute::parse("x:i32").unwrap()]).unwrap();
        dataset.create_here(schema, &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("x", [1i32])).await.unwrap();
        for version in 2..100u64 {
            match version {
                70 => overwrite(
                    &dataset,
                    Some(Schema::new([Attribute::parse("x:i32").unwrap()]).unwrap()),
                )
                .await
                .unwrap(),
                version => {
                    drop(dataset.set_properties([("at".to_owned(), version.into())]).await.unwrap())
                }
            }
        }
        let before = dataset.storage().counters().reads;

        let error = writer.commit().await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Conflict);
        let winner = "version 70 (overwrite) was committed after version 1, ";
        assert!(error.to_string().starts_with(winner), "{error}");
        let reads = dataset.storage().counters().reads - before;
        assert!(reads <= 12, "{reads} reads");
    });
}

/// The schedules of `model` found that a compaction gave partitions that lack an attribute its nulls, so that no
/// fill ever met their rows.
#[test]
fn rows_that_lack_an_attribute_are_still_to_be_filled_after_a_compaction() {
    block_on(async {
        let (dataset, _) = base().await;
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!((report.partitions_before, report.partitions_after), (2, 1));

        let compute = |batch: &RecordBatch| Ok(batch.column(0).clone());
        let report = dataset.fill_column(&ColumnFill::new("y", ["x"]), compute).await.unwrap();

        assert_eq!((report.partitions, report.rows), (1, 4));
        let rows = report.snapshot.slice(0..4).await.unwrap();
        assert_eq!(rows.column_by_name("y"), rows.column_by_name("x"));
    });
}

/// Rows of a writer that was opened before an overwrite came in as nulls: all attributes were others, under
/// the old names.
#[test]
fn rows_are_not_put_under_another_attribute_of_the_same_name() {
    block_on(async {
        let (dataset, _) = base().await;
        let mut writer = dataset.writer().await.unwrap();
        writer.append_columns(Columns::new().scalars("x", [1i32])).await.unwrap();
        let schema = Schema::new([Attribute::parse("x:string?").unwrap()]).unwrap();
        let rival = dataset.overwriter(Some(schema), WriteOptions::default()).await.unwrap();
        rival.commit().await.unwrap();

        let error = writer.commit().await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().starts_with("version 7 (overwrite) "), "{error}");
    });
}

/// A fill that had committed part of its work was refused when its attribute was renamed: there was none of that name.
#[test]
fn a_fill_goes_on_under_the_new_name_of_its_attribute() {
    block_on(async {
        let (dataset, store) = base().await;
        let rival = Dataset::at(dataset.storage().clone());
        store.before_next_version(move || {
            async move {
                run(&rival, Operation::Rename, ONE, 2).await.unwrap();
            }
            .boxed()
        });
        let compute = |batch: &RecordBatch| Ok(batch.column_by_name("x").unwrap().clone());
        let fill = ColumnFill::new("y", ["x"]).with_commit_partitions(1);

        let report = dataset.fill_column(&fill, compute).await.unwrap();

        assert_eq!((report.partitions, report.snapshot.version()), (2, Version(9)));
        assert!(report.snapshot.attribute("w").is_ok());
    });
}
