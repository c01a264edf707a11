//! Programs at work on one dataset at once, and programs that are killed in the middle of anything.
//!
//! By hand: `TENROW_RUNS=20` makes as many runs of 8 writers of 125 commits each, `TENROW_KILLS=500` as many kills.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tenrow::{Dataset, ErrorKind, VacuumOptions, VerifyOptions, Version};
use tenrow_tests::random::Dice;
use tenrow_tests::{block_on, groups, place};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn worker(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-programs"));
    command.arg("worker").args(arguments).stdout(Stdio::piped()).spawn().unwrap()
}

fn create(place: &str) {
    block_on(Dataset::create(place, groups::schema())).unwrap();
}

#[test]
fn writers_a_compactor_a_fill_and_readers_at_once_lose_nothing() {
    let runs = number("TENROW_RUNS");
    let (writers, commits) = (8, if runs.is_some() { 125 } else { 12 });
    for run in 0..runs.unwrap_or(1) {
        let folder = place::folder();
        let place = place::location(folder.path().join("ds"));
        create(&place);
        let (seconds, lost) = work(&place, writers, commits);
        let told = check(&place, writers * commits);
        let total = writers * commits;
        eprintln!(
            "run {run}: {total} appends in {seconds:.1} s, {:.0} a second, {lost} lost races, {told}",
            total as f64 / seconds
        );
    }
}

/// Lets all of them work; gives how long the writers took, and how many races they lost.
fn work(place: &str, writers: u64, commits: u64) -> (f64, u64) {
    let others: Vec<Child> =
        ["compact", "fill", "read", "read"].iter().map(|role| worker(&[role, place])).collect();
    let begin = Instant::now();
    let all: Vec<Child> = (0..writers)
        .map(|writer| {
            let (first, count) = ((writer * commits).to_string(), commits.to_string());
            worker(&["append", place, &first, &count])
        })
        .collect();
    let lost = all.into_iter().map(finish).sum();
    let seconds = begin.elapsed().as_secs_f64();
    std::fs::write(place::path(&format!("{place}.stop")), "").unwrap();
    let times: Vec<u64> = others.into_iter().map(finish).collect();
    assert!(times.iter().all(|&times| times > 0), "{times:?}");
    (seconds, lost)
}

/// Waits for a worker that has to succeed; gives the number that it printed.
fn finish(child: Child) -> u64 {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "a worker failed");
    String::from_utf8_lossy(&output.stdout).trim().parse().unwrap()
}

/// All rows exactly once, one history, every version whole; tells what was committed.
fn check(place: &str, expected: u64) -> String {
    block_on(async {
        let dataset = Dataset::open(place).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.row_count(), expected * groups::ROWS as u64);
        let (found, _) = groups::groups(&latest).await.unwrap();
        assert!(found.keys().copied().eq(0..expected as i64));
        let mut operations = std::collections::BTreeMap::<String, u64>::new();
        let mut before = None;
        for version in 1..=latest.version().0 {
            let snapshot = dataset.version(Version(version)).await.unwrap();
            let parent = snapshot.root().parent.map(|parent| (parent.version.0, parent.checksum));
            assert_eq!(parent, before, "the parent of version {version}");
            before = Some((version, snapshot.root_checksum()));
            *operations.entry(snapshot.root().operation.clone()).or_default() += 1;
        }
        assert_eq!(operations["append"], expected);
        let report = verify(&dataset).await;
        assert_eq!(report, [] as [String; 0]);
        dataset.fill_column(&tenrow::ColumnFill::new("y", ["x"]), groups::filled).await.unwrap();
        let filled = dataset.latest().await.unwrap();
        let y = filled.slice(0..filled.row_count()).await.unwrap();
        assert_eq!(y.column_by_name("y").unwrap().null_count(), 0, "rows that no fill met");
        format!("{operations:?}")
    })
}

async fn verify(dataset: &Dataset) -> Vec<String> {
    let options = VerifyOptions { full: true, ..VerifyOptions::default() };
    let report = dataset.verify(options).await.unwrap();
    report.faults.iter().map(ToString::to_string).collect()
}

/// Eight programs counted on from the same value, and all but two counts were lost.
#[test]
fn programs_that_count_on_from_what_they_read_lose_no_count() {
    let folder = place::folder();
    let place = place::location(folder.path().join("ds"));
    create(&place);
    block_on(async {
        let dataset = Dataset::open(&place).await.unwrap();
        groups::append(&dataset, 0, 0).await.unwrap();
    });
    let (programs, counts) = (6, 5);
    let compactor = worker(&["compact", &place]);
    let all: Vec<Child> =
        (0..programs).map(|_| worker(&["count", &place, &counts.to_string()])).collect();
    let conflicts: u64 = all.into_iter().map(finish).sum();
    std::fs::write(place::path(&format!("{place}.stop")), "").unwrap();
    finish(compactor);
    block_on(async {
        let latest = Dataset::open(&place).await.unwrap().latest().await.unwrap();
        let row = latest.take(&[0]).await.unwrap();
        let x = arrow_cast::display::array_value_to_string(row.column_by_name("x").unwrap(), 0);
        assert_eq!(x.unwrap(), (programs * counts).to_string());
    });
    eprintln!("{conflicts} conflicts of {programs} programs that counted {counts} times each");
}

