//! `tenrow create`

use clap::Args;
use serde_json::{Value, json};
use tenrow::{Attribute, CreateOptions, Encoding, Schema, Snapshot};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::show;
use crate::stores::Stores;

const AFTER: &str = "\
Types: u8 (a number), u8[] (a tensor of rank 0), u8[28,28], f32[?,5] (first size differs from row to \
row), string, binary, file, date32, timestamp(us,UTC), decimal128(10,2), list<i64>, \
struct<x:f32,y:f32>, map<string,i64>. A `?` after the type means that rows may lack the value.

Examples:
  tenrow create faces --attribute 'photo:file' --attribute 'boxes:f32[?,5]' \\
      --attribute 'name:string?'
  tenrow create digits --attribute 'image:u8[28,28]' --attribute label:i64 \\
      --encoding image=zstd:3 --property source=MNIST --property classes=10";

/// Create an empty dataset
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct CreateArguments {
    /// The place to create it in
    dataset: String,
    /// An attribute that every row has
    #[arg(long = "attribute", short, value_name = "NAME:TYPE", required = true)]
    #[arg(value_parser = Attribute::parse)]
    attributes: Vec<Attribute>,
    /// Something to keep with the dataset; JSON if it is, else text. Not for secrets
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = property)]
    properties: Vec<(String, Value)>,
    /// How an attribute is stored: raw, zstd:3, byte_stream_split+zstd:3 or auto
    #[arg(long = "encoding", value_name = "NAME=ENCODING", value_parser = encoding)]
    encodings: Vec<(String, Encoding)>,
    /// Promise that one program at a time writes, for a store that cannot tell two writers apart
    #[arg(long)]
    single_writer: bool,
}

impl Command for CreateArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let mut attributes = self.attributes;
        for (name, encoding) in self.encodings {
            let attribute = attributes.iter_mut().find(|attribute| attribute.name == name);
            attribute.ok_or(format!("--encoding {name}: there is no such attribute"))?.encoding =
                encoding;
        }
        let schema = Schema::new(attributes)?;
        let options =
            self.properties.into_iter().fold(CreateOptions::default(), |options, (name, value)| {
                options.with_property(name, value)
            });
        let options = options.with_single_writer(self.single_writer);
        let snapshot = stores.place(&self.dataset)?.create_here(schema, &options).await?;
        Ok(Answer::of(snapshot, json, text))
    }
}

fn json(created: &Snapshot) -> Value {
    json!({
        "location": created.storage().to_string(),
        "version": created.version().0,
        "attributes": show::attributes_json(created.schema()),
    })
}

fn text(created: &Snapshot) -> String {
    format!("created {}\n{}", created.storage(), show::schema(created.schema()))
}

/// Parses `NAME=VALUE`.
pub(crate) fn pair(text: &str) -> Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".into()),
    }
}

/// Parses `NAME=ENCODING`.
pub(crate) fn encoding(text: &str) -> Result<(String, Encoding)> {
    let (name, encoding) = pair(text)?;
    Ok((name, encoding.parse()?))
}

/// JSON if it is, else a text; so is an integer of more digits than JSON's numbers keep.
fn property(text: &str) -> Result<(String, Value)> {
    let (name, value) = pair(text)?;
    let is_integer = value.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit());
    let value = match serde_json::from_str(&value) {
        Ok(Value::Number(number)) if is_integer && number.is_f64() => Value::String(value),
        Ok(json) => json,
        Err(_) => Value::String(value),
    };
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_keeps_what_it_says() {
        let value = |text: &str| property(text).unwrap().1;
        assert_eq!(value("a=18446744073709551615"), Value::from(u64::MAX));
        assert_eq!(value("a=18446744073709551616"), Value::from("18446744073709551616"));
        assert_eq!(value("a=-9223372036854775809"), Value::from("-9223372036854775809"));
        assert_eq!(value("a=0.5"), Value::from(0.5));
        assert_eq!(value("a=[1, \"b\"]"), serde_json::json!([1, "b"]));
        assert_eq!(value("a=MNIST"), Value::from("MNIST"));
    }
}
