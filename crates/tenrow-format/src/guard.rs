//! The `parquet` crate on bytes that nobody vouches for.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{FormatError, Result};

thread_local! {
    static GUARDS: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread becomes an error: a program's panic hook then need not print it.
pub fn is_guarding() -> bool {
    GUARDS.get()
}

/// Runs a decoder of the `parquet` crate; a panic of it becomes an error.
///
/// Version 59 panics on some damaged footers and dictionary pages: it divides by zero and asserts.
/// Whatever it was decoding is dropped afterwards, so nothing half-changed is seen.
pub(crate) fn guarded<T>(what: &str, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    caught(decode).unwrap_or_else(|reason| Err(FormatError::malformed(what, reason)))
}

/// What a decoder of the `parquet` crate gives.
///
/// # Errors
/// Why it gave up, where it panics.
pub fn caught<T>(decode: impl FnOnce() -> T) -> Result<T, String> {
    let before = GUARDS.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    GUARDS.set(before);
    decoded.map_err(|panic| {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "for no stated reason".to_owned());
        format!("its decoder gave up: {reason}")
    })
}
