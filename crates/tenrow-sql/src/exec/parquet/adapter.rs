//! From the attributes of a version to the columns of a file: by field id, whatever they are called there.
//!
//! The ids are those that the leaf gives the columns ([`PlacedPartition::footer_for_engines`]): what a file itself says may be
//! of the schema of another dataset.
//!
//! [`PlacedPartition::footer_for_engines`]: tenrow::engine::PlacedPartition::footer_for_engines

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, cast, lit};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};
use tenrow::Attribute;
use tenrow::engine::FIELD_ID_KEY;

use crate::exec::floats::{PlainFloats, SeenFloats};

/// Knows the attributes that a scan reads.
#[derive(Debug)]
pub(super) struct ByFieldId {
    attributes: Arc<[Attribute]>,
    seen_floats: SeenFloats,
}

impl ByFieldId {
    pub(super) fn new(attributes: Vec<Attribute>, seen_floats: SeenFloats) -> Self {
        Self { attributes: attributes.into(), seen_floats }
    }
}

impl PhysicalExprAdapterFactory for ByFieldId {
    fn create(&self, _: SchemaRef, file: SchemaRef) -> Result<Arc<dyn PhysicalExprAdapter>> {
        let mut columns = HashMap::new();
        for attribute in self.attributes.iter() {
            let column = in_file(attribute, &file)?;
            let column = match self.seen_floats.has(&attribute.name) {
                true => PlainFloats::around(column, &attribute.attribute_type.arrow_type()),
                false => column,
            };
            columns.insert(attribute.name.clone(), column);
        }
        Ok(Arc::new(InFile { columns, file }))
    }
}

/// The attribute in the terms of the file: a column, cast to the type that the attribute has now, or its default.
fn in_file(attribute: &Attribute, file: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>> {
    // The newest form comes first, and of one file it counts.
    let place = attribute.ids().find_map(|id| position(file, id.0));
    let wanted = attribute.attribute_type.arrow_type();
    let Some(index) = place else {
        let row = attribute.default_rows(1).map_err(|error| {
            crate::error::external(tenrow::Error::format("the default of an attribute", error))
        })?;
        return Ok(lit(ScalarValue::try_from_array(&row, 0)?));
    };
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(file.field(index).name(), index));
    match *file.field(index).data_type() == wanted {
        true => Ok(column),
        false => cast(column, file, wanted),
    }
}

fn position(file: &Schema, id: u32) -> Option<usize> {
    let text = id.to_string();
    file.fields().iter().position(|field| field.metadata().get(FIELD_ID_KEY) == Some(&text))
}

/// The columns of one file.
#[derive(Debug)]
struct InFile {
    columns: HashMap<String, Arc<dyn PhysicalExpr>>,
    file: SchemaRef,
}

impl PhysicalExprAdapter for InFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        expr.transform_up(|expr| {
            let Some(column) = expr.downcast_ref::<Column>() else {
                return Ok(Transformed::no(expr));
            };
            if let Some(known) = self.columns.get(column.name()) {
                return Ok(Transformed::yes(known.clone()));
            }
            // A virtual column follows those of the file.
            let index = self.file.index_of(column.name())?;
            Ok(Transformed::yes(Arc::new(Column::new(column.name(), index))))
        })
        .data()
    }
}
