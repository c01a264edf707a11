//! `tenrow get`

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use tenrow::AttributeType;
use tenrow::{Attribute, PageChecks, ReadOptions, Snapshot, Tensor};
use tenrow_convert::{Existing, Picture, write_npy, write_stored_file};
use tenrow_values::tensor_at;

use crate::Output;
use crate::commands::export::existing;
use crate::fault::Result;
use crate::row_list::row_number;
use crate::show::{self, Style};
use crate::stores::Stores;
use crate::terminal::Drawing;
use crate::which_version::WhichVersion;

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
    /// Replace the file if it is there already
    #[arg(long, requires = "out")]
    force: bool,
    #[command(flatten)]
    version: WhichVersion,
    /// Draw pictures even where the output is not a terminal
    #[arg(long, conflicts_with = "json")]
    draw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints the row, or writes one of its values.
pub(crate) async fn run(arguments: GetArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let snapshot = arguments.version.open(stores, &arguments.dataset).await?;
    let row = row_number(&snapshot, &arguments.row)?;
    let asked = match &arguments.attribute {
        Some(name) => vec![snapshot.attribute(name)?.clone()],
        None => snapshot.schema().attributes().to_vec(),
    };
    let Some(path) = &arguments.out else {
        if arguments.json {
            let rows = show::rows_json(&snapshot, row..row + 1, &asked).await?;
            rows.iter().try_for_each(|row| writeln!(out, "{row:#}"))?;
            return Ok(());
        }
        let drawing = if arguments.draw { Drawing::always() } else { Drawing::on_terminals() };
        let style = Style { drawing, is_whole: true };
        write!(out, "{}", show::rows(&snapshot, row..row + 1, &asked, style).await?)?;
        return Ok(());
    };
    let attribute = chosen(&asked, path)?;
    let existing = existing(arguments.force);
    existing.check(path)?;
    write(&snapshot, row, attribute, path, existing).await?;
    if arguments.json {
        let value = json!({ "row": row, "attribute": attribute.name, "path": path });
        writeln!(out, "{value:#}")?;
        return Ok(());
    }
    writeln!(out, "wrote {} of row {row} to {}", attribute.name, path.display())?;
    Ok(())
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
