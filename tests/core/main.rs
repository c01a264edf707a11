//! What a dataset promises, tested through the public API. One binary, without DataFusion.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod any_rows;
mod catalog;
mod changes;
mod clones;
mod commits;
mod conflicts;
mod golden;
mod golden_changes;
mod golden_views;
mod history;
mod hostile;
mod io_counts;
mod killed_writers;
mod many_programs;
mod model;
mod one_version;
mod pipes;
mod remote;
mod round_trip;
mod stock;
mod upkeep;
mod views;
