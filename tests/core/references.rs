//! References between datasets: whoever names files of another is registered there, before and for as long as it does.

use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tenrow::engine::Clock;
use tenrow::{
    Attribute, Columns, CompactOptions, CreateOptions, Dataset, ErrorKind, ExpireOptions,
    FileValue, OnProgress, Schema, SchemaChange, Snapshot, VacuumOptions, Version, WriteOptions,
};
use tenrow_tests::{block_on, folder, place};

use super::stock::{all, append, verified, without_paths, zoo_of};

/// Later than any object that a test writes, so that `vacuum` takes all that nobody names.
const LATER_MS: i64 = 4_102_444_800_000;

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(place::folder())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn place(&self, name: &str) -> String {
        place::location(self.path(name))
    }

    async fn open(&self, name: &str) -> Dataset {
        Dataset::open(&self.place(name)).await.unwrap()
    }

    /// A dataset of these values, a commit each.
    async fn create(&self, name: &str, values: &[i64]) -> Dataset {
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&self.place(name), schema).await.unwrap();
        for &value in values {
            add(&dataset, value, WriteOptions::default()).await;
        }
        dataset
    }

    async fn clone(&self, from: &Dataset, to: &str) -> Dataset {
        let newest = from.latest().await.unwrap().version();
        from.clone_to(&self.place(to), newest).await.unwrap()
    }

    fn remove(&self, name: &str) {
        std::fs::remove_dir_all(self.path(name)).unwrap();
    }

    /// The rows as a program reads them that has nothing open.
    async fn values(&self, name: &str) -> Vec<i64> {
        values(&self.open(name).await.latest().await.unwrap()).await
    }
}

async fn add(dataset: &Dataset, value: i64, options: WriteOptions) {
    let mut writer = dataset.writer_with(options).await.unwrap();
    writer.append_columns(Columns::new().scalars("x", [value])).await.unwrap();
    writer.commit().await.unwrap();
}

async fn values(snapshot: &Snapshot) -> Vec<i64> {
    let all = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    all.column(0).as_primitive::<Int64Type>().values().to_vec()
}

async fn expire(dataset: &Dataset) -> Vec<u64> {
    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
    dataset.expire(&one).await.unwrap().kept.iter().map(|version| version.0).collect()
}

/// Compacts, and removes all that no version needs and nobody has registered.
async fn tidy(dataset: &Dataset) {
    dataset.compact(CompactOptions::default()).await.unwrap();
    expire(dataset).await;
    sweep(dataset).await;
}

async fn sweep(dataset: &Dataset) {
    let dataset = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
    let now = VacuumOptions { older_than: Duration::ZERO, ..Default::default() };
    dataset.vacuum(now).await.unwrap();
}

async fn notes(dataset: &Dataset) -> usize {
    dataset.clones().await.unwrap().len()
}

/// A clone was only known to the dataset that it was made from, which refers to a third one: when that one was tidied and
/// the one in between was gone, the clone could not be read any more.
#[test]
fn a_reference_that_came_through_others_is_registered_with_each() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1, 2, 1, 2]).await;
        let b = desk.clone(&a, "b").await;
        // The version has expired by then, and the note of `b` keeps it.
        tidy(&a).await;
        add(&b, 3, WriteOptions::default()).await;
        let d = desk.clone(&b, "d").await;
        let e = desk.clone(&d, "e").await;
        let m = desk.create("m", &[0]).await;
        m.merge(&d, &d.latest().await.unwrap()).await.unwrap();
        assert_eq!((notes(&a).await, notes(&b).await, notes(&d).await), (4, 3, 2));

        desk.remove("d");
        for origin in [&a, &b] {
            origin.forget_clone(&desk.place("d")).await.unwrap();
            tidy(origin).await;
        }

        assert_eq!((notes(&a).await, notes(&b).await), (3, 2));
        assert_eq!(desk.values("e").await, [1, 2, 1, 2, 3]);
        assert_eq!(desk.values("m").await, [0, 1, 2, 1, 2, 3]);
        // They name no file of `d` itself, and say so once they look.
        for dataset in [&e, &m] {
            expire(dataset).await;
            assert_eq!(dataset.latest().await.unwrap().root().origins.len(), 2);
            verified(dataset).await;
        }
    });
}

