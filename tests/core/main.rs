//! What a dataset promises, tested through the public API. One binary, without DataFusion.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod round_trip;
mod any_rows;
mod io_counts;
mod catalog;
mod commits;
mod evolution;
mod killed_writers;
mod many_programs;
mod hostile;
mod golden;
mod golden_changes;
mod model;
mod conflicts;
mod one_version;
