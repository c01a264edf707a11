//! Where a dataset is, as a person writes it.

use std::fmt;
use std::path::{Path, PathBuf};

use object_store::path::Path as ObjectPath;
use url::Url;

use crate::error::{Error, Result};

/// A place that can hold a dataset.
///
/// ```
/// use tenrow::storage::{Location, Provider};
/// let Location::Remote(remote) = Location::parse("s3://bucket/speech/train")? else { panic!() };
/// assert_eq!((remote.provider(), remote.last_part()), (Provider::S3, "train"));
/// assert!(matches!(Location::parse("digits")?, Location::Local(_)));
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// A folder of this machine, absolute.
    Local(PathBuf),
    /// A part of an object store.
    Remote(RemoteLocation),
}

/// A bucket and what the names of the objects in it begin with.
///
/// ```
/// use tenrow::storage::Location;
/// let Location::Remote(remote) = Location::parse("az://container/speech")? else { panic!() };
/// assert_eq!((remote.last_part(), remote.to_string().as_str()), ("speech", "az://container/speech"));
/// # Ok::<(), tenrow::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemoteLocation {
    pub(crate) provider: Provider,
    /// The bucket, container, or host with its port.
    pub(crate) bucket: String,
    pub(crate) prefix: ObjectPath,
}

/// Who keeps the objects.
///
/// ```
/// use tenrow::storage::Provider;
/// assert_eq!(Provider::Google.scheme(), "gs");
/// assert!(Provider::Https.is_read_only());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Provider {
    /// `s3://`: AWS, or any store that speaks its protocol.
    S3,
    /// `az://`: Azure blob storage.
    Azure,
    /// `gs://`: Google cloud storage.
    Google,
    /// `http://`: a server of files, which can only be read.
    Http,
    /// `https://`: the same, encrypted.
    Https,
    /// `memory://`: this process, until it ends.
    Memory,
}

impl Provider {
    const ALL: [Self; 6] =
        [Self::S3, Self::Azure, Self::Google, Self::Http, Self::Https, Self::Memory];

    /// What locations begin with, before `://`.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::Google => "gs",
            Self::Http => "http",
            Self::Https => "https",
            Self::Memory => "memory",
        }
    }

    /// Whether the store has nothing but files to give.
    pub fn is_read_only(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }
}

impl RemoteLocation {
    /// Who keeps the objects.
    pub fn provider(&self) -> Provider {
        self.provider
    }

    /// The last part of the prefix; without one, the bucket.
    pub fn last_part(&self) -> &str {
        self.prefix.filename().unwrap_or(&self.bucket)
    }

    /// What the last part of the prefix is, if `other` lies beside it.
    pub(crate) fn name_beside(&self, other: &Self) -> Option<&str> {
        let split = |prefix: &ObjectPath| {
            let parts: Vec<String> = prefix.parts().map(|part| part.as_ref().to_owned()).collect();
            parts.split_last().map(|(_, above)| above.to_vec())
        };
        let same_bucket = self.provider == other.provider && self.bucket == other.bucket;
        let (own, others) = (split(&self.prefix)?, split(&other.prefix)?);
        self.prefix.filename().filter(|_| same_bucket && own == others)
    }
}

impl fmt::Display for RemoteLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.provider.scheme(), self.bucket)?;
        match self.prefix.as_ref() {
            "" => Ok(()),
            prefix => write!(f, "/{prefix}"),
        }
    }
}

