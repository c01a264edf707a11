//! The operations that schedules are made of.

use std::collections::BTreeMap;

use tenrow::{ErrorKind, FileValue};

use super::effect::History;
use super::state::{Column, State, Value};

/// Values of one row by the keys of columns.
pub(crate) type Cells = BTreeMap<u32, Value>;

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    /// Rows, the job and number of their commit, if it has any, and the partition keys.
    Append(Vec<Cells>, Option<(String, u64)>, Vec<String>),
    /// Files of others, indexed where they are, by their numbers.
    Index(Vec<usize>),
    /// Rows, and their schema, if it is a new one.
    Overwrite(Vec<Cells>, Option<Vec<Column>>),
    Add(Column),
    Drop(String),
    Rename(String, String),
    Widen(String, &'static str),
    MakeNullable(String),
    Reorder(Vec<String>),
    /// The column to fill, and the one that its values follow from.
    Fill(String, String),
    Delete(Vec<u64>),
    /// Rows of a version, by number; and their ids, or why they have none.
    DeleteRows(u64, Vec<u64>, Result<Vec<u64>, ErrorKind>),
    Update(Vec<u64>, Vec<String>, Vec<Cells>),
    /// Values that were computed from what a version holds.
    Compute(Computed),
    /// A large file of some version given to rows of the newest.
    Reuse(Reused),
    Compact,
    Restore(u64),
    Tag(String, u64),
    Untag(String),
    View(String, u64, Vec<u64>),
    DropView(String),
    SetProperties(String, Option<i64>),
    Expire(u64),
    Vacuum,
    /// A leaf written once more, as a program does that lists no chunks: readers find them by the footers.
    Relist(u64),
}

/// An update of rows of a version, which was read for it.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    pub(crate) version: u64,
    pub(crate) rows: Vec<u64>,
    /// Ids of the rows and what they held; or why there are none.
    pub(crate) read: Result<(Vec<u64>, Vec<Value>), ErrorKind>,
    pub(crate) column: Column,
    /// Whether one of the rows is in a partition of which the column is a key.
    pub(crate) is_key: bool,
    pub(crate) values: Vec<Cells>,
}

/// A large file that some version had when someone looked at it.
#[derive(Debug, Clone)]
pub(crate) struct KnownFile {
    pub(crate) value: Value,
    pub(crate) handle: FileValue,
}

/// A large file, and who gets it.
#[derive(Debug, Clone)]
pub(crate) struct Reused {
    pub(crate) file: KnownFile,
    pub(crate) ids: Vec<u64>,
    pub(crate) to: String,
}

impl Operation {
    /// What history calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Append(..) | Self::Index(_) => "append",
            Self::Overwrite(..) => "overwrite",
            Self::Add(_) => "add column",
            Self::Drop(_) => "drop column",
            Self::Rename(..) => "rename column",
            Self::Widen(..) => "widen column",
            Self::MakeNullable(_) => "make nullable",
            Self::Reorder(_) => "reorder columns",
            Self::Fill(..) => "fill column",
            Self::Delete(_) | Self::DeleteRows(..) => "delete",
            Self::Update(..) | Self::Compute(_) | Self::Reuse(_) => "update",
            Self::Compact => "compact",
            Self::Restore(_) => "restore",
            Self::Tag(..) => "tag",
            Self::Untag(_) => "untag",
            Self::View(..) => "create view",
            Self::DropView(_) => "drop view",
            Self::SetProperties(..) => "set properties",
            Self::Expire(_) => "expire",
            Self::Relist(_) => "relist",
            Self::Vacuum => "",
        }
    }

    /// Whether attributes are others afterwards, or called otherwise.
    pub(crate) fn changes_schema(&self, latest: &State, history: &History<'_>) -> bool {
        match self {
            Self::Add(_)
            | Self::Drop(_)
            | Self::Rename(..)
            | Self::Widen(..)
            | Self::MakeNullable(_)
            | Self::Overwrite(_, Some(_)) => true,
            Self::Restore(version) => {
                let old = history.states.get(version);
                old.is_some_and(|old| old.columns != latest.columns)
            }
            _ => false,
        }
    }
}
