//! Where a dataset is, as a person writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A place that can hold a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// A folder of this machine, absolute.
    Local(PathBuf),
}

/// What relative locations are relative to.
struct Base {
    current: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Location {
    /// Reads `text`: a path (`x`, `./x`, `~/x`, `/x`) or a URL (`file:///x%20y`).
    ///
    /// Nothing is opened, and the folder need not exist.
    ///
    /// ```
    /// use tenrow::Location;
    /// assert_eq!(Location::parse("file:///data/my%20digits")?.to_string(), "/data/my digits");
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is neither;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for stores other than local folders.
    pub fn parse(text: &str) -> Result<Self> {
        let base = Base { current: std::env::current_dir().ok(), home: std::env::home_dir() };
        parse(text, &base)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
        }
    }
}

fn parse(text: &str, base: &Base) -> Result<Location> {
    if text.is_empty() || text.contains('\0') {
        return Err(invalid(text, "a location is a path or a url, not empty and without nul"));
    }
    match split_scheme(text) {
        None => local_path(text, base),
        Some(("file", rest)) => file_url(text, rest),
        Some(("s3" | "az" | "gs" | "http" | "https", _)) => Err(Error::unsupported(format!(
            "location {text:?}: only local folders for now, object stores come in a later version"
        ))),
        Some((scheme, _)) => Err(invalid(text, &format!("unknown scheme {scheme:?}"))),
    }
}

/// The lowercase scheme and what follows `://`, if `text` is a URL.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+.-".contains(&c));
    is_scheme.then_some((scheme, rest))
}

fn local_path(text: &str, base: &Base) -> Result<Location> {
    let in_home = if text == "~" { Some("") } else { text.strip_prefix("~/") };
    let path = match (in_home, &base.home, &base.current) {
        (Some(rest), Some(home), _) => home.join(rest.trim_start_matches('/')),
        (Some(_), None, _) => return Err(invalid(text, "there is no home folder; write it out")),
        (None, _, Some(current)) => current.join(text),
        (None, _, None) => PathBuf::from(text),
    };
    if path.is_relative() {
        return Err(invalid(text, "there is no current folder; write an absolute path"));
    }
    Ok(Location::Local(without_dots(&path)))
}

/// `path` without `.` parts and doubled or trailing slashes; `..` stays, since what it means
/// depends on links.
fn without_dots(path: &Path) -> PathBuf {
    path.components().collect()
}

fn file_url(text: &str, rest: &str) -> Result<Location> {
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    if !path.starts_with('/') {
        return Err(invalid(text, "a file url has three slashes, file:///folder, and no host"));
    }
    if path.contains(['?', '#']) {
        return Err(invalid(text, "write ? and # in a file url as %3F and %23"));
    }
    let path = percent_decode(path)
        .ok_or_else(|| invalid(text, "a % is followed by two hex digits, the whole is utf-8"))?;
    Ok(Location::Local(without_dots(Path::new(&path))))
}

fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok().filter(|path| !path.contains('\0'))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn invalid(text: &str, rule: &str) -> Error {
    Error::invalid(format!("location {text:?}: {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn base() -> Base {
        Base { current: Some("/here".into()), home: Some("/home/ada".into()) }
    }

    #[test]
    fn paths_and_file_urls_become_absolute_folders() {
        let table = [
            ("/data/x", "/data/x"),
            ("/data//x/", "/data/x"),
            ("x", "/here/x"),
            ("./x/.", "/here/x"),
            ("../x", "/here/../x"),
            ("~", "/home/ada"),
            ("~/x", "/home/ada/x"),
            ("~//x", "/home/ada/x"),
            ("~ada/x", "/here/~ada/x"),
            ("a b/ü%20", "/here/a b/ü%20"),
            ("C://x", "/here/C:/x"),
            ("/x://y", "/x:/y"),
            ("file:///data/x", "/data/x"),
            ("file://localhost/data", "/data"),
            ("file:///a%20b/%C3%BC%25", "/a b/ü%"),
            ("file:///", "/"),
        ];
        for (text, expected) in table {
            let Location::Local(path) = parse(text, &base()).unwrap();
            assert_eq!(path.to_str().unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_folder_is_refused_by_kind() {
        let table = [
            ("", ErrorKind::InvalidInput),
            ("a\0b", ErrorKind::InvalidInput),
            ("file://x", ErrorKind::InvalidInput),
            ("file://host/x", ErrorKind::InvalidInput),
            ("file:///x#1", ErrorKind::InvalidInput),
            ("file:///%", ErrorKind::InvalidInput),
            ("file:///%4", ErrorKind::InvalidInput),
            ("file:///%+1", ErrorKind::InvalidInput),
            ("file:///%ff", ErrorKind::InvalidInput),
            ("file:///%00", ErrorKind::InvalidInput),
            ("ftp://host/x", ErrorKind::InvalidInput),
            ("s3://bucket/x", ErrorKind::Unsupported),
            ("az://container/x", ErrorKind::Unsupported),
            ("gs://bucket/x", ErrorKind::Unsupported),
            ("http://host/x", ErrorKind::Unsupported),
            ("https://host/x", ErrorKind::Unsupported),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text, &base()).unwrap_err().kind(), expected, "{text:?}");
        }
    }

    #[test]
    fn without_a_home_or_a_current_folder_only_absolute_paths_serve() {
        let base = Base { current: None, home: None };
        assert!(parse("/x", &base).is_ok());
        assert!(parse("x", &base).is_err());
        assert!(parse("~/x", &base).is_err());
    }
}
