//! SQL over datasets, as a user of `tenrow-sql` meets it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod at_once;
mod data;
mod corpus;
mod db;
mod engine_faults;
mod numbers;
mod files;
mod oracle;
mod io_counts;
mod limits;
mod model;
mod parameter_texts;
mod plans;
mod recipes;
mod roots;
mod scripts;
mod snapshots;
mod statements;
mod statistics;
mod views;
