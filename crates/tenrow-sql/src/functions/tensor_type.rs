//! What tensor a column or an argument holds, as its Arrow field tells.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef};
use datafusion::common::{DataFusionError, Result};
use tenrow::VariableShape;
use tenrow::engine::{FIELD_ID_KEY, TYPE_KEY};
use tenrow::{Attribute, AttributeType, DType, Shape};

/// A dtype and dimensions, of which those that differ from row to row are `None`.
///
/// A list without tensor metadata, such as the literal `[1.0, 2.0]`, counts as a tensor of one
/// dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorType {
    pub(super) dtype: DType,
    pub(super) dims: Vec<Option<u64>>,
    /// One for each dimension, or none at all.
    pub(super) dim_names: Vec<String>,
    /// Whether it is a list of numbers that nobody called a tensor.
    pub(super) is_list: bool,
}

impl TensorType {
    pub(super) fn new(dtype: DType, dims: Vec<Option<u64>>) -> Self {
        Self { dtype, dims, dim_names: Vec::new(), is_list: false }
    }

    /// The tensor that a field holds; `None` if it holds something else.
    pub(super) fn of(field: &Field) -> Option<Self> {
        let metadata = field.metadata();
        let extension = Extension::of(field);
        let dim_names = extension.as_ref().map(|e| e.dim_names.clone()).unwrap_or_default();
        if let Some(own) = metadata.get(TYPE_KEY).and_then(|text| text.parse().ok())
            && let Some(tensor) = Self::stated(&own, field.data_type())
        {
            return Some(tensor.with_dim_names(dim_names));
        }
        let stored = Self::stored(field.data_type())?;
        let Some(extension) = extension else { return Some(stored) };
        Some(match extension.fits(&stored) {
            true => Self::new(stored.dtype, extension.dims).with_dim_names(dim_names),
            false => stored,
        })
    }

    /// As [`of`](Self::of), or an error that names the function and the type.
    pub(super) fn of_argument(function: &str, field: &Field) -> Result<Self> {
        Self::of(field).ok_or_else(|| {
            DataFusionError::Plan(format!(
                "{function}: {} is neither a tensor nor a list of numbers",
                show_field(field)
            ))
        })
    }

    /// What tenrow's own metadata states, if the storage is that of the statement: a cast keeps the
    /// metadata of what it was made from.
    fn stated(own: &AttributeType, data_type: &DataType) -> Option<Self> {
        let dims = match own {
            AttributeType::Tensor { shape, .. } => shape.dims().iter().map(|&d| Some(d)).collect(),
            AttributeType::VariableTensor { shape, .. } => {
                shape.dims().iter().map(|d| d.map(u64::from)).collect()
            }
            _ => return None,
        };
        let same = own.arrow_type().equals_datatype(data_type);
        same.then(|| Self::new(own.dtype().unwrap_or(DType::U8), dims))
    }

    /// What the storage alone tells.
    fn stored(data_type: &DataType) -> Option<Self> {
        let list = |item: &Field, dim: Option<u64>| {
            let dtype = match item.data_type() {
                // NULL by itself has no type yet; as a list of numbers it gives null.
                DataType::Null => DType::F64,
                other => DType::from_arrow(other)?,
            };
            Some(Self { is_list: dim.is_none(), ..Self::new(dtype, vec![dim]) })
        };
        match data_type {
            DataType::Null => Some(Self { is_list: true, ..Self::new(DType::F64, vec![None]) }),
            DataType::List(item) | DataType::LargeList(item) => list(item, None),
            DataType::FixedSizeList(item, n) => list(item, Some(u64::try_from(*n).ok()?)),
            DataType::Struct(fields) => {
                let [data, shape] = fields.as_ref() else { return None };
                let (DataType::List(item), DataType::FixedSizeList(dim, rank)) =
                    (data.data_type(), shape.data_type())
                else {
                    return None;
                };
                let named = data.name() == "data" && shape.name() == "shape";
                if !named || *dim.data_type() != DataType::Int32 {
                    return None;
                }
                let dims = vec![None; usize::try_from(*rank).ok()?];
                Some(Self::new(DType::from_arrow(item.data_type())?, dims))
            }
            _ => None,
        }
    }

    fn with_dim_names(mut self, names: Vec<String>) -> Self {
        if names.len() == self.dims.len() {
            self.dim_names = names;
        }
        self
    }

    /// The dimensions, if all rows have the same.
    pub(super) fn fixed_dims(&self) -> Option<Vec<u64>> {
        self.dims.iter().copied().collect()
    }

    pub(super) fn rank(&self) -> usize {
        self.dims.len()
    }

    /// Its type in a tenrow schema; `None` for a list that is no tensor.
    fn attribute_type(&self) -> tenrow::engine::FormatResult<Option<AttributeType>> {
        let dtype = self.dtype;
        // A list of bf16 would be one of opaque bytes.
        if self.is_list && self.dims == [None] && dtype != DType::Bf16 {
            return Ok(None);
        }
        if let Some(dims) = self.fixed_dims() {
            return AttributeType::tensor(dtype, dims).map(Some);
        }
        // Dimensions beyond 32 bits differ from row to row as far as the type goes.
        let narrow = |dim: &Option<u64>| dim.and_then(|d| u32::try_from(d).ok());
        let shape = VariableShape::new(self.dims.iter().map(narrow).collect::<Vec<_>>())?;
        Ok(Some(AttributeType::VariableTensor { dtype, shape }))
    }

