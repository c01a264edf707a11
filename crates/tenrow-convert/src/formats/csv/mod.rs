//! Values separated by commas, or by tabs.

mod guard;

mod reader;
mod writer;

use tenrow::{Attribute, AttributeType};
use tenrow_values::{ConvertError, Result};

use crate::format::{Create, Entry, Group};
use crate::joined::KeyedSource;
use crate::text::TextSource;

pub(super) static CSV: Entry = Entry {
    name: "csv",
    what: "Values separated by commas, or by tabs",
    extensions: &["csv"],
    also_read: &["tsv"],
    is_text: true,
    group: Group::Tables,
    options: &["--delimiter", "--no-header", "--charset"],
    recognises: |start| start.is_text() && start.is_named(&CSV),
    open: Some(|inputs| {
        let options = inputs.options;
        KeyedSource::of_texts(inputs.files, |path| {
            TextSource::csv(path, &options.csv, options.charset)
        })
    }),
    create: Some(Create::rows(holds, writer::create)),
};

fn holds(attribute: &Attribute) -> Result<()> {
    match attribute.attribute_type {
        AttributeType::File => {
            let reason = "a csv file holds no files: export them as images, or all as parquet";
            Err(ConvertError::column(&attribute.name, reason))
        }
        _ => Ok(()),
    }
}
