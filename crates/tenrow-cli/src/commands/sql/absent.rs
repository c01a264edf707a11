//! What is said where SQL is not built in.

use super::SqlArguments;
use crate::fault::Result;

/// Says how to get it.
pub(crate) async fn run(_: SqlArguments) -> Result<()> {
    Err("this build has no SQL, whose engine takes minutes to build: build one that has with \
         `cargo build --release --bin tenrow --features tenrow-cli/sql`"
        .into())
}