/// The same, step by step as a person did it.
#[test]
fn a_clone_of_a_clone_lives_though_the_one_between_is_gone() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1, 2]).await;
        let b = desk.clone(&a, "b").await;
        desk.clone(&b, "d").await;
        a.compact(CompactOptions::default()).await.unwrap();
        desk.remove("b");
        a.forget_clone(&desk.place("b")).await.unwrap();
        assert_eq!(expire(&a).await, [3]);
        sweep(&a).await;
        assert_eq!(desk.values("d").await, [1, 2]);

        // It is not forgotten while it is there, and it is once it is gone.
        let error = a.forget_clone(&desk.place("d")).await.unwrap_err();
        assert!(error.to_string().contains("still refers to"), "{error}");
        desk.remove("d");
        a.forget_clone(&desk.place("d")).await.unwrap();
        assert_eq!(notes(&a).await, 0);
    });
}

/// What came back through a clone was named by way of that: the dataset was its own origin, and could not be moved.
#[test]
fn rows_that_a_dataset_gets_back_from_its_clone_are_its_own() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1, 2]).await;
        let b = desk.clone(&a, "b").await;
        add(&b, 3, WriteOptions::default()).await;
        b.compact(CompactOptions::default()).await.unwrap();
        add(&b, 4, WriteOptions::default()).await;
        let c = desk.clone(&a, "c").await;
        let latest = c.latest().await.unwrap();
        c.delete(&latest, &[0]).await.unwrap();
        a.merge(&c, &c.latest().await.unwrap()).await.unwrap();
        // The notes of the clones, and of what `a` has of `c`: a deletion vector.
        assert_eq!((notes(&a).await, notes(&c).await), (2, 1));
        assert_eq!(a.latest().await.unwrap().root().origins.len(), 1);
        a.compact(CompactOptions::default()).await.unwrap();
        expire(&a).await;
        desk.remove("c");
        a.forget_clone(&desk.place("c")).await.unwrap();
        a.merge(&b, &b.latest().await.unwrap()).await.unwrap();
        assert_eq!(desk.values("a").await, [1, 2, 2, 1, 2, 3, 4]);
        // It refers to what `b` wrote, and not to itself.
        let origins = a.latest().await.unwrap().root().origins.clone();
        let locations: Vec<_> = origins.values().map(|origin| origin.location.as_str()).collect();
        assert_eq!(locations, ["../b"]);
        verified(&a).await;

        let moved = desk.path("moved");
        std::fs::rename(desk.path("a"), &moved).unwrap();
        assert_eq!(desk.values("moved").await, [1, 2, 2, 1, 2, 3, 4]);
    });
}

/// Files that came back stay, though the version that named them has expired, and rows name them by their own paths.
#[test]
fn large_files_that_come_back_are_named_by_their_own_paths() {
    block_on(async {
        let desk = Desk::new();
        let schema = Schema::new([Attribute::parse("photo:file").unwrap()]).unwrap();
        let a = Dataset::create(&desk.place("a"), schema).await.unwrap();
        let small = WriteOptions::default().with_inline_file_bytes(1);
        let append = async |dataset: &Dataset, text: &'static str| {
            let mut writer = dataset.writer_with(small.clone()).await.unwrap();
            let file = FileValue::new(text, text);
            writer.append_columns(Columns::new().files("photo", [Some(file)])).await.unwrap();
            writer.commit().await.unwrap();
        };
        append(&a, "one").await;
        let b = desk.clone(&a, "b").await;
        append(&b, "two").await;
        // One partition, whose rows name files of both.
        b.compact(CompactOptions::default()).await.unwrap();
        let latest = a.latest().await.unwrap();
        a.delete(&latest, &[0]).await.unwrap();
        expire(&a).await;

        a.merge(&b, &b.latest().await.unwrap()).await.unwrap();

        b.forget_clone(&desk.place("a")).await.unwrap_err();
        let elsewhere = desk.path("elsewhere");
        std::fs::rename(desk.path("b"), &elsewhere).unwrap();
        a.forget_clone(&desk.place("b")).await.unwrap();
        std::fs::rename(&elsewhere, desk.path("b")).unwrap();
        assert_eq!(notes(&a).await, 0);
        expire(&a).await;
        sweep(&a).await;
        verified(&a).await;
        let newest = desk.open("a").await.latest().await.unwrap();
        let photos = newest.file_column("photo").unwrap();
        for (row, text) in ["one", "two"].into_iter().enumerate() {
            let file = photos.get(row as u64).await.unwrap().unwrap();
            assert_eq!(file.read().await.unwrap(), text);
            let is_own = file.path.unwrap().starts_with("files/");
            assert_eq!(is_own, text == "one");
        }
    });
}

