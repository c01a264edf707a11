//! The attributes of a dataset, and their fields in Arrow and Parquet.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::{ArrayRef, new_null_array};
use arrow_schema::{DataType, Field};
use serde_json::json;

use crate::attribute_type::{AttributeType, file_fields};
use crate::default_value;
use crate::dtype::DType;
use crate::encoding::Encoding;
use crate::error::{FormatError, Result};
use crate::limits;

/// Field metadata key under which tenrow's own type text stands.
pub const TYPE_KEY: &str = "tenrow:type";
/// Field metadata key that the `parquet` crate turns into a Parquet field id.
pub const FIELD_ID_KEY: &str = "PARQUET:field_id";

/// Identifies an attribute for ever: never reused, whatever the attribute is called.
///
/// ```
/// use tenrow_format::{Attribute, FieldId, Schema};
/// let schema = Schema::new([Attribute::parse("a:i64")?, Attribute::parse("b:i64")?])?;
/// let ids: Vec<FieldId> = schema.attributes().iter().map(|attribute| attribute.id).collect();
/// // Another name keeps the id, so files that were written before still have the attribute.
/// assert_eq!(schema.with_renamed("b", "c")?.attributes()[1].id, ids[1]);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u32);

/// A declared field of every row.
///
/// ```
/// use tenrow_format::{Attribute, Encoding};
/// let image = Attribute::parse("image:u8[28,28]")?.with_encoding(Encoding::Raw);
/// assert_eq!(image.arrow_field().name(), "image");
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its identity; assigned by [`Schema::new`].
    pub id: FieldId,
    /// Its name.
    pub name: String,
    /// What it holds.
    pub attribute_type: AttributeType,
    /// Whether rows may lack it.
    pub nullable: bool,
    /// How it is stored.
    pub encoding: Encoding,
    /// Names of a tensor's dimensions; empty where none were given.
    pub dim_names: Vec<String>,
    /// The value of rows that were written before the attribute was added; `None` is null.
    pub default: Option<serde_json::Value>,
    /// The forms that it had before it was widened or made nullable, the newest first. Files
    /// written then hold it under the id of that form.
    pub earlier: Vec<EarlierForm>,
}

/// What an attribute was, and what the files written then hold.
///
/// ```
/// use tenrow_format::{Attribute, DType, Schema};
/// let schema = Schema::new([Attribute::parse("label:i8")?])?.with_widened("label", DType::I64)?;
/// let label = &schema.attributes()[0];
/// assert_eq!((label.type_text(), label.earlier[0].attribute_type.to_string()), ("i64".to_owned(), "i8".to_owned()));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierForm {
    /// The id that it had.
    pub id: FieldId,
    /// The type that it had.
    pub attribute_type: AttributeType,
    /// Whether rows could lack it.
    pub nullable: bool,
}

impl Attribute {
    /// An attribute that is never null, with the default encoding of its type.
    pub fn new(name: impl Into<String>, attribute_type: AttributeType) -> Self {
        let encoding = default_encoding(&attribute_type);
        Self {
            id: FieldId(0),
            name: name.into(),
            attribute_type,
            nullable: false,
            encoding,
            dim_names: Vec::new(),
            default: None,
            earlier: Vec::new(),
        }
    }

