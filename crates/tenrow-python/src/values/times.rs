//! Times, dates, times of day and spans on their way in, each exactly or not at all.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, Int64Array, PrimitiveArray};
use arrow_schema::{DataType, TimeUnit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use tenrow::{Attribute, AttributeType};
use tenrow_values::CastMode;

use super::from_python::cast;
use crate::error::{invalid, wrong_type};
use crate::memory::{self, type_of};

/// Parts of a second: what numpy's finest unit is.
const ATTOSECONDS: i128 = 1_000_000_000_000_000_000;
const DAY: i128 = 86_400 * ATTOSECONDS;

/// What kind of time an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A day, without a time of it.
    Date,
    /// A time that does not say its zone.
    Local,
    /// A time that does.
    Zoned,
    /// A time of numpy, which has no zones: that of the attribute, in UTC, as columns give it out.
    Numpy,
    TimeOfDay,
    Span,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Date => "a date",
            Self::Local => "a time without a zone",
            Self::Zoned => "a time of a zone",
            Self::Numpy => "a numpy.datetime64",
            Self::TimeOfDay => "a time of day",
            Self::Span => "a span of time",
        }
    }

    /// The type in which the values are, before they are cast to that of the attribute.
    fn data_type(self, unit: TimeUnit, target: Option<&DataType>) -> DataType {
        let zone = match target {
            Some(DataType::Timestamp(_, zone)) => zone.clone(),
            _ => None,
        };
        match self {
            Self::Date => DataType::Date32,
            Self::Local => DataType::Timestamp(unit, None),
            Self::Numpy => DataType::Timestamp(unit, zone),
            Self::Zoned => DataType::Timestamp(unit, zone.or_else(|| Some("UTC".into()))),
            // Since midnight, as columns of them give it out in nanoseconds.
            Self::Span if !matches!(target, Some(DataType::Time32(_) | DataType::Time64(_))) => {
                DataType::Duration(unit)
            }
            Self::TimeOfDay | Self::Span => match unit {
                TimeUnit::Second | TimeUnit::Millisecond => DataType::Time32(unit),
                TimeUnit::Microsecond | TimeUnit::Nanosecond => DataType::Time64(unit),
            },
        }
    }
}

/// Whether it is one of the objects that [`of_list`] takes.
pub(super) fn is_time(item: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = item.py();
    let datetime = py.import("datetime")?;
    let numpy = memory::numpy(py)?;
    for class in ["date", "time", "timedelta"] {
        if item.is_instance(&datetime.getattr(class)?)? {
            return Ok(true);
        }
    }
    Ok(item.is_instance(&numpy.getattr("datetime64")?)?
        || item.is_instance(&numpy.getattr("timedelta64")?)?)
}

/// What is asked of each object, looked up once.
struct Classes<'py> {
    date: Bound<'py, PyAny>,
    datetime: Bound<'py, PyAny>,
    time: Bound<'py, PyAny>,
    span: Bound<'py, PyAny>,
    numpy_time: Bound<'py, PyAny>,
    numpy_span: Bound<'py, PyAny>,
    utc: Bound<'py, PyAny>,
    numpy: Bound<'py, PyModule>,
}

impl<'py> Classes<'py> {
    fn new(py: Python<'py>) -> PyResult<Self> {
        let module = py.import("datetime")?;
        let numpy = memory::numpy(py)?;
        Ok(Self {
            date: module.getattr("date")?,
            datetime: module.getattr("datetime")?,
            time: module.getattr("time")?,
            span: module.getattr("timedelta")?,
            numpy_time: numpy.getattr("datetime64")?,
            numpy_span: numpy.getattr("timedelta64")?,
            utc: module.getattr("timezone")?.getattr("utc")?,
            numpy,
        })
    }

