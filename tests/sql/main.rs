//! SQL over datasets, as a user of `tenrow-sql` meets it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod data;
mod db;
mod oracle;
mod io_counts;
mod plans;
mod scripts;
mod views;
