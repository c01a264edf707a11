use std::future::Future;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use tenrow::{Columns, Dataset};

use super::*;

async fn points(location: &Path) -> Snapshot {
    let schema = Schema::new([Attribute::parse("x:f64").unwrap()]).unwrap();
    let dataset = Dataset::create(&location.display().to_string(), schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    let columns = Columns::new().scalars("x", [1.0f64, f64::NAN, 3.0]);
    writer.append_columns(columns).await.unwrap();
    writer.commit().await.unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// Ctrl-C was heard only once the export was done, and what it had written then stayed.
#[test]
fn an_export_that_is_given_up_leaves_nothing_behind_in_any_format() {
    let dir = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let snapshot = points(&dir.path().join("points")).await;
        for format in ["npy", "npz", "parquet", "jsonl", "csv", "json", "arrow", "arrow-stream"] {
            let format = Format::named(format, Purpose::Export).unwrap();
            let folder = dir.path().join(format.name());
            let has_begun = Arc::new(AtomicBool::new(false));
            let seen = has_begun.clone();
            let on_progress = OnProgress::new(move |_| {
                seen.store(true, Ordering::Relaxed);
                ControlFlow::Continue(())
            });
            let all = snapshot.all();
            let export = export(&all, &folder, format, Existing::Keep, &on_progress);
            let mut export = Box::pin(export);
            std::future::poll_fn(|context| {
                let is_pending = export.as_mut().poll(context).is_pending();
                assert!(is_pending, "{format} let nobody else have a say");
                if has_begun.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            assert_eq!(names(&folder).len(), 1, "one file on its way");
            drop(export);
            assert!(names(&folder).is_empty(), "{format}: {:?}", names(&folder));
        }
    });
}

#[test]
fn what_is_there_stays_and_what_json_has_not_is_said() {
    let dir = tempfile::tempdir().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let snapshot = points(&dir.path().join("points")).await;
        let out = dir.path().join("out");
        let format = Format::named("jsonl", Purpose::Export).unwrap();
        let exported =
            export(&snapshot.all(), &out, format, Existing::Keep, &OnProgress::default())
                .await
                .unwrap();
        assert!(exported.remarks[0].contains("x: 1 NaN or infinite"), "{:?}", exported.remarks);
        let again =
            export(&snapshot.all(), &out, format, Existing::Keep, &OnProgress::default()).await;
        assert!(again.unwrap_err().to_string().contains("is there already"));
        export(&snapshot.all(), &out, format, Existing::Replace, &OnProgress::default())
            .await
            .unwrap();
        assert_eq!(names(&out), ["data.jsonl"]);
    });
}