/// `verify` faulted a dataset in the middle of a chain that is gone and that nothing needs, and a clone was refused for it.
#[test]
fn one_in_the_middle_that_nobody_needs_is_no_fault_and_in_nobodys_way() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1, 2]).await;
        let b = desk.clone(&a, "b").await;
        let d = desk.clone(&b, "d").await;
        desk.remove("b");
        assert_eq!(d.latest().await.unwrap().root().origins.len(), 2);
        verified(&d).await;
        let e = desk.clone(&d, "e").await;
        assert_eq!(e.latest().await.unwrap().root().origins.len(), 2);
        verified(&e).await;
        let m = desk.create("m", &[0]).await;
        m.merge(&d, &d.latest().await.unwrap()).await.unwrap();
        assert_eq!(desk.values("m").await, [0, 1, 2]);
        verified(&m).await;
    });
}

/// Nobody can promise that files stay in a dataset that cannot be written to.
#[test]
fn a_clone_that_cannot_be_registered_with_all_is_not_made_and_leaves_no_note() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1]).await;
        let b = desk.clone(&a, "b").await;
        let m = desk.create("m", &[0]).await;
        std::fs::remove_dir_all(desk.path("a/_tenrow/clones")).unwrap();
        std::fs::write(desk.path("a/_tenrow/clones"), "not a folder").unwrap();
        let before = folder::files_of(&desk.path("b"));

        let version = b.latest().await.unwrap();
        let error = b.clone_to(&desk.place("d"), version.version()).await.unwrap_err();
        let merge = m.merge(&b, &version).await.unwrap_err();

        for error in [error, merge] {
            assert!(error.to_string().contains("copy it instead"), "{}", error.chain());
            assert!(error.to_string().contains(&desk.place("a")), "{}", error.chain());
        }
        assert_eq!(folder::files_of(&desk.path("b")).len(), before.len());
        assert!(!desk.path("d/_tenrow/versions").exists());
        assert_eq!(desk.values("m").await, [0]);
    });
}

/// A merge that failed left its note, and the version never expired.
#[test]
fn what_failed_to_refer_leaves_no_note() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1]).await;
        desk.create("b", &[2]).await;
        let newest = a.latest().await.unwrap();
        let error = a.clone_to(&desk.place("b"), newest.version()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        // All leaves of the merged version are read after it is registered.
        let m = desk.create("m", &[0]).await;
        std::fs::remove_dir_all(desk.path("a/_tenrow/leaves")).unwrap();
        let newest = desk.open("a").await.latest().await.unwrap();
        m.merge(&a, &newest).await.unwrap_err();
        assert_eq!(notes(&a).await, 0);
    });
}

/// Every merge made an origin of its own, and none was ever dropped: the 4,096th was the last.
#[test]
fn origins_are_shared_by_merges_and_dropped_when_no_version_needs_them() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1]).await;
        let m = desk.create("m", &[0]).await;
        let merged = a.latest().await.unwrap();
        for _ in 0..3 {
            m.merge(&a, &merged).await.unwrap();
        }
        assert_eq!(m.latest().await.unwrap().root().origins.len(), 1);
        assert_eq!(notes(&a).await, 1);
        m.compact(CompactOptions::default()).await.unwrap();
        m.tag("before", Version(5)).await.unwrap();
        add(&a, 2, WriteOptions::default()).await;

        // The tagged version needs it.
        expire(&m).await;
        assert_eq!(m.latest().await.unwrap().root().origins.len(), 1);
        assert_eq!(expire(&a).await, [2]);
        m.untag("before").await.unwrap();
        expire(&m).await;
        let latest = m.latest().await.unwrap();
        assert_eq!(latest.root().origins.len(), 0);
        assert!(!latest.root().reader_features.contains("origins"));
        assert_eq!(notes(&a).await, 0);
        tidy(&a).await;
        desk.remove("a");
        assert_eq!(desk.values("m").await, [0, 1, 1, 1]);
        verified(&m).await;
    });
}

