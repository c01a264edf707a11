//! Damaged bytes give a typed error or the right rows; where only data is hit and not checked by a
//! partial read they may give other values, which `verify` finds. Never a panic, never other rows.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use arrow_select::concat::concat_batches;
use futures::StreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tenrow::engine::manifest::Leaf;
use tenrow::storage::Storage;
use tenrow::{Dataset, ErrorKind, PageChecks, ReadOptions, Result, Snapshot, VerifyOptions};
use tenrow_tests::random::Dice;
use tenrow_tests::{block_on, place, zoo};

/// A dataset in memory, what each object holds, and what a reader must get.
struct Patient {
    store: Arc<InMemory>,
    objects: BTreeMap<String, Vec<u8>>,
    rows: RecordBatch,
}

impl Patient {
    /// Some rows of every kind of attribute in several partitions.
    fn new() -> Self {
        block_on(async {
            let store = Arc::new(InMemory::new());
            let dataset = Dataset::at(Storage::from_store(store.clone(), Path::default()));
            dataset.create_here(zoo::schema(), &Default::default()).await.unwrap();
            let mut writer = dataset.writer_with(zoo::small_files()).await.unwrap();
            writer.append(&zoo::batch(0..70)).await.unwrap();
            let snapshot = writer.commit().await.unwrap();
            let rows = snapshot.slice(0..70).await.unwrap();
            let listed: Vec<_> = store.list(None).map(|object| object.unwrap()).collect().await;
            let mut objects = BTreeMap::new();
            for object in listed {
                let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
                objects.insert(object.location.to_string(), bytes.to_vec());
            }
            Self { store, objects, rows }
        })
    }

    fn named(&self, folder: &str) -> Vec<String> {
        let names = self.objects.keys().filter(|name| name.starts_with(folder));
        let names: Vec<_> = names.cloned().collect();
        assert!(!names.is_empty(), "no objects in {folder}");
        names
    }

    /// The newest root.
    fn root(&self) -> String {
        self.named("_tenrow/versions/")[0].clone()
    }

    fn put(&self, name: &str, bytes: Vec<u8>) {
        block_on(self.store.put(&Path::from(name), bytes.into())).unwrap();
    }

    /// Runs `check` on a dataset in which one object has other bytes; it must not panic.
    fn with<T>(
        &self,
        name: &str,
        bytes: Vec<u8>,
        what: &str,
        check: impl FnOnce(Dataset) -> T,
    ) -> T {
        self.put(name, bytes);
        let dataset = Dataset::at(Storage::from_store(self.store.clone(), Path::default()));
        let checked = catch_unwind(AssertUnwindSafe(|| check(dataset)));
        self.put(name, self.objects[name].clone());
        checked.unwrap_or_else(|_| panic!("{what} of {name} panics"))
    }
}

/// All rows by `scan`, `slice` and `take`, or the first error.
async fn read_all(snapshot: &Snapshot, options: &ReadOptions) -> Result<Vec<RecordBatch>> {
    let count = snapshot.row_count();
    let sliced = snapshot.slice_with(0..count, options).await?;
    let scan = tenrow::ScanOptions::default().with_read(options.clone());
    let batches: Vec<_> = snapshot.scan_with(&scan).collect().await;
    let batches = batches.into_iter().collect::<Result<Vec<_>>>()?;
    let scanned = concat_batches(&sliced.schema(), &batches).expect("batches of one schema");
    let rows: Vec<u64> = (0..count).collect();
    let taken = snapshot.take_with(&rows, options).await?;
    Ok(vec![sliced, scanned, taken])
}

/// Reads through every handle; what they give is not looked at.
async fn touch(snapshot: &Snapshot) {
    for row in [0, 35, 69] {
        drop(snapshot.get(row).await);
        for name in ["image", "weights", "brain", "mask", "label"] {
            drop(snapshot.tensor_column(name).expect("a tensor").get(row).await);
        }
        let files = snapshot.file_column("photo").expect("a file attribute");
        drop(files.bytes(row).await);
        if let Ok(Some(file)) = files.get(row).await {
            drop(file.read().await);
        }
    }
    for name in ["boxes", "tokens"] {
        if let Ok(stream) = snapshot.elements(name).await {
            drop(stream.window(0..stream.element_count()).await);
        }
    }
}

