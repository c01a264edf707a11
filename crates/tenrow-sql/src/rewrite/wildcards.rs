//! `*` is everything but the hidden columns.
//!
//! Hidden are the columns of datasets in the `FROM` of the same `SELECT`, not what a subquery or a `WITH`
//! gives under the same name. So each `SELECT` is looked at by itself: `*` over one dataset excludes them; over
//! several tables it becomes `a.*, b.*`, of which those of datasets exclude them, and what `USING` joins
//! comes once.

use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::sql::parser::Statement;
use datafusion::sql::planner::object_name_to_table_reference;
use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Ident, JoinConstraint, JoinOperator, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, TableAlias, TableFactor, TableWithJoins, VisitorMut,
    WildcardAdditionalOptions,
};

use super::visit::visit;
use crate::error::of_engine;
use tenrow::{Error, Result};

use crate::columns::HIDDEN_COLUMNS;

/// What is known of the tables that a statement names.
pub(crate) trait KnownTables {
    /// The columns that are not hidden, if the table is the rows of a dataset.
    fn columns(&self, table: &TableReference) -> Option<Vec<String>>;
}

/// Makes every `*` that covers a dataset leave its hidden columns out.
///
/// # Errors
/// [`InvalidInput`](tenrow::ErrorKind::InvalidInput) where SQL cannot say it: name the columns there.
pub(crate) fn hide_columns(statement: &mut Statement, tables: &dyn KnownTables) -> Result<()> {
    let mut hide = Hide { tables, frames: Vec::new() };
    match visit(statement, &mut hide) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Hide<'a> {
    tables: &'a dyn KnownTables,
    /// The queries around, outermost first.
    frames: Vec<Frame>,
}

/// The names that a query gives by `WITH`; its first nested queries are theirs.
struct Frame {
    names: Vec<String>,
    is_recursive: bool,
    /// How many of the nested queries are done.
    done: usize,
}

/// One table of a `FROM`.
struct Relation {
    /// What its columns are called by; `None` for a subquery without a name.
    qualifier: Option<ObjectName>,
    /// Its columns, if it is a dataset.
    columns: Option<Vec<String>>,
    /// Columns that a table to its left has already given.
    joined: Vec<Ident>,
}