/// An old version still tells of origins that were dropped since: what is made of it must not rely on their notes.
#[test]
fn what_is_made_of_an_old_version_names_only_origins_that_are_registered() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1]).await;
        let m = desk.create("m", &[0]).await;
        m.merge(&a, &a.latest().await.unwrap()).await.unwrap();
        m.compact(CompactOptions::default()).await.unwrap();
        let own = m.latest().await.unwrap().version();
        m.tag("own", own).await.unwrap();
        expire(&m).await;
        assert_eq!(m.latest().await.unwrap().root().origins.len(), 0);
        add(&m, 5, WriteOptions::default()).await;
        desk.remove("a");

        let restored = m.restore(own).await.unwrap();
        assert_eq!((values(&restored).await, restored.root().origins.len()), (vec![0, 1], 0));
        let clone = m.clone_to(&desk.place("c"), own).await.unwrap();
        assert_eq!(clone.latest().await.unwrap().root().origins.len(), 1);
        assert_eq!(desk.values("c").await, [0, 1]);
    });
}

/// A merge that relied on an origin which `expire` dropped meanwhile would have referred to what nobody keeps.
#[test]
fn a_merge_and_a_clone_of_one_version_are_one_note_only_while_that_is_there() {
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1]).await;
        let m = desk.create("m", &[0]).await;
        let merged = a.latest().await.unwrap();
        m.merge(&a, &merged).await.unwrap();
        // As by a person, or a program that does not know better.
        let notes_folder = desk.path("a/_tenrow/clones");
        for entry in std::fs::read_dir(&notes_folder).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        m.merge(&a, &merged).await.unwrap();
        assert_eq!(notes(&a).await, 1);
        assert_eq!(desk.values("m").await, [0, 1, 1]);
    });
}

/// Datasets behind links were looked for beside the link, which is not where the neighbour is by another way.
#[cfg(unix)]
#[test]
fn neighbours_are_found_and_told_apart_whatever_links_lead_to_them() {
    if place::is_remote() {
        return;
    }
    block_on(async {
        let desk = Desk::new();
        std::fs::create_dir(desk.path("real")).unwrap();
        desk.create("real/a", &[1]).await;
        std::os::unix::fs::symlink(desk.path("real/a"), desk.path("link")).unwrap();
        let through = desk.open("link").await;
        through.clone_to(&desk.place("real/b"), Version(2)).await.unwrap();
        std::os::unix::fs::symlink(desk.path("real/b"), desk.path("other")).unwrap();
        for name in ["real/b", "other"] {
            assert_eq!(desk.values(name).await, [1], "{name}");
            let error = through.forget_clone(&desk.place(name)).await.unwrap_err();
            assert!(error.to_string().contains("still refers"), "{error}");
        }
        let newest = through.latest().await.unwrap();
        let error = desk.open("real/a").await.merge(&through, &newest).await.unwrap_err();
        assert!(error.to_string().contains("into itself"), "{error}");
        std::fs::rename(desk.path("real"), desk.path("moved")).unwrap();
        assert_eq!(desk.values("moved/b").await, [1]);
        desk.remove("moved/b");
        desk.open("moved/a").await.forget_clone(&desk.place("moved/b")).await.unwrap();
    });
}

/// A job that was run again on a clone appended the rows that came with it once more.
#[test]
fn a_clone_keeps_what_was_said_of_its_rows_and_not_what_was_said_of_the_store() {
    block_on(async {
        let desk = Desk::new();
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let options = CreateOptions::default().with_single_writer(true).with_property("about", 7);
        let a = Dataset::create_with(
            &desk.place("a"),
            schema,
            &tenrow::StoreOptions::default(),
            &options,
        )
        .await
        .unwrap();
        let job = || WriteOptions::default().with_idempotency_key("job", 3);
        add(&a, 1, job()).await;
        a.tag("one", Version(2)).await.unwrap();
        let latest = a.latest().await.unwrap();
        a.create_view("v", &latest.rows(vec![0]).unwrap(), &Default::default()).await.unwrap();
        expire(&a).await;
        let newest = a.latest().await.unwrap();
        let clone = a.clone_to(&desk.place("b"), newest.version()).await.unwrap();
        let copy =
            a.copy_to(&desk.place("c"), newest.version(), &OnProgress::default()).await.unwrap();
        for dataset in [clone, copy] {
            add(&dataset, 1, job()).await;
            let root = dataset.latest().await.unwrap().root().clone();
            assert_eq!((root.row_count(), &root.properties["about"]), (1, &7.into()));
            assert!(root.tags.is_empty() && root.views.is_empty());
            assert_eq!((root.expired_before, root.version), (Version(1), newest.version()));
            let features = ["views", "expired_versions", "single_writer"];
            assert!(features.iter().all(|name| !root.writer_features.contains(*name)), "{root:?}");
            assert!(!root.single_writer);
            verified(&dataset).await;
        }
    });
}

