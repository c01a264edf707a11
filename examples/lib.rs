//! Examples of tenrow, each a file of its own: `cargo run --example write_and_read [FOLDER]`.
//!
//! | example | shows |
//! |---|---|
//! | `write_and_read` | `ndarray` arrays in; one row, some rows and a range of rows out |
//! | `append_and_read_old_version` | a second commit, and the dataset as it was before |
//! | `files_and_boxes` | files, and tensors whose shape differs from row to row |
//! | `scan_mean` | a scan that feeds a computation: mean and deviation of each channel |

use std::error::Error;
use std::path::Path;

/// What an example ends with.
pub type Outcome = Result<(), Box<dyn Error>>;

/// Runs an example in the folder that the command line names, or else in one that is removed after.
///
/// # Errors
/// Those of the example, or that no temporary folder could be made.
pub fn in_folder(run: impl FnOnce(&Path) -> Outcome) -> Outcome {
    match std::env::args_os().nth(1) {
        Some(folder) => run(Path::new(&folder)),
        None => run(tempfile::tempdir()?.path()),
    }
}
