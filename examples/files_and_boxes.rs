//! Photographs as files, and the boxes drawn on them: as many as there are, differing by row.

use std::path::Path;

use futures::executor::block_on;
use ndarray::{Array2, s};
use tenrow::{Attribute, Columns, Dataset, FileValue, Schema, WriteOptions};
use tenrow_examples::{Outcome, in_folder};

fn main() -> Outcome {
    in_folder(run)
}

/// Stores three photographs with 2, 0 and 3 boxes.
pub(crate) fn run(folder: &Path) -> Outcome {
    block_on(async {
        let schema = Schema::new([
            Attribute::parse("photo:file")?,
            // Any number of boxes, four numbers each.
            Attribute::parse("boxes:f32[?,4]")?,
        ])?;
        let location = folder.join("photos").display().to_string();
        let dataset = Dataset::create(&location, schema).await?;

        // Small files are kept in their row, larger ones as objects beside; here "large" is 64 KB.
        let options = WriteOptions::default().with_inline_file_bytes(64_000);
        let mut writer = dataset.writer_with(options).await?;

        // A file of the caller's is read where it is and never touched.
        let original = folder.join("harbour.jpg");
        std::fs::write(&original, vec![7; 200_000])?;
        let files = [
            Some(FileValue::new("cat.png", vec![1; 3_000]).with_media_type("image/png")),
            Some(FileValue::new("dog.png", vec![2; 5_000]).with_media_type("image/png")),
            Some(writer.put_file(&original).await?),
        ];
        let boxes =
            [2, 0, 3].map(|count| Array2::from_shape_fn((count, 4), |(b, i)| (10 * b + i) as f32));
        let views: Vec<_> = boxes.iter().map(|b| b.view().into_dyn()).collect();
        let columns = Columns::new().files("photo", &files).variable_tensors("boxes", &views);
        writer.append_columns(columns).await?;
        let snapshot = writer.commit().await?;

        let photos = snapshot.file_column("photo")?;
        for row in 0..snapshot.row_count() {
            let file = photos.get(row).await?.expect("the attribute is not nullable");
            let place = file.path.as_deref().unwrap_or("in its row");
            println!("{}: {} bytes, {place}", file.name.as_deref().unwrap_or("?"), file.size_bytes);
        }
        // The bytes of a small file are a view of the mapped page; of a large one, any range.
        assert_eq!(photos.bytes(1).await?.expect("a file"), vec![2; 5_000]);
        let harbour = photos.get(2).await?.expect("a file");
        assert_eq!(harbour.size_bytes, 200_000);
        assert_eq!(harbour.read_range(100_000..100_010).await?, [7; 10].as_slice());

        // All boxes of all rows are one flat stream, read at any place.
        let stream = snapshot.elements("boxes").await?;
        assert_eq!(stream.element_count(), 5 * 4);
        let last_box = stream.window(16..20).await?;
        assert_eq!(last_box.as_slice::<f32>()?, boxes[2].slice(s![2, ..]).to_vec());
        println!("the last box is {:?}", last_box.as_slice::<f32>()?);
        Ok(())
    })
}
