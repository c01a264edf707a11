//! What is said where SQL is not built in.

use tenrow::View;

use super::SqlArguments;
use crate::fault::{Fault, Result};

/// Says how to get it.
pub(crate) async fn run(_: SqlArguments) -> Result<()> {
    Err(absent())
}

/// Says how to get it.
pub(crate) async fn view_by_query(_: &str, _: &str, _: &str, _: bool) -> Result<View> {
    Err(absent())
}

fn absent() -> Fault {
    "this build has no SQL, whose engine takes minutes to build: build one that has with \
     `cargo build --release --bin tenrow --features tenrow-cli/sql`"
        .into()
}
