//! Rules that stored texts and lists share.

use std::collections::HashSet;
use std::hash::Hash;

use crate::error::{FormatError, Result};

/// Bytes of a stored path.
const MAX_PATH_BYTES: usize = 4096;

/// Fails with "what: reason" unless `holds`.
pub(super) fn ensure(
    holds: bool,
    what: impl FnOnce() -> String,
    reason: impl FnOnce() -> String,
) -> Result<()> {
    if holds { Ok(()) } else { Err(FormatError::malformed(what(), reason())) }
}

/// Fails if `found` is more than `limit`.
pub(super) fn limit(what: &'static str, found: u64, limit: u64) -> Result<()> {
    if found > limit { Err(FormatError::Limit { what, found, limit }) } else { Ok(()) }
}

/// Checks a path below the dataset's folder: it must not lead out of it on any system.
pub(super) fn relative_path(path: &str) -> Result<()> {
    any_path(path)?;
    let rule = if path.starts_with('/') {
        "it starts with `/`"
    } else if path.contains('\\') {
        "it holds a `\\`"
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "a part of it is empty, `.` or `..`"
    } else {
        return Ok(());
    };
    Err(FormatError::malformed(format!("path {path:?}"), rule))
}

/// Checks the path of a file that need not be part of the dataset.
pub(super) fn any_path(path: &str) -> Result<()> {
    if path.len() > MAX_PATH_BYTES {
        return Err(FormatError::Limit {
            what: "the bytes of a path",
            found: path.len() as u64,
            limit: MAX_PATH_BYTES as u64,
        });
    }
    let rule = if path.is_empty() {
        "it is empty"
    } else if path.chars().any(char::is_control) {
        "it holds a control character"
    } else {
        return Ok(());
    };
    Err(FormatError::malformed(format!("path {path:?}"), rule))
}

/// The first item that occurs a second time.
pub(super) fn repeated<T: Ord + Hash + Copy>(items: impl Iterator<Item = T> + Clone) -> Option<T> {
    // Writers list items in ascending order, for which no set is needed.
    if items.clone().is_sorted_by(|one, next| one < next) {
        return None;
    }
    let mut seen = HashSet::new();
    let mut items = items;
    items.find(|item| !seen.insert(*item))
}

/// The sum, or an error that names it.
pub(super) fn sum(what: &str, numbers: impl IntoIterator<Item = u64>) -> Result<u64> {
    numbers
        .into_iter()
        .try_fold(0u64, u64::checked_add)
        .filter(|&sum| sum <= i64::MAX as u64)
        .ok_or_else(|| FormatError::malformed(what, "the sum exceeds 2^63 - 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_lead_out_of_the_dataset_are_refused() {
        for path in ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a\\b", "a\0b"] {
            assert!(relative_path(path).is_err(), "{path:?}");
        }
        assert!(relative_path(&"x".repeat(5000)).is_err());
        relative_path("data/train/0198.parquet").unwrap();
        relative_path("data/a..b/..c").unwrap();
    }
}
