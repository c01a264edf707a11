//! Several sources, one after the other, and attributes under other names.

use std::collections::{HashMap, HashSet};

use arrow_array::RecordBatch;
use tenrow::format::{Attribute, Schema, names_listed};

use crate::cast::{cast_to, check_types};
use crate::cast_mode::CastMode;
use crate::error::{ConvertError, Result};
use crate::source::{Source, batch_of, places};

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

/// A source whose attributes have other names.
pub(crate) struct RenamedSource {
    source: Box<dyn Source>,
    attributes: Vec<Attribute>,
}

impl RenamedSource {
    /// Gives attributes of `source` the names in `renames`, and checks all names.
    ///
    /// Where two have the same name, the first is renamed first, and the second by being named again.
    pub(crate) fn rename(
        source: Box<dyn Source>,
        renames: &[(String, String)],
    ) -> Result<Box<dyn Source>> {
        let found = source.attributes();
        let mut names: Vec<_> = found.iter().map(|a| a.name.clone()).collect();
        let mut is_renamed = vec![false; names.len()];
        for (from, to) in renames {
            let place = (0..names.len()).find(|&i| !is_renamed[i] && names[i] == *from);
            let Some(place) = place else {
                let known: Vec<_> = found.iter().map(|a| format!("{:?}", a.name)).collect();
                let known = names_listed(known.iter().map(String::as_str));
                let reason = format!("cannot be renamed: there are only {known}");
                return Err(ConvertError::column(from, reason));
            };
            names[place].clone_from(to);
            is_renamed[place] = true;
        }
        let attributes = renamed(found, &names);
        for attribute in &attributes {
            // One by one first, so that the fault is known to be this column's.
            Schema::new([attribute.clone()]).map_err(|error| {
                let advice = format!("--rename {}=NAME", attribute.name);
                let reason = format!("{error}; give it another name: {advice}");
                ConvertError::column(&attribute.name, reason)
            })?;
        }
        check_pairs(&attributes)?;
        Schema::new(attributes.clone())?;
        if renames.is_empty() {
            return Ok(source);
        }
        Ok(Box::new(Self { source, attributes }))
    }
}

fn renamed(attributes: &[Attribute], names: &[String]) -> Vec<Attribute> {
    let both = attributes.iter().zip(names);
    both.map(|(attribute, name)| Attribute { name: name.clone(), ..attribute.clone() }).collect()
}

/// Refuses two names that are one to readers that do not tell upper from lower case.
fn check_pairs(attributes: &[Attribute]) -> Result<()> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    for attribute in attributes {
        if let Some(other) = seen.insert(attribute.name.to_lowercase(), &attribute.name) {
            let name = &attribute.name;
            let reason = format!(
                "another column is called {other:?}, and readers do not tell them apart: give one of them another name: --rename {other}=NAME"
            );
            return Err(ConvertError::column(name, reason));
        }
    }
    Ok(())
}

impl Source for RenamedSource {
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
        let target_places = places(targets);
        let pairs: Vec<_> = self.attributes.iter().zip(self.source.attributes()).collect();
        let target = |(own, inner): &(&Attribute, &Attribute)| {
            let target = &targets[*target_places.get(own.name.as_str())?];
            Some(Attribute { name: inner.name.clone(), ..target.clone() })
        };
        let targets: Vec<_> = pairs.iter().filter_map(target).collect();
        self.source.read_as(&targets, mode)?;
        let names: Vec<_> = self.attributes.iter().map(|a| a.name.clone()).collect();
        self.attributes = renamed(self.source.attributes(), &names);
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.source.next_batch()? else { return Ok(None) };
        batch_of(&self.attributes, batch.columns().to_vec(), batch.num_rows()).map(Some)
    }
}

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