fn assert_typed(error: &tenrow::Error, what: &str) {
    let kinds = [ErrorKind::Corrupt, ErrorKind::TooNew, ErrorKind::NotADataset, ErrorKind::Io];
    assert!(kinds.contains(&error.kind()), "{what}: {:?} {}", error.kind(), error.chain());
    assert!(!error.chain().contains('\n'), "{what}: {}", error.chain());
}

/// As many rows as there were, and each variable-shape tensor with as many elements as its shape says.
fn assert_form(found: &RecordBatch, expected: &RecordBatch, what: &str) {
    assert_eq!(found.num_rows(), expected.num_rows(), "{what}");
    assert_eq!(found.schema(), expected.schema(), "{what}");
    let boxes = found.column_by_name("boxes").unwrap().as_struct();
    let (data, shape) = (boxes.column(0).as_list::<i32>(), boxes.column(1).as_fixed_size_list());
    for row in (0..found.num_rows()).filter(|&row| boxes.is_valid(row)) {
        let dims = shape.value(row);
        let elements: i64 =
            dims.as_primitive::<Int32Type>().values().iter().map(|&d| i64::from(d)).product();
        assert_eq!(i64::from(data.value_length(row)), elements, "{what}: boxes of row {row}");
    }
}

/// Every page has a checksum, so reading with `PageChecks::Always` gives the right rows.
fn assert_right(found: &RecordBatch, expected: &RecordBatch, what: &str) {
    for (field, (found, expected)) in
        expected.schema().fields().iter().zip(found.columns().iter().zip(expected.columns()))
    {
        assert_eq!(found, expected, "{what}: wrong values of {:?}", field.name());
    }
}

fn cuts(bytes: &[u8], step: usize) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    (0..bytes.len()).step_by(step).map(|n| (format!("cut to {n} bytes"), bytes[..n].to_vec()))
}

fn flips(
    bytes: &[u8],
    bits: impl Iterator<Item = usize>,
) -> impl Iterator<Item = (String, Vec<u8>)> {
    bits.map(move |bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (format!("bit {} of byte {} flipped", bit % 8, bit / 8), flipped)
    })
}

/// A manifest is checked as a whole: nothing that is damaged in it goes unnoticed.
fn damaged_manifest_is_an_error(
    patient: &Patient,
    name: &str,
    read: impl Fn(Dataset) -> Result<()>,
) {
    let good = &patient.objects[name];
    patient.with(name, good.clone(), "nothing", &read).unwrap();
    for (what, bytes) in cuts(good, 1).chain(flips(good, 0..good.len() * 8)) {
        let error = patient.with(name, bytes, &what, &read).expect_err(&what);
        assert_typed(&error, &what);
    }
}

#[test]
fn a_root_with_any_bit_flipped_or_cut_anywhere_is_an_error() {
    let patient = Patient::new();
    let root = patient.root();
    damaged_manifest_is_an_error(&patient, &root, |dataset| block_on(dataset.latest()).map(drop));
}

#[test]
fn a_leaf_with_any_bit_flipped_or_cut_anywhere_is_an_error() {
    let patient = Patient::new();
    let leaf = patient.named("_tenrow/leaves/")[0].clone();
    let good = &patient.objects[&leaf];
    let expected = tenrow::engine::checksum(good);
    for (what, bytes) in cuts(good, 1).chain(flips(good, 0..good.len() * 8)) {
        assert!(Leaf::decode(bytes.into(), expected).is_err(), "{what}");
    }
    let every_seventh = flips(good, (0..good.len() * 8).step_by(7 * 8 + 1));
    for (what, bytes) in cuts(good, 7).chain(every_seventh) {
        let read = |dataset: Dataset| block_on(async { dataset.latest().await?.get(5).await });
        let error = patient.with(&leaf, bytes, &what, read).expect_err(&what);
        assert_typed(&error, &what);
    }
}

