//! How sources are opened.

use crate::text::Charset;

/// How the text of a CSV file is divided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between values. Default: a tab in files that end with `.tsv`, else a comma.
    pub delimiter: Option<u8>,
    /// Whether the first line is a row like the others; columns are then called `column_1` and so on.
    /// Default: it has the names.
    pub no_header: bool,
}

/// How sources are opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Decode pictures to this height and width. Default: keep the files only.
    pub decode: Option<(u32, u32)>,
    /// Take elements of two opaque bytes (`|V2`) as bf16. Default: refuse them.
    pub bf16: bool,
    /// How CSV files are divided. Default: by commas or tabs, with a line of names.
    pub csv: CsvOptions,
    /// The encoding of text files without a byte order mark. Default: UTF-8.
    pub charset: Option<Charset>,
    /// The attributes to take, by the names that they have in the files. Default: all.
    pub only: Vec<String>,
    /// Attributes to rename, from and to. Default: none.
    pub renames: Vec<(String, String)>,
}

impl OpenOptions {
    /// Sets the height and width that pictures are decoded to.
    #[must_use]
    pub fn with_decode(mut self, height: u32, width: u32) -> Self {
        self.decode = Some((height, width));
        self
    }

    /// Sets whether elements of two opaque bytes are bf16.
    #[must_use]
    pub fn with_bf16(mut self, bf16: bool) -> Self {
        self.bf16 = bf16;
        self
    }

    /// Gives the attribute `from` the name `to`.
    #[must_use]
    pub fn with_rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push((from.into(), to.into()));
        self
    }

    /// The options that were given and that not every format has a use for, as people write them.
    pub(crate) fn of_some_formats(&self) -> Vec<&'static str> {
        let options = [
            ("--decode", self.decode.is_some()),
            ("--bf16", self.bf16),
            ("--delimiter", self.csv.delimiter.is_some()),
            ("--no-header", self.csv.no_header),
            ("--charset", self.charset.is_some()),
        ];
        options.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
    }
}