    /// What the object is, and how many attoseconds it stands from nought; `None` if it is no time.
    fn read(&self, item: &Bound<'py, PyAny>) -> PyResult<Option<(Kind, i128)>> {
        // Those of pandas are finer than the classes that they descend from.
        if item.hasattr("to_datetime64")? {
            let is_zoned = !item.getattr("tzinfo")?.is_none();
            let found = self.read_numpy(&item.call_method0("to_datetime64")?)?;
            let kind = if is_zoned { Kind::Zoned } else { Kind::Local };
            return Ok(Some((kind, found.1)));
        }
        if item.hasattr("to_timedelta64")? {
            return self.read_numpy(&item.call_method0("to_timedelta64")?).map(Some);
        }
        if item.is_instance(&self.numpy_time)? || item.is_instance(&self.numpy_span)? {
            return self.read_numpy(item).map(Some);
        }
        if item.is_instance(&self.datetime)? {
            let is_zoned = !item.call_method0("utcoffset")?.is_none();
            let plain = PyDict::new(item.py());
            plain.set_item("tzinfo", item.py().None())?;
            let local = match is_zoned {
                true => item.call_method1("astimezone", (&self.utc,))?,
                false => item.clone(),
            };
            let local = local.call_method("replace", (), Some(&plain))?;
            let found = self.numpy.call_method1("datetime64", (local, "us"))?;
            let kind = if is_zoned { Kind::Zoned } else { Kind::Local };
            return Ok(Some((kind, self.read_numpy(&found)?.1)));
        }
        if item.is_instance(&self.date)? {
            let found = self.numpy.call_method1("datetime64", (item, "D"))?;
            return Ok(Some((Kind::Date, self.read_numpy(&found)?.1)));
        }
        if item.is_instance(&self.span)? {
            // In integers: numpy would wrap what 64 bits of microseconds do not hold.
            let part = |name: &str| -> PyResult<i128> { item.getattr(name)?.extract() };
            let seconds = part("days")? * 86_400 + part("seconds")?;
            let microseconds = seconds * 1_000_000 + part("microseconds")?;
            return Ok(Some((Kind::Span, microseconds * (ATTOSECONDS / 1_000_000))));
        }
        if item.is_instance(&self.time)? {
            if !item.getattr("tzinfo")?.is_none() {
                return Err(invalid("a time of day has no zone of its own here: leave it out"));
            }
            let part = |name: &str| -> PyResult<i128> { item.getattr(name)?.extract() };
            let seconds = part("hour")? * 3600 + part("minute")? * 60 + part("second")?;
            let microseconds = seconds * 1_000_000 + part("microsecond")?;
            return Ok(Some((Kind::TimeOfDay, microseconds * (ATTOSECONDS / 1_000_000))));
        }
        Ok(None)
    }

    /// A scalar of numpy.
    fn read_numpy(&self, item: &Bound<'py, PyAny>) -> PyResult<(Kind, i128)> {
        let dtype = item.getattr("dtype")?;
        let (unit, kind) = numpy_unit(&self.numpy, &dtype)?;
        // Months and years have no length: the calendar of numpy says which day they begin.
        let (item, unit) = match unit {
            Some(unit) => (item.clone(), unit),
            None => (item.call_method1("astype", ("M8[D]",))?, DAY),
        };
        let number: i64 = item.call_method1("view", ("i8",))?.call_method0("item")?.extract()?;
        let value = i128::from(number).checked_mul(unit).ok_or_else(|| {
            invalid(format!("{number} {dtype}: it is beyond all times that there are"))
        })?;
        Ok((kind, value))
    }
}

/// How long a unit of numpy is, `None` of months and years, and what it counts.
fn numpy_unit(
    numpy: &Bound<'_, PyModule>,
    dtype: &Bound<'_, PyAny>,
) -> PyResult<(Option<i128>, Kind)> {
    let kind: String = dtype.getattr("kind")?.extract()?;
    let (unit, step): (String, i128) = numpy.call_method1("datetime_data", (dtype,))?.extract()?;
    let is_span = kind == "m";
    let length = match unit.as_str() {
        "W" => 7 * DAY,
        "D" => DAY,
        "h" => 3600 * ATTOSECONDS,
        "m" => 60 * ATTOSECONDS,
        "s" => ATTOSECONDS,
        "ms" => ATTOSECONDS / 1_000,
        "us" => ATTOSECONDS / 1_000_000,
        "ns" => ATTOSECONDS / 1_000_000_000,
        "ps" => ATTOSECONDS / 1_000_000_000_000,
        "fs" => ATTOSECONDS / 1_000_000_000_000_000,
        "as" => 1,
        "Y" | "M" if !is_span => return Ok((None, Kind::Date)),
        _ => {
            return Err(invalid(format!(
                "{dtype}: its unit has no length: cast it to one that has"
            )));
        }
    };
    let kind = match (is_span, unit.as_str()) {
        (true, _) => Kind::Span,
        (false, "D" | "W") => Kind::Date,
        (false, _) => Kind::Numpy,
    };
    Ok((Some(length * step), kind))
}

