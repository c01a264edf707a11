//! `tenrow info`

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use tenrow::format::AttributeType;
use tenrow::{Attribute, Snapshot};

use crate::Output;
use crate::fault::Result;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Examples:
  tenrow info digits
  tenrow info digits --version 2 --json | jq .rows";

/// The arguments of `info`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct InfoArguments {
    /// The dataset
    dataset: String,
    #[command(flatten)]
    version: WhichVersion,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what the dataset is.
pub(crate) async fn run(arguments: InfoArguments, out: &mut Output) -> Result<()> {
    let snapshot = arguments.version.open(&arguments.dataset).await?;
    let facts = Facts::read(&snapshot).await?;
    match arguments.json {
        true => writeln!(out, "{:#}", facts.json(&snapshot))?,
        false => print(&snapshot, &facts, out)?,
    }
    Ok(())
}

/// Prints the same to read, for `demo` too.
pub(crate) async fn describe(snapshot: &Snapshot, out: &mut Output) -> Result<()> {
    let facts = Facts::read(snapshot).await?;
    print(snapshot, &facts, out)
}

/// Sizes, and those of each attribute.
struct Facts {
    /// Bytes on disk: Parquet files and large files.
    bytes: u64,
    /// Bytes of the values in memory.
    raw_bytes: u64,
    attributes: Vec<u64>,
}

impl Facts {
    async fn read(snapshot: &Snapshot) -> Result<Self> {
        let inspection = snapshot.inspect().await?;
        let large_files = inspection.external_bytes;
        let attributes = snapshot.schema().attributes();
        let is_file = |a: &Attribute| a.attribute_type == AttributeType::File;
        let file_attributes = attributes.iter().filter(|a| is_file(a)).count();
        let stored = |attribute: &Attribute| {
            let sizes = inspection.attributes.iter().find(|size| size.name == attribute.name);
            let in_rows = sizes.map_or(0, |size| size.stored_bytes);
            // A partition does not say which attribute a large file belongs to.
            in_rows + if file_attributes == 1 && is_file(attribute) { large_files } else { 0 }
        };
        Ok(Self {
            bytes: inspection.files_bytes + large_files,
            raw_bytes: inspection.attributes.iter().map(|s| s.raw_bytes).sum::<u64>() + large_files,
            attributes: attributes.iter().map(stored).collect(),
        })
    }

    fn json(&self, snapshot: &Snapshot) -> Value {
        let attributes = snapshot.schema().attributes().iter().zip(&self.attributes);
        let attributes: Vec<Value> = attributes
            .map(|(attribute, bytes)| {
                json!({
                    "name": attribute.name,
                    "kind": attribute.attribute_type.kind(),
                    "dtype": attribute.attribute_type.dtype().map(|dtype| dtype.name()),
                    "shape": shape(&attribute.attribute_type),
                    "encoding": attribute.encoding.to_string(),
                    "bytes": bytes,
                    "nullable": attribute.nullable,
                    "type": attribute.type_text(),
                })
            })
            .collect();
        json!({
            "version": snapshot.version().0,
            "rows": snapshot.row_count(),
            "partitions": snapshot.partition_count(),
            "bytes": self.bytes,
            "raw_bytes": self.raw_bytes,
            "properties": snapshot.properties(),
            "attributes": attributes,
        })
    }
}

/// The sizes of a tensor, null where they vary; of anything else null.
fn shape(attribute_type: &AttributeType) -> Value {
    match attribute_type {
        AttributeType::Tensor { shape, .. } => json!(shape.dims()),
        AttributeType::VariableTensor { shape, .. } => json!(shape.dims()),
        AttributeType::Scalar(_) => json!([]),
        _ => Value::Null,
    }
}

fn print(snapshot: &Snapshot, facts: &Facts, out: &mut Output) -> Result<()> {
    writeln!(
        out,
        "{}\nversion {}: {} in {}, {} on disk ({} raw)\n",
        snapshot.storage(),
        snapshot.version(),
        text::counted(snapshot.row_count(), "row", "rows"),
        text::counted(snapshot.partition_count(), "partition", "partitions"),
        text::size(facts.bytes),
        text::size(facts.raw_bytes),
    )?;
    let header = ["attribute", "type", "encoding", "on disk"].map(str::to_owned).to_vec();
    let rows = snapshot.schema().attributes().iter().zip(&facts.attributes).map(|(a, bytes)| {
        vec![a.name.clone(), a.type_text(), a.encoding.to_string(), text::size(*bytes)]
    });
    write!(out, "{}", text::table(&std::iter::once(header).chain(rows).collect::<Vec<_>>()))?;
    if !snapshot.properties().is_empty() {
        writeln!(out, "\nproperties")?;
    }
    for (name, value) in snapshot.properties() {
        writeln!(out, "  {name} = {value}")?;
    }
    Ok(())
}
