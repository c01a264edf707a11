//! What a version is to hold: rows in a `Vec`, by no other means than plain Rust.

use std::collections::{BTreeMap, BTreeSet};

/// The value of one attribute of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Pair([f64; 2]),
    Text(String),
    Bytes(Vec<u8>),
}

/// What an attribute holds; a name of an element type where it can be widened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int(&'static str),
    Pair(&'static str),
    Text,
    File,
}

impl Kind {
    /// The type as an attribute's text has it.
    pub(crate) fn type_text(self) -> String {
        match self {
            Self::Int(dtype) => dtype.into(),
            Self::Pair(dtype) => format!("{dtype}[2]"),
            Self::Text => "string".into(),
            Self::File => "file".into(),
        }
    }

    /// The kind with elements of `dtype`, if that holds all values.
    pub(crate) fn widened(self, dtype: &'static str) -> Option<Self> {
        let rank = |order: &[&str], dtype: &str| order.iter().position(|&known| known == dtype);
        match self {
            Self::Int(old) => {
                let order = ["i8", "i16", "i32", "i64"];
                (rank(&order, dtype)? > rank(&order, old)?).then_some(Self::Int(dtype))
            }
            Self::Pair(old) => {
                let order = ["f16", "f32", "f64"];
                (rank(&order, dtype)? > rank(&order, old)?).then_some(Self::Pair(dtype))
            }
            Self::Text | Self::File => None,
        }
    }
}

/// An attribute. Its key stays when it is renamed or widened, and is never given again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    pub(crate) key: u32,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) nullable: bool,
    /// What rows have that are older: null if there is no default.
    pub(crate) default: Value,
    /// The id of each form that it had, that of today last: widened and made nullable it is another.
    pub(crate) forms: Vec<usize>,
}

impl Column {
    /// Whether values written for `older`, a form of some column, are values of this one.
    pub(crate) fn takes(&self, older: &Column) -> bool {
        older.forms.last().is_some_and(|form| self.forms.contains(form))
    }
}

/// Gives new columns their first forms.
pub(crate) fn begin_forms(columns: &mut [Column], fields: &mut usize) {
    for column in columns {
        column.forms = vec![*fields];
        *fields += 1;
    }
}

/// A row: its stable id and its values by the keys of columns. Rows of partitions that lack a column have none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) cells: BTreeMap<u32, Value>,
}

/// One version.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    pub(crate) next_row_id: u64,
    pub(crate) properties: BTreeMap<String, i64>,
    pub(crate) tags: BTreeMap<String, u64>,
    pub(crate) sequences: BTreeMap<String, u64>,
    /// Versions below this one have ended, but for those with a tag.
    pub(crate) expired_before: u64,
    /// Whether it only ended others.
    pub(crate) only_expires: bool,
    /// Rows of each partition: not promised, but an update writes values for a whole one.
    pub(crate) partitions: Vec<usize>,
    /// Equal for versions that share all of their leaves and their columns.
    pub(crate) generation: u64,
    /// Ids that were given to forms of columns.
    pub(crate) fields: usize,
}

/// What a reader sees of a version.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct View {
    /// Name, type and whether it is nullable.
    pub(crate) columns: Vec<(String, String, bool)>,
    pub(crate) ids: Vec<u64>,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Names of the columns that a row's partition lacks.
    pub(crate) unfilled: Vec<BTreeSet<String>>,
    pub(crate) next_row_id: u64,
    pub(crate) properties: BTreeMap<String, i64>,
    pub(crate) tags: BTreeMap<String, u64>,
    pub(crate) sequences: BTreeMap<String, u64>,
    pub(crate) expired_before: u64,
}

impl State {
    /// Whether a version may go at any moment.
    pub(crate) fn has_expired(&self, version: u64) -> bool {
        version < self.expired_before && !self.tags.values().any(|tagged| *tagged == version)
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether nothing was done to the rows or the schema, which counts the ids of columns.
    pub(crate) fn is_unchanged(&self, latest: &State) -> bool {
        let are_empty = self.rows.is_empty() && latest.rows.is_empty();
        self.has_rows_and_columns_of(latest) && (self.generation == latest.generation || are_empty)
    }

    /// Whether a reader could not tell them apart, and no id of a column was given in between.
    pub(crate) fn has_rows_and_columns_of(&self, other: &State) -> bool {
        (self.fields, &self.columns, &self.rows) == (other.fields, &other.columns, &other.rows)
    }

    pub(crate) fn ids(&self) -> BTreeSet<u64> {
        self.rows.iter().map(|row| row.id).collect()
    }

    pub(crate) fn view(&self) -> View {
        let columns = self.columns.iter();
        let value = |row: &Row, column: &Column| {
            row.cells.get(&column.key).unwrap_or(&column.default).clone()
        };
        let unfilled = |row: &Row| {
            let missing = self.columns.iter().filter(|column| !row.cells.contains_key(&column.key));
            missing.map(|column| column.name.clone()).collect()
        };
        View {
            columns: columns.map(|c| (c.name.clone(), c.kind.type_text(), c.nullable)).collect(),
            ids: self.rows.iter().map(|row| row.id).collect(),
            rows: self
                .rows
                .iter()
                .map(|row| self.columns.iter().map(|column| value(row, column)).collect())
                .collect(),
            unfilled: self.rows.iter().map(unfilled).collect(),
            next_row_id: self.next_row_id,
            properties: self.properties.clone(),
            tags: self.tags.clone(),
            sequences: self.sequences.clone(),
            expired_before: self.expired_before,
        }
    }

    /// Puts rows at the end, under new ids.
    pub(crate) fn append(&mut self, rows: &[BTreeMap<u32, Value>]) {
        for cells in rows {
            self.rows.push(Row { id: self.next_row_id, cells: cells.clone() });
            self.next_row_id += 1;
        }
    }
}
