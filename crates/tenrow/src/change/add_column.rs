//! An attribute added with its values: declared, filled, gone on with, or taken back.

use arrow_array::{ArrayRef, RecordBatch};

use crate::change::column_fill::{ColumnFill, FillReport};
use crate::change::schema::SchemaChange;
use crate::commit::{Applied, Change, Committer, commit};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::Root;
use crate::format::{Attribute, FieldId};
use crate::snapshot::Snapshot;

/// An attribute that is declared, and to be given values; made by [`Dataset::add_column`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/newcolumn", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # writer.commit().await?;
/// use std::sync::Arc;
/// use arrow_array::Float32Array;
/// let score = dataset.add_column(Attribute::parse("score:f32")?).await?;
/// let scores = Arc::new(Float32Array::from(vec![0.5, 0.25, 1.0]));
/// let snapshot = score.set(&dataset.latest().await?, scores).await?;
/// assert_eq!(snapshot.tensor_column("score")?.slice(0..3).await?.tensor.as_slice::<f32>()?, [0.5, 0.25, 1.0]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct NewColumn {
    dataset: Dataset,
    attribute: Attribute,
    is_new: bool,
}

impl Dataset {
    /// Declares an attribute, for which values are to follow, in a commit of its own: until then rows have its default, or null.
    ///
    /// One that is there already, of the same type, and of which rows have no values yet, is that which is meant: so what was
    /// killed or failed half-way goes on. Without a default it is nullable, since others may append rows without it
    /// meanwhile. Of these only the rows of writers that were begun before it was declared are given values by a fill; those of
    /// later ones have its default, or null, as their value.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use arrow_array::{ArrayRef, Int64Array, cast::AsArray, types::Int64Type};
    /// use tenrow::{Attribute, ColumnFill, Columns, Dataset, Schema};
    /// # futures::executor::block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let location = folder.path().join("points").display().to_string();
    /// let dataset = Dataset::create(&location, Schema::new([Attribute::parse("n:i64")?])?).await?;
    /// let mut writer = dataset.writer().await?;
    /// writer.append_columns(Columns::new().scalars("n", [1i64, 2, 3])).await?;
    /// writer.commit().await?;
    ///
    /// let square = dataset.add_column(Attribute::parse("square:i64")?).await?;
    /// let fill = ColumnFill::new("square", ["n"]);
    /// let filled = square.fill(&fill, |rows| {
    ///     let squares: Int64Array = rows.column(0).as_primitive::<Int64Type>().unary(|n| n * n);
    ///     Ok(Arc::new(squares) as ArrayRef)
    /// });
    /// assert_eq!(filled.await?.rows, 3);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if there is one of that name that has all its values, or another type.
    pub async fn add_column(&self, attribute: Attribute) -> Result<NewColumn> {
        let nullable = attribute.nullable || attribute.default.is_none();
        let attribute = attribute.with_nullable(nullable);
        let latest = self.latest().await?;
        if let Some(known) = latest.schema().attribute(&attribute.name) {
            check_unfilled(&latest, known, &attribute).await?;
            let attribute = known.clone();
            return Ok(NewColumn { dataset: self.clone(), attribute, is_new: false });
        }
        let name = attribute.name.clone();
        let declared = self.change_schema(SchemaChange::Add(attribute)).await?;
        let attribute = declared.attribute(&name)?.clone();
        Ok(NewColumn { dataset: self.clone(), attribute, is_new: true })
    }
}

/// Refuses to go on with an attribute that is there in another type, or with all its values.
async fn check_unfilled(latest: &Snapshot, known: &Attribute, wanted: &Attribute) -> Result<()> {
    let (name, found) = (&known.name, &known.attribute_type);
    if *found != wanted.attribute_type {
        return Err(Error::invalid(format!(
            "attribute {name:?} is there already, of type {found} and not {}: give another name, or drop it first",
            wanted.attribute_type
        )));
    }
    if latest.unfilled_rows(name).await? == 0 {
        return Err(Error::invalid(format!(
            "attribute {name:?} is there already, and no row lacks a value of it: change values by an update, give another name, or drop it first"
        )));
    }
    Ok(())
}

impl NewColumn {
    /// The attribute, as the dataset has it.
    pub fn attribute(&self) -> &Attribute {
        &self.attribute
    }

    /// Computes the values, as [`fill_column`](Dataset::fill_column) does; if that fails, [takes it back](Self::take_back).
    ///
    /// # Errors
    /// As [`fill_column`](Dataset::fill_column), and [`InvalidInput`](crate::ErrorKind::InvalidInput) if `fill` is of another
    /// attribute.
    pub async fn fill(
        &self,
        fill: &ColumnFill,
        compute: impl FnMut(&RecordBatch) -> Result<ArrayRef> + Send,
    ) -> Result<FillReport> {
        let filled = match fill.name == self.attribute.name {
            true => self.dataset.fill_column(fill, compute).await,
            false => Err(Error::invalid(format!(
                "a fill of {:?}, but the attribute that is added is {:?}",
                fill.name, self.attribute.name
            ))),
        };
        self.or_take_back(filled).await
    }

    /// Gives every row of `snapshot` its value, in one commit; if that fails, [takes it back](Self::take_back).
    ///
    /// # Errors
    /// As [`update`](Dataset::update).
    pub async fn set(&self, snapshot: &Snapshot, values: ArrayRef) -> Result<Snapshot> {
        let rows: Vec<u64> = (0..snapshot.row_count()).collect();
        let set = async {
            let values = RecordBatch::try_from_iter([(&self.attribute.name, values)])
                .map_err(|e| Error::invalid("the values make no batch").with_source(e))?;
            self.dataset.update(snapshot, &rows, &values).await
        };
        self.or_take_back(set.await).await
    }

    async fn or_take_back<T>(&self, done: Result<T>) -> Result<T> {
        if done.is_err()
            && let Err(error) = self.take_back().await
        {
            tracing::warn!(error = error.chain(), name = %self.attribute.name, "an attribute without values stays");
        }
        done
    }

    /// Drops the attribute if it was not there before, and no row has got a value: what a fill has committed stays, to be gone
    /// on with. For who gives up a fill by dropping it.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io).
    pub async fn take_back(&self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let latest = self.dataset.latest().await?;
        let mut change = TakeBack(self.attribute.id);
        commit(&self.dataset.committer(), &latest, &mut change).await.map(drop)
    }
}

/// Drops an attribute of which no row has a value.
struct TakeBack(FieldId);

impl Change for TakeBack {
    fn operation(&self) -> &'static str {
        "drop column"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        let own = latest.schema().attributes().iter().find(|own| own.id == self.0);
        let Some(own) = own else { return Ok(Applied::AlreadySo) };
        if latest.unfilled_rows(&own.name).await? < latest.row_count() {
            return Ok(Applied::AlreadySo);
        }
        let dropped = root.schema.with_dropped(&own.name);
        root.schema = dropped.map_err(|e| Error::format("the schema", e))?;
        Ok(Applied::Changed)
    }
}
