//! Values in the place of `$1` and `$name`, before anything is planned: a statement means what it would with these written
//! in it.
//!
//! The engine (55.2) puts them into plans, whose types were found without them: what is decided by types while a statement is
//! planned, such as how decimals and floats are compared, was decided without knowing them.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use arrow_cast::display::array_value_to_string;
use arrow_schema::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Expr, SelectItem, SetExpr, Statement as SqlStatement, Value, VisitorMut,
};

use super::parse::parse_one;
use super::visit::visit;
use crate::error::{Error, Result};

/// Writes `values` into the statement; gives those that no text says, lists and their like, which plans take.
///
/// # Errors
/// If a parameter has no value, or a value no parameter.
pub(crate) fn put_values(statement: &mut Statement, values: ParamValues) -> Result<ParamValues> {
    let mut values: HashMap<String, ScalarValue> = match values {
        ParamValues::List(list) => {
            (1..).zip(list).map(|(place, value)| (place.to_string(), value.value)).collect()
        }
        ParamValues::Map(map) => map.into_iter().map(|(name, value)| (name, value.value)).collect(),
    };
    let mut writer = Writer { values: &values, used: BTreeSet::new() };
    if let ControlFlow::Break(error) = visit(statement, &mut writer) {
        return Err(error);
    }
    let used = writer.used;
    if let Some(unused) = values.keys().filter(|name| !used.contains(*name)).min() {
        return Err(Error::invalid(format!(
            "a value is given for ${unused}, which the statement has not"
        )));
    }
    values.retain(|_, value| !is_written(value));
    Ok(ParamValues::from(values))
}

struct Writer<'a> {
    values: &'a HashMap<String, ScalarValue>,
    used: BTreeSet<String>,
}

impl VisitorMut for Writer<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Value(written) = &*expr else { return ControlFlow::Continue(()) };
        let Value::Placeholder(name) = &written.value else { return ControlFlow::Continue(()) };
        let Some((name, value)) = name.strip_prefix('$').and_then(|n| self.values.get_key_value(n))
        else {
            return ControlFlow::Break(Error::invalid(format!("no value is given for {name}")));
        };
        self.used.insert(name.clone());
        match literal(value) {
            Ok(Some(literal)) => *expr = literal,
            Ok(None) => {}
            Err(error) => return ControlFlow::Break(error),
        }
        ControlFlow::Continue(())
    }
}

/// Whether the value can be written in a statement.
fn is_written(value: &ScalarValue) -> bool {
    value.is_null()
        || !(value.data_type().is_nested() || matches!(value.data_type(), DataType::Interval(_)))
}

/// The value as a statement has it; `None` of what cannot be written.
fn literal(value: &ScalarValue) -> Result<Option<Expr>> {
    use ScalarValue as S;
    if value.is_null() {
        return parsed("NULL").map(Some);
    }
    let text = match value {
        value if !is_written(value) => return Ok(None),
        S::Utf8(Some(text)) | S::LargeUtf8(Some(text)) | S::Utf8View(Some(text)) => {
            return Ok(Some(Expr::Value(Value::SingleQuotedString(text.clone()).into())));
        }
        S::Binary(Some(bytes)) | S::LargeBinary(Some(bytes)) | S::BinaryView(Some(bytes)) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Some(Expr::Value(Value::HexStringLiteral(hex).into())));
        }
        S::Boolean(Some(value)) => value.to_string(),
        S::Int64(Some(value)) if *value > i64::MIN => value.to_string(),
        S::Int8(_) | S::Int16(_) | S::Int32(_) | S::UInt8(_) | S::UInt16(_) | S::UInt32(_) => {
            shown(value)?
        }
        S::UInt64(Some(value)) => value.to_string(),
        // In quotes, for a number beside a decimal is the decimal that is written.
        S::Float64(Some(value)) => format!("CAST('{value:?}' AS DOUBLE)"),
        S::Float32(Some(value)) => format!("CAST('{value:?}' AS REAL)"),
        S::DurationSecond(Some(n))
        | S::DurationMillisecond(Some(n))
        | S::DurationMicrosecond(Some(n))
        | S::DurationNanosecond(Some(n)) => format!("arrow_cast({n}, '{:?}')", value.data_type()),
        value => {
            let shown = shown(value)?.replace('\'', "''");
            let data_type = format!("{:?}", value.data_type()).replace('\'', "''");
            format!("arrow_cast('{shown}', '{data_type}')")
        }
    };
    parsed(&text).map(Some)
}

fn shown(value: &ScalarValue) -> Result<String> {
    Ok(array_value_to_string(&value.to_array()?, 0)
        .map_err(datafusion::error::DataFusionError::from)?)
}

/// The expression that a text says.
fn parsed(text: &str) -> Result<Expr> {
    if let Statement::Statement(statement) = parse_one(&format!("SELECT {text}"))?
        && let SqlStatement::Query(query) = *statement
        && let SetExpr::Select(select) = *query.body
        && let Some(SelectItem::UnnamedExpr(expr)) = select.projection.into_iter().next()
    {
        return Ok(expr);
    }
    Err(Error::invalid(format!("{text} is no value of a parameter")))
}
