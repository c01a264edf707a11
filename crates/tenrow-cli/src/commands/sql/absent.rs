//! What is said where SQL is not built in.

use tenrow::View;

use super::SqlArguments;
use crate::fault::{Fault, Result};
use crate::stores::Stores;

/// Says how to get it.
pub(crate) async fn run(_: SqlArguments, _: &Stores) -> Result<()> {
    Err(absent())
}

/// Says how to get it.
pub(crate) async fn view_by_query(_: &Stores, _: &str, _: &str, _: &str, _: bool) -> Result<View> {
    Err(absent())
}

/// No question is answered.
pub(crate) async fn answered(_: &Stores, _: &str, _: &str) -> Result<Option<(String, String)>> {
    Ok(None)
}

fn absent() -> Fault {
    "this build has no SQL, whose engine takes minutes to build: build one that has with \
     `cargo build --release --bin tenrow --features tenrow-cli/sql`"
        .into()
}