impl VisitorMut for Hide<'_> {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        let with = query.with.as_ref();
        let names = with.map_or(&[][..], |with| &with.cte_tables);
        self.frames.push(Frame {
            names: names.iter().map(|cte| normal(&cte.alias.name)).collect(),
            is_recursive: with.is_some_and(|with| with.recursive),
            done: 0,
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Error> {
        self.frames.pop();
        if let Some(parent) = self.frames.last_mut() {
            parent.done += 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        match self.hide(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}

impl Hide<'_> {
    fn hide(&self, select: &mut Select) -> Result<()> {
        let is_wildcard = |item: &SelectItem| {
            matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))
        };
        let mut relations = Vec::new();
        let mut has_natural = false;
        for table in &select.from {
            self.add(table, &mut relations, &mut has_natural)?;
        }
        if relations.iter().all(|relation| relation.columns.is_none()) {
            return Ok(());
        }
        if has_natural {
            return Err(Error::invalid(
                "NATURAL JOIN of a dataset in a statement that names _row, _row_id or _partition would join on these: write USING (…)",
            ));
        }
        if !select.projection.iter().any(is_wildcard) {
            return Ok(());
        }
        let mut items = Vec::with_capacity(select.projection.len());
        for item in select.projection.drain(..) {
            match item {
                SelectItem::Wildcard(options) => items.extend(all(&relations, options)?),
                SelectItem::QualifiedWildcard(kind, options) => {
                    items.push(all_of_one(&relations, kind, options));
                }
                other => items.push(other),
            }
        }
        select.projection = items;
        Ok(())
    }

    fn add(
        &self,
        table: &TableWithJoins,
        relations: &mut Vec<Relation>,
        has_natural: &mut bool,
    ) -> Result<()> {
        let first = relations.len();
        self.add_factor(&table.relation, relations, has_natural)?;
        for join in &table.joins {
            let before = relations.len();
            self.add_factor(&join.relation, relations, has_natural)?;
            match shape_of(&join.join_operator) {
                JoinShape::Left => relations.truncate(before),
                JoinShape::Right => drop(relations.drain(first..before)),
                JoinShape::Both(constraint) => match constraint {
                    JoinConstraint::Using(names) => {
                        let names = names.iter().filter_map(last_ident);
                        relations[before..].iter_mut().for_each(|s| s.joined.extend(names.clone()));
                    }
                    JoinConstraint::Natural => *has_natural = true,
                    JoinConstraint::On(_) | JoinConstraint::None => {}
                },
            }
        }
        Ok(())
    }

    fn add_factor(
        &self,
        factor: &TableFactor,
        relations: &mut Vec<Relation>,
        has_natural: &mut bool,
    ) -> Result<()> {
        let named = |alias: &Option<TableAlias>| Relation {
            qualifier: alias.as_ref().map(|alias| alias.name.clone().into()),
            columns: None,
            joined: Vec::new(),
        };
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let columns = match self.is_common_table(name) {
                    true => None,
                    false => self.tables.columns(&reference_of(name)?),
                };
                let qualifier =
                    alias.as_ref().map_or_else(|| name.clone(), |a| a.name.clone().into());
                // Columns that the alias renames have no hidden names left.
                relations.push(Relation {
                    qualifier: Some(qualifier),
                    columns,
                    joined: Vec::new(),
                });
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                self.add(table_with_joins, relations, has_natural)?;
            }
            TableFactor::Derived { alias, .. }
            | TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. }
            | TableFactor::UNNEST { alias, .. }
            | TableFactor::NestedJoin { alias, .. }
            | TableFactor::Pivot { alias, .. }
            | TableFactor::Unpivot { alias, .. } => relations.push(named(alias)),
            _ => relations.push(named(&None)),
        }
        Ok(())
    }

    /// Whether a `WITH` around gives the name here.
    fn is_common_table(&self, name: &ObjectName) -> bool {
        let [part] = name.0.as_slice() else { return false };
        let Some(name) = part.as_ident().map(normal) else { return false };
        self.frames.iter().any(|frame| {
            let visible = frame.done + usize::from(frame.is_recursive);
            frame.names.iter().take(visible).any(|known| *known == name)
        })
    }
}

/// What becomes of the columns of both sides of a join.
enum JoinShape<'a> {
    Left,
    Right,
    Both(&'a JoinConstraint),
}

fn shape_of(operator: &JoinOperator) -> JoinShape<'_> {
    use JoinOperator::*;
    match operator {
        Semi(_) | LeftSemi(_) | Anti(_) | LeftAnti(_) => JoinShape::Left,
        RightSemi(_) | RightAnti(_) => JoinShape::Right,
        Join(constraint)
        | Inner(constraint)
        | Left(constraint)
        | LeftOuter(constraint)
        | Right(constraint)
        | RightOuter(constraint)
        | FullOuter(constraint)
        | CrossJoin(constraint)
        | StraightJoin(constraint)
        | AsOf { constraint, .. } => JoinShape::Both(constraint),
        CrossApply | OuterApply | ArrayJoin | LeftArrayJoin | InnerArrayJoin => {
            JoinShape::Both(&JoinConstraint::None)
        }
    }
}