    /// Parses `name:type`, where a `?` after the type means nullable. Names may hold colons: one ends at the first
    /// colon behind which a type stands.
    ///
    /// | type | values |
    /// |---|---|
    /// | `bool`, `i8` to `i64`, `u8` to `u64`, `f16`, `bf16`, `f32`, `f64` | scalars of that [dtype](DType) |
    /// | `u8[28,28]`, `f32[]` | tensors of one shape, of any dtype; `[]` is of rank 0 |
    /// | `f32[?,5]` | tensors of any length where a `?` stands |
    /// | `string`, `binary`, `fixed_binary(16)` | texts, bytes, so many bytes |
    /// | `date32`, `date64` | days |
    /// | `time32(s)`, `time32(ms)`, `time64(us)`, `time64(ns)` | times of day |
    /// | `timestamp(us)`, `timestamp(us,Europe/Paris)` | moments, in `s`, `ms`, `us` or `ns`, with a zone or without |
    /// | `duration(ms)`, `interval(year_month)`, `interval(day_time)` | spans, in the same units, or of the calendar |
    /// | `decimal128(9,2)` | 9 decimal digits, 2 of them behind the point; `decimal32`, `64`, `128`, `256` have up to 9, 18, 38, 76 |
    /// | `list<string?>` | lists; with `?` elements may be null, without none is |
    /// | `struct<x:f32,label:string?>` | fields, of which those with `?` may be null; odd names are JSON strings |
    /// | `map<string,i64?>` | keys, which are never null, and values, which may be if a `?` is there |
    /// | `file` | files: bytes, or an object of the dataset, with a name and a media type |
    ///
    /// Lists, structs and maps nest in each other; tensors, files and `bf16` do not stand in them. `image:u8[28,28]?` is an
    /// attribute that may be null.
    ///
    /// ```
    /// let attribute = tenrow_format::Attribute::parse("sensor:left:f32[3]?")?;
    /// assert_eq!((&attribute.name[..], attribute.type_text()), ("sensor:left", "f32[3]?".to_owned()));
    /// # Ok::<(), tenrow_format::FormatError>(())
    /// ```
    ///
    /// # Errors
    /// [`FormatError::InvalidType`] or [`FormatError::InvalidName`], naming the rule.
    pub fn parse(text: &str) -> Result<Self> {
        let mut first_error = None;
        for (colon, _) in text.match_indices(':') {
            match Self::of_type(text[..colon].trim(), &text[colon + 1..]) {
                Ok(attribute) => return Ok(attribute),
                Err(error @ FormatError::InvalidName { .. }) => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or_else(|| FormatError::InvalidType {
            text: text.to_owned(),
            reason: "an attribute is written `name:type`, such as `image:u8[28,28]`".into(),
        }))
    }

    /// An attribute of exactly this name, and of a type as text, where a `?` after it means nullable.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn of_type(name: &str, type_text: &str) -> Result<Self> {
        let (type_text, nullable) = match type_text.trim().strip_suffix('?') {
            Some(type_text) => (type_text, true),
            None => (type_text, false),
        };
        let attribute = Self::new(name, type_text.parse()?).with_nullable(nullable);
        check_name(&attribute.name)?;
        Ok(attribute)
    }

    /// Sets whether rows may lack it. Default: they may not.
    #[must_use]
    pub fn with_nullable(mut self, nullable: bool) -> Self {
        self.nullable = nullable;
        self
    }

    /// Sets how it is stored. Default: raw for tensors and files, zstd for all else.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Names the dimensions of a tensor.
    #[must_use]
    pub fn with_dim_names(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.dim_names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the value of rows that were written before the attribute was added.
    #[must_use]
    pub fn with_default(mut self, value: impl Into<serde_json::Value>) -> Self {
        self.default = Some(value.into()).filter(|value| !value.is_null());
        self
    }

    /// Its id, and those of its earlier forms.
    pub fn ids(&self) -> impl Iterator<Item = FieldId> + '_ {
        std::iter::once(self.id).chain(self.earlier.iter().map(|form| form.id))
    }

    /// The attribute as files hold it under the id of an earlier form.
    pub fn as_stored(&self, id: FieldId) -> Option<Attribute> {
        let form = self.earlier.iter().find(|form| form.id == id)?;
        Some(Attribute {
            id,
            attribute_type: form.attribute_type.clone(),
            nullable: form.nullable,
            default: None,
            earlier: Vec::new(),
            ..self.clone()
        })
    }

    /// How many Parquet leaf columns its values take in a file that tenrow wrote.
    pub fn column_count(&self) -> usize {
        match &self.attribute_type {
            AttributeType::Scalar(_) | AttributeType::Tensor { .. } => 1,
            AttributeType::VariableTensor { .. } => 2,
            AttributeType::Value(data_type) => leaf_count(data_type),
            AttributeType::File => file_fields().len(),
        }
    }

    /// The type text, with `?` if nullable.
    pub fn type_text(&self) -> String {
        format!("{}{}", self.attribute_type, if self.nullable { "?" } else { "" })
    }

    /// The Arrow field of its column, with field id, extension type and tenrow's own type text.
    pub fn arrow_field(&self) -> Field {
        let mut metadata = HashMap::from([
            (FIELD_ID_KEY.to_owned(), self.id.0.to_string()),
            (TYPE_KEY.to_owned(), self.attribute_type.to_string()),
        ]);
        if let Some((name, parameters)) = self.extension() {
            metadata.insert("ARROW:extension:name".into(), name.into());
            metadata.insert("ARROW:extension:metadata".into(), parameters);
        }
        Field::new(&self.name, self.attribute_type.arrow_type(), self.nullable)
            .with_metadata(metadata)
    }

    /// The values of rows that lack the attribute, for they are older: its default, else null. Cost: `rows` values.
    ///
    /// # Errors
    /// [`FormatError::WrongType`] if the default does not fit; [`FormatError::Malformed`] if there is none and
    /// the attribute is not nullable.
    pub fn default_rows(&self, rows: usize) -> Result<ArrayRef> {
        match &self.default {
            Some(value) => default_value::rows(&self.name, &self.attribute_type, value, rows),
            None if self.nullable => Ok(new_null_array(&self.attribute_type.arrow_type(), rows)),
            None => Err(FormatError::malformed(
                format!("attribute {:?}", self.name),
                "a partition lacks it, and it is not nullable",
            )),
        }
    }

