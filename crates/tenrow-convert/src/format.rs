//! What a format is: what its files are called, how they are recognised, what reads and what writes them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::Path;

use arrow_schema::SchemaRef;
use futures::future::BoxFuture;
use tenrow::Attribute;
use tenrow_values::{ConvertError, Output, Result, RowSink, looks_like_text, media_type};

use crate::open_options::OpenOptions;
use crate::outgoing::Outgoing;
use crate::source::Source;
use crate::table_file::TableFile;

/// A format of files: one line in the table of all that there are.
///
/// ```
/// use tenrow_convert::{Format, Purpose};
/// assert_eq!(Format::named("jsonl", Purpose::Import)?.to_string(), "jsonl");
/// assert_eq!(Format::of_path("rows.npz".as_ref(), Purpose::Export)?.to_string(), "npz");
/// let error = Format::named("idx", Purpose::Export).unwrap_err().to_string();
/// assert!(error.starts_with("idx: it can only be imported"), "{error}");
/// # Ok::<(), tenrow_convert::ConvertError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Format(pub(crate) &'static Entry);

/// What a format is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Its files become rows of a dataset.
    Import,
    /// Rows of a dataset become its files.
    Export,
    /// Rows of any schema are written in it, such as the answers of queries.
    Answers,
}

/// A line of the table of formats.
pub(crate) struct Entry {
    /// The name on the command line.
    pub(crate) name: &'static str,
    /// What people know it as.
    pub(crate) what: &'static str,
    /// The extensions of its files, without the dot; the first is that of files whose name is ours to choose.
    pub(crate) extensions: &'static [&'static str],
    /// Extensions of files that are only read.
    pub(crate) also_read: &'static [&'static str],
    /// Whether it is text, which a terminal can show.
    pub(crate) is_text: bool,
    /// What the files of a folder are.
    pub(crate) group: Group,
    /// The options that say something of its files, as people write them.
    pub(crate) options: &'static [&'static str],
    /// Whether a file that starts so is of this format. Of several that say so, the first in the table counts.
    pub(crate) recognises: fn(&Start<'_>) -> bool,
    /// Opens files as one source.
    pub(crate) open: Option<Open>,
    /// Writes rows.
    pub(crate) create: Option<Create>,
}

/// What the files of a folder are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    /// Those with its extensions are rows of one table.
    Tables,
    /// Each is a row, whatever it is.
    Files,
}

/// What is opened as one source.
pub(crate) struct Inputs<'a> {
    pub(crate) files: &'a [TableFile],
    pub(crate) options: &'a OpenOptions,
    /// Whether people said that they are of the format.
    pub(crate) is_asked: bool,
}

pub(crate) type Open = fn(&Inputs<'_>) -> Result<Box<dyn Source>>;
pub(crate) type CreateRows = fn(&SchemaRef, Output) -> Result<Box<dyn RowSink>>;
/// Writes the rows of these attributes at a path, and returns how many files that made.
pub(crate) type WriteFiles =
    for<'a> fn(&'a mut Outgoing<'_>, &'a [&'a Attribute], &'a Path) -> BoxFuture<'a, Result<u64>>;

/// What is written in a format.
pub(crate) struct Create {
    /// What a file is of.
    pub(crate) extent: Extent,
    /// Refuses an attribute that the format cannot hold.
    pub(crate) holds: fn(&Attribute) -> Result<()>,
    /// How it is written.
    pub(crate) write: Write,
}

/// What a file of a format is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All attributes.
    All,
    /// One attribute.
    One,
    /// One value: an attribute is a folder.
    Value,
}

/// How a format is written.
pub(crate) enum Write {
    /// Row after row, of any schema.
    Rows(CreateRows),
    /// From a dataset, in an order of its own.
    Files(WriteFiles),
}

impl Create {
    /// Files of all attributes, row after row.
    pub(crate) const fn rows(holds: fn(&Attribute) -> Result<()>, create: CreateRows) -> Self {
        Self { extent: Extent::All, holds, write: Write::Rows(create) }
    }
}

/// Of a format that holds attributes of every type.
pub(crate) fn anything(_: &Attribute) -> Result<()> {
    Ok(())
}

/// How a file starts, by which it is recognised.
pub(crate) struct Start<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    is_text: bool,
}

impl<'a> Start<'a> {
    /// A file of that name whose content, decompressed, starts with these bytes.
    ///
    /// What begins with letters is text and goes by its name first: a table may begin with any word, also with one that
    /// stands for another format.
    pub(crate) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        // Text of two bytes a letter begins by saying so.
        let has_wide_mark = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
        Self { path, bytes, is_text: looks_like_text(bytes) || has_wide_mark }
    }

    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn is_text(&self) -> bool {
        self.is_text
    }

    /// Whether it is no text, and starts with `magic`.
    pub(crate) fn begins(&self, magic: &[u8]) -> bool {
        !self.is_text && self.bytes.starts_with(magic)
    }

    /// Whether its name has an extension of this format.
    pub(crate) fn is_named(&self, entry: &Entry) -> bool {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        entry.has_name(&name)
    }

    /// A brace and a name in quotes begin an object, and no table.
    pub(crate) fn is_json_object(&self) -> bool {
        let text =
            self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes).trim_ascii_start();
        let first = text.strip_prefix(b"{").map(|text| text.trim_ascii_start().first());
        matches!(first, Some(Some(b'"' | b'}')))
    }

    pub(crate) fn is_picture(&self) -> bool {
        media_type(self.bytes).is_some_and(|found| found.starts_with("image/"))
    }
}

impl Entry {
    /// Whether a file of this name, in lower case, is one of the format; `.gz` does not count.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        let plain = name.strip_suffix(".gz").unwrap_or(name);
        let Some((_, extension)) = plain.rsplit_once('.') else { return false };
        self.extensions.contains(&extension) || self.also_read.contains(&extension)
    }
}

impl Format {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// What people know it as.
    pub fn what(self) -> &'static str {
        self.0.what
    }

    /// The extensions that its files have, without the dot; those that are only read come last.
    pub fn extensions(self) -> impl Iterator<Item = &'static str> {
        self.0.extensions.iter().chain(self.0.also_read).copied()
    }

    /// Whether it serves `purpose`.
    pub fn serves(self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Import => self.0.open.is_some(),
            Purpose::Export => self.0.create.is_some(),
            Purpose::Answers => self.create_rows().is_some(),
        }
    }

    /// True if it is text, which a terminal can show.
    pub fn is_text(self) -> bool {
        self.0.is_text
    }

    /// True if each value is a file under its own name, in a folder.
    pub fn has_own_names(self) -> bool {
        self.0.create.as_ref().is_some_and(|create| create.extent == Extent::Value)
    }

    pub(crate) fn create_rows(self) -> Option<CreateRows> {
        match self.0.create.as_ref()?.write {
            Write::Rows(create) => Some(create),
            Write::Files(_) => None,
        }
    }

    /// What writes it.
    pub(crate) fn create(self) -> Result<&'static Create> {
        let reason = "it can only be imported";
        self.0
            .create
            .as_ref()
            .ok_or_else(|| ConvertError::unsupported(self.name().as_ref(), reason))
    }

    /// What reads it.
    pub(crate) fn open(self) -> Result<Open> {
        let reason = "it can only be written";
        self.0.open.ok_or_else(|| ConvertError::unsupported(self.name().as_ref(), reason))
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Format {}

impl Hash for Format {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Format({})", self.0.name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}
