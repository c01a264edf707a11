//! Where the values of one column chunk are.
/// Where the values of one column chunk are, as file offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChunkLayout {
    /// Raw rows of one size, none null: five integers give every address.
    Strided {
        /// Stored bits of one element.
        item_bits: u8,
        /// Offset of the first data page.
        first_page: u64,
        /// From one page to the next.
        page_stride: u64,
        /// Rows of every page but the last.
        page_rows: u64,
        /// From a page's start to its values.
        prefix: u32,
        /// The same for the last page.
        last_prefix: u32,
    },
    /// Raw values in pages listed here.
    Paged {
        /// Stored bits of one element.
        item_bits: u8,
        /// Offset of the first data page.
        first_page: u64,
        /// Values of the chunk.
        value_count: u64,
        /// The pages.
        pages: Vec<PageStart>,
        /// Bitmap of null rows, empty if none.
        null_rows: Vec<u8>,
    },
    /// Anything else.
    Indexed {
        /// Where the chunk's OffsetIndex is.
        offset_index: Option<std::ops::Range<u64>>,
    },
}
/// The start of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageStart {
    /// Rows before it in the chunk.
    pub first_row: u64,
    /// Values before it in the chunk.
    pub first_value: u64,
    /// File offset of its values.
    pub values_offset: u64,
}

/// One column chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The attribute.
    pub field: crate::schema::FieldId,
    /// The row group.
    pub row_group: u32,
    /// Ordinal of the Parquet leaf column.
    pub column: u32,
    /// Where its values are.
    pub layout: ChunkLayout,
}
