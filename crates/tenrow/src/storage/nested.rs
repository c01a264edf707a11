//! Other datasets that lie below a dataset: what is in them is none of its own.

use std::collections::BTreeSet;

use super::ListedObject;
use crate::format::layout::INTERNAL_FOLDER;

/// The folders of other datasets that lie below this one, of which the listing shows objects.
#[derive(Debug, Default)]
pub(crate) struct NestedDatasets(BTreeSet<String>);

impl NestedDatasets {
    /// Looks at an object that was listed.
    pub(crate) fn note(&mut self, object: &ListedObject) {
        if let Some((folder, _)) = object.path.split_once(&format!("/{INTERNAL_FOLDER}/")) {
            self.0.insert(format!("{folder}/"));
        }
    }

    /// Whether an object is of one of them.
    pub(crate) fn have(&self, path: &str) -> bool {
        self.0.iter().any(|folder| path.starts_with(folder))
    }
}
