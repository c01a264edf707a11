//! What a column of text holds: values, lists of them, objects; and what these are read as.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StringArray, StructArray};
use arrow_schema::{DataType, Field, FieldRef, Fields};
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use tenrow::AttributeType;

use super::kind::Kind;
use super::values::{Leaf, Misread, check_nulls, outer, quoted};
use crate::cast_mode::CastMode;

/// Objects and arrays within each other.
const MAX_DEPTH: usize = 64;

/// What all values of a column look like together.
///
/// ```
/// use tenrow_values::text::{Members, Shape};
/// let mut members = Members::default();
/// members.add_object(r#"{"a": [1, 2]}"#, 0, 0)?;
/// assert!(matches!(members.shapes[0].1, Shape::List(_)));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone)]
pub enum Shape {
    /// Values of their own.
    Scalar(Kind),
    /// Arrays, and what their items look like.
    List(Box<Shape>),
    /// Objects.
    Struct(Members),
    /// Values that no one type holds, and why.
    Mixed(String),
}

/// The members of objects, in the order in which they were met.
///
/// ```
/// use tenrow_values::text::Members;
/// let mut members = Members::default();
/// members.add_object(r#"{"a": 1}"#, 0, 0)?;
/// members.add_object(r#"{"a": 2, "b": "x"}"#, 1, 0)?;
/// let names: Vec<_> = members.shapes.iter().map(|(name, _)| name.as_str()).collect();
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Members {
    /// The name of each, and what its values look like.
    pub shapes: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl Default for Shape {
    fn default() -> Self {
        Self::Scalar(Kind::default())
    }
}

impl Members {
    /// Looks at one more JSON object, that of row `row`, which stands `depth` objects deep.
    ///
    /// # Errors
    /// If it is no object, has a key twice, or is nested too deep.
    pub fn add_object(&mut self, json: &str, row: u64, depth: usize) -> Result<(), String> {
        let Object(members) = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let mut seen = HashMap::with_capacity(members.len());
        for (name, value) in members {
            if seen.insert(name.clone(), ()).is_some() {
                return Err(format!("the key {name:?} is there twice"));
            }
            self.shape_of(name).add_json(value, row, depth)?;
        }
        Ok(())
    }

    fn shape_of(&mut self, name: String) -> &mut Shape {
        let place = *self.places.entry(name).or_insert_with_key(|name| {
            self.shapes.push((name.clone(), Shape::default()));
            self.shapes.len() - 1
        });
        &mut self.shapes[place].1
    }

    fn get(&self, name: &str) -> Option<&Shape> {
        self.places.get(name).map(|&place| &self.shapes[place].1)
    }
}

/// An object whose values are not yet looked at.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Object<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

impl Shape {
    fn add_json(&mut self, json: &RawValue, row: u64, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("nested more than {MAX_DEPTH} deep"));
        }
        let json = json.get().trim_ascii();
        match json.as_bytes() {
            [b'n', ..] => return Ok(()),
            [b'{', ..] => {
                let Some(Self::Struct(members)) =
                    self.as_kind_of(Self::Struct(Members::default()), row)
                else {
                    return Ok(());
                };
                return members.add_object(json, row, depth + 1);
            }
            [b'[', ..] => {
                let items: Vec<&RawValue> =
                    serde_json::from_str(json).map_err(|error| error.to_string())?;
                let Some(Self::List(item)) = self.as_kind_of(Self::List(Box::default()), row)
                else {
                    return Ok(());
                };
                return items.into_iter().try_for_each(|json| item.add_json(json, row, depth + 1));
            }
            _ => {}
        }
        let Some(Self::Scalar(kind)) = self.as_kind_of(Self::default(), row) else { return Ok(()) };
        match json.as_bytes() {
            [b't' | b'f', ..] => kind.add_bool(row),
            [b'"', ..] => kind.add_text(row),
            _ if kind.add_number(json, row) => {}
            _ => return Err(format!("{} is no number", quoted(json))),
        }
        Ok(())
    }

    /// This shape, if it is of the kind of `other`, or nothing but nulls so far.
    fn as_kind_of(&mut self, other: Self, row: u64) -> Option<&mut Self> {
        let is_same = std::mem::discriminant(self) == std::mem::discriminant(&other);
        let is_null = matches!(self, Self::Scalar(kind) if kind.is_null());
        if matches!(self, Self::Mixed(_)) {
            return None;
        }
        if !is_same && !is_null {
            let (now, before) = (other.name(), self.name());
            *self = Self::Mixed(format!("{now} in row {row}, {before} in rows before"));
            return None;
        }
        if !is_same {
            *self = other;
        }
        Some(self)
    }

    /// Adds what a column of another file looks like.
    pub fn merge(&mut self, other: &Self) {
        match (self, other) {
            (_, Self::Scalar(kind)) if kind.is_null() => {}
            (Self::Scalar(own), Self::Scalar(other)) => own.merge(other),
            (Self::List(own), Self::List(other)) => own.merge(other),
            (Self::Struct(own), Self::Struct(other)) => {
                for (name, shape) in &other.shapes {
                    own.shape_of(name.clone()).merge(shape);
                }
            }
            (own, other) => match own {
                Self::Scalar(kind) if kind.is_null() => *own = other.clone(),
                before => {
                    let reason =
                        format!("{} in one file, {} in another", other.name(), before.name());
                    *before = Self::Mixed(reason);
                }
            },
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Scalar(_) => "a plain value",
            Self::List(_) => "an array",
            Self::Struct(_) => "an object",
            Self::Mixed(_) => "a mixture",
        }
    }

    /// The type that keeps every value.
    ///
    /// # Errors
    /// What has none in common.
    pub fn data_type(&self) -> Result<DataType, String> {
        match self {
            Self::Scalar(kind) => kind.data_type().ok_or_else(|| kind.conflict()),
            Self::List(item) => {
                Ok(DataType::List(Arc::new(Field::new("item", item.data_type()?, true))))
            }
            Self::Struct(members) => {
                let field = |(name, shape): &(String, Shape)| {
                    let data_type = shape.data_type().map_err(|why| format!("{name}: {why}"))?;
                    Ok(Field::new(name, data_type, true))
                };
                let fields = members.shapes.iter().map(field).collect::<Result<Fields, String>>();
                fields.map(DataType::Struct)
            }
            Self::Mixed(reason) => Err(reason.clone()),
        }
    }

    /// Whether the values may be read so; `is_typed` as for [`Kind::may_become`].
    pub(crate) fn may_become(&self, reading: &Reading, mode: CastMode, is_typed: bool) -> bool {
        match (self, reading) {
            (Self::Scalar(kind), Reading::Leaf(leaf)) => kind.may_become(leaf, mode, is_typed),
            (Self::Scalar(kind), _) => kind.is_null(),
            (Self::List(item), Reading::List(_, reading)) => {
                item.may_become(reading, mode, is_typed)
            }
            (Self::Struct(members), Reading::Struct(fields, readings)) => {
                let known = |(name, _): &(String, Shape)| fields.find(name).is_some();
                let fits = |(field, reading): (&FieldRef, &Reading)| {
                    let shape = members.get(field.name());
                    shape.is_none_or(|shape| shape.may_become(reading, mode, is_typed))
                };
                members.shapes.iter().all(known) && fields.iter().zip(readings).all(fits)
            }
            (Self::Struct(members), Reading::Map { values, .. }) => {
                members.shapes.iter().all(|(_, shape)| shape.may_become(values, mode, is_typed))
            }
            _ => false,
        }
    }
}

