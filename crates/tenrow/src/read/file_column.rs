//! One file attribute of all rows.

use std::ops::Range;

use arrow_array::{Array, StructArray, cast::AsArray, types::Int64Type};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::content::{ContentCheck, PIECE_BYTES};
use crate::error::{Error, Result};
use crate::format::layout::{ObjectKind, hash_in};
use crate::format::manifest::is_large_file;
use crate::format::{Attribute, AttributeType, limits};
use crate::read::column::ColumnReader;
use crate::read::options::ReadOptions;
use crate::snapshot::Snapshot;
use crate::view::View;

/// A file attribute of the rows of a view; made by [`Snapshot::file_column`] and [`View::file_column`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, FileValue, Schema};
/// # let dataset = Dataset::create("memory://docs/filecolumn", Schema::new([Attribute::parse("photo:file")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().files("photo", [FileValue::new("cat.png", "meow")])).await?;
/// let photos = writer.commit().await?.file_column("photo")?;
/// assert_eq!(photos.bytes(0).await?.as_deref(), Some(&b"meow"[..]));
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct FileColumn {
    view: View,
    attribute: Attribute,
    options: ReadOptions,
}

/// One file: what is known of it, and a way to its bytes.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, FileValue, Schema};
/// # let dataset = Dataset::create("memory://docs/filehandle", Schema::new([Attribute::parse("photo:file")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().files("photo", [FileValue::new("cat.png", "meow")])).await?;
/// let photos = writer.commit().await?.file_column("photo")?;
/// let photo = photos.get(0).await?.expect("not null");
/// assert_eq!((photo.name.as_deref(), photo.size_bytes), (Some("cat.png"), 4));
/// assert_eq!(photo.read_range(1..3).await?, "eo");
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct FileHandle {
    /// The name it came with.
    pub name: Option<String>,
    /// Its media type, such as `image/png`.
    pub media_type: Option<String>,
    /// Its size.
    pub size_bytes: u64,
    /// The BLAKE3 hash of its bytes, in hex.
    pub blake3: Option<String>,
    /// The object that holds it; `None` if its row does.
    pub path: Option<String>,
    snapshot: Snapshot,
    inline: Option<Bytes>,
}

impl Snapshot {
    /// The file attribute called `name`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is of another kind.
    pub fn file_column(&self, name: &str) -> Result<FileColumn> {
        self.all().file_column(name)
    }

    /// All bytes of the large file that a row names by `path`, checked against the hash in its name.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if it is missing, or not of `size_bytes`, or its content is another.
    pub async fn large_file(&self, path: &str, size_bytes: u64) -> Result<Bytes> {
        let file = FileHandle {
            name: None,
            media_type: None,
            size_bytes,
            blake3: None,
            path: Some(path.to_owned()),
            snapshot: self.clone(),
            inline: None,
        };
        let pieces: Vec<Bytes> = file.pieces().try_collect().await?;
        Ok(match <[Bytes; 1]>::try_from(pieces) {
            Ok([only]) => only,
            Err(pieces) => pieces.concat().into(),
        })
    }
}

impl View {
    /// The file attribute called `name`, of the rows of the view.
    ///
    /// # Errors
    /// As [`Snapshot::file_column`].
    pub fn file_column(&self, name: &str) -> Result<FileColumn> {
        let attribute = self.snapshot().attribute(name)?.clone();
        if attribute.attribute_type != AttributeType::File {
            return Err(Error::invalid(format!(
                "attribute {name:?} is {}, not a file",
                attribute.attribute_type
            )));
        }
        Ok(FileColumn { view: self.clone(), attribute, options: ReadOptions::default() })
    }
}

