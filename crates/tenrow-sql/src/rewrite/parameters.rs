//! Values in the place of `$1` and `$name`, before anything is planned: a statement means what it would with these written
//! in it.
//!
//! The engine (55.2) puts them into plans, whose types were found without them: what is decided by types while a statement is
//! planned, such as how decimals and floats are compared, was decided without knowing them.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::ops::ControlFlow;

use arrow_schema::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, VisitorMut};
use tenrow::{Error, Result};

use super::literal::{is_written, literal, literal_of_text};
use super::parse::parse_one;
use super::visit::visit;

/// The names of the parameters of a statement: `1` of `$1`, `day` of `$day`.
///
/// ```
/// let names = tenrow_sql::parameters("SELECT * FROM days WHERE day > $day AND n = $1")?;
/// assert!(names.iter().eq(["1", "day"]));
/// # Ok::<(), tenrow::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if it is no statement.
pub fn parameters(text: &str) -> Result<BTreeSet<String>> {
    let mut names = Names::default();
    let ControlFlow::Continue(()) = visit(&mut parse_one(text)?, &mut names);
    Ok(names.0)
}

/// Of `values`, those that each of `statements` has a parameter for.
///
/// ```
/// use std::collections::HashMap;
/// let statements = ["SELECT $1".to_owned(), "SELECT $1 + $2".to_owned()];
/// let values = HashMap::from([("1".to_owned(), 3), ("2".to_owned(), 4)]);
/// let each = tenrow_sql::values_of_each(&statements, &values)?;
/// assert_eq!((each[0].len(), each[1].len()), (1, 2));
/// # Ok::<(), tenrow::Error>(())
/// ```
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) if none has a parameter for one of them. What cannot be read has none: it
/// says so when it is prepared.
pub fn values_of_each<V: Clone>(
    statements: &[String],
    values: &HashMap<String, V>,
) -> Result<Vec<HashMap<String, V>>> {
    let names: Vec<BTreeSet<String>> =
        statements.iter().map(|statement| parameters(statement).unwrap_or_default()).collect();
    let is_unused = |name: &&String| names.iter().all(|names| !names.contains(*name));
    if let Some(unused) = values.keys().filter(is_unused).min() {
        return Err(no_parameter(unused));
    }
    let of = |names: BTreeSet<String>| {
        let found = names.into_iter().filter_map(|name| {
            let value = values.get(&name)?.clone();
            Some((name, value))
        });
        found.collect()
    };
    Ok(names.into_iter().map(of).collect())
}

fn no_parameter(name: &str) -> Error {
    Error::invalid(format!("a value is given for ${name}, which the statement has not"))
}

#[derive(Default)]
struct Names(BTreeSet<String>);

impl VisitorMut for Names {
    type Break = Infallible;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Infallible> {
        if let Expr::Value(written) = expr
            && let Value::Placeholder(name) = &written.value
            && let Some(name) = name.strip_prefix('$')
        {
            self.0.insert(name.to_owned());
        }
        ControlFlow::Continue(())
    }
}

/// Writes `values` into the statement; gives those that no text says, lists and their like, which plans take.
///
/// # Errors
/// If a parameter has no value, or a value no parameter.
pub(crate) fn put_values(statement: &mut Statement, values: ParamValues) -> Result<ParamValues> {
    let values: HashMap<String, ScalarValue> = match values {
        ParamValues::List(list) => {
            (1..).zip(list).map(|(place, value)| (place.to_string(), value.value)).collect()
        }
        ParamValues::Map(map) => map.into_iter().map(|(name, value)| (name, value.value)).collect(),
    };
    put(statement, values.keys(), |name| literal(&values[name]))?;
    let planned = values.into_iter().filter(|(_, value)| !is_written(value));
    Ok(ParamValues::from(planned.collect::<HashMap<_, _>>()))
}

/// Writes `texts` into the statement, each as a value of the type of its parameter; `None` is null.
///
/// # Errors
/// If a parameter has no text, a text no parameter, or a text is no value of the type.
pub(crate) fn put_texts(
    statement: &mut Statement,
    texts: &HashMap<String, Option<String>>,
    types: &HashMap<String, DataType>,
) -> Result<()> {
    put(statement, texts.keys(), |name| match &texts[name] {
        None => literal(&ScalarValue::Null),
        Some(text) => literal_of_text(name, text, types.get(name)).map(Some),
    })
}

/// Writes into the statement what `expression` says of each parameter, if it says something.
fn put<'a>(
    statement: &mut Statement,
    names: impl Iterator<Item = &'a String>,
    expression: impl Fn(&str) -> Result<Option<Expr>>,
) -> Result<()> {
    let names: BTreeSet<&str> = names.map(String::as_str).collect();
    let mut writer = Writer { names, used: BTreeSet::new(), expression };
    if let ControlFlow::Break(error) = visit(statement, &mut writer) {
        return Err(error);
    }
    match writer.names.difference(&writer.used).next() {
        None => Ok(()),
        Some(unused) => Err(no_parameter(unused)),
    }
}

struct Writer<'a, F> {
    names: BTreeSet<&'a str>,
    used: BTreeSet<&'a str>,
    expression: F,
}

impl<F: Fn(&str) -> Result<Option<Expr>>> VisitorMut for Writer<'_, F> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Value(written) = &*expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(name) = &written.value else { return ControlFlow::Continue(()) };
        let Some(name) = name.strip_prefix('$').and_then(|name| self.names.get(name)) else {
            return ControlFlow::Break(Error::invalid(format!("no value is given for {name}")));
        };
        self.used.insert(name);
        match (self.expression)(name) {
            Ok(Some(literal)) => *expr = literal,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}