/// Rows that a clone wrote anew name large files of its origin, which a copy of it has under names of its own.
#[test]
fn a_copy_of_rewritten_rows_has_their_large_files() {
    block_on(async {
        let desk = Desk::new();
        let a = zoo_of(&desk.path("a"), 2).await;
        let b = desk.clone(&a, "b").await;
        append(&b, 20..30).await;
        b.compact(CompactOptions::default()).await.unwrap();
        let newest = b.latest().await.unwrap();
        let rows = all(&newest).await;
        let photos = newest.file_column("photo").unwrap();
        let mut expected = Vec::new();
        for row in 0..30 {
            expected.push(photos.bytes(row).await.unwrap());
        }
        b.copy_to(&desk.place("c"), newest.version(), &OnProgress::default()).await.unwrap();
        desk.remove("a");
        desk.remove("b");
        let copy = desk.open("c").await;
        let copied = copy.latest().await.unwrap();
        assert_eq!(without_paths(&all(&copied).await), without_paths(&rows));
        let photos = copied.file_column("photo").unwrap();
        for row in 0..30u64 {
            assert_eq!(photos.bytes(row).await.unwrap(), expected[row as usize], "row {row}");
        }
        verified(&copy).await;
        tidy(&copy).await;
        verified(&copy).await;
    });
}

/// A copy of a clone's folder took back the note that the clone itself needs: its files were vacuumed.
#[test]
fn what_a_copied_folder_expires_is_not_registered_by_it() {
    if !place::needs_folders("folders are copied") {
        return;
    }
    block_on(async {
        let desk = Desk::new();
        let a = desk.create("a", &[1, 2]).await;
        let b = desk.clone(&a, "b").await;
        folder::copy(&desk.path("b"), &desk.path("copied"));
        let copied = desk.open("copied").await;
        copied.compact(CompactOptions::default()).await.unwrap();
        expire(&copied).await;
        assert_eq!(copied.latest().await.unwrap().root().origins.len(), 0);
        assert_eq!((notes(&a).await, desk.values("copied").await), (1, vec![1, 2]));

        let latest = a.latest().await.unwrap();
        a.delete(&latest, &[0]).await.unwrap();
        tidy(&a).await;
        assert_eq!(desk.values("b").await, [1, 2]);
        verified(&b).await;
        // Its own it takes back.
        tidy(&b).await;
        assert_eq!(notes(&a).await, 0);
    });
}

/// Rows came back whose large files no attribute of the receiver takes: a column file without columns was in the way.
#[test]
fn what_comes_back_need_not_bring_its_files() {
    block_on(async {
        let desk = Desk::new();
        let attributes = ["x:i64?", "photo:file?"].map(|text| Attribute::parse(text).unwrap());
        let schema = Schema::new(attributes).unwrap();
        let a = Dataset::create(&desk.place("a"), schema).await.unwrap();
        let small = WriteOptions::default().with_inline_file_bytes(1);
        let mut writer = a.writer_with(small).await.unwrap();
        let columns = Columns::new().scalars("x", [7i64]);
        let file = FileValue::new("one", "one");
        writer.append_columns(columns.files("photo", [Some(file)])).await.unwrap();
        writer.commit().await.unwrap();
        let b = desk.clone(&a, "b").await;
        b.change_schema(SchemaChange::Drop("photo".into())).await.unwrap();
        a.merge(&b, &b.latest().await.unwrap()).await.unwrap();
        assert_eq!(desk.values("a").await, [7, 7]);
        verified(&a).await;
        let photos = a.latest().await.unwrap().file_column("photo").unwrap();
        assert!(photos.get(1).await.unwrap().is_none());
        sweep(&a).await;
        assert_eq!(photos.bytes(0).await.unwrap().unwrap(), "one");
    });
}
