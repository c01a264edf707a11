//! Statements that need more memory than they may have, and statements that nobody waits for any longer.

use std::path::Path;
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray;
use tenrow::{Attribute, Columns, Dataset, ErrorKind, Schema, WriteOptions};
use tenrow_sql::{Session, SessionOptions};
use tenrow_tests::place;
use tenrow_tests::random::Dice;

use crate::db::ask;

const ROWS: u64 = 200_000;

/// `big`: `key:string` of 100 bytes in no order, `number:i64`, `image:u8[256]`; 200,000 rows in four partitions.
async fn big(folder: &Path) {
    let attributes = ["key:string", "number:i64", "image:u8[256]"];
    let schema = Schema::new(attributes.map(|text| Attribute::parse(text).unwrap())).unwrap();
    let dataset = Dataset::create(&place::location(folder.join("big")), schema).await.unwrap();
    let mut dice = Dice::new(7);
    for part in 0..4 {
        let rows = part * ROWS / 4..(part + 1) * ROWS / 4;
        let keys: Vec<String> = rows.clone().map(|_| format!("{:0100}", dice.bits())).collect();
        let numbers: Vec<i64> = rows.map(|row| row as i64).collect();
        let images = ndarray::Array2::<u8>::from_elem((keys.len(), 256), part as u8);
        let columns = Columns::new()
            .strings("key", keys.iter().map(|key| Some(key.as_str())))
            .scalars("number", &numbers)
            .tensors("image", &images);
        let mut writer = dataset.writer_with(WriteOptions::default()).await.unwrap();
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
    }
}

async fn session(folder: &Path, memory: u64) -> Session {
    big(folder).await;
    let storage = place::counted(folder);
    let options = SessionOptions::default().with_root_storage("data", storage);
    let options = options.with_target_partitions(2).with_memory_limit_bytes(memory);
    let options = options.with_batch_rows(1024);
    let session = Session::new(&options).unwrap();
    ask(&session, "SET datafusion.execution.sort_spill_reservation_bytes = 1000000").await;
    session
}

#[tokio::test]
async fn a_sort_of_more_than_the_memory_spills() {
    let folder = place::folder();
    let session = session(folder.path(), 16 << 20).await;
    let mut answer = session.sql("SELECT key, number FROM big ORDER BY key").await.unwrap();
    let (mut rows, mut sum, mut last) = (0, 0, String::new());
    while let Some(batch) = answer.next().await.unwrap() {
        let keys = batch.column(0).as_string::<i32>();
        for key in keys {
            let key = key.unwrap();
            assert!(last.as_str() <= key, "{last} and {key}");
            last = key.to_owned();
        }
        let numbers = batch.column(1).as_primitive::<arrow_array::types::Int64Type>();
        rows += numbers.len() as u64;
        sum += numbers.values().iter().sum::<i64>() as u64;
    }
    assert_eq!((rows, sum), (ROWS, ROWS * (ROWS - 1) / 2));
    let plan = answer.plan_text();
    let spills = plan.split("spill_count=").skip(1).map(|rest| rest.split([',', ']']).next());
    assert!(spills.flatten().any(|count| count != "0"), "{plan}");
}

#[tokio::test]
async fn what_cannot_spill_fails_by_name() {
    let folder = place::folder();
    let session = session(folder.path(), 1 << 20).await;
    for sql in [
        "SELECT percentile(number, 50) FROM big",
        "SELECT count(*) FROM big AS a JOIN big AS b ON a.key = b.key",
    ] {
        let error = session.sql(sql).await.unwrap().collect().await.unwrap_err();
        let text = error.chain();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
        assert!(text.starts_with("memory limit of "), "{text}");
        assert!(!text.contains('\n') && text.len() < 400, "{text}");
    }
    // The session goes on.
    assert_eq!(ask(&session, "SELECT max(number) FROM big").await, [["199999"]]);
}

/// How many tasks this runtime has.
fn tasks() -> usize {
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

/// Waits until nothing runs any longer, and says whether that was so in time.
async fn ends(before: usize) -> bool {
    let started = Instant::now();
    while tasks() > before {
        if started.elapsed() > Duration::from_secs(5) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_an_answer_ends_the_work() {
    if !place::needs_folders("connections are tasks as well") {
        return;
    }
    let folder = place::folder();
    let session = session(folder.path(), 1 << 30).await;
    let storage = session.dataset("big").await.unwrap();
    let storage = storage.storage();
    let idle = tasks();
    for sql in [
        "SELECT image FROM big",
        "SELECT image, key FROM big WHERE number % 2 = 0",
        "SELECT a.key, b.image FROM big AS a JOIN big AS b ON a.key = b.key",
        "SELECT image FROM big ORDER BY key",
    ] {
        let mut answer = session.sql(sql).await.unwrap();
        assert!(answer.next().await.unwrap().unwrap().num_rows() > 0);
        drop(answer);
        assert!(ends(idle).await, "{sql}: {} tasks are left of {idle}", tasks());
        let after = storage.counters();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(storage.counters().reads, after.reads, "{sql}");
    }
}