    /// The field of such a tensor: storage, extension and tenrow's own type text.
    pub(super) fn to_field(&self, function: &str, nullable: bool) -> Result<FieldRef> {
        let attribute_type = self
            .attribute_type()
            .map_err(|e| DataFusionError::Plan(format!("{function}: the result: {e}")))?;
        let Some(attribute_type) = attribute_type else {
            let item = Arc::new(Field::new("item", self.dtype.arrow_type(), true));
            return Ok(Arc::new(Field::new(function, DataType::List(item), nullable)));
        };
        let field = Attribute::new(function, attribute_type)
            .with_dim_names(self.dim_names.clone())
            .with_nullable(nullable)
            .arrow_field();
        let mut metadata = field.metadata().clone();
        metadata.remove(FIELD_ID_KEY);
        Ok(Arc::new(field.with_metadata(metadata)))
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dim = |d: &Option<u64>| d.map_or("?".to_owned(), |d| d.to_string());
        let dims: Vec<_> = self.dims.iter().map(dim).collect();
        write!(f, "{}[{}]", self.dtype, dims.join(","))
    }
}

/// What the extension metadata of a field says.
struct Extension {
    dims: Vec<Option<u64>>,
    dim_names: Vec<String>,
}

impl Extension {
    fn of(field: &Field) -> Option<Self> {
        let shape_key = match field.extension_type_name()? {
            "arrow.fixed_shape_tensor" => "shape",
            "arrow.variable_shape_tensor" => "uniform_shape",
            _ => return None,
        };
        let json: serde_json::Value =
            serde_json::from_str(field.extension_type_metadata()?).ok()?;
        // A permuted tensor has another shape than its storage: it is taken as it is stored.
        if json.get("permutation").is_some_and(|p| !p.is_null()) {
            return None;
        }
        let dims = json.get(shape_key)?.as_array()?.iter().map(|d| d.as_u64()).collect();
        let names = json.get("dim_names").and_then(|names| names.as_array());
        let name = |name: &serde_json::Value| name.as_str().map(str::to_owned);
        let dim_names = names.and_then(|names| names.iter().map(name).collect());
        Some(Self { dims, dim_names: dim_names.unwrap_or_default() })
    }

    /// Whether these dimensions can be those of what is stored so.
    fn fits(&self, stored: &TensorType) -> bool {
        match stored.fixed_dims() {
            Some(count) => {
                let dims: Option<Vec<u64>> = self.dims.iter().copied().collect();
                let shape = dims.and_then(|dims| Shape::new(dims).ok());
                shape.is_some_and(|shape| Some(&shape.element_count()) == count.first())
            }
            None => !stored.is_list && self.dims.len() == stored.rank(),
        }
    }
}

/// A type as an error names it: tenrow's own text where there is one.
pub(super) fn show_field(field: &Field) -> String {
    if let Some(tensor) = TensorType::of(field) {
        return tensor.to_string();
    }
    match AttributeType::value(field.data_type()) {
        Ok(own) => own.to_string(),
        Err(_) => field.data_type().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        let field = Attribute::parse(&format!("x:{text}")).unwrap().arrow_field();
        TensorType::of(&field).map(|t| t.to_string())
    }

    #[test]
    fn every_tensor_attribute_is_known_by_its_field() {
        for text in ["u8[28,28]", "bf16[2]", "u8[]", "f32[0,3]", "f32[?,5]", "bf16[?]", "bool[9]"] {
            assert_eq!(of(text).as_deref(), Some(text));
        }
        assert_eq!(of("list<f32?>").as_deref(), Some("f32[?]"));
        assert_eq!((of("i64"), of("string"), of("file"), of("list<string>")), Default::default());
    }

    #[test]
    fn a_field_made_of_a_type_gives_it_back() {
        for text in ["u8[28,28]", "bf16[2]", "u8[]", "f32[0,3]", "f32[?,5]"] {
            let field = Attribute::parse(&format!("x:{text}")).unwrap().arrow_field();
            let tensor = TensorType::of(&field).unwrap();
            let again = tensor.to_field("f", true).unwrap();
            assert_eq!(TensorType::of(&again).unwrap(), tensor);
            assert_eq!(again.data_type(), field.data_type());
            assert!(!again.metadata().contains_key(FIELD_ID_KEY));
        }
    }

    #[test]
    fn metadata_of_another_storage_is_not_believed() {
        let field = Attribute::parse("x:u8[2,2]").unwrap().arrow_field();
        let wider = |item, n| {
            let item = Arc::new(Field::new("item", item, true));
            field.clone().with_data_type(DataType::FixedSizeList(item, n))
        };
        let shown = |field: &Field| TensorType::of(field).unwrap().to_string();
        assert_eq!(shown(&wider(DataType::Float32, 4)), "f32[2,2]");
        assert_eq!(shown(&wider(DataType::UInt8, 6)), "u8[6]");
    }

    #[test]
    fn dim_names_are_kept() {
        let image = Attribute::parse("x:u8[4,6]").unwrap().with_dim_names(["height", "width"]);
        let tensor = TensorType::of(&image.arrow_field()).unwrap();
        assert_eq!(tensor.dim_names, ["height", "width"]);
        let again = tensor.to_field("f", false).unwrap();
        assert_eq!(TensorType::of(&again).unwrap().dim_names, ["height", "width"]);
    }
}
