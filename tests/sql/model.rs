//! The schedules of `tests/core/model/worlds`, whose versions are asked by SQL: with statistics and without, all answers are
//! those of the model.

#[path = "../core/model/worlds/mod.rs"]
mod worlds;

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use tenrow::Snapshot;
use tenrow_sql::{Session, SessionOptions};
use tenrow_tests::block_on_remote;
use tenrow_tests::random::Dice;

use worlds::family::Family;
use worlds::rows;
use worlds::run::{run_all, run_one};
use worlds::schedule::Schedule;
use worlds::state::{Column, Kind, Row, State, Value};

/// Schedules and families of a plain test run.
const SCHEDULES: u64 = 60;
const FAMILIES: u64 = 40;

#[test]
fn sql_answers_what_the_model_says_after_every_schedule() {
    run_all(SCHEDULES, |seed, always_tells| {
        run_one(seed, always_tells, Schedule::new(seed, Some(Arc::new(ask))))
    });
}

#[test]
fn sql_answers_what_the_model_says_of_datasets_that_share_files() {
    run_all(FAMILIES, |seed, always_tells| {
        run_one(seed, always_tells, Family::new(seed, Some(Arc::new(ask))))
    });
}

/// Asks some of the versions, with statistics and without.
fn ask(snapshot: &Snapshot, state: &State, dice: &mut Dice) {
    if !dice.once_in(3) {
        return;
    }
    let questions = Questions::draw(state, dice);
    for statistics in [true, false] {
        let options = SessionOptions::default()
            .with_view("t", snapshot.all())
            .with_target_partitions(1)
            .with_statistics(statistics);
        let session = Session::new(&options).unwrap();
        for (sql, expected) in &questions.0 {
            let answer = block_on_remote(answer(&session, sql));
            assert_eq!(&answer, expected, "{sql} (statistics: {statistics})");
        }
    }
}

/// Statements and the rows that they are to give.
struct Questions(Vec<(String, Vec<Vec<Value>>)>);

impl Questions {
    fn draw(state: &State, dice: &mut Dice) -> Self {
        let columns: Vec<&Column> = state.columns.iter().filter(|c| is_asked(c.kind)).collect();
        let mut questions = Self(Vec::new());
        questions.whole_rows(state, &columns);
        questions.bounds(state, &columns);
        for column in columns {
            questions.filters(state, column, dice);
        }
        questions
    }

    /// What is only passed on has the bits that are stored.
    fn whole_rows(&mut self, state: &State, columns: &[&Column]) {
        if columns.is_empty() {
            return;
        }
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        let row = |row: &Row| columns.iter().map(|column| row.value(column).clone()).collect();
        let rows = state.rows.iter().map(row).collect();
        self.0.push((format!("SELECT {} FROM t ORDER BY _row", names.join(", ")), rows));
    }

    /// What statistics may answer without a row being read.
    fn bounds(&mut self, state: &State, columns: &[&Column]) {
        let mut asked = vec!["count(*)".to_owned()];
        let mut expected = vec![Value::Int(state.rows.len() as i64)];
        for column in columns {
            let values = values_of(state, column);
            asked.push(format!("count({})", quoted(&column.name)));
            expected.push(Value::Int(values.len() as i64));
            if column.kind != Kind::Bool {
                asked.push(format!("min({0}), max({0})", quoted(&column.name)));
                let least = values.iter().copied().min_by(|a, b| order(a, b).unwrap());
                let greatest = values.iter().copied().max_by(|a, b| order(a, b).unwrap());
                expected.extend([least, greatest].map(|value| value.map_or(Value::Null, as_sql)));
            }
        }
        self.0.push((format!("SELECT {} FROM t", asked.join(", ")), vec![expected]));
    }

