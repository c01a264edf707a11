//! Parquet files of anyone, in and out.

mod embedded;
mod footer;
mod legacy;

mod reader;
mod writer;

use crate::format::{Create, Entry, Group, anything};
use crate::joined::{ConcatSource, KeyedSource};
use crate::table::TableSource;

pub(crate) use reader::check_in_place;

pub(super) static PARQUET: Entry = Entry {
    name: "parquet",
    what: "Parquet",
    extensions: &["parquet"],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &[],
    recognises: |start| start.begins(b"PAR1") || start.begins(ENCRYPTED),
    open: Some(|inputs| {
        ConcatSource::join(KeyedSource::of_files(inputs.files, |path| {
            Ok(Box::new(TableSource::parquet(path)?))
        })?)
    }),
    create: Some(Create::rows(anything, writer::create)),
};

/// How files begin whose footer is encrypted too.
const ENCRYPTED: &[u8] = b"PARE";

#[cfg(test)]
mod tests;
