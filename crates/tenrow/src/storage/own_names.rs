//! The names that tenrow gives to objects: nothing else below a dataset's folder is its to remove.

use std::collections::BTreeSet;

use super::ListedObject;

/// Whether a version of this dataset could have named an object of that path, or a writer could have left it there.
///
/// - `data/[<key value>/…]<id>.parquet`, `columns/<id>.parquet`, `_tenrow/views/<id>.parquet`
/// - `files/<2 digits>/<blake3>-<id>`
/// - `_tenrow/leaves/<id>`, `_tenrow/deletes/<id>`, and whatever lies right in `_tenrow/tmp/`
pub(crate) fn is_own(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["data", .., file] | ["columns", file] | ["_tenrow", "views", file] => {
            file.strip_suffix(".parquet").is_some_and(|id| is_hex(id, 32))
        }
        ["files", folder, file] => file.split_once('-').is_some_and(|(hash, id)| {
            is_hex(hash, 64) && is_hex(id, 32) && hash.get(..2) == Some(*folder)
        }),
        ["_tenrow", "leaves" | "deletes", id] => is_hex(id, 32),
        ["_tenrow", "tmp", _] => true,
        _ => false,
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folders of other datasets that lie below this one, of which the listing shows objects.
#[derive(Debug, Default)]
pub(crate) struct NestedDatasets(BTreeSet<String>);

impl NestedDatasets {
    /// Looks at an object that was listed.
    pub(crate) fn note(&mut self, object: &ListedObject) {
        if let Some((folder, _)) = object.path.split_once("/_tenrow/") {
            self.0.insert(format!("{folder}/"));
        }
    }

    /// Whether an object is of one of them.
    pub(crate) fn have(&self, path: &str) -> bool {
        self.0.iter().any(|folder| path.starts_with(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_layout_are_own() {
        let id = "0123456789abcdef0123456789abcdef";
        let file = format!("files/01/{id}{id}-{id}");
        for path in [
            format!("data/{id}.parquet"),
            format!("data/train/3/{id}.parquet"),
            format!("columns/{id}.parquet"),
            format!("_tenrow/views/{id}.parquet"),
            format!("_tenrow/leaves/{id}"),
            format!("_tenrow/deletes/{id}"),
            "_tenrow/tmp/whatever".into(),
            file.clone(),
        ] {
            assert!(is_own(&path), "{path}");
        }
        for path in [
            "data/mine.csv".into(),
            "data/events.parquet".into(),
            "data/".into(),
            format!("data/{id}"),
            format!("columns/more/{id}.parquet"),
            format!("columns/{}.parquet", id.to_uppercase()),
            "files/thesis.tex".into(),
            file.replace("files/01", "files/02"),
            format!("_tenrow/leaves/more/{id}"),
            "_tenrow/tmp/sub/_tenrow/latest".into(),
            "_tenrow/latest".into(),
        ] {
            assert!(!is_own(&path), "{path}");
        }
    }
}
