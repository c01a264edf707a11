//! Attributes added, dropped, renamed, widened: only the root is written.

use crate::commit::{Applied, Change, Committer, InTheWay, commit};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::Root;
use crate::format::{Attribute, DType, FormatError, Schema};
use crate::snapshot::Snapshot;

/// One change of a dataset's schema.
///
/// ```
/// use tenrow::{Attribute, Dataset, Schema, SchemaChange};
/// # futures::executor::block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let location = folder.path().join("points").display().to_string();
/// # let schema = Schema::new([Attribute::parse("label:i8")?])?;
/// let dataset = Dataset::create(&location, schema).await?;
/// let split = Attribute::parse("split:string")?.with_default("train");
/// let snapshot = dataset.change_schema(SchemaChange::Add(split)).await?;
/// assert_eq!(snapshot.attribute("split")?.type_text(), "string");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SchemaChange {
    /// A new attribute at the end: nullable, or with a default for the rows that are there.
    Add(Attribute),
    /// No such attribute any more. Older versions still have it.
    Drop(String),
    /// Another name for an attribute.
    Rename {
        /// What it is called.
        from: String,
        /// What it will be called.
        to: String,
    },
    /// Elements of a type that holds all values of the old one.
    Widen {
        /// The attribute.
        name: String,
        /// The new element type.
        dtype: DType,
    },
    /// Rows may lack the attribute from now on.
    MakeNullable(String),
    /// These attributes first, in this order.
    Reorder(Vec<String>),
    /// Other names for the dimensions of a tensor; none takes them away.
    NameDims {
        /// The attribute.
        name: String,
        /// A name for each dimension.
        dim_names: Vec<String>,
    },
}

impl SchemaChange {
    /// The schema after the change.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn apply(&self, schema: &Schema) -> Result<Schema, FormatError> {
        match self {
            Self::Add(attribute) => schema.with_added(attribute.clone()),
            Self::Drop(name) => schema.with_dropped(name),
            Self::Rename { from, to } => schema.with_renamed(from, to),
            Self::Widen { name, dtype } => schema.with_widened(name, *dtype),
            Self::MakeNullable(name) => schema.with_made_nullable(name),
            Self::Reorder(names) => schema.with_order(names),
            Self::NameDims { name, dim_names } => schema.with_dim_names_of(name, dim_names.clone()),
        }
    }

    /// The attributes that have to be what they were when the change was made up.
    fn subjects(&self) -> Vec<&str> {
        match self {
            Self::Add(_) => Vec::new(),
            Self::Drop(name) | Self::MakeNullable(name) => vec![name],
            Self::Rename { from, .. } => vec![from],
            Self::Widen { name, .. } | Self::NameDims { name, .. } => vec![name],
            Self::Reorder(names) => names.iter().map(String::as_str).collect(),
        }
    }

    fn operation(&self) -> &'static str {
        match self {
            Self::Add(_) => "add column",
            Self::Drop(_) => "drop column",
            Self::Rename { .. } => "rename column",
            Self::Widen { .. } => "widen column",
            Self::MakeNullable(_) => "make nullable",
            Self::Reorder(_) => "reorder columns",
            Self::NameDims { .. } => "name dimensions",
        }
    }
}

impl Dataset {
    /// Changes the schema; no data file is written, and old rows are adapted when they are read.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound), with the attributes that exist;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a change that would lose data, with the rule;
    /// [`Conflict`](crate::ErrorKind::Conflict) if the attribute was changed meanwhile.
    pub async fn change_schema(&self, change: SchemaChange) -> Result<Snapshot> {
        let base = self.latest().await?;
        for name in change.subjects() {
            base.attribute(name)?;
        }
        change.apply(base.schema()).map_err(refused)?;
        let mut change = ChangeSchema { base: base.clone(), change };
        commit(&self.committer(), &base, &mut change).await
    }
}

fn refused(error: FormatError) -> Error {
    match error {
        FormatError::Malformed { .. } | FormatError::Limit { .. } => {
            Error::format("the new schema", error)
        }
        error => Error::invalid("the schema cannot be changed so").with_source(error),
    }
}

struct ChangeSchema {
    base: Snapshot,
    change: SchemaChange,
}

impl Change for ChangeSchema {
    fn operation(&self) -> &'static str {
        self.change.operation()
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        let (schema, base) = (version.schema(), self.base.schema());
        let subjects = self.change.subjects();
        let same = subjects.iter().all(|name| schema.attribute(name) == base.attribute(name));
        Ok(InTheWay::unless(
            same && self.change.apply(schema).is_ok(),
            &self.base,
            "changed the same attributes: look at them, and try again",
        ))
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        root.schema = self.change.apply(&root.schema).map_err(refused)?;
        Ok(match root.schema == *latest.schema() {
            true => Applied::AlreadySo,
            false => Applied::Changed,
        })
    }
}
