//! The commands, one to a file.

pub(crate) mod cache;
pub(crate) mod clone;
pub(crate) mod compact;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod expire;
pub(crate) mod export;
pub(crate) mod files;
pub(crate) mod get;
pub(crate) mod head;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod ls;
pub(crate) mod merge;
pub(crate) mod repair;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod sql;
pub(crate) mod tag;
pub(crate) mod take;
pub(crate) mod vacuum;
pub(crate) mod verify;
pub(crate) mod versions;
pub(crate) mod view;
