//! Some of the attributes of a source.

use arrow_array::RecordBatch;
use tenrow::Attribute;
use tenrow::engine::names_listed;
use tenrow_values::{CastMode, ConvertError, Result, batch_of};

use crate::source::Source;

/// Some of the attributes of a source.
pub(crate) struct ChosenSource {
    source: Box<dyn Source>,
    places: Vec<usize>,
    attributes: Vec<Attribute>,
}

impl ChosenSource {
    /// Leaves only the attributes `names`, in the order of the source; all if there are none.
    pub(crate) fn choose(source: Box<dyn Source>, names: &[String]) -> Result<Box<dyn Source>> {
        if names.is_empty() {
            return Ok(source);
        }
        let found = source.attributes();
        if let Some(name) = names.iter().find(|name| found.iter().all(|a| a.name != **name)) {
            let known: Vec<_> = found.iter().map(|a| format!("{:?}", a.name)).collect();
            let known = names_listed(known.iter().map(String::as_str));
            let reason = format!("not to be had: there are {known}");
            return Err(ConvertError::column(name, reason));
        }
        let is_chosen = |&place: &usize| names.contains(&found[place].name);
        let places: Vec<_> = (0..found.len()).filter(is_chosen).collect();
        let mut chosen = Self { source, places, attributes: Vec::new() };
        chosen.gather();
        Ok(Box::new(chosen))
    }

    fn gather(&mut self) {
        let found = self.source.attributes();
        self.attributes = self.places.iter().map(|&place| found[place].clone()).collect();
    }
}

impl Source for ChosenSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        self.source.row_count()
    }

    fn remarks(&self) -> Vec<String> {
        self.source.remarks()
    }

    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        let wanted = |target: &&Attribute| self.attributes.iter().any(|a| a.name == target.name);
        let targets: Vec<_> = targets.iter().filter(wanted).cloned().collect();
        self.source.read_as(&targets, mode)?;
        self.gather();
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.source.next_batch()? else { return Ok(None) };
        let columns = self.places.iter().map(|&place| batch.column(place).clone()).collect();
        batch_of(&self.attributes, columns, batch.num_rows()).map(Some)
    }
}
