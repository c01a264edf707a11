//! What a dataset promises, tested through the public API. One binary, without DataFusion.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod after_the_put;
mod any_rows;
mod catalog;
mod changes;
mod clones;
mod commits;
mod conflicts;
mod exports;
mod golden;
mod golden_changes;
mod golden_views;
mod history;
mod hostile;
mod hostile_manifests;
mod identity;
mod io_counts;
mod killed_writers;
mod layout;
mod many_programs;
mod merges;
mod model;
mod mutated_manifests;
mod one_version;
mod pipes;
mod premises;
mod references;
mod remote;
mod reused_files;
mod round_trip;
mod shipped;
mod stock;
mod upkeep;
mod verify_rules;
mod view_reads;
mod views;
