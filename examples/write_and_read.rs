//! `ndarray` arrays become rows, and rows become arrays again.

use std::path::Path;

use futures::executor::block_on;
use ndarray::{Array1, Array3, Axis};
use tenrow::{Attribute, Columns, Dataset, Schema};
use tenrow_examples::{Outcome, in_folder};

fn main() -> Outcome {
    in_folder(run)
}

/// Writes 1,000 small pictures and reads some of them.
pub(crate) fn run(folder: &Path) -> Outcome {
    block_on(async {
        // What every row has: a picture of 28 × 28 bytes, and a label.
        let schema =
            Schema::new([Attribute::parse("image:u8[28,28]")?, Attribute::parse("label:i64")?])?;
        let location = folder.join("pictures").display().to_string();
        let dataset = Dataset::create(&location, schema).await?;

        // The first axis is the row. Nothing is visible to readers before `commit` returns.
        let images = Array3::from_shape_fn((1000, 28, 28), |(row, y, x)| (row + y * x) as u8);
        let labels = Array1::from_shape_fn(1000, |row| row as i64 % 10);
        let columns = Columns::new()
            .tensors("image", &images)
            .scalars("label", labels.as_slice().expect("one piece of memory"));
        let mut writer = dataset.writer().await?;
        writer.append_columns(columns).await?;
        let snapshot = writer.commit().await?;
        println!("{} rows in version {}", snapshot.row_count(), snapshot.version());

        // One tensor: a view of the mapped file, nothing is copied.
        let column = snapshot.tensor_column("image")?;
        let image = column.get(42).await?.expect("the attribute is not nullable");
        assert_eq!(image.view::<u8>()?, images.index_axis(Axis(0), 42).into_dyn());
        println!(
            "row 42: shape {:?}, pixel [5, 7] is {}",
            image.shape(),
            image.view::<u8>()?[[5, 7]]
        );

        // Several tensors in one: the rows in the order asked, a row asked for twice is there twice.
        let rows = [999, 3, 3, 500];
        let taken = column.take(&rows).await?.tensor;
        let wanted = images.select(Axis(0), &rows.map(|row| row as usize));
        assert_eq!(taken.view::<u8>()?, wanted.into_dyn());
        println!("rows {rows:?}: shape {:?}", taken.shape());

        // Whole rows, all attributes, as an Arrow record batch.
        let batch = snapshot.slice(10..15).await?;
        assert_eq!((batch.num_rows(), batch.num_columns()), (5, 2));
        println!(
            "rows 10 to 14: {}",
            batch
                .schema()
                .fields()
                .iter()
                .map(|f| f.name().as_str())
                .collect::<Vec<_>>()
                .join(", ")
        );
        Ok(())
    })
}
