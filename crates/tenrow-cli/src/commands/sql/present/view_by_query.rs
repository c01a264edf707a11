//! A view of the rows that a query chooses.

use tenrow::View;
use tenrow::storage::Location;
use tenrow_sql::{RootOption, RootPlace, Session, SessionOptions};

use crate::fault::Result;
use crate::stores::Stores;

/// Keeps the rows of the dataset at `location` that `query` gives; the datasets beside it are tables too.
pub(crate) async fn view_by_query(
    stores: &Stores,
    location: &str,
    name: &str,
    query: &str,
    replace: bool,
) -> Result<View> {
    let location = match Location::parse(location)? {
        Location::Local(folder) => Location::Local(folder.canonicalize().unwrap_or(folder)),
        remote => remote,
    };
    let (Some(parent), Some(table)) = (location.parent(), location.file_name()) else {
        return Err(format!("{location}: a dataset in no folder cannot be asked").into());
    };
    let place = RootPlace::Storage(stores.storage(&parent.to_string())?);
    let mut options = SessionOptions::default();
    options.roots.push(RootOption { name: None, place });
    let session = Session::new(&options)?;
    Ok(session.create_view(&table, name, query, replace).await?)
}
