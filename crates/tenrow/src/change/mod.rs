//! Changes of what is there: schema, rows, versions. Each is one commit, and none changes a file.

mod schema;
mod names;
mod restore;
mod view;
mod delete;
mod new_columns;
mod file_paths;
mod column_fill;
mod update;
mod add_column;
mod compact;
mod merge;

pub use add_column::NewColumn;
pub use column_fill::{ColumnFill, FillReport};
pub use compact::{CompactOptions, CompactReport};
pub use delete::DeleteReport;
pub(crate) use file_paths::{FilePaths, file_attributes};
pub(crate) use names::LATEST;
pub use schema::SchemaChange;
pub use view::ViewOptions;