/// Times that are objects, one a row; `target` is the type of the attribute, if that is one of times.
pub(super) fn of_list(
    rows: &Bound<'_, PyList>,
    attribute: &Attribute,
    target: Option<&DataType>,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let classes = Classes::new(rows.py())?;
    let name = &attribute.name;
    let mut values = Vec::with_capacity(rows.len());
    let mut found: Option<(Kind, String)> = None;
    for (number, row) in rows.iter().enumerate() {
        if row.is_none() {
            values.push(None);
            continue;
        }
        let in_row = |error: PyErr| {
            invalid(format!("attribute {name:?}, row {number}: {}", error.value(rows.py())))
        };
        let Some((kind, value)) = classes.read(&row).map_err(in_row)? else {
            let before = found.map_or("a time", |(kind, _)| kind.name());
            return Err(wrong_type(format!(
                "attribute {name:?}, row {number}: expected {before}, found {}",
                type_of(&row)
            )));
        };
        // To numpy a day is a time like others.
        let is_numpys = row.is_instance(&classes.numpy_time)?;
        let kind = match (&found, kind) {
            (Some((Kind::Numpy, _)), Kind::Date) if is_numpys => Kind::Numpy,
            (Some((Kind::Date, class)), Kind::Numpy) if class == "datetime64" => {
                found = Some((Kind::Numpy, class.clone()));
                Kind::Numpy
            }
            (_, kind) => kind,
        };
        let (before, _) = found.get_or_insert_with(|| (kind, type_of(&row)));
        if *before != kind {
            let (before, kind) = (before.name(), kind.name());
            return Err(wrong_type(format!(
                "attribute {name:?}, row {number}: {kind}, and {before} in rows before"
            )));
        }
        values.push(Some(value));
    }
    let kind = found.map_or(Kind::Numpy, |(kind, _)| kind);
    of_values(&values, kind, attribute, target, mode)
}

/// An array of numpy's times or spans.
pub(super) fn of_array(
    array: &Bound<'_, PyAny>,
    nulls: Option<Vec<bool>>,
    attribute: &Attribute,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let numpy = memory::numpy(array.py())?;
    let name = &attribute.name;
    if array.getattr("ndim")?.extract::<usize>()? != 1 {
        let reason = "tensors of times are not stored: one time a row is";
        return Err(wrong_type(format!("attribute {name:?}: {reason}")));
    }
    let (unit, kind) = numpy_unit(&numpy, &array.getattr("dtype")?)?;
    let (array, unit) = match unit {
        Some(unit) => (array.clone(), unit),
        None => (array.call_method1("astype", ("M8[D]",))?, DAY),
    };
    let array = numpy.call_method1("ascontiguousarray", (array,))?;
    let numbers: Vec<i64> =
        array.call_method1("astype", ("i8",))?.call_method0("tolist")?.extract()?;
    let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls[row]);
    let value = |(row, &number): (usize, &i64)| {
        // What numpy calls NaT is the least number.
        if number == i64::MIN || is_null(row) {
            return Ok(None);
        }
        i128::from(number).checked_mul(unit).map(Some).ok_or_else(|| {
            invalid(format!("attribute {name:?}, row {row}: it is beyond all times that there are"))
        })
    };
    let values = numbers.iter().enumerate().map(value).collect::<PyResult<Vec<_>>>()?;
    let is_of_seconds = matches!(
        &attribute.attribute_type,
        AttributeType::Value(DataType::Timestamp(TimeUnit::Second, _) | DataType::Duration(_))
    );
    let found = match unit {
        DAY if kind == Kind::Date => None,
        // Others have no times in seconds: an attribute of milliseconds holds them.
        ATTOSECONDS if !is_of_seconds => None,
        _ => UNITS.into_iter().find(|(_, length)| *length == unit).map(|(unit, _)| unit),
    };
    let target = match &attribute.attribute_type {
        AttributeType::Value(data_type) => Some(data_type),
        _ => None,
    };
    match found {
        // It has a unit that Arrow has as well, so it is of that type.
        Some(unit) => {
            let data_type = kind.data_type(unit, target);
            let column = column_of(&values, &data_type, attribute)?;
            cast(&column, AttributeType::Value(data_type), attribute, mode)
        }
        None => of_values(&values, kind, attribute, target, mode),
    }
}

