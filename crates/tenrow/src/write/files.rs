//! File attributes on their way in: hashed, named, and put beside the rows if they are large.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, Int64Builder, StringBuilder};
use arrow_array::{Array, ArrayRef, StructArray, cast::AsArray, types::Int64Type};
use arrow_buffer::NullBufferBuilder;
use bytes::Bytes;

use crate::blocking;
use crate::commit::NamedFiles;
use crate::error::{Error, ErrorKind, Result};
use crate::format::file_fields;
use crate::format::layout::{hash_in, large_file_path};
use crate::format::manifest::is_large_file;
use crate::ids::Ids;
use crate::read::FileHandle;
use crate::storage::{Storage, open_regular};
use crate::write::nullable::Nullable;

/// Bytes read of a caller's file at a time.
const READ_BYTES: usize = 8 << 20;

/// A file to be stored: its bytes, or an object that [`DatasetWriter::put_file`] has stored already.
///
/// ```
/// use tenrow::{Columns, FileValue};
/// let photo = FileValue::new("cat.png", &b"\x89PNG"[..]).with_media_type("image/png");
/// let batch = Columns::new().files("photo", [Some(photo), None]).into_batch()?;
/// assert_eq!(batch["photo"].null_count(), 1);
/// # Ok::<(), tenrow::Error>(())
/// ```
///
/// [`DatasetWriter::put_file`]: crate::DatasetWriter::put_file
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileValue {
    /// The bytes, if the row is to hold them.
    pub bytes: Option<Bytes>,
    /// The object that holds them otherwise.
    pub path: Option<String>,
    /// The name it came with.
    pub name: Option<String>,
    /// Its media type, such as `image/png`.
    pub media_type: Option<String>,
    /// Its size, if known; always known of what was stored.
    pub size_bytes: Option<u64>,
    /// Its BLAKE3 hash in hex, if known.
    pub blake3: Option<String>,
}

impl FileValue {
    /// A file of these bytes.
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self { bytes: Some(bytes.into()), name: Some(name.into()), ..Self::default() }
    }

    /// Sets its media type.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Files as the column of a file attribute; `None` is a null row.
    pub fn array(
        files: impl IntoIterator<Item: Nullable<Value: Borrow<FileValue>>>,
    ) -> StructArray {
        let mut bytes = BinaryBuilder::new();
        let mut texts: [StringBuilder; 4] = std::array::from_fn(|_| StringBuilder::new());
        let mut sizes = Int64Builder::new();
        let mut nulls = NullBufferBuilder::new(0);
        for file in files {
            let file = file.into_option();
            nulls.append(file.is_some());
            let file = file.as_ref().map(Borrow::borrow);
            bytes.append_option(file.and_then(|f| f.bytes.as_ref()));
            let fields = [
                file.and_then(|f| f.path.as_ref()),
                file.and_then(|f| f.name.as_ref()),
                file.and_then(|f| f.media_type.as_ref()),
                file.and_then(|f| f.blake3.as_ref()),
            ];
            texts.iter_mut().zip(fields).for_each(|(builder, text)| builder.append_option(text));
            sizes.append_option(file.and_then(|f| f.size_bytes).map(|size| size as i64));
        }
        let [mut path, mut name, mut media_type, mut blake3] = texts;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(bytes.finish()),
            Arc::new(path.finish()),
            Arc::new(name.finish()),
            Arc::new(media_type.finish()),
            Arc::new(sizes.finish()),
            Arc::new(blake3.finish()),
        ];
        StructArray::new(file_fields(), columns, nulls.finish())
    }
}

impl Nullable for FileValue {
    type Value = Self;

    fn into_option(self) -> Option<Self> {
        Some(self)
    }
}

impl Nullable for &FileValue {
    type Value = Self;

    fn into_option(self) -> Option<Self> {
        Some(self)
    }
}

impl From<FileHandle> for FileValue {
    /// What is known of a stored file, without its bytes.
    fn from(file: FileHandle) -> Self {
        Self {
            bytes: None,
            path: file.path,
            name: file.name,
            media_type: file.media_type,
            size_bytes: Some(file.size_bytes),
            blake3: file.blake3,
        }
    }
}

