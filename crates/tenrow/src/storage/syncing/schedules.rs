//! Random schedules on a disk that forgets what was not synced, and whose syncs fail at random: what was acknowledged is
//! there after a crash of the machine.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use futures::executor::block_on;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::io::Errno;

use super::Syncing;
use crate::clock::Clock;
use crate::format::{Attribute, Schema};
use crate::ids::Ids;
use crate::storage::{DurableLocal, Storage};
use crate::{Columns, CompactOptions, CreateOptions, Dataset, Result};

const SCHEDULES: u64 = 40;

/// What a crash of the machine leaves: contents by the numbers of files, and names in folders.
#[derive(Default)]
struct Disk {
    contents: HashSet<u64>,
    names: HashSet<PathBuf>,
}

impl Disk {
    fn sync(&mut self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            for entry in std::fs::read_dir(path)? {
                self.names.insert(entry?.path());
            }
        } else {
            self.contents.insert(std::fs::metadata(path)?.ino());
        }
        Ok(())
    }

    /// Copies what is left below `from` to `to`; files whose content is lost are empty.
    fn crash(&self, from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let copy = to.join(path.file_name().unwrap());
            if !self.names.contains(&path) {
                continue;
            }
            if path.is_dir() {
                self.crash(&path, &copy);
            } else if self.contents.contains(&std::fs::metadata(&path).unwrap().ino()) {
                std::fs::copy(&path, &copy).unwrap();
            } else {
                std::fs::write(&copy, "").unwrap();
            }
        }
    }
}

/// Values that are there, gone, or of which an error left in doubt what they are.
#[derive(Default)]
struct Rows {
    there: BTreeSet<i64>,
    in_doubt: BTreeSet<i64>,
}

#[test]
fn what_was_acknowledged_is_there_after_a_crash_whatever_syncs_failed() {
    let mut failed = 0;
    for seed in 0..SCHEDULES {
        failed += schedule(seed);
    }
    assert!(failed > 10, "{failed} operations failed");
}

/// Gives how many operations failed.
fn schedule(seed: u64) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Mutex::new(Disk::default()));
    let dice = Arc::new(Mutex::new(StdRng::seed_from_u64(seed)));
    let handle = |number: u64| {
        let (disk, dice) = (disk.clone(), dice.clone());
        let syncing =
            Syncing::instead(move |path| match dice.lock().unwrap().random_ratio(1, 12) {
                true => Err(Errno::IO.into()),
                false => disk.lock().unwrap().sync(path),
            });
        let ids = Ids::seeded(seed * 2 + number);
        let root = folder.path().join("above/data");
        Dataset::at(Storage::of_folder(DurableLocal::syncing_by(root, ids.clone(), syncing)))
            .with_ids(ids)
            .with_clock(Clock::fixed(0))
    };
    let handles = [handle(0), handle(1)];
    let schema = || Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
    // A try that failed may have created it all the same.
    let is_created =
        |_: &i32| block_on(handles[0].create_here(schema(), &CreateOptions::default())).is_ok();
    if (0..9).find(is_created).is_none() {
        return 1;
    }
    let (mut rows, mut failed) = (Rows::default(), 0);
    for value in 0..12 {
        let (at, choice) = {
            let mut dice = dice.lock().unwrap();
            (dice.random_range(0..2), dice.random_range(0..4))
        };
        failed += usize::from(!step(&handles[at], choice, value, &mut rows));
    }
    let after = folder.path().join("after");
    disk.lock().unwrap().crash(&folder.path().join("above"), &after);
    let there = block_on(values(&Storage::local(after.join("data"), Ids::random())));
    let there = there.unwrap_or_else(|error| panic!("seed {seed}: {}", error.chain()));
    let lost: Vec<_> = rows.there.difference(&there).collect();
    assert!(lost.is_empty(), "seed {seed}: rows {lost:?} were acknowledged, and are gone");
    let known: BTreeSet<i64> = rows.there.union(&rows.in_doubt).copied().collect();
    let back: Vec<_> = there.difference(&known).collect();
    assert!(back.is_empty(), "seed {seed}: rows {back:?} were deleted, and are there");
    failed
}

/// Does one thing, and says whether it was acknowledged.
fn step(dataset: &Dataset, choice: u32, value: i64, rows: &mut Rows) -> bool {
    match choice {
        0 if !rows.there.is_empty() => {
            let gone = *rows.there.first().unwrap();
            rows.there.remove(&gone);
            let done = block_on(delete(dataset, gone)).is_ok();
            rows.in_doubt.extend((!done).then_some(gone));
            done
        }
        1 => block_on(dataset.compact(CompactOptions::default())).is_ok(),
        _ => {
            let done = block_on(append(dataset, value)).is_ok();
            if done { &mut rows.there } else { &mut rows.in_doubt }.insert(value);
            done
        }
    }
}

async fn append(dataset: &Dataset, value: i64) -> Result<()> {
    let mut writer = dataset.writer().await?;
    writer.append_columns(Columns::new().scalars("n", [value])).await?;
    writer.commit().await.map(drop)
}

async fn delete(dataset: &Dataset, value: i64) -> Result<()> {
    let snapshot = dataset.latest().await?;
    let batch = snapshot.slice(0..snapshot.row_count()).await?;
    let values = batch.column(0).as_primitive::<Int64Type>();
    let rows: Vec<u64> =
        (0..).zip(values.values()).filter(|(_, v)| **v == value).map(|(row, _)| row).collect();
    dataset.delete(&snapshot, &rows).await.map(drop)
}

async fn values(storage: &Storage) -> Result<BTreeSet<i64>> {
    let snapshot = Dataset::at(storage.clone()).latest().await?;
    let batch = snapshot.slice(0..snapshot.row_count()).await?;
    Ok(batch.column(0).as_primitive::<Int64Type>().values().iter().copied().collect())
}
