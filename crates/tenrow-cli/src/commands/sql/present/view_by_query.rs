//! A view of the rows that a query chooses.

use tenrow::{Location, View};
use tenrow_sql::{Session, SessionOptions};

use crate::fault::Result;

/// Keeps the rows of the dataset at `location` that `query` gives; the datasets beside it are tables too.
pub(crate) async fn view_by_query(
    location: &str,
    name: &str,
    query: &str,
    replace: bool,
) -> Result<View> {
    let Location::Local(folder) = Location::parse(location)? else {
        return Err(format!("{location}: only datasets in folders can be asked").into());
    };
    let folder = folder.canonicalize().unwrap_or(folder);
    let (Some(parent), Some(table)) = (folder.parent(), folder.file_name()) else {
        return Err(format!("{location}: a dataset in no folder cannot be asked").into());
    };
    let session = Session::new(&SessionOptions::default().with_root(parent.display().to_string()))?;
    Ok(session.create_view(&table.to_string_lossy(), name, query, replace).await?)
}
