//! One file among the inputs, and what people put beside data to tell others about it.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// What Hive calls a folder whose key is null.
const NULL_KEY: &str = "__HIVE_DEFAULT_PARTITION__";
/// Names that errors and remarks show.
const SHOWN: usize = 3;

/// One file of a table, and the keys that its folders have in their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableFile {
    pub(crate) path: PathBuf,
    pub(crate) keys: Vec<(String, Option<String>)>,
}

impl TableFile {
    pub(crate) fn new(path: PathBuf) -> Self {
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

/// True for what people put beside data to tell others about it.
pub(crate) fn is_document(name: &str) -> bool {
    const STEMS: [&str; 9] = [
        "readme",
        "license",
        "licence",
        "copying",
        "notice",
        "citation",
        "changelog",
        "authors",
        "datasheet",
    ];
    const EXTENSIONS: [&str; 6] = ["", "md", "txt", "rst", "cff", "html"];
    let name = name.to_lowercase();
    let (stem, extension) = name.split_once('.').unwrap_or((&name, ""));
    STEMS.contains(&stem) && EXTENSIONS.contains(&extension)
}

/// Says which files of `folder` are left out, if there are any.
pub(crate) fn remark(folder: &Path, left_out: &[PathBuf]) -> Option<String> {
    let names: Vec<_> = left_out.iter().take(SHOWN).map(|path| relative(folder, path)).collect();
    let more = match left_out.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let folder = folder.display();
    (!names.is_empty()).then(|| format!("left out of {folder}: {}{more}", names.join(", ")))
}

pub(crate) fn relative(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_with_an_equals_sign_have_a_key() {
        let keys = |path: &str| TableFile::new(path.into()).keys;
        let key = |name: &str, value: Option<&str>| (name.to_owned(), value.map(str::to_owned));
        assert_eq!(
            keys("lake/year=2020/city=S%C3%A3o%20Paulo/part-0.parquet"),
            [key("year", Some("2020")), key("city", Some("São Paulo"))]
        );
        assert_eq!(keys("x/k=__HIVE_DEFAULT_PARTITION__/a"), [key("k", None)]);
        assert_eq!(keys("x/k=a=b/a"), [key("k", Some("a=b"))]);
        assert!(keys("x/=1/a=b.parquet").is_empty());
    }

    #[test]
    fn documents_are_known_by_their_names() {
        for name in ["README.md", "readme", "LICENSE.txt", "CITATION.cff"] {
            assert!(is_document(name), "{name}");
        }
        for name in ["readme.png", "a.md", "licenses.csv", "notes.txt"] {
            assert!(!is_document(name), "{name}");
        }
    }
}
