//! Arrow's own files, which others call Feather, and its streams.

mod batch_check;
mod schema_check;

mod messages;

mod pieces;

mod reader;
mod writer;

use tenrow_values::Result;

use messages::{CONTINUATION, MAGIC};
pub(super) use schema_check::check_schema;

use crate::format::{Create, Entry, Group, Inputs, Start, anything};
use crate::joined::{ConcatSource, KeyedSource};
use crate::source::Source;
use crate::table::TableSource;

pub(super) static ARROW: Entry = Entry {
    name: "arrow",
    what: "Arrow's file format, also called Feather",
    extensions: &["arrow", "feather", "ipc"],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &[],
    recognises: |start| start.begins(&MAGIC),
    open: Some(open),
    create: Some(Create::rows(anything, writer::create_file)),
};

pub(super) static ARROW_STREAM: Entry = Entry {
    name: "arrow-stream",
    what: "Arrow's stream format",
    extensions: &["arrows"],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &[],
    recognises: is_stream,
    open: Some(open),
    create: Some(Create::rows(anything, writer::create_stream)),
};

fn open(inputs: &Inputs<'_>) -> Result<Box<dyn Source>> {
    ConcatSource::join(KeyedSource::of_files(inputs.files, |path| {
        Ok(Box::new(TableSource::arrow(path)?))
    })?)
}

/// Whether it begins with a message that is a schema. Four bytes of ones are no proof: so the table of the message is
/// followed to its version and its kind, as far as they are among the first bytes.
fn is_stream(start: &Start<'_>) -> bool {
    let Some(message) = start.bytes().strip_prefix(&CONTINUATION) else { return false };
    let number = |at: usize| Some(i32::from_le_bytes(*message.get(at..)?.first_chunk()?));
    let kind = || {
        let length = number(0)?;
        let table = usize::try_from(number(4)?).ok()?.checked_add(4)?;
        let fields =
            usize::try_from(i64::try_from(table).ok()? - i64::from(number(table)?)).ok()?;
        // The first two fields of the table: each a place from its begin, of two bytes.
        let field = |place: usize| {
            let offset = message.get(fields.checked_add(place)?..)?.first_chunk()?;
            message.get(table.checked_add(usize::from(u16::from_le_bytes(*offset)))?).copied()
        };
        (length > 0).then_some((field(4)?, field(6)?))
    };
    let (versions, schema) = ([3, 4], 1);
    kind().is_some_and(|(version, kind)| versions.contains(&version) && kind == schema)
}

#[cfg(test)]
mod tests;
