//! Every commit is a version, and every version stays readable.

use std::path::Path;

use futures::executor::block_on;
use ndarray::Array2;
use tenrow::{Attribute, Columns, Dataset, ErrorKind, Schema, Snapshot, Version};
use tenrow_examples::{Outcome, in_folder};

fn main() -> Outcome {
    in_folder(run)
}

/// Commits twice and reads the dataset as it was after the first time.
pub(crate) fn run(folder: &Path) -> Outcome {
    block_on(async {
        let schema = Schema::new([Attribute::parse("point:f32[2]")?])?;
        let location = folder.join("points").display().to_string();
        let dataset = Dataset::create(&location, schema).await?;

        let first = append(&dataset, 100, 1.0).await?;
        let second = append(&dataset, 50, 2.0).await?;

        // A snapshot is pinned: it shows what it showed, whatever is committed after it.
        assert_eq!((first.row_count(), second.row_count()), (100, 150));

        // Anyone who opens the dataset sees the newest version, or asks for another.
        let dataset = Dataset::open(&location).await?;
        assert_eq!(dataset.latest().await?.row_count(), 150);
        let old = dataset.version(first.version()).await?;
        assert_eq!(old.row_count(), 100);
        let beyond = old.get(100).await.expect_err("version 2 ends with row 99");
        assert_eq!(beyond.kind(), ErrorKind::InvalidInput);
        println!("{beyond}");

        // Appending never changes the number of an earlier row.
        assert_eq!(old.get(99).await?, second.get(99).await?);

        for version in dataset.versions().await? {
            println!(
                "version {}: {}, {} rows, {} bytes",
                version.version, version.operation, version.row_count, version.size_bytes
            );
        }
        let missing = dataset.version(Version(9)).await.expect_err("there are three");
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        println!("{missing}");
        Ok(())
    })
}

async fn append(dataset: &Dataset, rows: usize, value: f32) -> tenrow::Result<Snapshot> {
    let points = Array2::from_elem((rows, 2), value);
    let mut writer = dataset.writer().await?;
    writer.append_columns(Columns::new().tensors("point", &points)).await?;
    writer.commit().await
}
