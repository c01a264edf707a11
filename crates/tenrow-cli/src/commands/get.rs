//! `tenrow get`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use tenrow::format::AttributeType;
use tenrow::{Attribute, ReadOptions, Snapshot, Tensor};
use tenrow_convert::{Picture, tensor_at, write_npy};

use crate::Output;
use crate::commands::snapshot;
use crate::fault::Result;
use crate::show::{self, Style};
use crate::terminal::Drawing;

const AFTER: &str = "\
Rows are counted from 0. What --out writes, its extension says: .npy a tensor or number, .png a tensor \
of u8 that is a picture; of a file attribute, the file's own bytes whatever the extension.

Examples:
  tenrow get digits 59999
  tenrow get digits 7 --attribute image --out seven.png
  tenrow get photos 0 --attribute file --out first.jpg";

/// The arguments of `get`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct GetArguments {
    /// The dataset
    dataset: String,
    /// The row, counted from 0
    #[arg(allow_negative_numbers = true)]
    row: String,
    /// Only this attribute
    #[arg(long, short)]
    attribute: Option<String>,
    /// Write the value to this file
    #[arg(long, short)]
    out: Option<PathBuf>,
    /// The version; the newest if not given
    #[arg(long)]
    version: Option<u64>,
    /// Draw pictures even where the output is not a terminal
    #[arg(long)]
    draw: bool,
}

/// Prints the row, or writes one of its values.
pub(crate) async fn run(arguments: GetArguments, out: &mut Output) -> Result<()> {
    let snapshot = snapshot(&arguments.dataset, arguments.version).await?;
    let row = row_number(&snapshot, &arguments.row)?;
    let asked = match &arguments.attribute {
        Some(name) => vec![snapshot.attribute(name)?.clone()],
        None => snapshot.schema().attributes().to_vec(),
    };
    let Some(path) = &arguments.out else {
        let drawing = if arguments.draw { Drawing::always() } else { Drawing::on_terminals() };
        let style = Style { drawing, is_whole: true };
        write!(out, "{}", show::rows(&snapshot, row..row + 1, &asked, style).await?)?;
        return Ok(());
    };
    let attribute = chosen(&asked, path)?;
    write(&snapshot, row, attribute, path).await?;
    writeln!(out, "wrote {} of row {row} to {}", attribute.name, path.display())?;
    Ok(())
}

/// A row of the snapshot from its number as text.
pub(crate) fn row_number(snapshot: &Snapshot, text: &str) -> Result<u64> {
    let number: i128 =
        text.trim().parse().map_err(|_| format!("row {text:?}: not a row number"))?;
    let rows = snapshot.row_count();
    match u64::try_from(number) {
        Ok(row) if row < rows => Ok(row),
        _ if rows == 0 => Err(format!("row {number}: {} has no rows", snapshot.storage()).into()),
        _ => Err(format!(
            "row {number} is out of range: version {} of {} has {rows} rows, 0 to {}",
            snapshot.version(),
            snapshot.storage(),
            rows - 1
        )
        .into()),
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

async fn write(snapshot: &Snapshot, row: u64, attribute: &Attribute, path: &Path) -> Result<()> {
    let null = || format!("attribute {:?} of row {row} is null: nothing to write", attribute.name);
    if attribute.attribute_type == AttributeType::File {
        let bytes = snapshot.files(&attribute.name)?.bytes(row).await?.ok_or_else(null)?;
        return Ok(std::fs::write(path, bytes).map_err(|e| format!("{}: {e}", path.display()))?);
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
    let options = ReadOptions::default().with_attributes([&attribute.name]);
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
        "npy" => write_npy(path, &tensor)?,
        _ => picture(&tensor, attribute, path)?.write_png(path)?,
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
