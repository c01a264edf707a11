//! Files of text: their encodings, their lines, and sources whose values are text until it is known what they become.

mod charset;
mod quoted_empty;

mod reader;
mod source;

pub use charset::Charset;
pub(crate) use quoted_empty::QUOTED_EMPTY;
pub(crate) use reader::TextReader;
pub use source::TextSource;