    /// The canonical extension. Its JSON is written by hand: `arrow-schema` 59 writes keys that
    /// keep pyarrow from opening the file at all.
    fn extension(&self) -> Option<(&'static str, String)> {
        let (name, mut parameters) = match &self.attribute_type {
            AttributeType::Tensor { shape, .. } if shape.element_count() > 0 => {
                ("arrow.fixed_shape_tensor", json!({ "shape": shape.dims() }))
            }
            AttributeType::VariableTensor { shape, .. } => {
                ("arrow.variable_shape_tensor", json!({ "uniform_shape": shape.dims() }))
            }
            _ => return None,
        };
        if !self.dim_names.is_empty() {
            parameters["dim_names"] = json!(self.dim_names);
        }
        Some((name, parameters.to_string()))
    }

    fn check(&self) -> Result<()> {
        check_name(&self.name)?;
        let rank = match &self.attribute_type {
            AttributeType::Tensor { dtype, shape } => {
                shape.byte_len(*dtype)?;
                shape.rank()
            }
            AttributeType::VariableTensor { shape, .. } => shape.rank(),
            _ => 0,
        };
        if !self.dim_names.is_empty() && self.dim_names.len() != rank {
            return Err(FormatError::InvalidSchema {
                reason: format!(
                    "attribute {:?} has {} dimension names for {rank} dimensions",
                    self.name,
                    self.dim_names.len()
                ),
            });
        }
        for form in &self.earlier {
            crate::widen::check(&form.attribute_type, &self.attribute_type).map_err(|reason| {
                FormatError::InvalidSchema {
                    reason: format!("attribute {:?}: {reason}", self.name),
                }
            })?;
        }
        if self.default.is_some() {
            self.default_rows(1)?;
        }
        let splits = self.attribute_type.dtype().is_some_and(DType::splits_into_bytes);
        if matches!(self.encoding, Encoding::ByteStreamSplitZstd(_)) && !splits {
            return Err(FormatError::InvalidEncoding {
                text: self.encoding.to_string(),
                reason: format!(
                    "attribute {:?} is {}; byte_stream_split is for f32 and f64",
                    self.name, self.attribute_type
                ),
            });
        }
        Ok(())
    }
}

fn leaf_count(data_type: &DataType) -> usize {
    match data_type {
        DataType::List(item) | DataType::FixedSizeList(item, _) | DataType::Map(item, _) => {
            leaf_count(item.data_type())
        }
        DataType::Struct(fields) => fields.iter().map(|field| leaf_count(field.data_type())).sum(),
        _ => 1,
    }
}

fn default_encoding(attribute_type: &AttributeType) -> Encoding {
    match attribute_type {
        AttributeType::Tensor { .. }
        | AttributeType::VariableTensor { .. }
        | AttributeType::File => Encoding::Raw,
        AttributeType::Value(DataType::List(item))
            if DType::from_arrow(item.data_type()).is_some() =>
        {
            Encoding::Raw
        }
        _ => Encoding::Zstd(1),
    }
}

/// Checks an attribute name against the rules of `spec/schema.md`.
fn check_name(name: &str) -> Result<()> {
    let rule = if name.is_empty() {
        "a name is not empty"
    } else if name.len() as u64 > limits::MAX_NAME_BYTES {
        "a name has at most 255 bytes"
    } else if name.starts_with('_') {
        "names that start with `_` are tenrow's own"
    } else if name.contains('/') || name.chars().any(char::is_control) {
        "a name holds no `/` and no control characters"
    } else {
        return Ok(());
    };
    Err(FormatError::InvalidName { name: name.to_owned(), rule })
}

/// The ordered attributes of a dataset.
///
/// ```
/// use tenrow_format::{Attribute, Schema};
/// let schema = Schema::new([Attribute::parse("image:u8[28,28]")?, Attribute::parse("label:i64")?])?;
/// assert_eq!(schema.attribute("label").unwrap().id.0, 2);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    attributes: Vec<Attribute>,
    next_field_id: u32,
    /// Where the attribute of a name is.
    places: Arc<BTreeMap<String, usize>>,
}

impl Schema {
    /// Checks `attributes` and numbers them from 1: in a new schema they had no earlier form.
    ///
    /// # Errors
    /// The rule that a name, a shape or an encoding breaks.
    pub fn new(attributes: impl IntoIterator<Item = Attribute>) -> Result<Self> {
        let attributes: Vec<_> = attributes
            .into_iter()
            .zip(1..)
            .map(|(attribute, id)| Attribute { id: FieldId(id), earlier: Vec::new(), ..attribute })
            .collect();
        let next_field_id = attributes.len() as u32 + 1;
        Self::from_parts(attributes, next_field_id)
    }

