//! Keys that stand in the names of folders, as columns.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use tenrow::Attribute;
use tenrow_values::text::{Kind, Shape, TextColumn};
use tenrow_values::{CastMode, ConvertError, Result, batch_of, places};

use super::concat::ConcatSource;
use crate::source::Source;
use crate::source_file::SourceFile;
use crate::table_file::TableFile;
use crate::text::TextSource;

/// The rows of a file, and the keys of its folders in each of them.
pub(crate) struct KeyedSource {
    source: Box<dyn Source>,
    keys: Vec<Key>,
    attributes: Vec<Attribute>,
    mode: CastMode,
}

/// A key, and its value in the folder of one file.
struct Key {
    column: TextColumn,
    attribute: Attribute,
    value: Option<String>,
}

impl KeyedSource {
    /// Opens every file, with the keys of its folders but for those that it has as columns. What type a
    /// key has, its values in all folders say.
    ///
    /// # Errors
    /// If a file cannot be opened, or some of the files have other keys than the first.
    pub(crate) fn of_files(
        files: &[TableFile],
        mut open: impl FnMut(&SourceFile) -> Result<Box<dyn Source>>,
    ) -> Result<Vec<(String, Box<dyn Source>)>> {
        let mut kinds: HashMap<&str, Kind> = HashMap::new();
        for (name, value) in files.iter().flat_map(|file| &file.keys) {
            let kind = kinds.entry(name).or_default();
            if let Some(value) = value {
                kind.add_cell(value, 0);
            }
        }
        let mut opened = |file: &TableFile| {
            let name = file.path.display().to_string();
            let source = open(&file.path)?;
            Ok((name, Self::with_keys(source, file, &kinds)?))
        };
        files.iter().map(&mut opened).collect()
    }

    /// Opens files of text as one source: the columns of all of them are read as types that keep the values of each.
    ///
    /// # Errors
    /// As [`of_files`](Self::of_files).
    pub(crate) fn of_texts(
        files: &[TableFile],
        open: impl Fn(&SourceFile) -> Result<TextSource>,
    ) -> Result<Box<dyn Source>> {
        let texts = files.iter().map(|file| open(&file.path));
        let mut texts = texts.collect::<Result<Vec<_>>>()?;
        TextSource::unify(&mut texts);
        let mut texts = texts.into_iter();
        ConcatSource::join(Self::of_files(files, |path| match texts.next() {
            Some(text) => Ok(Box::new(text)),
            None => Err(ConvertError::unsupported(path, "it was not opened")),
        })?)
    }

    fn with_keys(
        source: Box<dyn Source>,
        file: &TableFile,
        kinds: &HashMap<&str, Kind>,
    ) -> Result<Box<dyn Source>> {
        let mut keys = Vec::new();
        for (name, value) in &file.keys {
            if source.attributes().iter().any(|attribute| attribute.name == *name) {
                continue;
            }
            let kind = kinds.get(name.as_str()).cloned().unwrap_or_default();
            let (column, attribute) = TextColumn::new(name, Shape::Scalar(kind), false)?;
            keys.push(Key { column, attribute, value: value.clone() });
        }
        if keys.is_empty() {
            return Ok(source);
        }
        let mut keyed = Self { source, keys, attributes: Vec::new(), mode: CastMode::Refuse };
        keyed.gather();
        Ok(Box::new(keyed))
    }

    fn gather(&mut self) {
        let keys = self.keys.iter().map(|key| key.attribute.clone());
        self.attributes = self.source.attributes().iter().cloned().chain(keys).collect();
    }
}

impl Key {
    fn values(&self, rows: usize, mode: CastMode) -> Result<ArrayRef> {
        let texts: StringArray = std::iter::repeat_n(self.value.as_deref(), rows).collect();
        let texts: ArrayRef = Arc::new(texts);
        self.column.read(&texts, mode).map_err(|misread| {
            let reason = format!("a key of the folder: {}", misread.reason);
            ConvertError::column(&self.attribute.name, reason)
        })
    }
}

impl Source for KeyedSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        self.source.row_count()
    }

    fn remarks(&self) -> Vec<String> {
        self.source.remarks()
    }

    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        self.mode = mode;
        self.source.read_as(targets, mode)?;
        let places = places(targets);
        for key in &mut self.keys {
            let target = places.get(key.attribute.name.as_str()).map(|&place| &targets[place]);
            if let Some(found) =
                target.and_then(|t| key.column.read_as(&t.attribute_type, mode, false))
            {
                key.attribute.attribute_type = found;
            }
        }
        self.gather();
        Ok(())
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        let Some(batch) = self.source.next_batch()? else { return Ok(None) };
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        for key in &self.keys {
            columns.push(key.values(rows, self.mode)?);
        }
        batch_of(&self.attributes, columns, rows).map(Some)
    }
}
