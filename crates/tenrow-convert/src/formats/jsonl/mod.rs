//! JSON Lines: one object a line.

mod reader;

use crate::format::{Create, Entry, Group, anything};
use crate::joined::KeyedSource;
use crate::text::TextSource;

pub(super) static JSONL: Entry = Entry {
    name: "jsonl",
    what: "JSON Lines: one object a line",
    extensions: &["jsonl", "ndjson"],
    also_read: &[],
    is_text: true,
    group: Group::Tables,
    options: &["--charset"],
    recognises: |start| start.is_text() && (start.is_json_object() || start.is_named(&JSONL)),
    open: Some(|inputs| {
        let options = inputs.options;
        KeyedSource::of_texts(inputs.files, |path| TextSource::json_lines(path, options.charset))
    }),
    create: Some(Create::rows(anything, super::json::lines)),
};
