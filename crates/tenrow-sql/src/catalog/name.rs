//! What a table name says: `mnist`, `mnist@3`, `mnist@best`, `mnist@2026-01-31`, `mnist$files`, `mnist@3$files`, `mnist#test`,
//! `mnist#test@latest`.

use tenrow::{Error, Result, WhichVersion};

/// A table of SQL, as its name says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    /// The dataset: its name below a root, or a path.
    pub(crate) dataset: String,
    /// The version asked for; `None`: the newest.
    pub(crate) version: Option<WhichVersion>,
    /// What of it is asked for; `None`: its rows.
    pub(crate) part: Option<Part>,
}

/// What belongs to a dataset besides its rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// A metadata table: `$files`.
    Metadata(String),
    /// A view, `#train`; in another version than the one that its rows were chosen in, `#train@latest`.
    View(String, Option<WhichVersion>),
}

impl TableName {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        let (rest, part) = match name.find(['$', '#']) {
            Some(at) if name[at..].starts_with('$') => {
                (&name[..at], Some(Part::Metadata(name[at + 1..].to_owned())))
            }
            Some(at) => {
                let (view, version) = versioned(name, &name[at + 1..])?;
                (&name[..at], Some(Part::View(view.to_owned(), version)))
            }
            None => (name, None),
        };
        let (dataset, version) = versioned(name, rest)?;
        if dataset.is_empty() {
            return Err(Error::invalid(format!(
                "table name {name:?}: it names no dataset; write \"dataset\", \"dataset@version\" or \"dataset$table\""
            )));
        }
        Ok(Self { dataset: dataset.to_owned(), version, part })
    }
}

/// What stands before an `@`, and the version behind it.
fn versioned<'a>(name: &str, text: &'a str) -> Result<(&'a str, Option<WhichVersion>)> {
    Ok(match text.split_once('@') {
        Some((before, version)) => (before, Some(version_of(name, version)?)),
        None => (text, None),
    })
}

fn version_of(name: &str, text: &str) -> Result<WhichVersion> {
    text.parse().map_err(|e| Error::invalid(format!("table name {name:?}: {e}")))
}

#[cfg(test)]
mod tests {
    use tenrow::Version;

    use super::*;

    #[test]
    fn every_form_of_a_name_is_understood() {
        let parse = |name: &str| TableName::parse(name).unwrap();
        assert_eq!(parse("a/b"), TableName { dataset: "a/b".into(), version: None, part: None });
        assert_eq!(parse("a@3").version, Some(WhichVersion::Number(Version(3))));
        assert_eq!(parse("a@best").version, Some(WhichVersion::Tag("best".into())));
        assert_eq!(parse("a@1970-01-01 00:01").version, Some(WhichVersion::At(60_000)));
        assert_eq!(parse("a@3$files").part, Some(Part::Metadata("files".into())));
        assert_eq!(parse("a#train").part, Some(Part::View("train".into(), None)));
        let newest = Some(WhichVersion::Newest);
        assert_eq!(parse("a@3#train@latest").part, Some(Part::View("train".into(), newest)));
    }

    #[test]
    fn names_without_a_dataset_or_with_half_a_version_are_refused() {
        for name in ["", "@3", "$files", "a@", "a@3x", "a#train@", "a#train@3x"] {
            TableName::parse(name).unwrap_err();
        }
    }
}
