//! What people put beside data to tell others about it.

use std::path::{Path, PathBuf};

/// Names that errors and remarks show.
const SHOWN: usize = 3;

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
    fn documents_are_known_by_their_names() {
        for name in ["README.md", "readme", "LICENSE.txt", "CITATION.cff"] {
            assert!(is_document(name), "{name}");
        }
        for name in ["readme.png", "a.md", "licenses.csv", "notes.txt"] {
            assert!(!is_document(name), "{name}");
        }
    }
}
