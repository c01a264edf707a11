//! What a table name says: `mnist`, `mnist@3`, `mnist@best`, `mnist$files`, `mnist@3$files`.

use std::fmt;

use tenrow::Version;

use crate::error::{Error, Result};

/// A table of SQL, as its name says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TableName {
    /// The dataset: its name below a root, or a path.
    pub(crate) dataset: String,
    /// The version asked for; `None`: the newest.
    pub(crate) version: Option<VersionName>,
    /// What of it is asked for; `None`: its rows.
    pub(crate) part: Option<Part>,
}

/// A version, by number or tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum VersionName {
    Number(Version),
    Tag(String),
}

/// What belongs to a dataset besides its rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// A metadata table: `$files`.
    Metadata(String),
    /// A view: `#train`.
    View(String),
}

impl TableName {
    pub(crate) fn parse(name: &str) -> Result<Self> {
        if has_credentials(name) {
            return Err(Error::invalid(
                "a table name that is a location has no credentials in it: give them as options",
            ));
        }
        let (rest, part) = match name.find(['$', '#']) {
            Some(at) if name[at..].starts_with('$') => {
                (&name[..at], Some(Part::Metadata(name[at + 1..].to_owned())))
            }
            Some(at) => (&name[..at], Some(Part::View(name[at + 1..].to_owned()))),
            None => (name, None),
        };
        let (dataset, version) = match rest.split_once('@') {
            Some((dataset, version)) => (dataset, Some(VersionName::parse(name, version)?)),
            None => (rest, None),
        };
        if dataset.is_empty() {
            return Err(Error::invalid(format!(
                "table name {name:?}: it names no dataset; write \"dataset\", \"dataset@version\" or \"dataset$table\""
            )));
        }
        Ok(Self { dataset: dataset.to_owned(), version, part })
    }
}

/// Whether a location has a user and a password, which no message may repeat: what follows its first colon is no port.
fn has_credentials(name: &str) -> bool {
    let before = name.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
    let after = before.and_then(|(before, _)| before.split_once(':'));
    after.is_some_and(|(_, after)| {
        let port = after.split_once('/').map_or("", |(port, _)| port);
        port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit())
    })
}

impl VersionName {
    /// Tags do not begin with a digit.
    fn parse(name: &str, text: &str) -> Result<Self> {
        if !text.starts_with(|c: char| c.is_ascii_digit()) && !text.is_empty() {
            return Ok(Self::Tag(text.to_owned()));
        }
        text.parse().map(|number| Self::Number(Version(number))).map_err(|_| {
            Error::invalid(format!(
                "table name {name:?}: {text:?} is neither a version number nor a tag"
            ))
        })
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(version) => version.fmt(f),
            Self::Tag(tag) => f.write_str(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_name_is_understood() {
        let parse = |name: &str| TableName::parse(name).unwrap();
        assert_eq!(parse("a/b"), TableName { dataset: "a/b".into(), version: None, part: None });
        assert_eq!(parse("a@3").version, Some(VersionName::Number(Version(3))));
        assert_eq!(parse("a@best").version, Some(VersionName::Tag("best".into())));
        assert_eq!(parse("a@3$files").part, Some(Part::Metadata("files".into())));
        assert_eq!(parse("a#train").part, Some(Part::View("train".into())));
    }

    #[test]
    fn credentials_in_a_name_are_refused_and_not_repeated() {
        for name in [
            "http://user:marker@127.0.0.1:1/q",
            "https://user:marker@host/d@3",
            "s3://key:mar/marker@bucket/d",
        ] {
            let error = TableName::parse(name).unwrap_err().to_string();
            assert!(error.contains("credentials") && !error.contains("mar"), "{error}");
        }
        for name in ["http://host:8080/d@3", "s3://bucket/d@best", "s3://bucket/d"] {
            TableName::parse(name).unwrap();
        }
    }

    #[test]
    fn names_without_a_dataset_or_with_half_a_version_are_refused() {
        for name in ["", "@3", "$files", "a@", "a@3x"] {
            TableName::parse(name).unwrap_err();
        }
    }
}
