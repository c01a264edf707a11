//! What `head`, `get`, SQL and all lists show: values as cells, and cells side by side or one below the other.

mod detail;
mod tensors;
mod cells;
mod line;
mod list;
mod block;

pub(crate) use block::block;
#[cfg(feature = "sql")]
pub(crate) use cells::is_number;
pub(crate) use cells::{NULL, file_text, texts};
pub(crate) use detail::Detail;
#[cfg(feature = "sql")]
pub(crate) use line::{GAP, MORE, line};
pub(crate) use list::{list, lists};
pub(crate) use tensors::type_text;
