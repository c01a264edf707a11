//! What the tests share: values by rule, random rows, a dataset with all kinds, failing stores.

pub mod pattern;
pub mod random;
pub mod zoo;
pub mod fault;
pub mod folder;
pub mod groups;

pub use futures::executor::block_on;
