//! Paths that lead to another dataset: `@<origin>/<path there>`.

use crate::layout::ObjectKind;

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

/// A path without the name of an origin.
pub fn own_path(path: &str) -> &str {
    origin_of(path).map_or(path, |(_, path)| path)
}

/// Whether the `path` of a file attribute leads to a large file that is an object of its own, in this dataset or in
/// an origin. In files of others it may be any name.
///
/// ```
/// use tenrow_format::manifest::is_large_file;
/// assert!(is_large_file("files/ab/abcd-1") && is_large_file("@a1/files/ab/abcd-1"));
/// assert!(!is_large_file("holiday.png"));
/// ```
pub fn is_large_file(path: &str) -> bool {
    ObjectKind::in_folder_of(own_path(path)) == Some(ObjectKind::LargeFile)
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
