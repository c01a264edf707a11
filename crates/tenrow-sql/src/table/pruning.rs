//! Leaves and partitions that cannot hold a row that a filter leaves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, UInt64Array};
use arrow_schema::{DataType, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Between, BinaryExpr, Expr, Operator};
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use tenrow::{Attribute, PlacedPartition, Snapshot};

use super::address::is_address;
use super::bounds::{self, Bounds};
use crate::columns::is_late;

/// What filters say about leaves and partitions.
pub(crate) struct Pruning<'a> {
    snapshot: &'a Snapshot,
    predicate: PruningPredicate,
    sides: HashMap<String, Sides>,
}

/// The sides from which filters bound a column of floats, where NaN lies beyond all statistics: it is more
/// than every number, or less, by its sign.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    below: bool,
    above: bool,
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
        let sides = sides_of(&useful);
        let Some(filter) = conjunction(useful) else { return Ok(None) };
        let named = DFSchema::try_from(schema.clone())?;
        let filter = session.create_physical_expr(filter, &named)?;
        let predicate =
            PruningPredicateBuilder::new().with_file_schema(schema.clone()).try_build(filter)?;
        Ok((!predicate.always_true()).then_some(Self { snapshot, predicate, sides }))
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

fn sides_of(conjuncts: &[Expr]) -> HashMap<String, Sides> {
    let mut sides: HashMap<String, Sides> = HashMap::new();
    let mut note = |expr: &Expr, below: bool, above: bool| {
        if let Expr::Column(column) = expr {
            let known = sides.entry(column.name.clone()).or_default();
            known.below |= below;
            known.above |= above;
        }
    };
    for conjunct in conjuncts {
        match conjunct {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
                let (below, above) = sides_of_operator(*op);
                note(left, below, above);
                note(right, above, below);
            }
            Expr::Between(Between { expr, negated: false, .. }) => note(expr, true, true),
            Expr::InList(list) if !list.negated => note(&list.expr, true, true),
            _ => {}
        }
    }
    sides
}

/// Whether `x op value` bounds `x` from below, and from above.
fn sides_of_operator(op: Operator) -> (bool, bool) {
    match op {
        Operator::Eq => (true, true),
        Operator::Gt | Operator::GtEq => (true, false),
        Operator::Lt | Operator::LtEq => (false, true),
        _ => (false, false),
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

    fn sides(&self, column: &Column, data_type: &DataType) -> Sides {
        match data_type.is_floating() {
            true => self.pruning.sides.get(&column.name).copied().unwrap_or_default(),
            false => Sides { below: true, above: true },
        }
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
        // `x < value` leaves the least NaN, so the least number counts only if x is bounded from below too.
        let is_sound = self.sides(column, &data_type).below;
        is_sound.then(|| array_of(bounds.into_iter().map(|b| b.min), &data_type)).flatten()
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        let (data_type, bounds) = self.bounds(column)?;
        let is_sound = self.sides(column, &data_type).above;
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
