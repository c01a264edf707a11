//! A writer that is killed at any moment loses nothing that it acknowledged, and shows nothing else.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tenrow::{Attribute, DType, Dataset, PageChecks, ReadOptions, Schema, Snapshot};
use tenrow_tests::random::Dice;
use tenrow_tests::{block_on, pattern, place};

const KILLS: u64 = 200;
const ROWS_PER_COMMIT: u64 = 40;
/// Kills after which a dataset is replaced by a new one.
const KILLS_PER_DATASET: u64 = 20;

#[test]
fn what_a_killed_writer_acknowledged_is_there_and_nothing_else_is() {
    let seed = 2026;
    let mut dice = Dice::new(seed);
    let mut acknowledged_in_all = 0;
    for round in 0..KILLS / KILLS_PER_DATASET {
        let folder = place::folder();
        let place = folder.path().join("ds");
        create(&place);
        let mut last = (1, 0);
        for kill in 0..KILLS_PER_DATASET {
            let pause = Duration::from_micros(dice.below(30_000));
            let moment = match dice.once_in(3) {
                true => Moment::AfterStart(pause),
                false => Moment::AfterFirstCommit(pause),
            };
            let acknowledged = run_and_kill(&place, moment);
            let context = format!("seed {seed}, round {round}, kill {kill} {moment:?}");
            let newest = acknowledged.last().copied().unwrap_or(last);
            last = check(&place, last, newest, &context);
            acknowledged_in_all += acknowledged.len();
        }
    }
    assert!(acknowledged_in_all as u64 > KILLS / 2, "{acknowledged_in_all} commits in all");
}

fn create(place: &Path) {
    let texts = ["x:f32[10]?", "id:i64", "name:string?", "photo:file"];
    let schema = Schema::new(texts.map(|text| Attribute::parse(text).unwrap())).unwrap();
    block_on(Dataset::create(&place::location(place), schema)).unwrap();
}

/// When a writer is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    AfterStart(Duration),
    AfterFirstCommit(Duration),
}

/// Lets a writer write until that moment; gives the versions and rows that it acknowledged.
fn run_and_kill(place: &Path, moment: Moment) -> Vec<(u64, u64)> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_test-programs"))
        .arg("crash-writer")
        .arg(place)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    match moment {
        Moment::AfterStart(pause) => std::thread::sleep(pause),
        Moment::AfterFirstCommit(pause) => {
            output.read_line(&mut text).unwrap();
            std::thread::sleep(pause);
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    output.read_to_string(&mut text).unwrap();
    let numbers = text.lines().filter_map(|line| {
        let (version, rows) = line.split_once(' ')?;
        Some((version.parse().ok()?, rows.parse().ok()?))
    });
    numbers.collect()
}

/// The dataset has the acknowledged version, or one more whose acknowledgement was killed.
fn check(place: &Path, before: (u64, u64), acknowledged: (u64, u64), context: &str) -> (u64, u64) {
    block_on(async {
        let dataset = Dataset::open(&place::location(place)).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        let found = (latest.version().0, latest.row_count());
        let next = (acknowledged.0 + 1, acknowledged.1 + ROWS_PER_COMMIT);
        assert!(acknowledged.0 >= before.0, "{context}");
        assert!(found == acknowledged || found == next, "{context}: {found:?}, {acknowledged:?}");
        let history = dataset.versions().await.unwrap();
        for info in &history {
            assert_eq!(info.row_count, (info.version.0 - 1) * ROWS_PER_COMMIT, "{context}");
        }
        assert_eq!(history.len() as u64, found.0, "{context}");
        check_rows(&latest, context).await;
        found
    })
}

async fn check_rows(snapshot: &Snapshot, context: &str) {
    let count = snapshot.row_count();
    let rows: Vec<u64> = (0..count).rev().collect();
    let always = ReadOptions::default().with_page_checks(PageChecks::Always);
    let taken = snapshot.take_with(&rows, &always).await.unwrap();
    let all = snapshot.slice(0..count).await.unwrap();
    let column = |name| all.column_by_name(name).unwrap().to_data();
    assert_eq!(taken.num_rows() as u64, count, "{context}");
    assert!(column("x") == pattern::tensors(DType::F32, 10, 0..count, true).to_data(), "{context}");
    assert!(column("id") == pattern::ids(0..count).to_data(), "{context}");
    assert!(column("name") == pattern::names(0..count).to_data(), "{context}");
    let files = snapshot.file_column("photo").unwrap();
    for row in (0..count).step_by(13) {
        let bytes = files.bytes(row).await.unwrap().unwrap();
        assert_eq!(bytes, vec![row as u8; (row % 30) as usize], "{context}: file of row {row}");
    }
    for (i, &row) in rows.iter().enumerate().step_by(17) {
        assert_eq!(taken.slice(i, 1), all.slice(row as usize, 1), "{context}: row {row}");
    }
}
