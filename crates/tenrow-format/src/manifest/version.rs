//! Version numbers, and the names of their root manifests.

use std::fmt;

/// A version of a dataset, counted from 1.
///
/// ```
/// use tenrow_format::manifest::Version;
/// assert_eq!(Version(1).file_name(), "18446744073709551614.json");
/// assert_eq!(Version::from_file_name("18446744073709551614.json"), Some(Version(1)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The name of its root manifest: in a sorted listing, the newest version comes first.
    pub fn file_name(self) -> String {
        format!("{:020}.json", u64::MAX - self.0)
    }

    /// The version whose root manifest is called `name`, if one is.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(".json")?;
        if digits.len() != 20 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let version = u64::MAX - digits.parse::<u64>().ok()?;
        (version > 0).then_some(Self(version))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_versions_sort_first() {
        assert!(Version(10).file_name() < Version(9).file_name());
    }

    #[test]
    fn file_names_are_read_back() {
        for version in [1, 2, 10, u64::MAX - 1, u64::MAX].map(Version) {
            assert_eq!(Version::from_file_name(&version.file_name()), Some(version));
        }
    }

    #[test]
    fn other_file_names_are_no_version() {
        for name in [
            "",
            "latest",
            "1.json",
            "18446744073709551615.json", // version 0
            "18446744073709551616.json",
            "+1844674407370955161.json",
            "18446744073709551614.json.tmp",
        ] {
            assert_eq!(Version::from_file_name(name), None, "{name}");
        }
    }
}
