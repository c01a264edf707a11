//! What happens next, by dice: mostly what is allowed, now and then what is not.

use std::collections::BTreeMap;

use tenrow::ErrorKind;
use tenrow_tests::random::Dice;

use super::foreign;
use super::operation::{Cells, Computed, KnownFile, Operation, Reused};
use super::state::{Column, Kind, State, Value};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const DTYPES: [&str; 7] = ["i8", "i16", "i32", "i64", "f16", "f32", "f64"];

/// The dice, and the keys that were given.
pub(crate) struct Chooser {
    pub(crate) dice: Dice,
    /// Whether a whole partition was just deleted, so that others are neighbours that were none before.
    has_gap: bool,
    /// Large files that were looked at.
    pub(crate) files: Vec<KnownFile>,
    next_key: u32,
    next_sequence: u64,
}

impl Chooser {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, has_gap: false, files: Vec::new(), next_key: 0, next_sequence: 0 }
    }

    /// The columns that a dataset begins with.
    pub(crate) fn columns(&mut self) -> Vec<Column> {
        let count = 1 + self.dice.below(3) as usize;
        let mut columns: Vec<Column> =
            NAMES[..count].iter().map(|name| self.column(name)).collect();
        if self.dice.once_in(8) {
            columns[0].kind = Kind::File;
        }
        columns
    }

    fn column(&mut self, name: &str) -> Column {
        let kind = match self.dice.below(14) {
            0..5 => Kind::Int(DTYPES[self.dice.below(4) as usize]),
            5..7 => Kind::Pair(DTYPES[4 + self.dice.below(3) as usize]),
            7..10 => Kind::Text,
            10 => Kind::Bool,
            11..13 => Kind::Float(DTYPES[5 + self.dice.below(2) as usize]),
            _ => Kind::File,
        };
        self.next_key += 1;
        let nullable = self.dice.once_in(2);
        let (key, name) = (self.next_key, name.into());
        Column {
            key,
            name,
            kind,
            nullable,
            default: Value::Null,
            forms: Vec::new(),
            shapes: Vec::new(),
        }
    }

    /// A column that rows can do without.
    pub(crate) fn new_column(&mut self) -> Column {
        let name = NAMES[self.dice.below(6) as usize];
        let mut column = self.column(name);
        if !self.dice.once_in(3) {
            column.default = self.default(column.kind);
        }
        column.nullable |= column.default == Value::Null && !self.dice.once_in(9);
        column
    }

    fn default(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Int(_) => Value::Int(self.dice.below(9) as i64),
            Kind::Float(_) => Value::float(self.dice.below(9) as f64 / 4.0),
            Kind::Bool => Value::Bool(self.dice.once_in(2)),
            Kind::Pair(_) => Value::Pair([0.5; 2]),
            Kind::Text => Value::Text(["new", "old", "other"][self.dice.below(3) as usize].into()),
            Kind::File => Value::Null,
        }
    }

    /// Columns of the same names and types in another order, for a dataset of its own.
    pub(crate) fn like(&mut self, columns: &[Column]) -> Vec<Column> {
        let mut columns: Vec<Column> = columns.iter().rev().cloned().collect();
        for column in &mut columns {
            self.next_key += 1;
            column.key = self.next_key;
            column.default = Value::Null;
        }
        columns
    }

    /// The same column of another dataset, which has another default if it has one.
    pub(crate) fn with_other_default(&mut self, column: &Column) -> Column {
        self.next_key += 1;
        let default = match column.default {
            Value::Null => Value::Null,
            _ => self.default(column.kind),
        };
        Column { key: self.next_key, default, ..column.clone() }
    }

    /// What may happen to a version while the program that made it stands still.
    pub(crate) fn around(&mut self, version: u64, newest: &State) -> Operation {
        match self.dice.below(4) {
            0 => Operation::Tag(self.tag(), version),
            1 => Operation::Expire(1),
            _ => Operation::Append(self.rows(&newest.columns, 1), None, Vec::new()),
        }
    }

    pub(crate) fn rows(&mut self, columns: &[Column], count: usize) -> Vec<Cells> {
        (0..count).map(|_| self.cells(columns)).collect()
    }

    fn cells(&mut self, columns: &[Column]) -> Cells {
        columns.iter().map(|column| (column.key, self.value(column))).collect()
    }

    fn value(&mut self, column: &Column) -> Value {
        if column.nullable && self.dice.once_in(4) {
            return Value::Null;
        }
        let number = self.dice.below(100);
        match column.kind {
            Kind::Int(_) => Value::Int(number as i64 - 50),
            Kind::Pair(_) => Value::Pair([number as f64, 0.25]),
            Kind::Float(_) => Value::float(self.float(number)),
            Kind::Bool => Value::Bool(number % 2 == 1),
            Kind::Text => Value::Text(self.text(number)),
            Kind::File => Value::Bytes(vec![number as u8; number as usize % 9]),
        }
    }

    /// Floats that have no order, or two forms.
    fn float(&mut self, number: u64) -> f64 {
        match self.dice.below(16) {
            0 => f64::NAN,
            1 => -0.0,
            2 => 0.0,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            _ => number as f64 / 4.0 - 8.0,
        }
    }

    /// Texts, some of them longer than the bounds that are kept of them.
    fn text(&mut self, number: u64) -> String {
        match self.dice.below(5) {
            0 => format!("{}{number}", ["a", "é", "z"][number as usize % 3].repeat(62)),
            _ => "x".repeat(number as usize % 7),
        }
    }

    /// What an append adds, for rows of `columns`.
    pub(crate) fn append(&mut self, columns: &[Column], many: bool) -> Operation {
        if foreign::fit(columns) && self.dice.once_in(5) {
            return self.index();
        }
        let count = if many { 9 } else { 1 + self.dice.below(4) as usize };
        let job = self.dice.once_in(4).then(|| {
            // Now and then one that was used before.
            self.next_sequence += u64::from(!self.dice.once_in(3));
            (format!("job {}", self.dice.below(2)), self.next_sequence)
        });
        let can_be_key = columns.iter().filter(|column| column.kind.can_be_key());
        let mut keys: Vec<String> = can_be_key.map(|column| column.name.clone()).collect();
        keys.truncate(if self.dice.once_in(4) { 1 + self.dice.below(2) as usize } else { 0 });
        Operation::Append(self.rows(columns, count), job, keys)
    }

    /// Files of others, some of them more than once.
    fn index(&mut self) -> Operation {
        let mut files = vec![self.dice.below(foreign::count()) as usize];
        while files.len() < 3 && self.dice.once_in(2) {
            files.push(match self.dice.once_in(2) {
                true => files[0],
                false => self.dice.below(foreign::count()) as usize,
            });
        }
        Operation::Index(files)
    }

    /// An operation that makes sense for the newest version, with some chance.
    pub(crate) fn operation(&mut self, newest: &State, states: &BTreeMap<u64, State>) -> Operation {
        if !self.files.is_empty() && self.dice.once_in(2) {
            return self.with_files(newest);
        }
        if std::mem::take(&mut self.has_gap) && !self.dice.once_in(3) {
            return Operation::Compact;
        }
        match self.dice.below(48) {
            0..9 => self.append(&newest.columns, false),
            9 => self.append(&newest.columns, true),
            10..12 => {
                let columns = self.dice.once_in(2).then(|| self.columns());
                let count = self.dice.below(4) as usize;
                let rows = self.rows(columns.as_ref().unwrap_or(&newest.columns), count);
                Operation::Overwrite(rows, columns)
            }
            12..15 => Operation::Add(self.new_column()),
            15 => Operation::Drop(self.name(newest)),
            16 => {
                let to = NAMES[self.dice.below(6) as usize].to_owned();
                Operation::Rename(self.name(newest), to)
            }
            17 => self.widen(newest),
            18 => Operation::MakeNullable(self.name(newest)),
            19 => Operation::Reorder(vec![self.name(newest)]),
            20..23 => Operation::Fill(self.fillable(newest), self.name(newest)),
            23 => Operation::Delete(self.ids(newest)),
            24 => {
                self.has_gap = true;
                Operation::Delete(self.ids_of_partition(newest))
            }
            25..27 => {
                let version = self.version(states);
                let old = states.get(&version);
                let count = old.map_or(0, |state| state.rows.len() as u64);
                let rows = (0..1 + self.dice.below(4)).map(|_| self.dice.below(count + 1));
                let rows: Vec<u64> = rows.collect();
                // As they are now: the version may end while they are being deleted.
                let ids = old.ok_or(ErrorKind::NotFound).and_then(|old| {
                    let id = |&row: &u64| old.rows.get(row as usize).map(|row| row.id);
                    let ids: Option<Vec<u64>> = rows.iter().map(id).collect();
                    ids.ok_or(ErrorKind::InvalidInput)
                });
                Operation::DeleteRows(version, rows, ids)
            }
            27..30 => self.update(newest),
            30..33 => Operation::Compact,
            33 => Operation::Restore(self.version(states)),
            34 => Operation::Tag(self.tag(), self.version(states)),
            35 => Operation::Untag(self.tag()),
            36 => {
                let value = (!self.dice.once_in(3)).then(|| self.dice.below(9) as i64);
                Operation::SetProperties(self.tag(), value)
            }
            37..39 => Operation::Expire(1 + self.dice.below(5)),
            39 => Operation::Vacuum,
            40..43 => self.compute(newest, states),
            43 => self.reuse(newest),
            44 => self.view(states),
            47 => {
                self.has_gap = true;
                Operation::Delete(self.ids_of_partition(newest))
            }
            45 => Operation::DropView(self.tag()),
            _ => Operation::Relist(self.dice.bits()),
        }
    }

    /// What another program is likely to do so that `own` is in its way, or in the way of it.
    pub(crate) fn rival(
        &mut self,
        own: &Operation,
        newest: &State,
        states: &BTreeMap<u64, State>,
    ) -> Operation {
        match own {
            Operation::Compact if !self.dice.once_in(4) => {
                let before = states.keys().rev().nth(1 + self.dice.below(2) as usize);
                Operation::Restore(before.copied().unwrap_or_else(|| self.version(states)))
            }
            Operation::Compute(computed) if self.dice.once_in(2) => {
                let mut rival = computed.clone();
                rival.values =
                    self.rows(std::slice::from_ref(&computed.column), computed.values.len());
                Operation::Compute(rival)
            }
            _ => self.operation(newest, states),
        }
    }

    /// An update computed from what some version holds, mostly the newest or the one before.
    fn compute(&mut self, newest: &State, states: &BTreeMap<u64, State>) -> Operation {
        let recent = states.keys().rev().nth(self.dice.below(2) as usize).copied();
        let version = recent.filter(|_| !self.dice.once_in(4)).unwrap_or(self.version(states));
        let name = self.name(newest);
        let Some(column) = newest.column(&name).cloned() else { return self.update(newest) };
        let old = states.get(&version);
        if column.kind == Kind::File || old.is_some_and(|old| !old.columns.contains(&column)) {
            return self.update(newest);
        }
        let count = old.map_or(0, |old| old.rows.len() as u64);
        let mut rows: Vec<u64> =
            (0..1 + self.dice.below(3)).map(|_| self.dice.below(count.max(1))).collect();
        rows.sort_unstable();
        rows.dedup();
        let read = old.ok_or(ErrorKind::NotFound).and_then(|old| {
            let found = rows.iter().map(|&row| old.rows.get(row as usize));
            let found: Option<Vec<_>> = found.collect();
            let found = found.ok_or(ErrorKind::InvalidInput)?;
            let values = found.iter().map(|row| row.value(&column).clone()).collect();
            Ok((found.iter().map(|row| row.id).collect(), values))
        });
        let is_key = |row: &u64| {
            let row = old.and_then(|old| old.rows.get(*row as usize));
            row.is_some_and(|row| row.keyed.contains(&column.key))
        };
        let is_key = rows.iter().any(is_key);
        let values = self.rows(std::slice::from_ref(&column), rows.len());
        Operation::Compute(Computed { version, rows, read, column, is_key, values })
    }

    /// A large file that some version had, for rows of the newest.
    fn reuse(&mut self, newest: &State) -> Operation {
        let to = newest.columns.iter().find(|column| column.kind == Kind::File);
        let (Some(to), false) = (to, self.files.is_empty()) else { return self.update(newest) };
        let file = self.files[self.dice.below(self.files.len() as u64) as usize].clone();
        let mut ids = self.ids(newest);
        ids.sort_unstable();
        ids.dedup();
        Operation::Reuse(Reused { file, ids, to: to.name.clone() })
    }

    /// What frees large files, and names them again.
    fn with_files(&mut self, newest: &State) -> Operation {
        match self.dice.below(5) {
            0 => self.reuse(newest),
            1 => Operation::Expire(1),
            2 => Operation::Vacuum,
            3 => Operation::Overwrite(self.rows(&newest.columns, 2), None),
            _ => self.update(newest),
        }
    }

    fn view(&mut self, states: &BTreeMap<u64, State>) -> Operation {
        let version = self.version(states);
        let count = states.get(&version).map_or(0, |state| state.rows.len() as u64);
        let rows = (0..self.dice.below(4).min(count)).map(|_| self.dice.below(count)).collect();
        Operation::View(self.tag(), version, rows)
    }

    /// All rows of one partition, if it has any.
    fn ids_of_partition(&mut self, newest: &State) -> Vec<u64> {
        if newest.partitions.is_empty() {
            return self.ids(newest);
        }
        // Mostly one between others.
        let count = newest.partitions.len() as u64;
        let at = match count > 2 {
            true => 1 + self.dice.below(count - 2),
            false => self.dice.below(count),
        } as usize;
        let start: usize = newest.partitions[..at].iter().sum();
        let rows = newest.rows.iter().skip(start).take(newest.partitions[at]);
        rows.map(|row| row.id).collect()
    }

    fn widen(&mut self, newest: &State) -> Operation {
        let name = self.name(newest);
        // Never from integers to floats, which is allowed for some: the model has no such kind.
        let dtype = match newest.column(&name).map(|column| column.kind) {
            Some(Kind::Pair(_)) => 4 + self.dice.below(3),
            Some(Kind::Float(_)) => 5 + self.dice.below(2),
            _ => self.dice.below(4),
        };
        Operation::Widen(name, DTYPES[dtype as usize])
    }

    fn update(&mut self, newest: &State) -> Operation {
        let mut ids = self.ids(newest);
        ids.sort_unstable();
        ids.dedup();
        let mut names = vec![self.name(newest)];
        if self.dice.once_in(2) {
            names.push(self.name(newest));
        }
        names.dedup();
        let columns: Vec<Column> =
            names.iter().filter_map(|name| newest.column(name)).cloned().collect();
        let values = self.rows(&columns, ids.len());
        Operation::Update(ids, names, values)
    }

    fn name(&mut self, newest: &State) -> String {
        match self.dice.once_in(20) {
            true => "nobody".into(),
            false => {
                let at = self.dice.below(newest.columns.len() as u64) as usize;
                newest.columns[at].name.clone()
            }
        }
    }

    /// A column of integers that hold what is computed.
    fn fillable(&mut self, newest: &State) -> String {
        let wide = |column: &&Column| matches!(column.kind, Kind::Int("i16" | "i32" | "i64"));
        let names: Vec<&Column> = newest.columns.iter().filter(wide).collect();
        match names.len() as u64 {
            0 => "nobody".into(),
            count => {
                let unfilled = names.iter().find(|column| {
                    newest.rows.iter().any(|row| !row.cells.contains_key(&column.key))
                });
                let any = names[self.dice.below(count) as usize];
                unfilled.copied().unwrap_or(any).name.clone()
            }
        }
    }

    fn ids(&mut self, newest: &State) -> Vec<u64> {
        let rows = newest.rows.len() as u64;
        // A few rows, or a run of them that may be a whole partition.
        if rows > 0 && self.dice.once_in(2) {
            let from = self.dice.below(rows) as usize;
            let run = newest.rows[from..].iter().take(1 + self.dice.below(4) as usize);
            return run.map(|row| row.id).collect();
        }
        let any = |dice: &mut Dice| match rows == 0 || dice.once_in(20) {
            true => dice.below(newest.next_row_id + 1),
            false => newest.rows[dice.below(rows) as usize].id,
        };
        (0..1 + self.dice.below(3)).map(|_| any(&mut self.dice)).collect()
    }

    fn version(&mut self, states: &BTreeMap<u64, State>) -> u64 {
        match self.dice.once_in(15) {
            true => self.dice.below(30),
            false => {
                let at = self.dice.below(states.len() as u64) as usize;
                states.keys().copied().nth(at).unwrap_or(1)
            }
        }
    }

    fn tag(&mut self) -> String {
        ["fine", "good", "best"][self.dice.below(3) as usize].into()
    }
}
