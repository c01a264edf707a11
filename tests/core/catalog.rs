//! Many datasets beneath one root, among whatever else lies there.

use std::sync::Arc;

use futures::StreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tenrow::storage::Storage;
use tenrow::{Attribute, Catalog, Columns, CreateOptions, ErrorKind, Schema};
use tenrow_tests::block_on;

fn schema() -> Schema {
    Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap()
}

fn catalog() -> (Catalog, Arc<InMemory>) {
    let store = Arc::new(InMemory::new());
    (Catalog::at(Storage::from_store(store.clone(), Path::from("some/root"))), store)
}

#[test]
fn thousands_of_datasets_are_listed_with_what_their_newest_version_says() {
    block_on(async {
        let (catalog, store) = catalog();
        for number in 0..2000u64 {
            let options = CreateOptions::default().with_property("number", number);
            let name = format!("group-{}/{number:04}", number % 7);
            let dataset = catalog.create(&name, schema(), &options).await.unwrap();
            if number % 100 == 0 {
                let mut writer = dataset.writer().await.unwrap();
                let rows: Vec<i64> = (0..=number as i64).collect();
                writer.append_columns(Columns::new().scalars("x", &rows)).await.unwrap();
                writer.commit().await.unwrap();
            }
        }
        for foreign in ["README.md", "group-1/notes.txt", "other/data/x.parquet", ".hidden/x"] {
            let path = Path::from(format!("some/root/{foreign}"));
            store.put(&path, "not a dataset".into()).await.unwrap();
        }
        let entries = catalog.list().await.unwrap();
        assert_eq!(entries.len(), 2000);
        assert!(entries.windows(2).all(|pair| pair[0].name < pair[1].name));
        for entry in entries {
            let info = entry.info.unwrap();
            let number = info.properties["number"].as_u64().unwrap();
            assert_eq!(entry.name, format!("group-{}/{number:04}", number % 7));
            let rows = if number % 100 == 0 { number + 1 } else { 0 };
            assert_eq!((info.row_count, info.schema), (rows, schema()));
            assert_eq!(info.version.0, if rows > 0 { 2 } else { 1 });
        }
        let found = catalog.dataset("group-3/0010").await.unwrap();
        assert_eq!(found.latest().await.unwrap().properties()["number"], 10);
    });
}

#[test]
fn a_dataset_that_cannot_be_read_is_listed_with_the_reason() {
    block_on(async {
        let (catalog, store) = catalog();
        catalog.create("good", schema(), &CreateOptions::default()).await.unwrap();
        catalog.create("bad", schema(), &CreateOptions::default()).await.unwrap();
        let versions = Path::from("some/root/bad/_tenrow/versions");
        let root = store.list(Some(&versions)).next().await.unwrap().unwrap();
        store.put(&root.location, "{}".into()).await.unwrap();
        let entries = catalog.list().await.unwrap();
        assert_eq!(
            entries.iter().map(|entry| &entry.name[..]).collect::<Vec<_>>(),
            ["bad", "good"]
        );
        assert_eq!(entries[0].info.as_ref().unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(entries[1].info.is_ok());
    });
}

#[test]
fn names_that_lead_elsewhere_or_into_a_dataset_are_refused() {
    block_on(async {
        let (catalog, _) = catalog();
        let options = CreateOptions::default();
        catalog.create("a/b", schema(), &options).await.unwrap();
        for name in [
            "",
            "..",
            "a/../c",
            "/a",
            "a//b",
            "_tenrow",
            ".x",
            "a\\b",
            "a/b/c",
            "1/2/3/4/5/6/7/8/9",
        ] {
            let error = catalog.create(name, schema(), &options).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}: {}", error.chain());
        }
        let error = catalog.create("a/b", schema(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(catalog.dataset("a/c").await.unwrap_err().kind(), ErrorKind::NotADataset);
        assert_eq!(catalog.list().await.unwrap().len(), 1);
    });
}
