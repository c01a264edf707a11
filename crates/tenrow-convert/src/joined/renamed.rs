//! A source whose attributes have other names.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use tenrow::engine::names_listed;
use tenrow::{Attribute, Schema};
use tenrow_values::{CastMode, ConvertError, Result, batch_of, places};

use crate::source::Source;

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
