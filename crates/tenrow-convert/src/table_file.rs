//! One file of a table, and the keys that its folders have in their names.

use std::path::Path;

use percent_encoding::percent_decode_str;

use crate::source_file::SourceFile;

/// What Hive calls a folder whose key is null.
const NULL_KEY: &str = "__HIVE_DEFAULT_PARTITION__";

/// One file of a table, and the keys that its folders have in their names.
#[derive(Debug, Clone)]
pub(crate) struct TableFile {
    pub(crate) path: SourceFile,
    pub(crate) keys: Vec<(String, Option<String>)>,
}

impl TableFile {
    pub(crate) fn new(path: impl Into<SourceFile>) -> Self {
        let path = path.into();
        let folders = path.parent().into_iter().flat_map(Path::components);
        let keys = folders.filter_map(|folder| key_of(&folder.as_os_str().to_string_lossy()));
        let keys = keys.collect();
        Self { path, keys }
    }
}

/// The key in the name of a folder such as `year=2020`.
fn key_of(folder: &str) -> Option<(String, Option<String>)> {
    let (name, value) = folder.split_once('=')?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let value = (value != NULL_KEY).then(|| plain(value));
    (!name.is_empty()).then(|| (plain(name), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_an_equals_sign_have_a_key() {
        let keys = |path: &str| TableFile::new(Path::new(path)).keys;
        let key = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            keys("lake/year=2020/city=S%C3%A3o%20Paulo/part-0.parquet"),
            [key("year", Some("2020")), key("city", Some("São Paulo"))]
        );
        assert_eq!(keys("x/k=__HIVE_DEFAULT_PARTITION__/a"), [key("k", None)]);
        assert_eq!(keys("x/k=a=b/a"), [key("k", Some("a=b"))]);
        assert!(keys("x/=1/a=b.parquet").is_empty());
    }
}
