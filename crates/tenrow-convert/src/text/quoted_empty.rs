//! Texts that are empty where others are missing: a mark tells the two apart until their column is read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, StringArray};

/// What stands for a value that is quoted and empty, until its column is read: Unicode keeps it for programs' own use.
pub(crate) const QUOTED_EMPTY: &str = "\u{fdd0}";

/// The texts with those that are quoted and empty as what they are: empty, or null where text means something else.
pub(crate) fn without_marks(texts: &ArrayRef, keeps_empty: bool) -> ArrayRef {
    let Some(texts_of) = texts.as_string_opt::<i32>() else { return texts.clone() };
    if !texts_of.iter().any(|text| text == Some(QUOTED_EMPTY)) {
        return texts.clone();
    }
    let plain = |text: Option<&'_ str>| match text {
        Some(QUOTED_EMPTY) => keeps_empty.then(String::new),
        text => text.map(str::to_owned),
    };
    Arc::new(texts_of.iter().map(plain).collect::<StringArray>())
}