/// What `*` with `options` is over `relations`.
fn all(relations: &[Relation], options: WildcardAdditionalOptions) -> Result<Vec<SelectItem>> {
    if let [only] = relations {
        return Ok(vec![SelectItem::Wildcard(excluding(options, hidden(only)))]);
    }
    if options.opt_replace.is_some() || options.opt_rename.is_some() || options.opt_ilike.is_some()
    {
        return Err(Error::invalid(
            "`*` with REPLACE over several tables in a statement that names _row, _row_id or _partition: name the columns",
        ));
    }
    let mut excluded = excluded_by(&options);
    let mut items = Vec::with_capacity(relations.len());
    for relation in relations {
        let Some(qualifier) = &relation.qualifier else {
            return Err(Error::invalid(
                "`*` over several tables in a statement that names _row, _row_id or _partition: give each subquery a name",
            ));
        };
        // What the statement itself excludes is excluded where it is.
        let mut without = relation.joined.clone();
        match &relation.columns {
            Some(columns) => excluded.retain(|name| {
                let is_here = columns.contains(&normal(name));
                if is_here && !without.contains(name) {
                    without.push(name.clone());
                }
                !is_here
            }),
            None if relations.iter().filter(|relation| relation.columns.is_none()).count() == 1 => {
                let datasets = relations.iter().filter_map(|relation| relation.columns.as_ref());
                let known: Vec<&String> = datasets.flatten().collect();
                without.extend(excluded.extract_if(.., |name| !known.contains(&&normal(name))));
            }
            None => {}
        }
        without.extend(hidden(relation).into_iter().filter(|name| !relation.joined.contains(name)));
        let kind = SelectItemQualifiedWildcardKind::ObjectName(qualifier.clone());
        let options = excluding(WildcardAdditionalOptions::default(), without);
        items.push(SelectItem::QualifiedWildcard(kind, options));
    }
    match excluded.first() {
        None => Ok(items),
        Some(name) => Err(Error::invalid(format!(
            "`* EXCEPT ({name})`: which table has it is not clear; name the columns"
        ))),
    }
}

/// What `kind.*` with `options` is.
fn all_of_one(
    relations: &[Relation],
    kind: SelectItemQualifiedWildcardKind,
    options: WildcardAdditionalOptions,
) -> SelectItem {
    let SelectItemQualifiedWildcardKind::ObjectName(name) = &kind else {
        return SelectItem::QualifiedWildcard(kind, options);
    };
    let meant = relations.iter().find(|relation| relation.is_called(name));
    let options = match meant {
        Some(relation) => excluding(options, hidden(relation)),
        None => options,
    };
    SelectItem::QualifiedWildcard(kind, options)
}

impl Relation {
    fn is_called(&self, name: &ObjectName) -> bool {
        let parts = |name: &ObjectName| -> Vec<String> {
            name.0.iter().filter_map(|part| part.as_ident().map(normal)).collect()
        };
        self.qualifier.as_ref().is_some_and(|own| parts(own).ends_with(&parts(name)))
    }
}

/// The hidden columns of a relation.
fn hidden(relation: &Relation) -> Vec<Ident> {
    match relation.columns {
        Some(_) => HIDDEN_COLUMNS.iter().map(|name| Ident::new(*name)).collect(),
        None => Vec::new(),
    }
}

/// The columns that the options exclude already.
fn excluded_by(options: &WildcardAdditionalOptions) -> Vec<Ident> {
    let mut names = Vec::new();
    if let Some(except) = &options.opt_except {
        names.push(except.first_element.clone());
        names.extend(except.additional_elements.iter().cloned());
    }
    match &options.opt_exclude {
        Some(ExcludeSelectItem::Single(name)) => names.extend(last_ident(name)),
        Some(ExcludeSelectItem::Multiple(all)) => names.extend(all.iter().filter_map(last_ident)),
        None => {}
    }
    names
}

/// The options, excluding `names` too.
fn excluding(
    mut options: WildcardAdditionalOptions,
    names: Vec<Ident>,
) -> WildcardAdditionalOptions {
    let mut all = excluded_by(&options);
    all.extend(names.into_iter().filter(|name| !excluded_by(&options).contains(name)));
    if !all.is_empty() {
        options.opt_except = None;
        let names = all.into_iter().map(ObjectName::from).collect();
        options.opt_exclude = Some(ExcludeSelectItem::Multiple(names));
    }
    options
}

fn last_ident(name: &ObjectName) -> Option<Ident> {
    name.0.last().and_then(|part| part.as_ident().cloned())
}

/// A table name as the engine reads it.
pub(crate) fn reference_of(name: &ObjectName) -> Result<TableReference> {
    object_name_to_table_reference(name.clone(), true).map_err(of_engine)
}

/// A name as the engine compares it.
pub(crate) fn normal(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_lowercase(),
    }
}

#[cfg(test)]
mod tests;