impl FileColumn {
    /// The bytes of the file of row `row`; `None` if the row is null.
    ///
    /// A file kept in its row is one read of its page, and no copy if the page is mapped.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub async fn bytes(&self, row: u64) -> Result<Option<Bytes>> {
        let inline = self.inline_at(row).await;
        if let Some(bytes) = self.snapshot().explained(inline).await? {
            return Ok(Some(bytes));
        }
        match self.get(row).await? {
            Some(file) => file.read().await.map(Some),
            None => Ok(None),
        }
    }

    /// The file of row `row`; `None` if the row is null.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub async fn get(&self, row: u64) -> Result<Option<FileHandle>> {
        let found = self.found(row).await;
        self.snapshot().explained(found).await
    }

    fn snapshot(&self) -> &Snapshot {
        self.view.snapshot()
    }

    async fn inline_at(&self, place: u64) -> Result<Option<Bytes>> {
        self.inline(self.view.row(place).await?).await
    }

    async fn found(&self, place: u64) -> Result<Option<FileHandle>> {
        let row = self.view.row(place).await?;
        let (partition, row_of_files) = self.snapshot().locate_row(row).await?;
        let reader = self.reader(partition);
        let Some(place) = reader.place() else { return Ok(None) };
        let (row_group, local) = reader.row_group_of(row_of_files)?;
        let only = local..local + 1;
        if reader.file(place).entry().foreign.is_some() {
            let whole = reader.read(row_group, std::slice::from_ref(&only)).await?;
            let whole = whole.as_struct();
            let bytes = whole.column(0).as_binary::<i32>();
            let inline = bytes.is_valid(0).then(|| Bytes::copy_from_slice(bytes.value(0)));
            return self.handle(whole, 1, inline);
        }
        let details = reader.file_details(place, row_group, std::slice::from_ref(&only)).await?;
        let inline = self.inline(row).await?;
        self.handle(&details, 0, inline)
    }

    fn handle(
        &self,
        row: &StructArray,
        first: usize,
        inline: Option<Bytes>,
    ) -> Result<Option<FileHandle>> {
        if row.is_null(0) {
            return Ok(None);
        }
        let text = |column: usize| {
            let texts = row.column(first + column).as_string::<i32>();
            texts.is_valid(0).then(|| texts.value(0).to_owned())
        };
        let sizes = row.column(first + 3).as_primitive::<Int64Type>();
        let stated = sizes.is_valid(0).then(|| u64::try_from(sizes.value(0)).ok()).flatten();
        // What a row says of its size is only believed where the bytes are elsewhere.
        let size_bytes = inline.as_ref().map(|bytes| bytes.len() as u64).or(stated);
        let (path, snapshot) = (text(0), self.snapshot().clone());
        Ok(Some(FileHandle {
            // Others keep bytes in the row and use `path` for the name.
            name: text(1).or_else(|| path.clone()),
            media_type: text(2),
            size_bytes: size_bytes.unwrap_or_default(),
            blake3: text(4),
            path: if inline.is_some() { None } else { path },
            snapshot,
            inline,
        }))
    }

    async fn inline(&self, row: u64) -> Result<Option<Bytes>> {
        let (partition, row) = self.snapshot().locate_row(row).await?;
        let reader = self.reader(partition);
        let Some(place) = reader.place() else { return Ok(None) };
        if reader.file(place).entry().foreign.is_some() {
            return Ok(None);
        }
        let (row_group, local) = reader.row_group_of(row)?;
        let pages = reader.pages(place, row_group, 0).await?;
        pages.read_one(local, reader.attribute.nullable).await
    }

    fn reader<'a>(&'a self, partition: &'a crate::snapshot::LoadedPartition) -> ColumnReader<'a> {
        ColumnReader::new(self.snapshot(), &self.attribute, partition, &self.options)
    }
}

impl FileHandle {
    /// All of its bytes.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if the object is missing or of another size.
    pub async fn read(&self) -> Result<Bytes> {
        self.read_range(0..self.size_bytes).await
    }

    /// All of its bytes, in pieces of at most 8 MiB.
    ///
    /// Its last item is [`Corrupt`](crate::ErrorKind::Corrupt) if they do not hash to what its row, or the name of the
    /// object, says; otherwise fails as [`read`](Self::read).
    pub fn pieces(&self) -> BoxStream<'static, Result<Bytes>> {
        let of_object = self.path.as_deref().filter(|path| is_large_file(path)).map(hash_in);
        let expected = self.blake3.as_deref().or(of_object);
        let begin = (self.clone(), 0, expected.map(ContentCheck::of_blake3));
        stream::try_unfold(begin, |(file, at, mut content)| async move {
            if at >= file.size_bytes {
                let shown = file.shown();
                return content.map_or(Ok(None), |content| content.finish(&shown).map(|()| None));
            }
            let end = file.size_bytes.min(at + PIECE_BYTES);
            let piece = file.read_range(at..end).await?;
            content.iter_mut().for_each(|content| content.write(&piece));
            Ok(Some((piece, (file, end, content))))
        })
        .boxed()
    }

    /// What a person calls it.
    fn shown(&self) -> String {
        match (&self.path, &self.name) {
            (Some(path), _) => self.snapshot.storage().shown(path),
            (None, Some(name)) => format!("file {name:?}"),
            (None, None) => "a file".into(),
        }
    }

    /// Some of its bytes: one exact read.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) beyond its end, else as [`read`](Self::read).
    pub async fn read_range(&self, range: Range<u64>) -> Result<Bytes> {
        if range.start > range.end || range.end > self.size_bytes {
            return Err(Error::invalid(format!(
                "bytes {}..{} of a file of {} bytes",
                range.start, range.end, self.size_bytes
            )));
        }
        match (&self.inline, &self.path) {
            (Some(bytes), _) => Ok(bytes.slice(range.start as usize..range.end as usize)),
            (None, Some(path)) => {
                let read = self.read_object(path, range).await;
                let read = read.map_err(self.snapshot.storage().missing(path));
                self.snapshot.explained(read).await
            }
            (None, None) if self.size_bytes == 0 => Ok(Bytes::new()),
            (None, None) => Err(Error::corrupt("a file", "it has neither bytes nor a path")),
        }
    }

    async fn read_object(&self, path: &str, range: Range<u64>) -> Result<Bytes> {
        // Only objects that tenrow wrote itself: a path from a foreign file names anything.
        if !is_large_file(path) {
            let reason = format!("its path is not below {}/", ObjectKind::LargeFile.folder());
            return Err(Error::corrupt(format!("file {path:?}"), reason));
        }
        if range.end - range.start > limits::MAX_ROW_BYTES {
            let storage = self.snapshot.storage();
            let mut whole = Vec::new();
            let mut at = range.start;
            while at < range.end {
                let end = range.end.min(at + limits::MAX_ROW_BYTES);
                whole.extend_from_slice(&storage.read_range(path, at..end).await?);
                at = end;
            }
            return Ok(whole.into());
        }
        self.snapshot.storage().read_range(path, range).await
    }
}
