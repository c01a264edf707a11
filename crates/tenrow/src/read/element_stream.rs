//! The elements of a variable-length attribute as one flat stream: token corpora are read so.

use std::ops::Range;
use std::sync::Arc;

use arrow_schema::DataType;
use futures::TryStreamExt;

use crate::error::{Error, Result};
use crate::format::manifest::RowMap;
use crate::format::{Attribute, AttributeType, DType};
use crate::read::arrays;
use crate::read::column::ColumnReader;
use crate::read::options::ReadOptions;
use crate::snapshot::{Leaves, LoadedPartition, Snapshot};
use crate::tensor::{Tensor, unpack_bits};

/// All elements of all rows of a list or variable-shape attribute, one after another.
///
/// A window of it is one or two exact reads wherever it lies; rows and files are crossed freely.
pub struct ElementStream {
    snapshot: Snapshot,
    attribute: Attribute,
    dtype: DType,
    nullable_elements: bool,
    options: ReadOptions,
    /// Every row group that holds elements.
    groups: Vec<(Arc<LoadedPartition>, usize)>,
    starts: RowMap,
}

impl Snapshot {
    /// The flat stream of the elements of the list or variable-shape attribute called `name`.
    ///
    /// Reads every leaf that is not cached yet, and nothing else.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is of another kind;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if it is not stored raw.
    pub async fn elements(&self, name: &str) -> Result<ElementStream> {
        let attribute = self.attribute(name)?.clone();
        let (dtype, nullable_elements) = match &attribute.attribute_type {
            AttributeType::VariableTensor { dtype, .. } => (Some(*dtype), true),
            AttributeType::Value(DataType::List(item)) => {
                (DType::from_arrow(item.data_type()), item.is_nullable())
            }
            _ => (None, false),
        };
        let Some(dtype) = dtype else {
            return Err(Error::invalid(format!(
                "attribute {name:?} is {}, not a list of numbers or a tensor of variable shape",
                attribute.attribute_type
            )));
        };
        let options = ReadOptions::default();
        let (mut groups, mut counts) = (Vec::new(), Vec::new());
        let mut partitions = self.partitions_of(self.leaf_numbers(|_| true), Leaves::Kept);
        while let Some(partition) = partitions.try_next().await? {
            let Some(place) = partition.column(&attribute) else { continue };
            let is_plain = place.field == attribute.id && partition.entry().deletes.is_none();
            if !is_plain {
                return Err(Error::unsupported(format!(
                    "the elements of {name:?} are no flat stream while rows are deleted or of an older type: compact the dataset first"
                )));
            }
            let reader = ColumnReader::new(self, &attribute, &partition, &options);
            for group in 0..partition.file(place).entry().row_groups.len() {
                let chunk = reader.raw_chunk(place, group, 0, dtype, None)?.ok_or_else(|| {
                    Error::unsupported(format!(
                        "attribute {name:?} is not stored raw, or no manifest lists its pages: its elements have no addresses"
                    ))
                })?;
                counts.push(chunk.value_count());
                groups.push((partition.clone(), group));
            }
        }
        let snapshot = self.clone();
        let starts = RowMap::new(counts);
        Ok(ElementStream { snapshot, attribute, dtype, nullable_elements, options, groups, starts })
    }
}

impl ElementStream {
    /// The number of elements.
    pub fn element_count(&self) -> u64 {
        self.starts.total()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The elements of `window`, as a tensor of one dimension.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) beyond the end.
    pub async fn window(&self, window: Range<u64>) -> Result<Tensor> {
        if window.start > window.end || window.end > self.element_count() {
            return Err(Error::invalid(format!(
                "elements {}..{} of {}",
                window.start,
                window.end,
                self.element_count()
            )));
        }
        let mut parts = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let Some((number, first)) = self.starts.locate(at) else { break };
            let (partition, row_group) = &self.groups[number];
            let end = window.end.min(self.starts.start(number + 1));
            let (snapshot, attribute) = (&self.snapshot, &self.attribute);
            let reader = ColumnReader::new(snapshot, attribute, partition, &self.options);
            let listed = match reader.place() {
                Some(place) => {
                    reader.listed(place, *row_group, self.dtype, self.nullable_elements)?
                }
                None => None,
            };
            let Some(listed) = listed else { break };
            parts.push(listed.window(first..first + end - at).await?);
            at = end;
        }
        let elements = arrays::concat(&self.dtype.arrow_type(), parts)?;
        let data = elements.to_data();
        let bytes = match self.dtype.item_bytes() {
            Some(size) => {
                let start = data.offset() * size as usize;
                let len = data.len() * size as usize;
                crate::tensor::bytes_of(data.buffers()[0].slice_with_length(start, len))
            }
            None => unpack_bits(&data.buffers()[0], data.offset() as u64, data.len() as u64),
        };
        Tensor::new(self.dtype, &[window.end - window.start], bytes)
    }
}

impl std::fmt::Debug for ElementStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ElementStream")
            .field("attribute", &self.attribute.name)
            .field("element_count", &self.element_count())
            .finish_non_exhaustive()
    }
}