/// Units from the coarsest, and how long they are.
const UNITS: [(TimeUnit, i128); 4] = [
    (TimeUnit::Second, ATTOSECONDS),
    (TimeUnit::Millisecond, ATTOSECONDS / 1_000),
    (TimeUnit::Microsecond, ATTOSECONDS / 1_000_000),
    (TimeUnit::Nanosecond, ATTOSECONDS / 1_000_000_000),
];

/// Values of no unit of their own: in that of the attribute, if it holds them all, else in the first that does.
fn of_values(
    values: &[Option<i128>],
    kind: Kind,
    attribute: &Attribute,
    target: Option<&DataType>,
    mode: CastMode,
) -> PyResult<ArrayRef> {
    let misfit = |length: i128| {
        let mut known = values.iter().enumerate().filter_map(|(row, value)| Some((row, (*value)?)));
        known.find(|(_, value)| value % length != 0).map(|(row, _)| row)
    };
    let (own_unit, length) = match target {
        Some(data_type) => unit_of(data_type),
        None => (TimeUnit::Microsecond, ATTOSECONDS / 1_000_000),
    };
    let data_type = kind.data_type(own_unit, target);
    // Whether only the unit stands between the values and the attribute.
    let is_alike = target.is_some_and(|target| {
        std::mem::discriminant(target) == std::mem::discriminant(&data_type)
            && (kind == Kind::Date || *target == data_type)
    });
    let data_type = match misfit(if kind == Kind::Date { DAY } else { length }) {
        None => data_type,
        Some(row) if is_alike && mode != CastMode::Lossy => {
            return Err(invalid(format!(
                "attribute {:?}, row {row}: it is finer than {}: cast it before, as with array.astype(…)",
                attribute.name, attribute.attribute_type
            )));
        }
        Some(row) => match UNITS.into_iter().find(|(_, length)| misfit(*length).is_none()) {
            Some((unit, _)) => kind.data_type(unit, target),
            None => {
                return Err(invalid(format!(
                    "attribute {:?}, row {row}: it is finer than nanoseconds",
                    attribute.name
                )));
            }
        },
    };
    let column = column_of(values, &data_type, attribute)?;
    cast(&column, AttributeType::Value(data_type), attribute, mode)
}

/// The unit of a type of times, and how long it is.
fn unit_of(data_type: &DataType) -> (TimeUnit, i128) {
    let unit = match data_type {
        DataType::Timestamp(unit, _)
        | DataType::Duration(unit)
        | DataType::Time32(unit)
        | DataType::Time64(unit) => *unit,
        DataType::Date64 => TimeUnit::Millisecond,
        _ => TimeUnit::Second,
    };
    let length = UNITS.into_iter().find(|(known, _)| *known == unit).map(|(_, length)| length);
    (unit, length.unwrap_or(ATTOSECONDS))
}

/// The values in the unit of `data_type`, which holds each of them exactly, if it reaches as far.
fn column_of(
    values: &[Option<i128>],
    data_type: &DataType,
    attribute: &Attribute,
) -> PyResult<ArrayRef> {
    let length = match data_type {
        DataType::Date32 => DAY,
        other => unit_of(other).1,
    };
    let is_narrow = matches!(data_type, DataType::Date32 | DataType::Time32(_));
    let is_of_day = matches!(data_type, DataType::Time32(_) | DataType::Time64(_));
    let number = |(row, value): (usize, &Option<i128>)| {
        let Some(value) = value else { return Ok(None) };
        let number = i64::try_from(value / length).ok();
        let number = number.filter(|n| !is_narrow || i32::try_from(*n).is_ok());
        let number = number.filter(|_| !is_of_day || (0..DAY).contains(value));
        number.map(Some).ok_or_else(|| {
            let to = AttributeType::Value(data_type.clone());
            let reason = "it is beyond what there is in";
            invalid(format!("attribute {:?}, row {row}: {reason} {to}", attribute.name))
        })
    };
    let numbers = values.iter().enumerate().map(number).collect::<PyResult<Vec<_>>>()?;
    let numbers: PrimitiveArray<Int64Type> = Int64Array::from(numbers);
    let column: ArrayRef = match is_narrow {
        true => arrow_cast::cast(&numbers, &DataType::Int32)
            .map_err(|error| invalid(error.to_string()))?,
        false => Arc::new(numbers),
    };
    let data = column.to_data().into_builder().data_type(data_type.clone()).build();
    data.map(arrow_array::make_array).map_err(|error| invalid(error.to_string()))
}
