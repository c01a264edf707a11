//! Paths that lead to another dataset: `@<origin>/<path there>`.

/// The origin that `path` names, and the path there; `None` for a path of the dataset itself.
///
/// ```
/// use tenrow_format::manifest::{in_origin, origin_of};
/// let path = in_origin("a1", "data/x.parquet");
/// assert_eq!(origin_of(&path), Some(("a1", "data/x.parquet")));
/// assert_eq!(origin_of("data/x.parquet"), None);
/// ```
pub fn origin_of(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix('@')?.split_once('/')
}

/// `path` of the dataset called `origin`, as another dataset names it.
///
/// A path that leads to a third dataset already stays as it is: names of origins are unique.
pub fn in_origin(origin: &str, path: &str) -> String {
    match origin_of(path) {
        Some(_) => path.to_owned(),
        None => format!("@{origin}/{path}"),
    }
}
