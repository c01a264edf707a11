//! What a version is to hold: rows in a `Vec`, by no other means than plain Rust.

use std::collections::{BTreeMap, BTreeSet};

/// The value of one attribute of one row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    /// The bits of a float, so that NaN equals itself and the zeros differ.
    Float(u64),
    Bool(bool),
    Pair([f64; 2]),
    Text(String),
    Bytes(Vec<u8>),
    /// Bytes that are an object of their own, and the row and column that it was made for.
    Object(Vec<u8>, (u64, u32)),
}

impl Value {
    /// A float; all NaNs are one.
    pub(crate) fn float(value: f64) -> Self {
        Self::Float(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
    }

    /// What a reader sees: it does not matter where bytes are.
    fn seen(&self) -> Self {
        match self {
            Self::Object(bytes, _) => Self::Bytes(bytes.clone()),
            other => other.clone(),
        }
    }
}

/// What an attribute holds; a name of an element type where it can be widened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int(&'static str),
    Float(&'static str),
    Bool,
    Pair(&'static str),
    Text,
    File,
}

impl Kind {
    /// The type as an attribute's text has it.
    pub(crate) fn type_text(self) -> String {
        match self {
            Self::Int(dtype) | Self::Float(dtype) => dtype.into(),
            Self::Bool => "bool".into(),
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
            Self::Float("f32") if dtype == "f64" => Some(Self::Float(dtype)),
            Self::Float(_) | Self::Bool | Self::Text | Self::File => None,
        }
    }

    /// Whether its values can be the same in all rows of a partition by request.
    pub(crate) fn can_be_key(self) -> bool {
        matches!(self, Self::Int(_) | Self::Bool | Self::Text)
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
    /// What each form is: a kind, and whether it is nullable.
    pub(crate) shapes: Vec<(Kind, bool)>,
}

impl Column {
    /// Gives it its first form.
    pub(crate) fn begin(&mut self, form: usize) {
        self.forms = vec![form];
        self.shapes = vec![(self.kind, self.nullable)];
    }

    /// Notes that it has another form from now on.
    pub(crate) fn change(&mut self, form: usize) {
        self.forms.push(form);
        self.shapes.push((self.kind, self.nullable));
    }

    /// Whether values written for `older`, a form of some column, are values of this one.
    pub(crate) fn takes(&self, older: &Column) -> bool {
        older.forms.last().is_some_and(|form| self.forms.contains(form))
    }
}

/// Gives new columns their first forms.
pub(crate) fn begin_forms(columns: &mut [Column], fields: &mut usize) {
    for column in columns {
        column.begin(*fields);
        *fields += 1;
    }
}

/// A row: its stable id and its values by the keys of columns. Rows of partitions that lack a column have none.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) id: u64,
    pub(crate) cells: BTreeMap<u32, Value>,
    /// Keys of the columns that are partition keys of its partition.
    pub(crate) keyed: BTreeSet<u32>,
}

/// One version.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    pub(crate) next_row_id: u64,
    pub(crate) properties: BTreeMap<String, i64>,
    pub(crate) tags: BTreeMap<String, u64>,
    /// Rows of a version, by number.
    pub(crate) views: BTreeMap<String, (u64, Vec<u64>)>,
    pub(crate) sequences: BTreeMap<String, u64>,
    /// Versions below this one have ended, but for those with a tag or a view.
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
    pub(crate) views: BTreeMap<String, (u64, Vec<u64>)>,
    pub(crate) sequences: BTreeMap<String, u64>,
    pub(crate) expired_before: u64,
}

impl State {
    /// Whether a version may go at any moment.
    pub(crate) fn has_expired(&self, version: u64) -> bool {
        version < self.expired_before
            && !self.tags.values().any(|tagged| *tagged == version)
            && !self.views.values().any(|(of, _)| *of == version)
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether it has a column in the form that it has in another version.
    pub(crate) fn has_form_of(&self, column: &Column) -> bool {
        self.columns.iter().any(|now| now.forms.last() == column.forms.last())
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
                .map(|row| self.columns.iter().map(|column| row.value(column).seen()).collect())
                .collect(),
            unfilled: self.rows.iter().map(unfilled).collect(),
            next_row_id: self.next_row_id,
            properties: self.properties.clone(),
            tags: self.tags.clone(),
            views: self.views.clone(),
            sequences: self.sequences.clone(),
            expired_before: self.expired_before,
        }
    }

    /// Puts rows at the end, under new ids, sorted by these columns, which are keys of their partitions.
    pub(crate) fn append(&mut self, rows: &[BTreeMap<u32, Value>], keys: &[u32]) {
        let mut sorted: Vec<&BTreeMap<u32, Value>> = rows.iter().collect();
        let place = |cells: &BTreeMap<u32, Value>| -> Vec<Place> {
            keys.iter().map(|key| Place::of(&cells[key])).collect()
        };
        sorted.sort_by_cached_key(|cells| place(cells));
        for cells in sorted {
            let (id, mut cells) = (self.next_row_id, cells.clone());
            for (key, value) in &mut cells {
                // Larger files than that are objects of their own.
                if let Value::Bytes(bytes) = value
                    && bytes.len() > INLINE_BYTES
                {
                    *value = Value::Object(std::mem::take(bytes), (id, *key));
                }
            }
            self.rows.push(Row { id, cells, keyed: keys.iter().copied().collect() });
            self.next_row_id += 1;
        }
    }
}

impl Row {
    /// What it has of a column, if that is one of the version.
    pub(crate) fn value<'a>(&'a self, column: &'a Column) -> &'a Value {
        self.cells.get(&column.key).unwrap_or(&column.default)
    }
}

/// Files of more bytes than that are objects of their own, where rows are appended.
pub(crate) const INLINE_BYTES: usize = 4;

/// The order of values of keys.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
}

impl Place {
    fn of(value: &Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Text(text) => Self::Text(text.clone()),
            _ => Self::Null,
        }
    }
}
