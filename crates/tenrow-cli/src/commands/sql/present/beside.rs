//! A session in which a dataset, and those beside it, are tables.

use tenrow::storage::Location;
use tenrow_sql::{RootOption, RootPlace, Session, SessionOptions};

use super::table::Table;
use crate::fault::Result;
use crate::stores::Stores;

/// How wide the answer to a question of one's own may be.
const WIDTH: usize = 80;

/// The session, and what the dataset is called in it.
pub(super) fn session(stores: &Stores, location: &str) -> Result<(Session, String)> {
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
    Ok((Session::new(&options)?, table))
}

/// A question about the dataset at `location`, which is `DATASET` in it, and its answer as a table.
pub(crate) async fn answered(
    stores: &Stores,
    location: &str,
    question: &str,
) -> Result<Option<(String, String)>> {
    let (session, table) = session(stores, location)?;
    let question = question.replace("DATASET", &format!("\"{}\"", table.replace('"', "\"\"")));
    let answer = session.sql(&question).await?;
    let mut shown = Vec::new();
    let mut rows = Table::new(answer.schema(), Some(WIDTH), &mut shown);
    for batch in answer.collect().await? {
        rows.write(&batch)?;
    }
    rows.finish()?;
    Ok(Some((question, String::from_utf8_lossy(&shown).into_owned())))
}
