//! Leaves and partitions that cannot hold a row that a filter leaves.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, UInt64Array};
use arrow_schema::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use tenrow::engine::PlacedPartition;
use tenrow::{Attribute, Snapshot};

use super::address::is_address;
use super::bounds::{self, Bounds};
use crate::columns::is_late;

/// What filters say about leaves and partitions.
pub(crate) struct Pruning<'a> {
    snapshot: &'a Snapshot,
    predicate: PruningPredicate,
    bounded_above: HashSet<String>,
}

impl<'a> Pruning<'a> {
    /// What `filters` say; `None` if nothing that manifests could answer.
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        schema: &SchemaRef,
        filters: &[Expr],
        session: &dyn Session,
    ) -> Result<Option<Self>> {
        let conjuncts: Vec<&Expr> = filters.iter().flat_map(split_conjunction).collect();
        let has_bounds = |expr: &&&Expr| !is_address(expr) && names_bounded_columns(expr, snapshot);
        let useful: Vec<Expr> = conjuncts.iter().filter(has_bounds).map(|&e| e.clone()).collect();
        let bounded_above = bounded_above(&useful);
        let Some(filter) = conjunction(useful) else { return Ok(None) };
        let named = DFSchema::try_from(schema.clone())?;
        let filter = session.create_physical_expr(filter, &named)?;
        let predicate =
            PruningPredicateBuilder::new().with_file_schema(schema.clone()).try_build(filter)?;
        Ok((!predicate.always_true()).then_some(Self { snapshot, predicate, bounded_above }))
    }

    /// For each leaf, whether it may hold such a row: by the root alone.
    pub(crate) fn leaves(&self) -> Result<Vec<bool>> {
        let leaves = &self.snapshot.root().leaves;
        let rows = leaves.iter().map(|leaf| leaf.row_count).collect();
        let of = |attribute: &Attribute| -> Vec<Bounds> {
            leaves.iter().map(|leaf| bounds::of_leaf(leaf, attribute)).collect()
        };
        self.prune(rows, &of)
    }

    /// For each partition, whether it may hold such a row.
    pub(crate) fn partitions(&self, partitions: &[PlacedPartition]) -> Result<Vec<bool>> {
        let rows = partitions.iter().map(|partition| partition.entry().row_count).collect();
        let of = |attribute: &Attribute| -> Vec<Bounds> {
            partitions.iter().map(|partition| bounds::of_partition(partition, attribute)).collect()
        };
        self.prune(rows, &of)
    }

    fn prune(&self, rows: Vec<u64>, of: &dyn Fn(&Attribute) -> Vec<Bounds>) -> Result<Vec<bool>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.predicate.prune(&Known { pruning: self, rows, of })
    }
}

/// Whether every column of the filter is an attribute of which bounds may be known.
fn names_bounded_columns(filter: &Expr, snapshot: &Snapshot) -> bool {
    let columns = filter.column_refs();
    let is_bounded = |column: &&Column| {
        let attribute = snapshot.schema().attribute(&column.name);
        attribute.is_some_and(|attribute| !is_late(attribute))
    };
    !columns.is_empty() && columns.iter().all(is_bounded)
}

/// The columns that the filters bound from above by a number: rows in which they are NaN, which is more, are not left.
fn bounded_above(conjuncts: &[Expr]) -> HashSet<String> {
    let bounded = conjuncts.iter().filter_map(|conjunct| match conjunct {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
            Operator::Eq if is_number(right) => Some(left),
            Operator::Eq if is_number(left) => Some(right),
            Operator::Lt | Operator::LtEq => is_number(right).then_some(left),
            Operator::Gt | Operator::GtEq => is_number(left).then_some(right),
            _ => None,
        },
        Expr::Between(Between { expr, negated: false, high, .. }) => {
            is_number(high).then_some(expr)
        }
        Expr::InList(list) if !list.negated => {
            list.list.iter().all(is_number).then_some(&list.expr)
        }
        _ => None,
    });
    let columns = bounded.filter_map(|expr| match expr.as_ref() {
        Expr::Column(column) => Some(column.name.clone()),
        _ => None,
    });
    columns.collect()
}

/// Whether it is a constant, and not NaN.
fn is_number(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(ScalarValue::Float16(value), _) => value.is_none_or(|v| !v.is_nan()),
        Expr::Literal(ScalarValue::Float32(value), _) => value.is_none_or(|v| !v.is_nan()),
        Expr::Literal(ScalarValue::Float64(value), _) => value.is_none_or(|v| !v.is_nan()),
        Expr::Literal(..) => true,
        _ => false,
    }
}

/// Statistics of a number of leaves or partitions.
struct Known<'a> {
    pruning: &'a Pruning<'a>,
    rows: Vec<u64>,
    of: &'a dyn Fn(&Attribute) -> Vec<Bounds>,
}

impl Known<'_> {
    fn bounds(&self, column: &Column) -> Option<(DataType, Vec<Bounds>)> {
        let attribute = self.pruning.snapshot.schema().attribute(&column.name)?;
        Some((attribute.attribute_type.arrow_type(), (self.of)(attribute)))
    }

    /// Whether the largest number is a bound of rows that filters leave: NaN is more, and statistics pass over it.
    fn has_largest(&self, column: &Column, data_type: &DataType) -> bool {
        !data_type.is_floating() || self.pruning.bounded_above.contains(&column.name)
    }
}

fn array_of(
    values: impl Iterator<Item = Option<ScalarValue>>,
    data_type: &DataType,
) -> Option<ArrayRef> {
    let null = ScalarValue::try_from(data_type).ok()?;
    ScalarValue::iter_to_array(values.map(|value| value.unwrap_or_else(|| null.clone()))).ok()
}

impl PruningStatistics for Known<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        let (data_type, bounds) = self.bounds(column)?;
        array_of(bounds.into_iter().map(|b| b.min), &data_type)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let (data_type, bounds) = self.bounds(column)?;
        let is_sound = self.has_largest(column, &data_type);
        is_sound.then(|| array_of(bounds.into_iter().map(|b| b.max), &data_type)).flatten()
    }

    fn num_containers(&self) -> usize {
        self.rows.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let (_, bounds) = self.bounds(column)?;
        Some(Arc::new(UInt64Array::from_iter(bounds.into_iter().map(|b| b.null_count))))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.rows.iter().copied())))
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
