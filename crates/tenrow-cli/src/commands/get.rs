//! `tenrow get`

use std::path::{Path, PathBuf};

use clap::Args;
use futures::TryStreamExt;
use serde_json::{Value, json};
use tenrow::{Attribute, AttributeType, PageChecks, ReadOptions, Snapshot, Tensor};
use tenrow_convert::{Existing, Picture, write_npy, write_stored_file};
use tenrow_values::tensor_at;

use crate::answer::Answer;
use crate::command::Command;
use crate::commands::export::existing;
use crate::fault::Result;
use crate::row_list::row_of;
use crate::show::{Rows, Style};
use crate::stores::Stores;
use crate::table::Detail;
use crate::terminal::WhetherDrawn;
use crate::which_rows::WhichRows;

const AFTER: &str = "\
Rows are counted from 0. What --out writes, its extension says: .npy a tensor or number, .png a tensor \
of u8 that is a picture; of a file attribute, the file's own bytes whatever the extension.

Examples:
  tenrow get digits 59999
  tenrow get digits 7 --attribute image --out seven.png
  tenrow get digits 0 --view train
  tenrow get photos 0 --attribute file --out first.jpg";

/// Show one row, or write one of its values to a file
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct GetArguments {
    /// The dataset
    dataset: String,
    /// The row, counted from 0; of a view, the place in it
    #[arg(allow_negative_numbers = true)]
    row: String,
    /// Only this attribute
    #[arg(long, short)]
    attribute: Option<String>,
    /// Write the value to this file
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it is there already
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    rows: WhichRows,
    #[command(flatten)]
    drawn: WhetherDrawn,
}

impl Command for GetArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let view = self.rows.of(&stores.place(&self.dataset)?).await?;
        let place = row_of(&view, &self.row)?;
        let row = view.row_numbers().await?.get(place).unwrap_or(place);
        let snapshot = view.snapshot();
        let asked = match &self.attribute {
            Some(name) => vec![snapshot.attribute(name)?.clone()],
            None => snapshot.schema().attributes().to_vec(),
        };
        let Some(path) = self.out else {
            let drawing = self.drawn.drawing()?;
            let rows = Rows::of(snapshot, &asked, Style { drawing, detail: Detail::WHOLE });
            let mut json = rows.json(&[row].into());
            let text = rows.text(&[row].into());
            let json = async move { Ok(json.try_next().await?.unwrap_or(Value::Null)) };
            return Ok(Answer::document(json, text).with_remarks_of(move || rows.remarks()));
        };
        let attribute = chosen(&asked, &path)?;
        let existing = existing(self.force);
        existing.check(&path)?;
        write(snapshot, row, attribute, &path, existing).await?;
        Ok(Answer::of(
            (attribute.name.clone(), path),
            move |(name, path)| json!({ "row": row, "attribute": name, "path": path }),
            move |(name, path)| format!("wrote {name} of row {row} to {}", path.display()),
        ))
    }
}

/// The attribute to write: the one asked for, or the only one that fits the extension.
fn chosen<'a>(asked: &'a [Attribute], path: &Path) -> Result<&'a Attribute> {
    if let [only] = asked {
        return Ok(only);
    }
    let fits = |a: &&Attribute| match (&a.attribute_type, extension(path).as_str()) {
        (AttributeType::Tensor { .. } | AttributeType::VariableTensor { .. }, "npy") => true,
        (AttributeType::Tensor { shape, .. }, "png") => shape.rank() >= 2,
        (AttributeType::File, extension) => extension != "npy" && extension != "png",
        _ => false,
    };
    let fitting: Vec<_> = asked.iter().filter(fits).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        [] => Err(format!(
            "{}: no attribute goes into a file of that extension by itself: choose one with --attribute",
            path.display()
        )
        .into()),
        _ => {
            let names: Vec<_> = fitting.iter().map(|a| a.name.as_str()).collect();
            Err(format!(
                "{}: choose what to write with --attribute: there are {}",
                path.display(),
                names.join(", ")
            )
            .into())
        }
    }
}

fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

async fn write(
    snapshot: &Snapshot,
    row: u64,
    attribute: &Attribute,
    path: &Path,
    existing: Existing,
) -> Result<()> {
    let null = || format!("attribute {:?} of row {row} is null: nothing to write", attribute.name);
    if attribute.attribute_type == AttributeType::File {
        let file = snapshot.file_column(&attribute.name)?.get(row).await?.ok_or_else(null)?;
        return Ok(write_stored_file(path, &file, existing).await?);
    }
    let extension = extension(path);
    if extension != "npy" && extension != "png" {
        return Err(format!(
            "{}: {} is {}: write it to .npy or .png, or rows to .parquet or .jsonl with `tenrow take`",
            path.display(),
            attribute.name,
            attribute.type_text()
        )
        .into());
    }
    let options = ReadOptions::default()
        .with_attributes([&attribute.name])
        .with_page_checks(PageChecks::Always);
    let batch = snapshot.take_with(&[row], &options).await?;
    if batch.column(0).is_null(0) {
        return Err(null().into());
    }
    let Some(tensor) = tensor_at(&attribute.attribute_type, batch.column(0), 0) else {
        return Err(format!(
            "{}: {} is {}, not a tensor or number: use `tenrow take --out x.jsonl`",
            path.display(),
            attribute.name,
            attribute.type_text()
        )
        .into());
    };
    match extension.as_str() {
        "npy" => write_npy(path, &tensor, existing)?,
        _ => picture(&tensor, attribute, path)?.write_png(path, existing)?,
    }
    Ok(())
}

fn picture(tensor: &Tensor, attribute: &Attribute, path: &Path) -> Result<Picture> {
    Picture::of_tensor(tensor).filter(Picture::is_exact).ok_or_else(|| {
        format!(
            "{}: {} is {}: a .png needs u8 with shape [h,w], [h,w,1], [h,w,3], [1,h,w] or [3,h,w]",
            path.display(),
            attribute.name,
            attribute.type_text()
        )
        .into()
    })
}
