//! numpy's archives of arrays.

mod reader;
mod writer;

use std::path::Path;

use futures::TryStreamExt;
use tenrow::Attribute;
use tenrow_values::Result;

pub use reader::NpzSource;
pub use writer::NpzWriter;

use crate::format::{Create, Entry, Extent, Group, Write};
use crate::formats::npy::{holds, npy_row_type};
use crate::joined::{ConcatSource, KeyedSource};
use crate::outgoing::Outgoing;

pub(super) static NPZ: Entry = Entry {
    name: "npz",
    what: "An archive of arrays of numpy",
    extensions: &["npz"],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &["--bf16"],
    recognises: |start| start.begins(b"PK\x03\x04") || start.begins(b"PK\x05\x06"),
    open: Some(|inputs| {
        let options = inputs.options;
        ConcatSource::join(KeyedSource::of_files(inputs.files, |path| {
            Ok(Box::new(NpzSource::open_only(path, options.bf16, &options.only)?))
        })?)
    }),
    create: Some(Create {
        extent: Extent::All,
        holds,
        write: Write::Files(|out, attributes, path| Box::pin(write(out, attributes, path))),
    }),
};

/// One array after the other: the rows are gone over for each.
async fn write(out: &mut Outgoing<'_>, attributes: &[&Attribute], path: &Path) -> Result<u64> {
    let mut writer = NpzWriter::create_with(path, out.existing)?;
    out.scans(attributes.len());
    for &attribute in attributes {
        let (dtype, dims) = npy_row_type(&attribute.name, &attribute.attribute_type)?;
        writer.start_array(&attribute.name, dtype, &dims, out.row_count())?;
        let mut batches = out.batches(&[attribute]);
        while let Some(batch) = batches.try_next().await? {
            writer.write(batch.column(0))?;
            out.advance(&batch).await?;
        }
    }
    writer.finish()?;
    Ok(1)
}
