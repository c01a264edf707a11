//! Sources made of others: one after the other, with the keys of their folders, some of the attributes, other names.

mod chosen;
mod concat;
mod keyed;
mod remarked;
mod renamed;

pub(crate) use chosen::ChosenSource;
pub(crate) use concat::ConcatSource;
pub(crate) use keyed::KeyedSource;
pub(crate) use remarked::RemarkedSource;
pub(crate) use renamed::RenamedSource;
