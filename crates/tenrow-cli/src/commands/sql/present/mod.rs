//! `tenrow sql` where SQL is built in.

mod engine;
mod interactive;
mod new_file;
mod plan;
mod query;
mod parameters;
mod roots;
mod run;
mod shell;
mod sink;
mod table;
mod beside;
mod view_by_query;

use super::{Form, SqlArguments};

pub(crate) use beside::answered;
pub(crate) use run::run;
pub(crate) use view_by_query::view_by_query;
