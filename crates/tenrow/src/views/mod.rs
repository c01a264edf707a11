//! Rows of one version that someone chose, in an order of their own, kept under a name.

mod choose;
mod keep;
mod view;

pub use keep::ViewOptions;
pub use view::View;