    /// Checks attributes that have their ids already, as a manifest holds them.
    ///
    /// # Errors
    /// The rule that a name, an id, a shape or an encoding breaks.
    pub fn from_parts(attributes: Vec<Attribute>, next_field_id: u32) -> Result<Self> {
        if attributes.is_empty() {
            return Err(FormatError::InvalidSchema { reason: "a dataset has an attribute".into() });
        }
        if attributes.len() as u64 > limits::MAX_ATTRIBUTES {
            return Err(FormatError::Limit {
                what: "the number of attributes",
                found: attributes.len() as u64,
                limit: limits::MAX_ATTRIBUTES,
            });
        }
        let mut names: HashMap<String, &str> = HashMap::new();
        let mut ids = std::collections::HashSet::new();
        for attribute in &attributes {
            attribute.check()?;
            if let Some(first) = names.insert(attribute.name.to_lowercase(), &attribute.name) {
                return Err(FormatError::NameClash {
                    first: first.to_owned(),
                    second: attribute.name.clone(),
                });
            }
            for id in attribute.ids() {
                if id.0 == 0 || id.0 >= next_field_id || !ids.insert(id) {
                    return Err(FormatError::InvalidSchema {
                        reason: format!(
                            "attribute {:?} has field id {}, which is used twice or not below {next_field_id}",
                            attribute.name, id.0
                        ),
                    });
                }
            }
        }
        let names = attributes.iter().map(|attribute| attribute.name.clone());
        let places = Arc::new(names.zip(0..).collect());
        Ok(Self { attributes, next_field_id, places })
    }

    /// The attributes, in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The id that the next attribute to be added will have.
    pub fn next_field_id(&self) -> u32 {
        self.next_field_id
    }

    /// The attribute as files hold it that have it under `id`: its own, or that of an earlier form.
    pub fn stored(&self, id: FieldId) -> Option<Attribute> {
        let own = |attribute: &Attribute| match attribute.id == id {
            true => Some(attribute.clone()),
            false => attribute.as_stored(id),
        };
        self.attributes.iter().find_map(own)
    }

    /// The attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.position(name).map(|position| &self.attributes[position])
    }

    /// The position of the attribute called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The Arrow schema of whole rows.
    pub fn arrow_schema(&self) -> arrow_schema::SchemaRef {
        let fields: Vec<_> = self.attributes.iter().map(Attribute::arrow_field).collect();
        Arc::new(arrow_schema::Schema::new(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(texts: &[&str]) -> Result<Schema> {
        Schema::new(texts.iter().map(|t| Attribute::parse(t)).collect::<Result<Vec<_>>>()?)
    }

    /// Once `rename_column` made names that no text of a schema could say.
    #[test]
    fn names_may_hold_colons() {
        for (text, name, type_text) in [
            ("a:b:i64", "a:b", "i64"),
            ("a::u8[2]?", "a:", "u8[2]?"),
            ("x:i64:f32", "x:i64", "f32"),
            ("at 12:30:string?", "at 12:30", "string?"),
            ("s:struct<a:i64,b:u8>", "s", "struct<a:i64,b:u8>"),
            ("s:t:struct<\"k:l\":i64>", "s:t", "struct<\"k:l\":i64>"),
        ] {
            let attribute = Attribute::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!((&attribute.name[..], &attribute.type_text()[..]), (name, type_text));
        }
        let error = Attribute::parse("a:b:c").unwrap_err().to_string();
        assert!(error.contains("b:c"), "{error}");
    }

    #[test]
    fn names_that_break_a_rule_are_refused_with_it() {
        for (name, rule) in
            [("", "empty"), ("_row", "start with"), ("a/b", "no `/`"), ("a\tb", "control")]
        {
            let error = attributes(&[&format!("{name}:u8")]).unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_clash() {
        let error = attributes(&["image:u8", "Image:u8"]).unwrap_err();
        assert!(matches!(error, FormatError::NameClash { .. }));
    }

    #[test]
    fn a_row_over_a_gibibyte_is_refused() {
        assert!(attributes(&["x:f64[200000000]"]).is_err());
    }

    #[test]
    fn byte_stream_split_is_for_floats_that_other_readers_know_it_for() {
        for (text, fits) in
            [("x:u8[4]", false), ("x:f16[4]", false), ("x:bf16[4]", false), ("x:f32[4]", true)]
        {
            let x = Attribute::parse(text).unwrap();
            let x = x.with_encoding(Encoding::ByteStreamSplitZstd(3));
            assert_eq!(Schema::new([x]).is_ok(), fits, "{text}");
        }
    }
}
