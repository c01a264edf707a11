//! JSON: one array, with a line for each object.

mod writer;

use crate::format::{Create, Entry, Group, anything};

pub(super) use writer::lines;

pub(super) static JSON: Entry = Entry {
    name: "json",
    what: "JSON: one array of objects",
    extensions: &["json"],
    also_read: &[],
    is_text: true,
    group: Group::Tables,
    options: &[],
    recognises: |_| false,
    open: None,
    create: Some(Create::rows(anything, writer::array)),
};

#[cfg(test)]
mod tests;
