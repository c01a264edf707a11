//! Text, read as values of types: what type the texts of a column have in common, and what each of them says.

mod number;

mod values;

mod kind;

mod shape;

mod column;

pub use column::TextColumn;
pub use kind::Kind;
pub use shape::{Members, Shape};
pub use values::Misread;
pub(crate) use values::{Leaf, check_nulls, outer, quoted};
