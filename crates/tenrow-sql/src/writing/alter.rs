//! `ALTER TABLE t ADD COLUMN … | DROP COLUMN … | RENAME COLUMN … | ALTER COLUMN …`: one change of the schema.

use datafusion::sql::sqlparser::ast::{
    AlterColumnOperation, AlterTable, AlterTableOperation, DataType as SqlType,
};
use tenrow::{AttributeType, DType, Error, Result, SchemaChange, Snapshot};

use super::column_def::{attribute, attribute_type};
use super::query::{normal, reference_of};
use super::{changed, refuse};
use crate::catalog::Tables;
use crate::session::{Change, Session};

pub(super) async fn run(session: &Session, alter: &AlterTable) -> Result<Change> {
    refuse(
        "ALTER TABLE",
        &[(alter.if_exists, "IF EXISTS"), (alter.on_cluster.is_some(), "ON CLUSTER")],
    )?;
    let [operation] = alter.operations.as_slice() else {
        return Err(Error::unsupported(
            "ALTER TABLE with several changes is not supported: each is a commit, give them one at a time",
        ));
    };
    let mut tables = Tables::new(session.roots());
    let target = tables.target(&reference_of(&alter.name)?).await?;
    let change = change(session, &target.snapshot, operation).await?;
    let snapshot = match change {
        None => target.snapshot,
        Some(change) => target.dataset.change_schema(change).await?,
    };
    Ok(changed(0, &snapshot))
}

/// The change that is meant; none if it is so already.
async fn change(
    session: &Session,
    snapshot: &Snapshot,
    operation: &AlterTableOperation,
) -> Result<Option<SchemaChange>> {
    use AlterTableOperation::{AddColumn, AlterColumn, DropColumn, RenameColumn};
    let has = |name: &str| snapshot.schema().attribute(name).is_some();
    Ok(Some(match operation {
        AddColumn { if_not_exists, column_def, column_position: None, .. } => {
            if *if_not_exists && has(&normal(&column_def.name)) {
                return Ok(None);
            }
            SchemaChange::Add(attribute(session, column_def).await?)
        }
        DropColumn { column_names, if_exists, .. } => {
            let [name] = column_names.as_slice() else {
                return Err(Error::unsupported("DROP COLUMN of several columns: one at a time"));
            };
            let name = normal(name);
            if *if_exists && !has(&name) {
                return Ok(None);
            }
            SchemaChange::Drop(name)
        }
        RenameColumn { old_column_name, new_column_name } => {
            SchemaChange::Rename { from: normal(old_column_name), to: normal(new_column_name) }
        }
        AlterColumn { column_name, op } => {
            let name = normal(column_name);
            match op {
                AlterColumnOperation::DropNotNull => SchemaChange::MakeNullable(name),
                AlterColumnOperation::SetDataType { data_type, using: None, .. } => {
                    let dtype = wider(session, snapshot, &name, data_type)?;
                    SchemaChange::Widen { name, dtype }
                }
                other => {
                    return Err(Error::unsupported(format!(
                        "ALTER COLUMN {name} {other} is not supported: columns are widened (TYPE …) and made nullable (DROP NOT NULL)"
                    )));
                }
            }
        }
        other => {
            return Err(Error::unsupported(format!(
                "ALTER TABLE … {other} is not supported: columns are added, dropped, renamed and altered"
            )));
        }
    }))
}

/// The new element type, of a type whose shape is that of the attribute.
fn wider(session: &Session, snapshot: &Snapshot, name: &str, new: &SqlType) -> Result<DType> {
    let old = &snapshot.attribute(name)?.attribute_type;
    let new = attribute_type(session, new)?;
    match (old, &new) {
        (AttributeType::Scalar(_), AttributeType::Scalar(dtype)) => Ok(*dtype),
        (AttributeType::Tensor { shape, .. }, AttributeType::Tensor { dtype, shape: same })
            if shape == same =>
        {
            Ok(*dtype)
        }
        _ => Err(Error::invalid(format!(
            "column {name:?} is {old} and cannot become {new}: only wider numbers of the same shape keep every value"
        ))),
    }
}
