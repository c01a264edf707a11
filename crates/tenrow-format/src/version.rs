//! Version numbers.

use std::fmt;

/// A version of a dataset, counted from 1.
///
/// ```
/// use tenrow_format::Version;
/// assert!(Version(2) > Version(1));
/// assert_eq!(Version(7).to_string(), "7");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