/// The objects that the rows of a file column name.
pub(crate) fn objects_named(column: &ArrayRef) -> Vec<String> {
    let rows = column.as_struct();
    let (bytes, paths) = (rows.column(0), rows.column(1).as_string::<i32>());
    let is_object = |&row: &usize| rows.is_valid(row) && bytes.is_null(row) && paths.is_valid(row);
    (0..rows.len()).filter(is_object).map(|row| paths.value(row).to_owned()).collect()
}

/// Files by the number of their row.
pub(crate) type FilesOfRows = BTreeMap<usize, FileValue>;

/// Stores files, in their rows or beside them.
pub(crate) struct FileStore<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) ids: &'a Ids,
    /// What the commit is told of the objects that values name.
    pub(crate) named: &'a NamedFiles,
    pub(crate) inline_bytes: u64,
}

impl FileStore<'_> {
    /// The rows of a column of files that name an object in place of bytes, completed: each object is there.
    ///
    /// Stores nothing and notes nothing.
    pub(crate) async fn look_up(&self, column: &ArrayRef, name: &str) -> Result<FilesOfRows> {
        let rows = column.as_struct();
        let mut found = FilesOfRows::new();
        for row in (0..rows.len()).filter(|&row| rows.is_valid(row) && rows.column(0).is_null(row))
        {
            let file = self.look_up_one(value_of(rows, row)).await;
            found.insert(row, file.map_err(|e| of_row(e, name, row))?);
        }
        Ok(found)
    }

    /// Completes a column of files: sizes, hashes, and objects for what is too large for a row.
    pub(crate) async fn store(&self, column: &ArrayRef, name: &str) -> Result<ArrayRef> {
        let found = self.look_up(column, name).await?;
        self.store_the_rest(column, name, found).await
    }

    /// [`store`](Self::store), of a column of which what names objects was looked up.
    pub(crate) async fn store_the_rest(
        &self,
        column: &ArrayRef,
        name: &str,
        mut found: FilesOfRows,
    ) -> Result<ArrayRef> {
        let rows = column.as_struct();
        let mut files = Vec::with_capacity(rows.len());
        for row in 0..rows.len() {
            if rows.is_null(row) {
                files.push(None);
                continue;
            }
            let file = match found.remove(&row) {
                Some(file) => file,
                None => {
                    let file = self.complete(value_of(rows, row)).await;
                    file.map_err(|e| of_row(e, name, row))?
                }
            };
            if let Some(path) = &file.path {
                self.named.used(path);
            }
            files.push(Some(file));
        }
        Ok(Arc::new(FileValue::array(&files)))
    }

    /// A file that names an object, which must be there.
    async fn look_up_one(&self, mut file: FileValue) -> Result<FileValue> {
        let Some(path) = file.path.as_deref().filter(|path| is_large_file(path)) else {
            return Err(Error::invalid(
                "a file has neither bytes nor an object of this dataset: give its bytes or use `put_file`",
            ));
        };
        // What a value says of an object need not be so.
        let size = self.storage.size(path).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::invalid(format!(
                "file {path:?} is not there: give its bytes instead of its path"
            )),
            _ => error,
        })?;
        file.blake3 = Some(hash_in(path).to_owned());
        file.size_bytes = Some(size);
        Ok(file)
    }

    async fn complete(&self, mut file: FileValue) -> Result<FileValue> {
        let Some(bytes) = file.bytes.take() else { return self.look_up_one(file).await };
        file.size_bytes = Some(bytes.len() as u64);
        let hash = blake3::hash(&bytes).to_hex().to_string();
        if bytes.len() as u64 > self.inline_bytes {
            let path = self.object_path(&hash);
            let mut upload = self.storage.upload(&path)?;
            upload.write(bytes).await?;
            upload.finish().await?;
            self.named.made(&path);
            file.path = Some(path);
        } else {
            // `path` names an object, or nothing: what others keep there is a name.
            file.name = file.name.or(file.path.take());
            file.bytes = Some(bytes);
        }
        file.blake3 = Some(hash);
        Ok(file)
    }

    /// Stores a file of the caller's, which is only read; large ones in pieces.
    pub(crate) async fn put(&self, path: &Path) -> Result<FileValue> {
        let failed = |error| Error::io(format!("cannot read {}", path.display()), error);
        let size = std::fs::metadata(path).map_err(failed)?.len();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if size <= self.inline_bytes {
            let bytes = open_regular(path).and_then(content_of).map_err(failed)?;
            return self
                .complete(FileValue { bytes: Some(bytes), name, ..FileValue::default() })
                .await;
        }
        // The object's name is the hash of its content, so the file is read twice.
        let hash = self.hash(path).await?;
        let object = self.object_path(&hash);
        let mut upload = self.storage.upload(&object)?;
        upload.expect_whole(size);
        let mut hasher = blake3::Hasher::new();
        let mut pieces = Pieces::open(path).map_err(failed)?;
        loop {
            let (next, piece) = blocking::run(move || pieces.read()).await;
            pieces = next;
            let piece = piece.map_err(failed)?;
            if piece.is_empty() {
                break;
            }
            hasher.update(&piece);
            upload.write(piece).await?;
        }
        let size_bytes = upload.bytes();
        if hasher.finalize().to_hex().as_str() != hash {
            upload.abort().await?;
            return Err(Error::invalid(format!("{} changed while it was read", path.display())));
        }
        upload.finish().await?;
        self.named.made(&object);
        Ok(FileValue {
            path: Some(object),
            name,
            size_bytes: Some(size_bytes),
            blake3: Some(hash),
            ..FileValue::default()
        })
    }

    async fn hash(&self, path: &Path) -> Result<String> {
        let failed = |error| Error::io(format!("cannot read {}", path.display()), error);
        let mut pieces = Pieces::open(path).map_err(failed)?;
        let mut hasher = blake3::Hasher::new();
        loop {
            let (next, piece) = blocking::run(move || pieces.read()).await;
            pieces = next;
            let piece = piece.map_err(failed)?;
            if piece.is_empty() {
                return Ok(hasher.finalize().to_hex().to_string());
            }
            hasher.update(&piece);
        }
    }

    fn object_path(&self, hash: &str) -> String {
        large_file_path(hash, &self.ids.next())
    }
}

