//! The program as a person uses it: what it prints, writes and exits with.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod desk;

mod answers;
mod bad_input;
mod changes;
mod datasets;
mod digits;
mod history;
mod looks;
mod real_inputs;
mod rows;
mod spellings;
#[cfg(feature = "sql")]
mod sql;
mod upkeep;
mod views;