/// How text becomes values.
#[derive(Debug, Clone)]
pub(crate) enum Reading {
    Leaf(Leaf),
    List(FieldRef, Box<Reading>),
    Struct(Fields, Vec<Reading>),
    Map {
        entries: FieldRef,
        values: Box<Reading>,
        is_sorted: bool,
    },
    /// Texts, each of which is JSON for one value.
    Json(Box<Reading>),
}

impl Reading {
    /// How text becomes values of this type, if it can.
    pub(crate) fn of_attribute(attribute_type: &AttributeType) -> Option<Self> {
        match attribute_type {
            AttributeType::Scalar(dtype) => Some(Self::Leaf(Leaf::Number(*dtype))),
            AttributeType::Value(data_type) => Self::of(data_type),
            _ => None,
        }
    }

    fn of(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::List(item) => Self::List(item.clone(), Box::new(Self::of(item.data_type())?)),
            DataType::Struct(fields) => {
                let readings = fields.iter().map(|field| Self::of(field.data_type()));
                Self::Struct(fields.clone(), readings.collect::<Option<_>>()?)
            }
            DataType::Map(entries, is_sorted) => {
                let DataType::Struct(fields) = entries.data_type() else { return None };
                let [key, value] = &fields[..] else { return None };
                if *key.data_type() != DataType::Utf8 {
                    return None;
                }
                let values = Box::new(Self::of(value.data_type())?);
                Self::Map { entries: entries.clone(), values, is_sorted: *is_sorted }
            }
            leaf => Self::Leaf(Leaf::of(leaf)?),
        })
    }

    /// Lists within each other, so deep, of elements that are read as `leaf`.
    pub(crate) fn lists(leaf: Leaf, depth: usize) -> Self {
        (0..depth).fold(Self::Leaf(leaf), |item, _| {
            let field = Field::new("item", item.arrow_type(), true);
            Self::List(Arc::new(field), Box::new(item))
        })
    }

    /// Whether no characters at all are a value.
    pub(crate) fn keeps_empty_text(&self) -> bool {
        matches!(self, Self::Leaf(Leaf::Plain(DataType::Utf8 | DataType::Binary)))
    }

    pub(crate) fn arrow_type(&self) -> DataType {
        match self {
            Self::Leaf(leaf) => leaf.arrow_type(),
            Self::Json(value) => value.arrow_type(),
            Self::List(item, _) => DataType::List(item.clone()),
            Self::Struct(fields, _) => DataType::Struct(fields.clone()),
            Self::Map { entries, is_sorted, .. } => DataType::Map(entries.clone(), *is_sorted),
        }
    }

    /// The type with text in place of every value.
    pub(crate) fn text_type(&self) -> DataType {
        let text = |field: &FieldRef, reading: &Self| {
            Arc::new(Field::new(field.name(), reading.text_type(), true))
        };
        match self {
            Self::Leaf(_) | Self::Json(_) => DataType::Utf8,
            Self::List(item, reading) => DataType::List(text(item, reading)),
            Self::Struct(fields, readings) => {
                DataType::Struct(fields.iter().zip(readings).map(|(f, r)| text(f, r)).collect())
            }
            Self::Map { entries, values, is_sorted } => {
                let DataType::Struct(fields) = entries.data_type() else { return DataType::Utf8 };
                let fields: Fields =
                    [fields[0].clone(), text(&fields[1], values)].into_iter().collect();
                let entries = Field::new(entries.name(), DataType::Struct(fields), false);
                DataType::Map(Arc::new(entries), *is_sorted)
            }
        }
    }

    /// A column of [`text_type`](Self::text_type) of the JSON in each cell.
    fn json(&self, cells: &StringArray, mode: CastMode) -> Result<ArrayRef, Misread> {
        let mut lines = String::new();
        for (index, cell) in cells.iter().enumerate() {
            let cell = cell.unwrap_or("null");
            let wrong = |why: String| {
                let (cell, to) = (quoted(cell), AttributeType::Value(self.arrow_type()));
                Misread { index, reason: format!("{cell} does not fit {to}{why}") }
            };
            let mut shape = Shape::default();
            let json: &RawValue =
                serde_json::from_str(cell).map_err(|_| wrong(": it is not JSON".into()))?;
            shape.add_json(json, 0, 1).map_err(|why| wrong(format!(": {why}")))?;
            if !shape.may_become(self, mode, true) {
                return Err(wrong(String::new()));
            }
            lines.push_str(json.get());
            lines.push('\n');
        }
        let wrong = |error: &dyn std::fmt::Display| Misread { index: 0, reason: error.to_string() };
        let field = Arc::new(Field::new("cell", self.text_type(), true));
        let mut decoder = arrow_json::ReaderBuilder::new_with_field(field)
            .with_coerce_primitive(true)
            .with_batch_size(cells.len())
            .build_decoder()
            .map_err(|error| wrong(&error))?;
        let read = decoder.decode(lines.as_bytes()).map_err(|error| wrong(&error))?;
        let batch = decoder.flush().map_err(|error| wrong(&error))?;
        match batch {
            Some(batch) if read == lines.len() && batch.num_rows() == cells.len() => {
                Ok(batch.column(0).clone())
            }
            _ => Err(wrong(&"JSON that was not read to its end")),
        }
    }

    /// The values of a column of [`text_type`](Self::text_type).
    pub(crate) fn read(&self, texts: &ArrayRef, mode: CastMode) -> Result<ArrayRef, Misread> {
        let arrow =
            |error: arrow_schema::ArrowError| Misread { index: 0, reason: error.to_string() };
        match self {
            Self::Leaf(leaf) => leaf.read(texts.as_string::<i32>(), mode),
            Self::Json(value) => value.read(&value.json(texts.as_string(), mode)?, mode),
            Self::List(item, reading) => {
                let (_, offsets, values, nulls) = texts.as_list::<i32>().clone().into_parts();
                let values = reading.read(&values, mode).map_err(|misread| {
                    outer(misread, |index| {
                        offsets.partition_point(|&end| end as usize <= index) - 1
                    })
                })?;
                check_nulls(item, &values, |index| {
                    offsets.partition_point(|&end| end as usize <= index) - 1
                })?;
                let list = ListArray::try_new(item.clone(), offsets, values, nulls);
                Ok(Arc::new(list.map_err(arrow)?))
            }
            Self::Struct(fields, readings) => {
                let (_, columns, nulls) = texts.as_struct().clone().into_parts();
                let mut read = Vec::with_capacity(columns.len());
                for ((field, reading), column) in fields.iter().zip(readings).zip(&columns) {
                    let values = reading.read(column, mode)?;
                    let hidden = |index: usize| nulls.as_ref().is_some_and(|n| n.is_null(index));
                    if !field.is_nullable()
                        && let Some(index) =
                            (0..values.len()).find(|&i| values.is_null(i) && !hidden(i))
                    {
                        let reason = format!("{} is null or missing", field.name());
                        return Err(Misread { index, reason });
                    }
                    read.push(values);
                }
                let values = StructArray::try_new(fields.clone(), read, nulls);
                Ok(Arc::new(values.map_err(arrow)?))
            }
            Self::Map { entries, values, is_sorted } => {
                let (_, offsets, pairs, nulls, _) = texts.as_map().clone().into_parts();
                let row = |index| offsets.partition_point(|&end| end as usize <= index) - 1;
                let DataType::Struct(fields) = entries.data_type() else {
                    return Err(Misread { index: 0, reason: "a map without entries".into() });
                };
                let read = values.read(pairs.column(1), mode).map_err(|m| outer(m, row))?;
                check_nulls(&fields[1], &read, row)?;
                let columns = vec![pairs.column(0).clone(), read];
                let pairs = StructArray::try_new(fields.clone(), columns, None).map_err(arrow)?;
                let map = MapArray::try_new(entries.clone(), offsets, pairs, nulls, *is_sorted);
                Ok(Arc::new(map.map_err(arrow)?))
            }
        }
    }
}
