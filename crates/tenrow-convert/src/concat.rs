//! Several sources, one after the other, and attributes under other names.

use arrow_array::RecordBatch;
use tenrow::format::{Attribute, Schema};

use crate::error::{ConvertError, Result};
use crate::source::{Source, batch_of};

/// Sources of the same attributes, read one after the other.
pub(crate) struct ConcatSource {
    sources: std::vec::IntoIter<Box<dyn Source>>,
    current: Option<Box<dyn Source>>,
    attributes: Vec<Attribute>,
    row_count: Option<u64>,
}

impl ConcatSource {
    /// Joins `sources`, each with the name that errors call it by.
    pub(crate) fn join(sources: Vec<(String, Box<dyn Source>)>) -> Result<Box<dyn Source>> {
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut first_name = String::new();
        let mut row_count = Some(0u64);
        for (name, source) in &sources {
            if attributes.is_empty() {
                attributes = source.attributes().to_vec();
                first_name.clone_from(name);
            }
            unify(&mut attributes, source.attributes(), name, &first_name)?;
            row_count = row_count.zip(source.row_count()).and_then(|(a, b)| a.checked_add(b));
        }
        let mut sources = sources.into_iter().map(|(_, source)| source).collect::<Vec<_>>();
        if sources.len() == 1
            && let Some(only) = sources.pop()
        {
            return Ok(only);
        }
        let sources = sources.into_iter();
        Ok(Box::new(Self { sources, current: None, attributes, row_count }))
    }
}

/// Checks that `found` are `attributes`; what may be null in either may be null in both.
fn unify(
    attributes: &mut [Attribute],
    found: &[Attribute],
    name: &str,
    first_name: &str,
) -> Result<()> {
    let mismatch = |attribute: &str, reason: String| {
        let (origin, attribute) = (name.to_owned(), attribute.to_owned());
        Err(ConvertError::Mismatch { origin, attribute, reason })
    };
    for attribute in attributes.iter_mut() {
        let Some(other) = found.iter().find(|other| other.name == attribute.name) else {
            return mismatch(&attribute.name, format!("missing, but {first_name} has it"));
        };
        if other.attribute_type != attribute.attribute_type {
            let reason = format!(
                "found {}, expected {} as in {first_name}",
                other.attribute_type, attribute.attribute_type
            );
            return mismatch(&attribute.name, reason);
        }
        attribute.nullable |= other.nullable;
    }
    match found.iter().find(|other| attributes.iter().all(|a| a.name != other.name)) {
        Some(extra) => mismatch(&extra.name, format!("found, but {first_name} has it not")),
        None => Ok(()),
    }
}

impl Source for ConcatSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        self.row_count
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.current.is_none() {
                self.current = self.sources.next();
            }
            let Some(source) = &mut self.current else { return Ok(None) };
            let Some(batch) = source.next_batch()? else {
                self.current = None;
                continue;
            };
            let columns = self
                .attributes
                .iter()
                .filter_map(|attribute| {
                    let place =
                        source.attributes().iter().position(|a| a.name == attribute.name)?;
                    Some(batch.column(place).clone())
                })
                .collect();
            return batch_of(&self.attributes, columns, batch.num_rows()).map(Some);
        }
    }
}

/// A source whose attributes have other names.
pub(crate) struct RenamedSource {
    source: Box<dyn Source>,
    attributes: Vec<Attribute>,
}

impl RenamedSource {
    /// Gives attributes of `source` the names in `renames`, and checks all names.
    pub(crate) fn rename(
        source: Box<dyn Source>,
        renames: &[(String, String)],
    ) -> Result<Box<dyn Source>> {
        let mut attributes = source.attributes().to_vec();
        for (from, to) in renames {
            let place = source.attributes().iter().position(|a| a.name == *from);
            let Some(attribute) = place.and_then(|place| attributes.get_mut(place)) else {
                let known: Vec<_> = source.attributes().iter().map(|a| a.name.as_str()).collect();
                let reason = format!("cannot be renamed: there are only {}", known.join(", "));
                return Err(ConvertError::column(from, reason));
            };
            attribute.name.clone_from(to);
        }
        for attribute in &attributes {
            // One by one first, so that the fault is known to be this column's.
            Schema::new([attribute.clone()]).map_err(|error| {
                let reason = format!("{error}; give it another name with --rename");
                ConvertError::column(&attribute.name, reason)
            })?;
        }
        Schema::new(attributes.clone())?;
        if renames.is_empty() {
            return Ok(source);
        }
        Ok(Box::new(Self { source, attributes }))
    }
}

impl Source for RenamedSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        self.source.row_count()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.source.next_batch()? else { return Ok(None) };
        batch_of(&self.attributes, batch.columns().to_vec(), batch.num_rows()).map(Some)
    }
}
