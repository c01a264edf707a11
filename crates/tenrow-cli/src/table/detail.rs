//! How much of a value there is room for.

/// How much of a value is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Detail {
    /// Tensors of at most this many elements are shown whole.
    pub(crate) whole_elements: usize,
    /// Of larger ones, so many are.
    pub(crate) first_elements: usize,
    /// Whether larger ones are summed up besides.
    pub(crate) sums_up: bool,
    /// The most items of a list.
    pub(crate) items: usize,
    /// The most bytes of a binary value.
    pub(crate) bytes: usize,
    /// The most characters of all.
    pub(crate) characters: usize,
    /// Whether text is in quotes; within lists it always is.
    pub(crate) quotes: bool,
}

impl Detail {
    /// As much as a column has room for.
    #[cfg(any(feature = "sql", test))]
    pub(crate) const CELL: Self = Self {
        whole_elements: 8,
        first_elements: 4,
        sums_up: false,
        items: 8,
        bytes: 16,
        characters: 200,
        quotes: false,
    };
    /// As much as a line has room for, or a few.
    pub(crate) const LINE: Self = Self {
        whole_elements: 64,
        first_elements: 8,
        sums_up: true,
        items: 64,
        bytes: 32,
        characters: 300,
        quotes: true,
    };
    /// All but the elements of large tensors.
    pub(crate) const WHOLE: Self =
        Self { items: usize::MAX, bytes: usize::MAX, characters: usize::MAX, ..Self::LINE };

    /// As much of what is in a list or a struct, where quotes say where a text ends.
    pub(crate) fn within(self) -> Self {
        Self { quotes: true, ..self }
    }
}