/// What holds for any damage to a data file or a large file.
fn check_damage(patient: &Patient, dataset: &Dataset, what: &str) {
    block_on(async {
        let snapshot = dataset.latest().await.unwrap();
        let expected = &patient.rows;
        match read_all(&snapshot, &ReadOptions::default()).await {
            Ok(batches) => batches.iter().for_each(|found| assert_form(found, expected, what)),
            Err(error) => assert_typed(&error, what),
        }
        let always = ReadOptions::default().with_page_checks(PageChecks::Always);
        match read_all(&snapshot, &always).await {
            Ok(batches) => {
                batches.iter().for_each(|found| assert_right(found, expected, what));
            }
            Err(error) => assert_typed(&error, what),
        }
        touch(&snapshot).await;
        let full = VerifyOptions { full: true, ..VerifyOptions::default() };
        let report = dataset.verify(full).await.unwrap();
        assert!(!report.faults.is_empty(), "{what}: not found by verify");
    });
}

fn damaged_data_is_noticed(folder: &str, cut_count: usize, flip_count: u64) {
    let patient = Patient::new();
    let mut dice = Dice::new(77);
    let names = patient.named(folder);
    // The first and the last, which differ in size.
    for name in [&names[0], &names[names.len() - 1]] {
        let good = &patient.objects[name];
        let bits: Vec<usize> =
            (0..flip_count).map(|_| dice.below(good.len() as u64 * 8) as usize).collect();
        let step = (good.len() / cut_count).max(1);
        // The end of a file holds its footer: damage to it is the most dangerous.
        let footer = good.len().saturating_sub(16)..good.len();
        let footer_cuts = footer.map(|n| (format!("cut to {n} bytes"), good[..n].to_vec()));
        for (what, bytes) in
            cuts(good, step).chain(footer_cuts).chain(flips(good, bits.into_iter()))
        {
            patient.with(name, bytes, &what, |dataset| check_damage(&patient, &dataset, &what));
        }
    }
}

#[test]
fn a_damaged_base_file_gives_an_error_or_its_own_rows_and_verify_finds_it() {
    damaged_data_is_noticed("data/", 10, 100);
}

#[test]
fn a_damaged_column_file_gives_an_error_or_its_own_rows_and_verify_finds_it() {
    damaged_data_is_noticed("columns/", 10, 60);
}

#[test]
fn a_damaged_large_file_gives_an_error_or_its_own_rows_and_verify_finds_it() {
    damaged_data_is_noticed("files/", 10, 20);
}

#[test]
fn a_missing_object_is_damage_that_names_it() {
    let patient = Patient::new();
    for folder in ["_tenrow/leaves/", "data/", "columns/"] {
        let name = patient.named(folder)[0].clone();
        block_on(patient.store.delete(&Path::from(name.as_str()))).unwrap();
        block_on(async {
            let dataset = Dataset::at(Storage::from_store(patient.store.clone(), Path::default()));
            let snapshot = dataset.latest().await.unwrap();
            let read = snapshot.slice(0..70).await;
            let report = dataset.verify(VerifyOptions::default()).await.unwrap();
            if let Err(error) = read {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
                assert!(error.chain().contains(&name), "{}", error.chain());
            } else {
                assert_eq!(folder, "columns/", "read without {name}");
            }
            assert!(report.faults.iter().any(|fault| fault.to_string().contains(&name)));
        });
        patient.put(&name, patient.objects[&name].clone());
    }
}

#[test]
fn a_mapped_file_that_was_cut_is_an_error() {
    if !place::needs_folders("files are mapped there alone") {
        return;
    }
    block_on(async {
        let folder = place::folder();
        let place = place::location(folder.path());
        let dataset = Dataset::create(&place, zoo::schema()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        writer.append(&zoo::batch(0..20)).await.unwrap();
        writer.commit().await.unwrap();
        let files = tenrow_tests::folder::files_of(folder.path());
        let (name, good) = files.iter().find(|(name, _)| name.starts_with("data/")).unwrap();
        for len in (0..good.len()).step_by(301) {
            std::fs::write(folder.path().join(name), &good[..len]).unwrap();
            let snapshot = Dataset::open(&place).await.unwrap().latest().await.unwrap();
            let error = snapshot.slice(0..20).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
            assert!(snapshot.tensor_column("image").unwrap().get(3).await.is_err());
        }
    });
}
