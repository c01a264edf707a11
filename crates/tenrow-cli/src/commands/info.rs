//! `tenrow info`

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Map, Value, json};
use tenrow::AttributeType;
use tenrow::storage::Storage;
use tenrow::{Attribute, AttributeSize, Dataset, Snapshot, Version};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::table;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
Examples:
  tenrow info digits
  tenrow info digits --version 2 --json | jq .rows";

/// Show version, rows, sizes, attributes and properties
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct InfoArguments {
    /// The dataset
    dataset: String,
    #[command(flatten)]
    version: WhichVersion,
}

impl Command for InfoArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let snapshot = self.version.open(stores, &self.dataset).await?;
        let facts = Facts::read(&snapshot).await?;
        Ok(Answer::of(
            (snapshot, facts),
            |(snapshot, facts)| facts.json(snapshot),
            |(snapshot, facts)| text(snapshot, facts),
        ))
    }
}

/// The same to read, for `demo` too.
pub(crate) async fn description(snapshot: &Snapshot) -> Result<String> {
    Ok(text(snapshot, &Facts::read(snapshot).await?))
}

/// What the manifest of the version does not say by itself.
struct Facts {
    /// Bytes on disk: Parquet files and large files.
    bytes: u64,
    /// Bytes of the values in memory.
    raw_bytes: u64,
    attributes: Vec<AttributeFacts>,
    /// Tags of all versions: those of this one may be younger than it.
    tags: BTreeMap<String, Version>,
    /// Where the datasets are that this one refers to, and which version it is of each.
    origins: Vec<(String, Version)>,
    /// Where those are that refer to this one, and to which version of it.
    clones: Vec<(String, Version)>,
}

struct AttributeFacts {
    bytes: u64,
    unfilled_rows: u64,
}

impl Facts {
    async fn read(snapshot: &Snapshot) -> Result<Self> {
        let spinner = Spinner::start("reading footers");
        let inspection = snapshot.inspect().await?;
        drop(spinner);
        let large_files = inspection.external_bytes;
        let attributes = snapshot.schema().attributes();
        let is_file = |a: &Attribute| a.attribute_type == AttributeType::File;
        let file_attributes = attributes.iter().filter(|a| is_file(a)).count();
        let facts = |(attribute, size): (&Attribute, &AttributeSize)| {
            // A partition does not say which attribute a large file belongs to.
            let is_only = file_attributes == 1 && is_file(attribute);
            let bytes = size.stored_bytes + if is_only { large_files } else { 0 };
            AttributeFacts { bytes, unfilled_rows: size.unfilled_rows }
        };
        let storage = snapshot.storage();
        let dataset = Dataset::at(storage.clone());
        let origins = snapshot.root().origins.values();
        let origins = origins.map(|origin| (place_of(storage, &origin.location), origin.version));
        // Where that cannot be listed nobody knows.
        let clones = if storage.lists() { dataset.clones().await? } else { Vec::new() };
        let clones = clones.iter().map(|clone| (place_of(storage, &clone.location), clone.version));
        Ok(Self {
            bytes: inspection.files_bytes + large_files,
            raw_bytes: inspection.attributes.iter().map(|s| s.raw_bytes).sum::<u64>() + large_files,
            attributes: attributes.iter().zip(&inspection.attributes).map(facts).collect(),
            tags: dataset.latest().await?.root().tags.clone(),
            origins: origins.collect(),
            clones: clones.collect(),
        })
    }

    fn json(&self, snapshot: &Snapshot) -> Value {
        let attributes = snapshot.schema().attributes().iter().zip(&self.attributes);
        let attributes: Vec<Value> = attributes
            .map(|(attribute, facts)| {
                json!({
                    "name": attribute.name,
                    "kind": attribute.attribute_type.kind(),
                    "dtype": attribute.attribute_type.dtype().map(|dtype| dtype.name()),
                    "shape": shape(&attribute.attribute_type),
                    "encoding": attribute.encoding.to_string(),
                    "bytes": facts.bytes,
                    "unfilled_rows": facts.unfilled_rows,
                    "nullable": attribute.nullable,
                    "type": attribute.type_text(),
                })
            })
            .collect();
        let place = |(location, version): &(String, Version)| json!({ "location": location, "version": version.0 });
        let tags = self.tags.iter().map(|(tag, version)| (tag.clone(), version.0.into()));
        json!({
            "version": snapshot.version().0,
            "rows": snapshot.row_count(),
            "partitions": snapshot.partition_count(),
            "bytes": self.bytes,
            "raw_bytes": self.raw_bytes,
            "properties": snapshot.properties(),
            "attributes": attributes,
            "tags": tags.collect::<Map<_, _>>(),
            "origins": self.origins.iter().map(place).collect::<Value>(),
            "clones": self.clones.iter().map(place).collect::<Value>(),
        })
    }
}

/// Where another dataset is, whose location may be relative to this one.
pub(crate) fn place_of(storage: &Storage, location: &str) -> String {
    storage.open_origin(location).map_or(location.to_owned(), |other| other.to_string())
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

fn text(snapshot: &Snapshot, facts: &Facts) -> String {
    let head = format!(
        "{}\nversion {}: {} in {}, {} on disk ({} raw)\n\n",
        snapshot.storage(),
        snapshot.version(),
        text::counted(snapshot.row_count(), "row", "rows"),
        text::counted(snapshot.partition_count(), "partition", "partitions"),
        text::size(facts.bytes),
        text::size(facts.raw_bytes),
    );
    let header = ["attribute", "type", "encoding", "on disk"].map(str::to_owned).to_vec();
    let attributes = || snapshot.schema().attributes().iter().zip(&facts.attributes);
    let rows = attributes().map(|(a, facts)| {
        vec![a.name.clone(), a.type_text(), a.encoding.to_string(), text::size(facts.bytes)]
    });
    let table = table::list(&std::iter::once(header).chain(rows).collect::<Vec<_>>());
    let properties = snapshot.properties().iter().map(|(name, value)| format!("{name} = {value}"));
    let unfilled = attributes().filter(|(_, facts)| facts.unfilled_rows > 0);
    let unfilled = unfilled.map(|(attribute, facts)| {
        let rows = text::counted(facts.unfilled_rows, "row shows", "rows show");
        let value = attribute.default.as_ref().unwrap_or(&Value::Null);
        format!("{}: {rows} {value}", attribute.name)
    });
    let tags = facts.tags.iter().map(|(tag, version)| format!("{tag} = version {version}"));
    let origins = facts.origins.iter();
    let origins = origins.map(|(location, version)| format!("{location}, version {version}"));
    let clones = facts.clones.iter();
    let clones = clones.map(|(location, version)| format!("{location}, to version {version}"));
    [
        head,
        table,
        listed("properties", properties),
        listed("not filled: older than the attribute", unfilled),
        listed("tags", tags),
        listed("refers to files of", origins),
        listed("referred to by", clones),
    ]
    .concat()
}

/// A heading and a line for each; nothing if there is none.
fn listed(heading: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: String = lines.map(|line| format!("  {}\n", text::tame(&line))).collect();
    if lines.is_empty() { lines } else { format!("\n{heading}\n{lines}") }
}
