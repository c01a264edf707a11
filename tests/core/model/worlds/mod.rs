//! Worlds of random schedules: what they do, what the model says of it, and how versions are looked at.
//!
//! `schedule` is one dataset with rivals and faults of its store, `family` several that name files of each other and programs that are
//! stopped. Both run the operations of `operation`, whose effects on rows in a `Vec` are in `effect`.

mod bounds;
mod choose;
mod deed;
mod effect;
pub(crate) mod family;
mod filled;
mod foreign;
mod merging;
mod observe;
mod operation;
mod perform;
mod relist;
pub(crate) mod rows;
pub(crate) mod run;
pub(crate) mod schedule;
mod schema_effect;
pub(crate) mod state;
mod updates;
mod witness;
