//! The rows of a dataset that a query chooses, for a view of them.

use arrow_array::RecordBatch;
use arrow_array::cast::as_primitive_array;
use arrow_array::types::Int64Type;
use arrow_schema::{DataType, Schema};
use tenrow::{Dataset, Location, Snapshot};
use tenrow_sql::{Session, SessionOptions};

use crate::fault::Result;
use crate::which_version::named;

/// How often a query is asked again because a commit came in between.
const TRIES: usize = 5;

/// The rows of `dataset`, which is at `location`, in the order of `query`, and the version that has them.
///
/// The datasets beside it are tables too. A version that the query names is the one that has the rows, else it
/// is the newest.
pub(crate) async fn chosen_rows(
    dataset: &Dataset,
    location: &str,
    query: &str,
) -> Result<(Snapshot, Vec<u64>)> {
    let Location::Local(folder) = Location::parse(location)? else {
        return Err(format!("{location}: only datasets in folders can be asked").into());
    };
    let parent = folder.parent().unwrap_or(&folder);
    let session = Session::new(&SessionOptions::default().with_root(parent.display().to_string()))?;
    let version = version_named(dataset, &session, query).await?;
    for _ in 0..TRIES {
        let snapshot = match &version {
            Some(version) => named(dataset, version).await?,
            None => dataset.latest().await?,
        };
        let rows = rows(&session, query).await?;
        // Whatever the query saw as the newest version was between the two.
        if version.is_some() || dataset.latest().await?.version() == snapshot.version() {
            return Ok((snapshot, rows));
        }
    }
    Err(format!("{location}: commits come faster than the query is answered: name a version in it")
        .into())
}

/// The version of `dataset` that the query names, if it names one.
async fn version_named(
    dataset: &Dataset,
    session: &Session,
    query: &str,
) -> Result<Option<String>> {
    let mut versions = Vec::new();
    for table in tenrow_sql::table_names(query)? {
        let end = table.find(['@', '#', '$']).unwrap_or(table.len());
        let (name, rest) = table.split_at(end);
        let is_this = session
            .dataset(name)
            .await
            .is_ok_and(|other| other.storage().to_string() == dataset.storage().to_string());
        match rest.strip_prefix('@') {
            _ if !is_this || rest.starts_with('$') => {}
            _ if rest.contains('#') => {
                return Err(format!(
                    "{table:?}: rows of a view have other numbers than rows of the dataset"
                )
                .into());
            }
            Some(version) if version.contains('$') => {}
            version => versions.push(version.map(str::to_owned)),
        }
    }
    versions.sort();
    versions.dedup();
    match versions.len() {
        0 => Err("the query does not read the dataset that the view is to be of".into()),
        1 => Ok(versions.swap_remove(0)),
        _ => Err("the query reads several versions of the dataset: a view is of one".into()),
    }
}

async fn rows(session: &Session, query: &str) -> Result<Vec<u64>> {
    let mut answer = session.sql(query).await?;
    check_columns(answer.schema())?;
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await? {
        rows.append(&mut numbers(&batch)?);
    }
    Ok(rows)
}

fn check_columns(schema: &Schema) -> Result<()> {
    match schema.fields().as_ref() {
        [only] if only.name() == "_row" && only.data_type().is_integer() => Ok(()),
        fields => {
            let names: Vec<_> = fields.iter().map(|field| field.name().as_str()).collect();
            let found = names.join(", ");
            Err(format!("the query gives {found}: expected row numbers, as in SELECT _row FROM …")
                .into())
        }
    }
}

fn numbers(batch: &RecordBatch) -> Result<Vec<u64>> {
    let numbers = arrow_cast::cast(batch.column(0), &DataType::Int64)?;
    let numbers = as_primitive_array::<Int64Type>(&numbers);
    let number = |number: Option<i64>| {
        let row = number.and_then(|number| u64::try_from(number).ok());
        row.ok_or_else(|| "the query gives a row number that is none".into())
    };
    numbers.iter().map(number).collect()
}
