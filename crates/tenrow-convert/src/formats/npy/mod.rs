//! Arrays of numpy.

mod header;

mod reader;
mod writer;

use std::path::Path;

use futures::TryStreamExt;
use tenrow::Attribute;
use tenrow_values::Result;

use header::MAGIC;
#[cfg(test)]
pub(super) use header::write_header;
pub(super) use reader::NpyArray;
pub use reader::NpySource;
pub(super) use writer::{ArrayBody, npy_row_type};
pub use writer::{NpyWriter, write_npy};

use crate::format::{Create, Entry, Extent, Group, Write};
use crate::outgoing::Outgoing;

pub(super) static NPY: Entry = Entry {
    name: "npy",
    what: "One array of numpy",
    extensions: &["npy"],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &["--bf16"],
    recognises: |start| start.begins(&MAGIC),
    // Each is an attribute of the same rows.
    open: Some(|inputs| {
        let paths: Vec<_> = inputs.files.iter().map(|file| file.path.clone()).collect();
        Ok(Box::new(NpySource::open(&paths, inputs.options.bf16)?))
    }),
    create: Some(Create {
        extent: Extent::One,
        holds,
        write: Write::Files(|out, attributes, path| Box::pin(write(out, attributes, path))),
    }),
};

/// Refuses what has no shape that every row has.
pub(super) fn holds(attribute: &Attribute) -> Result<()> {
    npy_row_type(&attribute.name, &attribute.attribute_type).map(drop)
}

async fn write(out: &mut Outgoing<'_>, attributes: &[&Attribute], path: &Path) -> Result<u64> {
    for attribute in attributes {
        let (dtype, dims) = npy_row_type(&attribute.name, &attribute.attribute_type)?;
        let mut writer = NpyWriter::create_with(path, out.existing, dtype, &dims, out.row_count())?;
        let mut batches = out.batches(&[attribute]);
        while let Some(batch) = batches.try_next().await? {
            writer.write(batch.column(0))?;
            out.advance(&batch).await?;
        }
        writer.finish()?;
    }
    Ok(attributes.len() as u64)
}
