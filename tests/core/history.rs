//! Old versions and those that follow them.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tenrow::engine::Clock;
use tenrow::{
    Attribute, Dataset, ErrorKind, Schema, SchemaChange, Version, ViewOptions, WriteOptions,
};
use tenrow_tests::{block_on, folder, place, zoo};

use super::stock::{all, append, assert_same_columns, verified, zoo_of};
#[test]
fn an_idempotency_key_commits_once() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 0).await;
        for _ in 0..3 {
            let options = WriteOptions::default().with_idempotency_key("job", 7);
            let mut writer = dataset.writer_with(options).await.unwrap();
            writer.append(&zoo::batch(0..10)).await.unwrap();
            assert_eq!(writer.commit().await.unwrap().row_count(), 10);
        }
        assert_eq!(dataset.latest().await.unwrap().version(), Version(2));
    });
}

#[test]
fn time_travel_tags_and_restore() {
    block_on(async {
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 2).await;
        dataset.tag("first", Version(2)).await.unwrap();
        assert_eq!(dataset.tagged("first").await.unwrap().row_count(), 10);
        let error = dataset.tagged("second").await.unwrap_err();
        assert!(error.to_string().contains("there are first"), "{error}");
        assert_eq!(
            dataset.tag("first", Version(3)).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert!(dataset.tag("7", Version(2)).await.is_err());
        let before = dataset.latest().await.unwrap();
        dataset.change_schema(SchemaChange::Drop("label".into())).await.unwrap();
        let restored = dataset.restore(Version(2)).await.unwrap();
        assert_eq!((restored.row_count(), restored.version()), (10, Version(6)));
        assert_same_columns(&all(&restored).await, &before.slice(0..10).await.unwrap());
        // Ids are not given twice.
        append(&dataset, 20..30).await;
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.row_ids(&[10]).await.unwrap(), [20]);
        let error = dataset.version(Version(99)).await.unwrap_err().to_string();
        assert!(error.contains("there are 1 to 7"), "{error}");
        let created = before.root().created_ms;
        assert!(dataset.version_at(created).await.unwrap().version() >= before.version());
        assert_eq!(dataset.version_at(0).await.unwrap_err().kind(), ErrorKind::NotFound);
        let diff = before.diff(&latest).await.unwrap();
        assert_eq!((diff.rows_added, diff.rows_deleted), (10, 10));
        verified(&dataset).await;
    });
}

#[test]
fn a_thousand_rows_appended_to_ten_thousand_leave_these_as_they_were() {
    block_on(async {
        let folder = place::folder();
        let place = place::location(folder.path());
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place, schema).await.unwrap();
        let append = async |values: std::ops::Range<i64>| {
            let mut writer = dataset.writer().await.unwrap();
            let values: Vec<i64> = values.collect();
            let columns = tenrow::Columns::new().scalars("x", &values);
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap()
        };
        let before = append(0..10_000).await;
        let files = folder::files_of(&folder.path().join("data"));
        let after = append(10_000..11_000).await;
        let rows = all(&after).await;
        let expected: Vec<i64> = (0..11_000).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        assert_eq!(before.row_count(), 10_000);
        assert_eq!(all(&before).await, rows.slice(0, 10_000));
        let now = folder::files_of(&folder.path().join("data"));
        assert!(files.iter().all(|(name, bytes)| now[name] == *bytes));
    });
}

#[test]
fn a_version_is_named_by_its_number_a_tag_a_time_or_as_the_newest() {
    block_on(async {
        const DAY_MS: i64 = 24 * 3600 * 1000;
        let folder = place::folder();
        let dataset = zoo_of(folder.path(), 0).await.with_clock(Clock::fixed(10 * DAY_MS));
        for _ in 0..2 {
            append(&dataset, 0..10).await;
        }
        let first = dataset.version(Version(2)).await.unwrap();
        dataset.tag("first", Version(2)).await.unwrap();
        let few = first.rows([3, 1]).unwrap();
        dataset.create_view("few", &few, &ViewOptions::default()).await.unwrap();
        let latest = dataset.latest().await.unwrap().version();
        let created = first.root().created_ms;
        let on_the_day = tenrow::WhichVersion::At(created).to_string();
        for (text, expected) in [
            ("2", Version(2)),
            (" 3 ", Version(3)),
            ("first", Version(2)),
            ("latest", latest),
            ("2999-01-01", latest),
        ] {
            assert_eq!(dataset.named(text).await.unwrap().version(), expected, "{text}");
        }
        assert!(dataset.named(&on_the_day).await.unwrap().root().created_ms <= created);
        for text in ["9", "second", "1970-01-01"] {
            let error = dataset.named(text).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound, "{text}: {error}");
        }
        assert_eq!(dataset.named("3x").await.unwrap_err().kind(), ErrorKind::InvalidInput);
        for (text, expected) in
            [("few", 2), ("few@3", 3), ("few@first", 2), ("few@latest", latest.0)]
        {
            let view = dataset.view_named(text).await.unwrap();
            assert_eq!((view.version(), view.row_count()), (Version(expected), 2), "{text}");
        }
    });
}
