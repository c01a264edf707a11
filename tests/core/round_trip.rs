//! Rows come back as they were written, whichever way they are asked for.

use futures::StreamExt;
use ndarray::{Array2, array};
use tenrow::{
    Attribute, Columns, DType, Dataset, FileValue, PageChecks, ReadOptions, ScanOptions, Schema,
    Tensor, WriteOptions,
};
use tenrow_tests::{block_on, place};

fn schema(texts: &[&str]) -> Schema {
    Schema::new(texts.iter().map(|text| Attribute::parse(text).unwrap())).unwrap()
}

#[test]
fn a_row_is_the_same_by_get_take_slice_and_scan() {
    block_on(async {
        let folder = place::folder();
        let location = place::location(folder.path().join("ds"));
        let schema =
            schema(&["x:f32[3]", "label:i64", "name:string?", "boxes:f32[?,2]", "photo:file"]);
        let dataset = Dataset::create(&location, schema).await.unwrap();
        let options = WriteOptions::default()
            .with_row_group_bytes(2000)
            .with_partition_bytes(4000)
            .with_inline_file_bytes(50);
        let mut writer = dataset.writer_with(options).await.unwrap();
        for part in 0..4i64 {
            let x = Array2::from_shape_fn((50, 3), |(r, c)| {
                (part * 1000) as f32 + r as f32 + c as f32 / 10.0
            });
            let labels: Vec<i64> = (0..50).map(|r| part * 50 + r).collect();
            let names: Vec<Option<String>> =
                (0..50).map(|r| (r % 3 != 0).then(|| format!("n{part}-{r}"))).collect();
            let boxes: Vec<_> = (0..50usize)
                .map(|r| ndarray::ArrayD::<f32>::from_elem(vec![r % 3, 2], r as f32))
                .collect();
            let boxes: Vec<_> = boxes.iter().map(|b| b.view()).collect();
            let files: Vec<_> = (0..50usize)
                .map(|r| Some(FileValue::new(format!("{r}.bin"), vec![r as u8; r * 2])))
                .collect();
            let columns = Columns::new()
                .tensors("x", &x)
                .scalars("label", &labels)
                .strings("name", names.iter().map(|n| n.as_deref()))
                .variable_tensors("boxes", &boxes)
                .files("photo", &files);
            writer.append_columns(columns).await.unwrap();
        }
        let snapshot = writer.commit().await.unwrap();
        assert_eq!(snapshot.row_count(), 200);
        assert!(snapshot.partition_count() > 1);

        let snapshot = Dataset::open(&location).await.unwrap().latest().await.unwrap();
        let whole = snapshot.slice(0..200).await.unwrap();
        for options in [ScanOptions::default(), ScanOptions::default().with_batch_rows(7)] {
            let batches: Vec<_> = snapshot.scan_with(&options).map(|b| b.unwrap()).collect().await;
            let scanned = arrow_select::concat::concat_batches(&whole.schema(), &batches).unwrap();
            assert_eq!(scanned, whole);
        }
        let rows = [199u64, 0, 57, 57, 3, 120];
        let taken = snapshot.take(&rows).await.unwrap();
        let always = ReadOptions::default().with_page_checks(PageChecks::Always);
        assert_eq!(taken, snapshot.take_with(&rows, &always).await.unwrap());
        for (i, &row) in rows.iter().enumerate() {
            assert_eq!(taken.slice(i, 1), whole.slice(row as usize, 1), "row {row}");
            assert_eq!(snapshot.get(row).await.unwrap(), whole.slice(row as usize, 1));
        }
        let column = snapshot.tensor_column("x").unwrap();
        let tensor = column.get(57).await.unwrap().unwrap();
        assert_eq!(tensor.view::<f32>().unwrap(), array![1007.0f32, 1007.1, 1007.2].into_dyn());
        let files = snapshot.file_column("photo").unwrap();
        for row in [0u64, 20, 49, 199] {
            let bytes = files.bytes(row).await.unwrap().unwrap();
            assert_eq!(bytes, vec![(row % 50) as u8; (row % 50) as usize * 2]);
            assert_eq!(files.get(row).await.unwrap().unwrap().read().await.unwrap(), bytes);
        }
        let stream = snapshot.elements("boxes").await.unwrap();
        assert_eq!(stream.element_count(), 4 * (0..50).map(|r| (r % 3) * 2).sum::<u64>());
        let all = stream.window(0..stream.element_count()).await.unwrap();
        let part = stream.window(31..77).await.unwrap();
        assert_eq!(part.as_slice::<f32>().unwrap(), &all.as_slice::<f32>().unwrap()[31..77]);
        assert!(snapshot.get(200).await.is_err());
    });
}

/// Copies of 4 MiB and more are shared by threads; checked, stored otherwise or nullable ones go another way.
#[test]
fn rows_are_written_into_memory_that_is_given() {
    block_on(async {
        let folder = place::folder();
        let location = place::location(folder.path().join("ds"));
        let columns = schema(&["x:f32[100]", "label:i64", "some:i16[2]?", "ok:bool[3]"]);
        let options =
            WriteOptions::default().with_row_group_bytes(100_000).with_partition_bytes(300_000);
        let dataset = Dataset::create(&location, columns).await.unwrap();
        let mut writer = dataset.writer_with(options).await.unwrap();
        let count = 1500usize;
        let x = Array2::from_shape_fn((count, 100), |(r, c)| r as f32 + c as f32 / 128.0);
        let labels: Vec<i64> = (0..count as i64).collect();
        let some = Array2::from_shape_fn((count, 2), |(r, c)| (r * 2 + c) as i16);
        let ok: Vec<u8> = (0..count * 3).map(|i| u8::from(i % 7 < 3)).collect();
        let ok = Tensor::new(DType::Bool, &[count as u64, 3], ok.into()).unwrap();
        let columns = Columns::new().tensors("x", &x).scalars("label", &labels);
        let columns = columns.tensors("some", &some).tensors("ok", &ok);
        writer.append_columns(columns).await.unwrap();
        let snapshot = writer.commit().await.unwrap();

        for rows in [0usize, 1, 7, 12_001] {
            let rows: Vec<u64> = (0..rows).map(|i| (i * 7919 % count) as u64).collect();
            for verify in [PageChecks::Never, PageChecks::Always] {
                let read = ReadOptions::default().with_page_checks(verify);
                for name in ["x", "label", "some", "ok"] {
                    let column = snapshot.tensor_column_with(name, &read).unwrap();
                    let expected = column.take(&rows).await.unwrap();
                    let mut out = vec![0xaa; expected.tensor.bytes().len()];
                    assert!(column.take_into(&rows, &mut out).await.unwrap().is_none());
                    assert!(out == expected.tensor.bytes()[..], "{name}, {} rows", rows.len());
                    out.push(0);
                    assert!(column.take_into(&rows, &mut out).await.is_err());
                }
            }
        }
        let beyond = snapshot.tensor_column("x").unwrap().take_into(&[1500], &mut [0; 400]).await;
        assert_eq!(beyond.unwrap_err().kind(), tenrow::ErrorKind::InvalidInput);
    });
}