fn of_row(error: Error, name: &str, row: usize) -> Error {
    Error::new(error.kind(), format!("attribute {name:?}, row {row} of the batch"))
        .with_source(error)
}

/// A file read front to back.
struct Pieces(std::fs::File);

impl Pieces {
    fn open(path: &Path) -> std::io::Result<Self> {
        open_regular(path).map(Self)
    }

    fn read(mut self) -> (Self, std::io::Result<Bytes>) {
        use std::io::Read;
        let mut piece = Vec::with_capacity(READ_BYTES);
        let read = (&mut self.0).take(READ_BYTES as u64).read_to_end(&mut piece);
        (self, read.map(|_| piece.into()))
    }
}

fn content_of(mut file: std::fs::File) -> std::io::Result<Bytes> {
    use std::io::Read;
    let mut content = Vec::new();
    file.read_to_end(&mut content).map(|_| content.into())
}

fn value_of(rows: &StructArray, row: usize) -> FileValue {
    let text = |column: usize| {
        let texts = rows.column(column).as_string::<i32>();
        texts.is_valid(row).then(|| texts.value(row).to_owned())
    };
    let bytes = rows.column(0).as_binary::<i32>();
    let sizes = rows.column(4).as_primitive::<Int64Type>();
    FileValue {
        bytes: bytes.is_valid(row).then(|| Bytes::copy_from_slice(bytes.value(row))),
        path: text(1),
        name: text(2),
        media_type: text(3),
        size_bytes: sizes.is_valid(row).then(|| sizes.value(row).max(0) as u64),
        blake3: text(5),
    }
}