#[test]
fn a_program_killed_in_the_middle_of_anything_loses_nothing_and_leaves_no_half() {
    let seed = number("TENROW_SEED").unwrap_or(2026);
    let kills = number("TENROW_KILLS").unwrap_or(60);
    let mut dice = Dice::new(seed);
    let mut acknowledged = 0;
    for round in 0..kills.div_ceil(20) {
        let folder = place::folder();
        let place = place::location(folder.path().join("ds"));
        create(&place);
        for kill in 0..20.min(kills - round * 20) {
            let context = format!("seed {seed}, round {round}, kill {kill}");
            let told = run_and_kill(&place, &mut dice);
            acknowledged += told.len() as u64;
            block_on(check_after(&place, &told, &context));
        }
        block_on(check_no_orphans(&place, round));
    }
    eprintln!("{kills} kills, {acknowledged} operations acknowledged");
    assert!(acknowledged > kills, "{acknowledged} operations in {kills} runs");
}

/// Lets a worker do anything for a while; gives the versions and digests that it acknowledged.
fn run_and_kill(place: &str, dice: &mut Dice) -> Vec<(u64, u64)> {
    let mut child = worker(&["random", place, &dice.bits().to_string()]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    std::thread::sleep(Duration::from_micros(dice.below(300_000)));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(status.code().is_none(), "the worker failed by itself: {status}");
    output.read_to_string(&mut text).unwrap();
    let numbers = text.lines().filter_map(|line| {
        let (version, digest) = line.split_once(' ')?;
        Some((version.parse().ok()?, digest.parse().ok()?))
    });
    numbers.collect()
}

async fn check_after(place: &str, told: &[(u64, u64)], context: &str) {
    let dataset = Dataset::open(place).await.unwrap();
    let latest = dataset.latest().await.unwrap().version().0;
    let last = told.last().map_or(0, |(version, _)| *version);
    assert!(latest >= last, "{context}: version {last} was acknowledged, {latest} is the newest");
    for info in dataset.versions().await.unwrap() {
        let snapshot = dataset.version(info.version).await.unwrap();
        let (_, digest) = groups::groups(&snapshot).await.unwrap_or_else(|half| {
            panic!("{context}: version {}: {half}", info.version);
        });
        for (version, told) in told.iter().filter(|(version, _)| *version == info.version.0) {
            assert_eq!(*told, digest, "{context}: version {version}");
        }
    }
    assert_eq!(verify(&dataset).await, [] as [String; 0], "{context}");
    for clone in neighbours(place) {
        check_clone(&dataset, &clone, context).await;
    }
}

/// The folders of clones: beside that of the dataset, with its name and more.
fn neighbours(place: &str) -> Vec<String> {
    let folder = place::path(place).parent().unwrap().to_owned();
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<String> = entries.map(place::location).collect();
    paths.retain(|path| path.starts_with(&format!("{place}.")));
    paths
}

/// A clone is whole or not there. Then it goes, and is forgotten, so that what it needs can go too.
async fn check_clone(origin: &Dataset, place: &str, context: &str) {
    match Dataset::open(place).await {
        Ok(clone) => {
            let snapshot = clone.latest().await.unwrap();
            groups::groups(&snapshot).await.unwrap_or_else(|half| panic!("{context}: {half}"));
            assert_eq!(verify(&clone).await, [] as [String; 0], "{context}: a clone");
        }
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotADataset, "{context}: {error}"),
    }
    std::fs::remove_dir_all(place::path(place)).unwrap();
    match origin.forget_clone(place).await {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{context}: {error}"),
    }
}

async fn check_no_orphans(place: &str, round: u64) {
    let dataset = Dataset::open(place).await.unwrap();
    let age =
        |dry_run| VacuumOptions { older_than: Duration::ZERO, dry_run, ..VacuumOptions::default() };
    dataset.vacuum(age(false)).await.unwrap();
    let left = dataset.vacuum(age(true)).await.unwrap();
    assert!(left.removed.is_empty() && left.too_young == 0, "round {round}: {:?}", left.removed);
    let temporary = place::path(place).join("_tenrow/tmp");
    let count = std::fs::read_dir(&temporary).map_or(0, Iterator::count);
    assert_eq!(count, 0, "round {round}: files in {}", temporary.display());
    assert_eq!(verify(&dataset).await, [] as [String; 0], "round {round}");
    for info in dataset.versions().await.unwrap() {
        let snapshot = dataset.version(info.version).await.unwrap();
        groups::groups(&snapshot).await.unwrap();
    }
}
