//! A view of the rows that a query chooses.

use tenrow::View;

use super::beside;
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
    let (session, table) = beside::session(stores, location)?;
    Ok(session.create_view(&table, name, query, replace).await?)
}
