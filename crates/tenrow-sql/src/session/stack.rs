//! Room for plans that are as deep as a statement is long.

use std::future::{Future, poll_fn};
use std::pin::pin;

/// A statement may have two hundred operands in a row, thousands of `AND`, and takes up to 20 KiB for each in programs that are built for tests.
const STACK_BYTES: usize = 64 << 20;

/// Follows a future on a stack of its own: the threads that statements are answered on have 2 MiB, and the engine (55.2)
/// walks over plans by functions that call themselves, of which it guards some.
pub(super) async fn with_room<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| stacker::grow(STACK_BYTES, || future.as_mut().poll(context))).await
}
