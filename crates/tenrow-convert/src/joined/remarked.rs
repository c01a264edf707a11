//! A source with something to say about what was left out of it.

use arrow_array::RecordBatch;
use tenrow::Attribute;
use tenrow_values::{CastMode, Result};

use crate::source::Source;

/// A source with something to say about what was left out of it.
pub(crate) struct RemarkedSource {
    source: Box<dyn Source>,
    remarks: Vec<String>,
}

impl RemarkedSource {
    pub(crate) fn with(source: Box<dyn Source>, remarks: Vec<String>) -> Box<dyn Source> {
        if remarks.is_empty() { source } else { Box::new(Self { source, remarks }) }
    }
}

impl Source for RemarkedSource {
    fn attributes(&self) -> &[Attribute] {
        self.source.attributes()
    }

    fn row_count(&self) -> Option<u64> {
        self.source.row_count()
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.iter().cloned().chain(self.source.remarks()).collect()
    }

    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        self.source.read_as(targets, mode)
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.source.next_batch()
    }
}
