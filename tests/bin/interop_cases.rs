//! Writes the datasets that the tests in `tests/interop` open with the readers of others.
//!
//! `interop-cases DIR` leaves one dataset a case in `DIR`, and `DIR/cases.json` with what each
//! holds by the rule of `tenrow_tests::pattern`. `DIR/extra.json` names files with all other kinds.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenrow::{
    Attribute, AttributeType, Columns, DType, Dataset, Encoding, Schema, Snapshot, WriteOptions,
};
use tenrow_tests::{block_on, pattern, zoo};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Bytes of the columns `id` and `name` in a row, roughly.
const SCALAR_BYTES: u64 = 24;

/// One dataset with the attributes `x`, `id` and `name`.
struct Case {
    name: String,
    dtype: DType,
    shape: Vec<u64>,
    rows: u64,
    nulls: bool,
    many: bool,
    encoding: Encoding,
}

pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let folder = arguments.first().ok_or("usage: interop-cases DIR")?;
    std::fs::create_dir_all(folder)?;
    let folder = PathBuf::from(folder).canonicalize()?;
    let cases = cases().iter().map(|case| case.write(&folder)).collect::<Result<Vec<_>>>()?;
    std::fs::write(folder.join("cases.json"), serde_json::to_vec_pretty(&cases)?)?;
    std::fs::write(folder.join("extra.json"), serde_json::to_vec_pretty(&extra(&folder)?)?)?;
    println!("{} cases in {}", cases.len(), folder.display());
    Ok(())
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for dtype in DType::ALL {
        for n in [1, 3, 10, 784] {
            for nulls in [false, true] {
                for many in [false, true] {
                    cases.push(Case::raw(dtype, vec![n], nulls, many));
                }
            }
        }
        cases.push(Case::encoded(dtype, Encoding::Zstd(3)));
        if dtype.splits_into_bytes() {
            cases.push(Case::encoded(dtype, Encoding::ByteStreamSplitZstd(3)));
        }
    }
    cases.push(Case::raw(DType::F32, vec![], false, false));
    cases.push(Case::raw(DType::F32, vec![], true, true));
    cases.push(Case::raw(DType::U8, vec![2, 3, 4], false, true));
    cases.push(Case::raw(DType::U8, vec![2, 3, 4], true, false));
    let narrow = Case::raw(DType::U8, vec![3], true, true);
    cases.push(Case { name: "u8-3-long".into(), rows: 500_000, ..narrow });
    cases
}

impl Case {
    fn raw(dtype: DType, shape: Vec<u64>, nulls: bool, many: bool) -> Self {
        let row_bits = shape.iter().product::<u64>() * dtype.item_bits();
        let rows = match many {
            // Wide rows fill several pages of a row group.
            true => ((30 << 20) / row_bits).clamp(50, 1200),
            false => 43,
        };
        let dims: Vec<String> = shape.iter().map(u64::to_string).collect();
        let name = format!(
            "{dtype}-{}-{}-{}",
            if dims.is_empty() { "scalar".into() } else { dims.join("x") },
            if nulls { "nulls" } else { "full" },
            if many { "many" } else { "one" },
        );
        Self { name, dtype, shape, rows, nulls, many, encoding: Encoding::Raw }
    }

    fn encoded(dtype: DType, encoding: Encoding) -> Self {
        let name = format!("{dtype}-10-{}", encoding.to_string().replace([':', '+'], "_"));
        Self { name, rows: 4000, encoding, ..Self::raw(dtype, vec![10], true, false) }
    }

    /// Row groups of a third of the rows, two of them in a file.
    fn options(&self) -> WriteOptions {
        if !self.many {
            return WriteOptions::default();
        }
        let n: u64 = self.shape.iter().product();
        let row_bytes = n * self.dtype.item_bits() / 8 + SCALAR_BYTES;
        let group = self.rows / 3 * row_bytes;
        WriteOptions::default().with_row_group_bytes(group).with_partition_bytes(group * 3 / 2)
    }

    fn write(&self, folder: &Path) -> Result<Value> {
        let folder = folder.join(&self.name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let attribute_type = AttributeType::tensor(self.dtype, self.shape.clone())?;
        let type_text = attribute_type.to_string();
        let x = Attribute::new("x", attribute_type)
            .with_nullable(self.nulls)
            .with_encoding(self.encoding);
        let schema =
            Schema::new([x, Attribute::parse("id:i64")?, Attribute::parse("name:string?")?])?;
        let n: u64 = self.shape.iter().product();
        let columns = Columns::new()
            .array("x", pattern::tensors(self.dtype, n, 0..self.rows, self.nulls))
            .array("id", pattern::ids(0..self.rows))
            .array("name", pattern::names(0..self.rows));
        let files = block_on(async {
            let dataset = Dataset::create(&folder.display().to_string(), schema).await?;
            let mut writer = dataset.writer_with(self.options()).await?;
            writer.append_columns(columns).await?;
            base_files(&writer.commit().await?, &folder).await
        })?;
        Ok(json!({
            "name": self.name, "files": files, "attribute": "x", "type": type_text,
            "dtype": self.dtype.name(), "n": n, "rows": self.rows, "nulls": self.nulls,
            "page_groups": if self.many { "many" } else { "one" },
            "encoding": self.encoding.to_string(),
        }))
    }
}

/// The files that hold every attribute, in the order of their rows.
async fn base_files(snapshot: &Snapshot, folder: &Path) -> Result<Vec<String>> {
    let partitions = snapshot.partition_entries().await?;
    let files = partitions.iter().flat_map(|partition| &partition.files);
    let base = files.filter(|file| file.path.starts_with("data/"));
    Ok(base.map(|file| folder.join(&file.path).display().to_string()).collect())
}

/// One dataset with an attribute of every kind, in one file and in many.
fn extra(folder: &Path) -> Result<Vec<Value>> {
    let sizes = [("one", WriteOptions::default()), ("many", zoo::small_files())];
    let mut list = Vec::new();
    for (name, options) in sizes {
        let name = format!("zoo-{name}");
        let folder = folder.join(&name);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        let files = block_on(async {
            let dataset = Dataset::create(&folder.display().to_string(), zoo::schema()).await?;
            let mut writer = dataset.writer_with(options).await?;
            writer.append(&zoo::batch(0..200)).await?;
            base_files(&writer.commit().await?, &folder).await
        })?;
        list.push(json!({ "name": name, "files": files, "kind": "zoo", "rows": 200 }));
    }
    Ok(list)
}
