//! What happens next, by dice: mostly what is allowed, now and then what is not.

use std::collections::BTreeMap;

use tenrow::ErrorKind;
use tenrow_tests::random::Dice;

use super::operation::{Cells, Operation};
use super::state::{Column, Kind, State, Value};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const DTYPES: [&str; 7] = ["i8", "i16", "i32", "i64", "f16", "f32", "f64"];

/// The dice, and the keys that were given.
pub(crate) struct Chooser {
    pub(crate) dice: Dice,
    next_key: u32,
    next_sequence: u64,
}

impl Chooser {
    pub(crate) fn new(dice: Dice) -> Self {
        Self { dice, next_key: 0, next_sequence: 0 }
    }

    /// The columns that a dataset begins with.
    pub(crate) fn columns(&mut self) -> Vec<Column> {
        let count = 1 + self.dice.below(3) as usize;
        NAMES[..count].iter().map(|name| self.column(name)).collect()
    }

    fn column(&mut self, name: &str) -> Column {
        let kind = match self.dice.below(9) {
            0..4 => Kind::Int(DTYPES[self.dice.below(4) as usize]),
            4..6 => Kind::Pair(DTYPES[4 + self.dice.below(3) as usize]),
            6..8 => Kind::Text,
            _ => Kind::File,
        };
        self.next_key += 1;
        let nullable = self.dice.once_in(2);
        let (key, name) = (self.next_key, name.into());
        Column { key, name, kind, nullable, default: Value::Null, forms: Vec::new() }
    }

    /// A column that rows can do without.
    fn new_column(&mut self) -> Column {
        let name = NAMES[self.dice.below(6) as usize];
        let mut column = self.column(name);
        column.default = match column.kind {
            _ if self.dice.once_in(3) => Value::Null,
            Kind::Int(_) => Value::Int(self.dice.below(9) as i64),
            Kind::Pair(_) => Value::Pair([0.5; 2]),
            Kind::Text => Value::Text("new".into()),
            Kind::File => Value::Null,
        };
        column.nullable |= column.default == Value::Null && !self.dice.once_in(9);
        column
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
            Kind::Text => Value::Text("x".repeat(number as usize % 7)),
            Kind::File => Value::Bytes(vec![number as u8; number as usize % 9]),
        }
    }

    /// What an append adds, for rows of `columns`.
    pub(crate) fn append(&mut self, columns: &[Column], many: bool) -> Operation {
        let count = if many { 9 } else { 1 + self.dice.below(4) as usize };
        let job = self.dice.once_in(4).then(|| {
            // Now and then one that was used before.
            self.next_sequence += u64::from(!self.dice.once_in(3));
            (format!("job {}", self.dice.below(2)), self.next_sequence)
        });
        Operation::Append(self.rows(columns, count), job)
    }

    /// An operation that makes sense for the newest version, with some chance.
    pub(crate) fn operation(&mut self, newest: &State, states: &BTreeMap<u64, State>) -> Operation {
        match self.dice.below(40) {
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
            23..25 => Operation::Delete(self.ids(newest)),
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
            _ => Operation::Vacuum,
        }
    }

    fn widen(&mut self, newest: &State) -> Operation {
        let name = self.name(newest);
        // Never from integers to floats, which is allowed for some: the model has no such kind.
        let dtype = match newest.column(&name).map(|column| column.kind) {
            Some(Kind::Pair(_)) => 4 + self.dice.below(3),
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
