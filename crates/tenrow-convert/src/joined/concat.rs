//! Several sources, one after the other.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use tenrow::Attribute;
use tenrow_values::{CastMode, ConvertError, Result, cast_to, check_types, places};

use crate::source::Source;

/// Sources of the same attributes, read one after the other.
pub(crate) struct ConcatSource {
    sources: std::vec::IntoIter<(String, Box<dyn Source>)>,
    current: Option<(String, Box<dyn Source>)>,
    rows_of_current: u64,
    attributes: Vec<Attribute>,
    mode: CastMode,
    row_count: Option<u64>,
    remarks: Vec<String>,
}

impl ConcatSource {
    /// Joins `sources`, each with the name that errors call it by.
    ///
    /// The types are those of the first, and what may be null in one of them may be null in all.
    pub(crate) fn join(mut sources: Vec<(String, Box<dyn Source>)>) -> Result<Box<dyn Source>> {
        if sources.len() == 1
            && let Some((_, only)) = sources.pop()
        {
            return Ok(only);
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut first_name = String::new();
        let mut row_count = Some(0u64);
        for (name, source) in &sources {
            if attributes.is_empty() {
                attributes = source.attributes().to_vec();
                first_name.clone_from(name);
                check_distinct(&attributes, name)?;
            }
            check_names(&mut attributes, source.attributes(), name, &first_name)?;
            row_count = row_count.zip(source.row_count()).and_then(|(a, b)| a.checked_add(b));
        }
        Ok(Box::new(Self {
            sources: sources.into_iter(),
            current: None,
            rows_of_current: 0,
            attributes,
            mode: CastMode::Refuse,
            row_count,
            remarks: Vec::new(),
        }))
    }
}

/// Attributes of several files are told apart by their names.
fn check_distinct(attributes: &[Attribute], name: &str) -> Result<()> {
    let mut names = HashSet::new();
    match attributes.iter().find(|attribute| !names.insert(&attribute.name)) {
        None => Ok(()),
        Some(twice) => Err(ConvertError::Mismatch {
            origin: name.to_owned(),
            attribute: twice.name.clone(),
            reason: "two columns have this name: import the files one by one, with --rename".into(),
        }),
    }
}

/// Checks that `found` are `attributes` by name; what may be null in either may be null in both.
fn check_names(
    attributes: &mut [Attribute],
    found: &[Attribute],
    name: &str,
    first_name: &str,
) -> Result<()> {
    let mismatch = |attribute: &str, reason: String| {
        let (origin, attribute) = (name.to_owned(), attribute.to_owned());
        Err(ConvertError::Mismatch { origin, attribute, reason })
    };
    let other_places = places(found);
    for attribute in attributes.iter_mut() {
        let Some(&place) = other_places.get(attribute.name.as_str()) else {
            return mismatch(&attribute.name, format!("missing, but {first_name} has it"));
        };
        attribute.nullable |= found[place].nullable;
    }
    let known = places(attributes);
    match found.iter().find(|other| !known.contains_key(other.name.as_str())) {
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

    fn remarks(&self) -> Vec<String> {
        let left = self.current.iter().chain(self.sources.as_slice());
        let left = left.flat_map(|(_, source)| source.remarks());
        self.remarks.iter().cloned().chain(left).collect()
    }

    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        self.mode = mode;
        let target_places = places(targets);
        for attribute in &mut self.attributes {
            if let Some(&place) = target_places.get(attribute.name.as_str()) {
                attribute.attribute_type = targets[place].attribute_type.clone();
            }
        }
        for (name, source) in self.sources.as_mut_slice() {
            source.read_as(&self.attributes, mode)?;
            // Better now than after all the files before it.
            check_types(source.attributes(), &self.attributes, mode, name)?;
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.current.is_none() {
                self.current = self.sources.next();
                self.rows_of_current = 0;
            }
            let Some((name, source)) = &mut self.current else { return Ok(None) };
            let Some(batch) = source.next_batch()? else {
                self.remarks.extend(source.remarks());
                self.current = None;
                continue;
            };
            let (found, first_row) = (source.attributes(), self.rows_of_current);
            self.rows_of_current += batch.num_rows() as u64;
            return cast_to(&batch, found, &self.attributes, self.mode, first_row, name).map(Some);
        }
    }
}
