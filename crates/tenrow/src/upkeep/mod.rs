//! Old versions ended, and what nobody names any more removed: the only places where anything is deleted.

mod expire;
mod origins;
mod references;
mod vacuum;

pub use expire::{ExpireOptions, ExpireReport};
pub use vacuum::{VacuumOptions, VacuumReport};