/// What relative locations are relative to.
struct Base {
    current: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl Location {
    /// Reads `text`: a path (`x`, `./x`, `~/x`, `/x`) or a URL (`file:///x%20y`, `s3://bucket/prefix`, `az://`, `gs://`,
    /// `https://`, `memory://`).
    ///
    /// The names of objects are taken as they stand, but for `file` and `http`, where `%20` is a blank. Nothing is opened,
    /// and the folder need not exist.
    ///
    /// ```
    /// use tenrow::storage::Location;
    /// assert_eq!(Location::parse("file:///data/my%20digits")?.to_string(), "/data/my digits");
    /// # Ok::<(), tenrow::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is neither, or has credentials in it.
    pub fn parse(text: &str) -> Result<Self> {
        let base = Base { current: std::env::current_dir().ok(), home: std::env::home_dir() };
        parse(text, &base)
    }
}

impl Location {
    /// The last part: what the place is called in the one above it.
    pub fn file_name(&self) -> Option<String> {
        match self {
            Self::Local(path) => Some(path.file_name()?.to_string_lossy().into_owned()),
            Self::Remote(remote) => remote.prefix.filename().map(str::to_owned),
        }
    }

    /// The place that it is in.
    pub fn parent(&self) -> Option<Self> {
        match self {
            Self::Local(path) => path.parent().map(|parent| Self::Local(parent.to_owned())),
            Self::Remote(remote) => {
                let parts: Vec<_> = remote.prefix.parts().collect();
                let (_, above) = parts.split_last()?;
                let prefix = above.iter().cloned().collect();
                Some(Self::Remote(RemoteLocation { prefix, ..remote.clone() }))
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => path.display().fmt(f),
            Self::Remote(remote) => remote.fmt(f),
        }
    }
}

fn parse(text: &str, base: &Base) -> Result<Location> {
    if text.is_empty() || text.contains('\0') {
        return Err(invalid(text, "a location is a path or a url, not empty and without nul"));
    }
    match split_scheme(text) {
        None if has_one_slash(text) => Err(Error::invalid(
            "a location of a store begins as in s3://bucket/prefix, with two slashes; credentials are given as options",
        )),
        None => local_path(text, base),
        Some((scheme, rest)) if scheme == "file" => file_url(text, rest),
        Some((scheme, rest)) => {
            let provider = Provider::ALL.into_iter().find(|known| known.scheme() == scheme);
            match provider {
                Some(provider) => Ok(Location::Remote(remote(provider, rest)?)),
                None => Err(unknown_scheme(&scheme)),
            }
        }
    }
}

fn unknown_scheme(scheme: &str) -> Error {
    let known = Provider::ALL.map(|known| format!("{}://", known.scheme())).join(", ");
    Error::invalid(format!(
        "location {scheme}://…: unknown scheme; there are file://, {known}, and plain paths"
    ))
}

/// Messages never have what follows a bucket's `@` or a `?`: it may be secret.
fn remote(provider: Provider, rest: &str) -> Result<RemoteLocation> {
    let scheme = provider.scheme();
    let wrong = |what: &str| Err(Error::invalid(format!("location {scheme}://…: {what}")));
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.contains('@') {
        return wrong("credentials are no part of a location: give them as options");
    }
    if rest.contains(['?', '#']) {
        return wrong("? and # are no part of a location: give what follows them as options");
    }
    if bucket.is_empty() && provider != Provider::Memory {
        return wrong("a bucket or host follows, such as s3://bucket/prefix");
    }
    // A secret may have slashes, so that its location seems to have a bucket: none has a colon.
    if !can_be_bucket(provider, bucket) {
        return wrong(match provider.is_read_only() {
            true => {
                "a host follows, such as https://host:8000/path; credentials are given as options"
            }
            false => "a bucket has letters, digits, -, _ and .; credentials are given as options",
        });
    }
    let is_url = provider.is_read_only();
    let decoded = if is_url { percent_decode(path) } else { Some(path.to_owned()) };
    let Some(path) = decoded else {
        return wrong("a % is followed by two hex digits, the whole is utf-8");
    };
    let parts = path.split('/').filter(|part| !part.is_empty());
    match ObjectPath::parse(parts.collect::<Vec<_>>().join("/")) {
        Ok(prefix) => Ok(RemoteLocation { provider, bucket: bucket.to_owned(), prefix }),
        Err(error) => Err(Error::invalid(format!(
            "location {scheme}://{bucket}/…: its path cannot name objects"
        ))
        .with_source(error)),
    }
}

/// Whether requests can be sent to it.
fn can_be_bucket(provider: Provider, bucket: &str) -> bool {
    match provider {
        Provider::S3 | Provider::Azure | Provider::Google => {
            bucket.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.$".contains(&c))
        }
        Provider::Http | Provider::Https => {
            let url = Url::parse(&format!("{}://{bucket}/", provider.scheme()));
            !bucket.contains(|c: char| c.is_control() || c == ' ' || c == '\\')
                && url.is_ok_and(|url| url.path() == "/")
        }
        Provider::Memory => !bucket.contains(char::is_control),
    }
}

/// `https:/host/…`, which may be meant for a host, with credentials: it is not repeated.
fn has_one_slash(text: &str) -> bool {
    let scheme = text.split_once(":/").map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|scheme| Provider::ALL.iter().any(|known| known.scheme() == scheme))
}

/// The scheme, in lower case, and what follows `://`, if `text` is a URL.
fn split_scheme(text: &str) -> Option<(String, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    // A single capital is a drive of other systems, and here a name as any.
    let is_drive = scheme.len() == 1 && scheme.starts_with(|c: char| c.is_ascii_uppercase());
    let is_scheme = !is_drive
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+.-".contains(&c));
    is_scheme.then(|| (scheme.to_ascii_lowercase(), rest))
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
        // What stands there may be meant for a host, with credentials.
        return Err(invalid(
            "file://…",
            "a file url has three slashes, file:///folder, and no host",
        ));
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
            let Location::Local(path) = parse(text, &base()).unwrap() else { panic!("{text}") };
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
            ("s3://", ErrorKind::InvalidInput),
            ("s3:///x", ErrorKind::InvalidInput),
            ("s3://buc ket/x", ErrorKind::InvalidInput),
            ("s3://b%ccket/x", ErrorKind::InvalidInput),
            ("gs://b\u{fc}cket/x", ErrorKind::InvalidInput),
            ("az://bucket\n/x", ErrorKind::InvalidInput),
            ("http://ho st/x", ErrorKind::InvalidInput),
            ("http://host:port/x", ErrorKind::InvalidInput),
            ("http://host\n/x", ErrorKind::InvalidInput),
            ("memory://na\nme/x", ErrorKind::InvalidInput),
            ("s3://bucket/a/../b", ErrorKind::InvalidInput),
            ("https://host/%4", ErrorKind::InvalidInput),
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

    #[test]
    fn objects_are_found_by_bucket_and_prefix() {
        let table = [
            ("s3://bucket", "s3://bucket"),
            ("s3://bucket/", "s3://bucket"),
            ("s3://bucket/a//b/", "s3://bucket/a/b"),
            ("s3://bucket/a b%20ü", "s3://bucket/a b%20ü"),
            ("az://container/x", "az://container/x"),
            ("gs://bucket/x", "gs://bucket/x"),
            ("http://host:8000/x%20y", "http://host:8000/x y"),
            ("https://host/x", "https://host/x"),
            ("HTTPS://host/x", "https://host/x"),
            ("http://[::1]:8000/x", "http://[::1]:8000/x"),
            ("S3://bucket/x", "s3://bucket/x"),
            ("memory:///x", "memory:///x"),
            ("memory://name/x", "memory://name/x"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text, &base()).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_told_the_known_ones_and_nothing_secret_is_repeated() {
        let error = parse("ftp://user:marker@host/x", &base()).unwrap_err().chain();
        assert!(error.contains("s3://, az://, gs://") && error.contains("ftp://"), "{error}");
        for text in [
            "s3://key:marker@bucket/x",
            "s3://key:mar/marker@bucket/x",
            "S3://key:marker@bucket/x",
            "HTTPS://user:marker@host/x",
            "https://user:mar/marker@host/x",
            "Https://host/x?sig=marker",
            "https:/user:marker@host/x",
            "S3:/key:marker@bucket/x",
            "https://host/x?sig=marker",
            "az://c/x#marker",
        ] {
            let error = parse(text, &base()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.chain().contains("marker") && error.chain().contains("options"));
        }
    }
}
