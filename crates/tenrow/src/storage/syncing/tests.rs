//! Nothing is acknowledged whose last sync failed, wherever that is, and however it is asked for again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::FutureExt;
use object_store::ObjectStoreExt;

use super::Syncing;
use crate::format::Version;
use crate::format::{Attribute, Schema};
use crate::ids::Ids;
use crate::storage::{DurableLocal, Storage};
use crate::{Columns, CreateOptions, Dataset, ErrorKind, Result};

/// What was synced, and whether that failed.
type Log = Arc<Mutex<Vec<(PathBuf, bool)>>>;

/// A storage over `folder` of whose syncs those fail of which `fails` says so, by number and path.
fn failing(
    folder: &Path,
    fails: impl Fn(usize, &Path) -> bool + Send + Sync + 'static,
) -> (Storage, Log) {
    let log = Log::default();
    let noted = log.clone();
    let syncing = Syncing::failing(move |path| {
        let mut log = noted.lock().unwrap();
        let failed = fails(log.len(), path);
        log.push((path.to_owned(), failed));
        failed
    });
    (Storage::of_folder(DurableLocal::syncing_by(folder, Ids::random(), syncing)), log)
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a local operation completes without suspending")
}

/// Creates a dataset, appends a row, and deletes it.
async fn history(storage: &Storage) -> Result<()> {
    let dataset = Dataset::at(storage.clone());
    let schema = Schema::new([Attribute::parse("n:i64").unwrap()]).unwrap();
    dataset.create_here(schema, &CreateOptions::default()).await?;
    let mut writer = dataset.writer().await?;
    writer.append_columns(Columns::new().scalars("n", [7i64])).await?;
    writer.commit().await?;
    Ok(())
}

#[test]
fn a_version_whose_name_cannot_be_made_durable_is_not_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let (good, _) = failing(folder.path(), |_, _| false);
    now(history(&good)).unwrap();
    let (bad, _) = failing(folder.path(), |_, path| path.ends_with("_tenrow/versions"));
    let error = now(Dataset::at(bad).tag("first", Version(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InDoubt);
    let chain = error.chain();
    assert!(chain.contains("version 3") && chain.contains("may have been committed"), "{chain}");
    assert!(chain.contains("sync folder") && chain.contains("os error 5"), "{chain}");
    let newest = now(Dataset::at(good).latest()).unwrap();
    assert_eq!(newest.version().0, 3, "the name is there: only that it stays is in doubt");
}

/// Each sync of a history fails once: either an error says so, or the same was synced again.
#[test]
fn a_sync_that_fails_is_an_error_or_is_done_again() {
    let steps = {
        let folder = tempfile::tempdir().unwrap();
        let (storage, log) = failing(&folder.path().join("a/b"), |_, _| false);
        now(history(&storage)).unwrap();
        log.lock().unwrap().len()
    };
    assert!(steps > 15, "{steps} syncs");
    let mut acknowledged = 0;
    for step in 0..steps {
        let folder = tempfile::tempdir().unwrap();
        let (storage, log) = failing(&folder.path().join("a/b"), move |number, _| number == step);
        let done = now(history(&storage));
        let log = log.lock().unwrap();
        let (path, _) = log.iter().find(|(_, failed)| *failed).expect("one fails");
        let last = log.iter().rfind(|(synced, _)| synced == path).unwrap();
        match done {
            Ok(()) if path.ends_with("_tenrow") || path.ends_with("latest") => {}
            Ok(()) if path.parent().is_some_and(|folder| folder.ends_with("_tenrow/tmp")) => {}
            Ok(()) => {
                assert!(!last.1, "acknowledged, though {} is not synced", path.display());
                acknowledged += 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Io, "{}", error.chain()),
        }
    }
    assert!(acknowledged > 0, "those of versions are done again");
}

/// A second try finds the name taken, by the first: that is no reason to trust it.
#[test]
fn what_exists_already_is_not_taken_for_durable() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, _) = failing(folder.path(), |_, path| path.ends_with("_tenrow/leaves"));
    let put = || now(storage.put_unique("_tenrow/leaves/x", Bytes::from("leaf")));
    assert_eq!(put().unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(put().unwrap_err().kind(), ErrorKind::AlreadyExists);
}

/// They may have been made by another writer that died before it synced them.
#[test]
fn folders_that_are_there_are_synced_before_they_are_relied_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("a/b/c");
    std::fs::create_dir_all(root.join("_tenrow/leaves")).unwrap();
    for part in ["", "a", "a/b", "a/b/c", "a/b/c/_tenrow"] {
        let failing_folder = folder.path().join(part);
        let shown = failing_folder.clone();
        let (storage, _) = failing(&root, move |_, path| path == failing_folder);
        let error = now(storage.put_new("_tenrow/leaves/x", Bytes::from("x"))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{}", shown.display());
    }
}

#[tokio::test]
async fn a_copy_is_as_durable_as_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = |fails: fn(&Path) -> bool| {
        DurableLocal::syncing_by(folder.path(), Ids::random(), Syncing::failing(fails))
    };
    let good = store(|_| false);
    good.put(&"x".into(), "x".into()).await.unwrap();
    let bad = store(|path| path.ends_with("y"));
    bad.copy(&"x".into(), &"y".into()).await.unwrap_err();
    good.copy(&"x".into(), &"z".into()).await.unwrap();
}
