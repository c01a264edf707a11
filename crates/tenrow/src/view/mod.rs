//! Rows of one version, in an order of their own.

mod kept_rows;
mod row_numbers;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::format::Version;
use crate::format::manifest::ViewRef;
use crate::snapshot::Snapshot;
use kept_rows::KeptRows;

pub(crate) use row_numbers::Part;
pub use row_numbers::RowNumbers;

/// Rows of one version, in an order of their own and as often as they were chosen.
///
/// It is read as the version is, by places instead of rows: place 0 is its first row. [`Snapshot::all`] and
/// [`Snapshot::rows`] make one, [`Dataset::create_view`](crate::Dataset::create_view) keeps one under a name, and
/// [`Dataset::view`](crate::Dataset::view) opens that again, whatever was committed since.
///
/// Cheap to clone. A range takes no memory, a list 8 bytes a row; clones share it.
///
/// ```
/// use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let folder = tempfile::tempdir()?;
/// # let location = folder.path().join("points").display().to_string();
/// # futures::executor::block_on(async {
/// # let dataset = Dataset::create(&location, Schema::new([Attribute::parse("x:u8")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("x", [10u8, 11, 12, 13])).await?;
/// let snapshot = writer.commit().await?;
/// let view = snapshot.rows([3, 0, 3])?;
/// assert_eq!(view.row_count(), 3);
/// assert_eq!(view.take(&[2, 1]).await?, snapshot.take(&[3, 0]).await?);
/// assert_eq!(view.tensor_column("x")?.slice(0..3).await?.tensor.to_vec::<u8>()?, [13, 10, 13]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct View {
    snapshot: Snapshot,
    rows: Rows,
    kept: Option<Arc<Kept>>,
}

#[derive(Clone)]
enum Rows {
    Known(RowNumbers),
    /// In the file of a view, which is read when the first of them is asked for.
    Kept(Arc<KeptRows>),
}

/// What a manifest calls it, and says of it.
struct Kept {
    name: String,
    entry: ViewRef,
}

impl Snapshot {
    /// All rows, in their order.
    pub fn all(&self) -> View {
        View::of(self, RowNumbers::Range(0..self.row_count()))
    }

    /// These rows: a range, or a list in its order and with its repetitions.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if one is out of range, or the range ends before it begins.
    pub fn rows(&self, rows: impl Into<RowNumbers>) -> Result<View> {
        let rows = rows.into();
        match rows.outside(self.row_count())? {
            None => Ok(View::of(self, rows)),
            Some(row) => Err(self.out_of_range(row)),
        }
    }
}

impl View {
    fn of(snapshot: &Snapshot, rows: RowNumbers) -> Self {
        Self { snapshot: snapshot.clone(), rows: Rows::Known(rows), kept: None }
    }

    /// A view that a version keeps, of `snapshot`, which has to be the version that it was made from.
    pub(crate) fn kept(name: &str, entry: ViewRef, snapshot: Snapshot) -> Result<Self> {
        let (found, expected) = (snapshot.root_checksum(), entry.input_checksum);
        if found != expected {
            return Err(Error::corrupt(
                format!("view {name:?} of {}", snapshot.storage()),
                format!(
                    "version {} has the checksum {found:016x}, the view was made from {expected:016x}",
                    entry.version
                ),
            ));
        }
        let rows = Rows::Kept(Arc::new(KeptRows::new(snapshot.clone(), entry.clone())));
        let kept = Some(Arc::new(Kept { name: name.to_owned(), entry }));
        Ok(Self { snapshot, rows, kept })
    }

    /// The view with other rows of a version, under the name that it has.
    pub(crate) fn moved(&self, snapshot: &Snapshot, rows: RowNumbers) -> Self {
        let (snapshot, rows, kept) = (snapshot.clone(), Rows::Known(rows), self.kept.clone());
        Self { snapshot, rows, kept }
    }

    /// The name that it is kept under.
    pub fn name(&self) -> Option<&str> {
        self.kept.as_ref().map(|kept| kept.name.as_str())
    }

    /// What the manifest says of it, if it is kept: its query, its age, its size, the version and the count of the rows chosen.
    pub fn entry(&self) -> Option<&ViewRef> {
        self.kept.as_ref().map(|kept| &kept.entry)
    }

    /// The version whose rows it has.
    pub fn version(&self) -> Version {
        self.snapshot.version()
    }

    /// That version, opened.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// How many rows it has.
    pub fn row_count(&self) -> u64 {
        match &self.rows {
            Rows::Known(rows) => rows.len(),
            Rows::Kept(rows) => rows.row_count(),
        }
    }

    /// Its rows, as numbers in its version. Those of a view that is kept are read once: one request.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt) if its file is missing or damaged.
    pub async fn row_numbers(&self) -> Result<&RowNumbers> {
        match &self.rows {
            Rows::Known(rows) => Ok(rows),
            Rows::Kept(rows) => rows.numbers().await,
        }
    }

    /// The rows at these places of it, as a view of the same version.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a place is out of range; else as
    /// [`row_numbers`](Self::row_numbers).
    pub async fn rows(&self, places: impl Into<RowNumbers>) -> Result<Self> {
        let rows: RowNumbers = match places.into() {
            RowNumbers::Range(places) => self.part(places).await?.into(),
            RowNumbers::List(places) => self.rows_at(&places).await?.into_owned().into(),
        };
        self.snapshot.rows(rows)
    }

    /// Whether it has all rows of its version in their order: places are rows then.
    pub fn is_whole(&self) -> bool {
        matches!(&self.rows, Rows::Known(RowNumbers::Range(rows)) if *rows == (0..self.snapshot.row_count()))
    }

    /// The row at a place.
    pub(crate) async fn row(&self, place: u64) -> Result<u64> {
        if self.is_whole() {
            return Ok(place);
        }
        let row = self.row_numbers().await?.get(place);
        row.ok_or_else(|| self.out_of_range(place))
    }

    /// The rows at these places. Of all rows they are the places: whoever reads them says which is out of range.
    pub(crate) async fn rows_at<'a>(&self, places: &'a [u64]) -> Result<Cow<'a, [u64]>> {
        if self.is_whole() {
            return Ok(Cow::Borrowed(places));
        }
        let rows = self.row_numbers().await?;
        let row = |&place| rows.get(place).ok_or_else(|| self.out_of_range(place));
        places.iter().map(row).collect()
    }

    /// The rows at consecutive places; those of all rows are not looked at, as in [`rows_at`](Self::rows_at).
    pub(crate) async fn part(&self, places: Range<u64>) -> Result<Part<'_>> {
        if self.is_whole() {
            return Ok(Part::Range(places));
        }
        match self.row_numbers().await?.part(&places) {
            Some(part) => Ok(part),
            None => Err(self.out_of_range(places.end.saturating_sub(1))),
        }
    }

    fn out_of_range(&self, place: u64) -> Error {
        let count = self.row_count();
        match self.name() {
            Some(name) => {
                Error::invalid(format!("place {place} of view {name:?}, which has {count} rows"))
            }
            None => Error::invalid(format!(
                "place {place} of {count} rows of version {} of {}",
                self.version(),
                self.snapshot.storage()
            )),
        }
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("row_count", &self.row_count())
            .finish_non_exhaustive()
    }
}
