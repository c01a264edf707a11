//! `tenrow schema`

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenrow::{Attribute, AttributeType, DType, Encoding, SchemaChange, Snapshot};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::show;
use crate::stores::Stores;

const AFTER: &str = "\
Each change is one commit and writes no data file: old rows are adapted when they are read, and older \
versions stay as they are. A change that would lose data is refused.

Examples:
  tenrow schema add digits --attribute split:string --default train
  tenrow schema add digits --attribute 'score:f32?'
  tenrow schema rename digits label digit
  tenrow schema widen digits digit i64
  tenrow schema nullable digits digit
  tenrow schema reorder digits digit image
  tenrow schema drop digits score";

/// Add, drop, rename, widen or reorder attributes
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct SchemaArguments {
    #[command(subcommand)]
    change: ChangeArguments,
}

#[derive(Debug, Subcommand)]
enum ChangeArguments {
    /// Add an attribute, nullable or with a default for the rows that are there
    Add(AddArguments),
    /// Drop an attribute; older versions still have it
    #[command(after_help = "Example:\n  tenrow schema drop digits score")]
    Drop(OneArguments),
    /// Give an attribute another name
    Rename(RenameArguments),
    /// Change the elements of an attribute to a type that holds all values of the old one
    Widen(WidenArguments),
    /// Let rows lack an attribute from now on
    #[command(after_help = "Example:\n  tenrow schema nullable digits label")]
    Nullable(OneArguments),
    /// Put attributes first, in the order given
    Reorder(ReorderArguments),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenrow schema add digits --attribute split:string --default train
  tenrow schema add digits --attribute 'score:f32?'
  tenrow schema add digits --attribute 'mask:u8[28,28]' --default 0 --encoding zstd:3")]
struct AddArguments {
    /// The dataset
    dataset: String,
    /// The attribute; a `?` after its type means that rows may lack it
    #[arg(long, short, value_name = "NAME:TYPE", value_parser = Attribute::parse)]
    attribute: Attribute,
    /// Its value in the rows that are there: a number, true, false, or text
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    default: Option<String>,
    /// How it is stored: raw, zstd:3, byte_stream_split+zstd:3 or auto
    #[arg(long)]
    encoding: Option<Encoding>,
}

#[derive(Debug, Args)]
struct OneArguments {
    /// The dataset
    dataset: String,
    /// The attribute
    name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tenrow schema rename digits label digit")]
struct RenameArguments {
    /// The dataset
    dataset: String,
    /// What the attribute is called
    from: String,
    /// What it is to be called
    to: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tenrow schema widen digits label i64")]
struct WidenArguments {
    /// The dataset
    dataset: String,
    /// The attribute
    name: String,
    /// The new type of its elements: i16, i32, i64, f32, f64, …
    dtype: DType,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tenrow schema reorder digits label image")]
struct ReorderArguments {
    /// The dataset
    dataset: String,
    /// Attributes; those not named follow in the order that they have
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
}

impl Command for SchemaArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let (dataset, change) = match self.change {
            ChangeArguments::Add(a) => (a.dataset.clone(), SchemaChange::Add(added(&a))),
            ChangeArguments::Drop(a) => (a.dataset, SchemaChange::Drop(a.name)),
            ChangeArguments::Rename(a) => {
                (a.dataset, SchemaChange::Rename { from: a.from, to: a.to })
            }
            ChangeArguments::Widen(a) => {
                (a.dataset, SchemaChange::Widen { name: a.name, dtype: a.dtype })
            }
            ChangeArguments::Nullable(a) => (a.dataset, SchemaChange::MakeNullable(a.name)),
            ChangeArguments::Reorder(a) => (a.dataset, SchemaChange::Reorder(a.names)),
        };
        let snapshot = stores.open(&dataset).await?.change_schema(change).await?;
        Ok(Answer::of(snapshot, json, text))
    }
}

fn json(changed: &Snapshot) -> Value {
    let attributes = show::attributes_json(changed.schema());
    json!({ "version": changed.version().0, "attributes": attributes })
}

fn text(changed: &Snapshot) -> String {
    format!("version {}\n{}", changed.version(), show::schema(changed.schema()))
}

fn added(arguments: &AddArguments) -> Attribute {
    let mut attribute = arguments.attribute.clone();
    if let Some(encoding) = arguments.encoding {
        attribute = attribute.with_encoding(encoding);
    }
    match &arguments.default {
        Some(text) => {
            let value = default_value(&attribute.attribute_type, text);
            attribute.with_default(value)
        }
        None => attribute,
    }
}

/// JSON if it is, else text. What is kept as text, a string or a decimal, is not taken for a number.
fn default_value(attribute_type: &AttributeType, text: &str) -> Value {
    let is_text = matches!(attribute_type, AttributeType::Value(_));
    match serde_json::from_str(text) {
        Ok(value @ (Value::String(_) | Value::Null)) => value,
        Ok(value) if !is_text => value,
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_a_text_stay_as_they_are() {
        let default = |of: &str, text| default_value(&of.parse().unwrap(), text);
        assert_eq!(default("string", "007"), "007");
        assert_eq!(default("string", "1e5"), "1e5");
        assert_eq!(default("string", "\"a b\""), "a b");
        assert_eq!(default("decimal128(20,2)", "123456789012345678.90"), "123456789012345678.90");
        assert_eq!(default("i64", "7"), 7);
        assert_eq!(default("bool", "true"), true);
        assert_eq!(default("i64", "x"), "x");
    }
}
