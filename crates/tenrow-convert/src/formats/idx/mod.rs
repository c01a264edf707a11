//! MNIST's IDX files, plain or gzipped.

mod reader;

use tenrow_values::{ConvertError, Result};

pub use reader::IdxSource;
use reader::{dtype_of, rank_of};

use crate::format::{Entry, Group, Inputs};
use crate::joined::ConcatSource;
use crate::source::Source;
use crate::source_file::SourceFile;

pub(super) static IDX: Entry = Entry {
    name: "idx",
    what: "MNIST's IDX files, plain or gzipped",
    extensions: &[],
    also_read: &[],
    is_text: false,
    group: Group::Tables,
    options: &[],
    recognises: |start| {
        let magic = start.bytes().first_chunk().filter(|_| !start.is_text());
        magic.is_some_and(|&magic| dtype_of(magic).is_some())
    },
    open: Some(open),
    create: None,
};

/// Images with their labels, pair after pair; only one of the two, file after file.
fn open(inputs: &Inputs<'_>) -> Result<Box<dyn Source>> {
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for file in inputs.files {
        let kind = if rank_of(&file.path)? == 1 { &mut labels } else { &mut images };
        kind.push(file.path.clone());
    }
    let groups: Vec<Vec<SourceFile>> = match (images.len(), labels.len()) {
        (i, l) if i == l => images.into_iter().zip(labels).map(|(i, l)| vec![i, l]).collect(),
        (_, 0) => images.into_iter().map(|image| vec![image]).collect(),
        (0, _) => labels.into_iter().map(|label| vec![label]).collect(),
        (i, l) => {
            let reason =
                format!("one of {i} idx files of images and {l} of labels: give them in pairs");
            return Err(ConvertError::unsupported(&inputs.files[0].path, reason));
        }
    };
    let opened = groups.into_iter().map(|group| {
        let source: Box<dyn Source> = Box::new(IdxSource::open(&group)?);
        Ok((group[0].display().to_string(), source))
    });
    ConcatSource::join(opened.collect::<Result<Vec<_>>>()?)
}
