//! Paths that lead to another dataset: `@<source>/<path there>`.

/// The source that `path` names, and the path there; `None` for a path of the dataset itself.
///
/// ```
/// use tenrow_format::manifest::{in_source, source_of};
/// let path = in_source("a1", "data/x.parquet");
/// assert_eq!(source_of(&path), Some(("a1", "data/x.parquet")));
/// assert_eq!(source_of("data/x.parquet"), None);
/// ```
pub fn source_of(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('@')?.split_once('/')
}

/// `path` of the dataset called `source`, as another dataset names it.
///
/// A path that leads to a third dataset already stays as it is: names of sources are unique.
pub fn in_source(source: &str, path: &str) -> String {
    match source_of(path) {
        Some(_) => path.to_owned(),
        None => format!("@{source}/{path}"),
    }
}