    /// What statistics may prune.
    fn filters(&mut self, state: &State, column: &Column, dice: &mut Dice) {
        let name = quoted(&column.name);
        let values = values_of(state, column);
        self.filter(state, &format!("{name} IS NULL"), |row| *row.value(column) == Value::Null);
        self.filter(state, &format!("{name} IS NOT NULL"), |row| *row.value(column) != Value::Null);
        if values.is_empty() {
            return;
        }
        let bound = values[dice.below(values.len() as u64) as usize].clone();
        let text = literal(&bound);
        type Holds = fn(Ordering) -> bool;
        let operators: [(&str, Holds); 5] = [
            ("=", Ordering::is_eq),
            ("<", Ordering::is_lt),
            ("<=", Ordering::is_le),
            (">", Ordering::is_gt),
            ("<>", Ordering::is_ne),
        ];
        let (operator, holds) = operators[dice.below(5) as usize];
        self.filter(state, &format!("{name} {operator} {text}"), |row| {
            order(row.value(column), &bound).is_some_and(holds)
        });
    }

    fn filter(&mut self, state: &State, condition: &str, holds: impl Fn(&Row) -> bool) {
        let rows = state.rows.iter().zip(0..).filter(|(row, _)| holds(row));
        let rows = rows.map(|(_, number)| vec![Value::Int(number)]).collect();
        let count = state.rows.iter().filter(|row| holds(row)).count() as i64;
        self.0.push((format!("SELECT _row FROM t WHERE {condition} ORDER BY _row"), rows));
        let counted = format!("SELECT count(*) FROM t WHERE {condition}");
        self.0.push((counted, vec![vec![Value::Int(count)]]));
    }
}

fn is_asked(kind: Kind) -> bool {
    matches!(kind, Kind::Int(_) | Kind::Float(_) | Kind::Bool | Kind::Text)
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The values that are not null.
fn values_of<'a>(state: &'a State, column: &'a Column) -> Vec<&'a Value> {
    let values = state.rows.iter().map(|row| row.value(column));
    values.filter(|value| **value != Value::Null).collect()
}

/// The value as SQL has it: of the two zeros there is one.
fn as_sql(value: &Value) -> Value {
    match value {
        Value::Float(bits) => Value::float(f64::from_bits(*bits) + 0.0),
        other => other.clone(),
    }
}

/// The order of SQL, in which NaN comes after every number.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => {
            let (a, b) = (f64::from_bits(*a), f64::from_bits(*b));
            Some(a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan())))
        }
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::Float(bits) => format!("CAST('{}' AS DOUBLE)", f64::from_bits(*bits)),
        Value::Bool(value) => value.to_string(),
        Value::Text(text) => format!("'{text}'"),
        other => panic!("{other:?} is not asked"),
    }
}

async fn answer(session: &Session, sql: &str) -> Vec<Vec<Value>> {
    let answer = session.sql(sql).await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
    let batches = answer.collect().await.unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
    batches.iter().flat_map(rows_of).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Vec<Value>> {
    let columns: Vec<Vec<Value>> = batch.columns().iter().map(values_in).collect();
    (0..batch.num_rows()).map(|row| columns.iter().map(|c| c[row].clone()).collect()).collect()
}

/// The values of a column of an answer, whatever width the engine gave it.
fn values_in(column: &ArrayRef) -> Vec<Value> {
    use arrow_schema::DataType;
    let data_type = column.data_type();
    if data_type.is_integer() {
        let ints = arrow_cast::cast(column, &DataType::Int64).unwrap();
        let ints = ints.as_primitive::<Int64Type>();
        return ints.iter().map(|value| value.map_or(Value::Null, Value::Int)).collect();
    }
    if data_type.is_floating() {
        let floats = arrow_cast::cast(column, &DataType::Float64).unwrap();
        return rows::values(Kind::Float("f64"), &floats);
    }
    match data_type {
        DataType::Boolean => rows::values(Kind::Bool, column),
        _ => rows::values(Kind::Text, &arrow_cast::cast(column, &DataType::Utf8).unwrap()),
    }
}
