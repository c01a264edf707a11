//! Tables of text: what the text is, its column says only once it is known what it is to become.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use tenrow::{Attribute, AttributeType};
use tenrow_values::text::{Shape, TextColumn};
use tenrow_values::{CastMode, ConvertError, Result, attribute_of, batch_of, places};

use super::quoted_empty::without_marks;
use crate::source::Source;
use crate::table::{Batches, batch_rows};

type Open = Box<dyn FnOnce(SchemaRef, usize) -> Result<Batches> + Send>;

/// A CSV or JSON Lines file.
///
/// A file is open only while its rows are read, so that many can wait their turn.
pub struct TextSource {
    path: PathBuf,
    format: &'static str,
    /// Whether the format tells text from numbers.
    is_typed: bool,
    columns: Vec<TextColumn>,
    attributes: Vec<Attribute>,
    mode: CastMode,
    row_count: u64,
    rows_read: u64,
    /// Rows of a batch.
    batch_rows: usize,
    state: State,
}

enum State {
    Waiting(Open),
    Reading(Batches),
    Done,
}

impl TextSource {
    pub(crate) fn new(
        path: &Path,
        format: &'static str,
        is_typed: bool,
        shapes: Vec<(String, Shape)>,
        (row_count, bytes): (u64, u64),
        open: Open,
    ) -> Result<Self> {
        if shapes.is_empty() {
            return Err(ConvertError::unsupported(path, "a table without columns"));
        }
        let columns = shapes.into_iter().map(|(name, shape)| {
            TextColumn::new(&name, shape, is_typed).map_err(|error| of_file(path, error))
        });
        let (columns, attributes): (Vec<_>, Vec<_>) =
            columns.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        Ok(Self {
            path: path.to_owned(),
            format,
            is_typed,
            columns,
            mode: CastMode::Refuse,
            batch_rows: batch_rows(&attributes, bytes, row_count),
            attributes,
            row_count,
            rows_read: 0,
            state: State::Waiting(open),
        })
    }

    /// Reads the columns of all `sources` as the types that keep the values of every one of them.
    ///
    /// Columns that are text in one file and not in another stay as they are found: that is for people to say.
    pub(crate) fn unify(sources: &mut [Self]) {
        let mut shapes: HashMap<String, Shape> = HashMap::new();
        for source in sources.iter() {
            for (column, attribute) in source.columns.iter().zip(&source.attributes) {
                shapes.entry(attribute.name.clone()).or_default().merge(column.shape());
            }
        }
        let types: HashMap<String, AttributeType> = shapes
            .into_iter()
            .filter_map(|(name, shape)| {
                let field = Field::new(&name, shape.data_type().ok()?, true);
                Some((name, attribute_of(&field).ok()?.attribute_type))
            })
            .collect();
        for source in sources {
            for (column, attribute) in source.columns.iter_mut().zip(&mut source.attributes) {
                let common = types.get(&attribute.name);
                let found =
                    common.and_then(|t| column.read_as(t, CastMode::Refuse, source.is_typed));
                attribute.attribute_type = found.unwrap_or(attribute.attribute_type.clone());
            }
        }
    }

    fn check_conflicts(&self) -> Result<()> {
        for (column, attribute) in self.columns.iter().zip(&self.attributes) {
            if let Some(conflict) = column.conflict() {
                let reason = format!(
                    "column {:?}: its values have no type in common: {conflict}; create the dataset with the type that they are to have, such as {}:string?, and import with --cast safe",
                    attribute.name, attribute.name
                );
                return Err(ConvertError::unsupported(&self.path, reason));
            }
        }
        Ok(())
    }

    fn text_schema(&self) -> SchemaRef {
        let both = self.columns.iter().zip(&self.attributes);
        let field = |(column, attribute): (&TextColumn, &Attribute)| {
            Field::new(&attribute.name, column.text_type(), true)
        };
        Arc::new(Schema::new(both.map(field).collect::<Vec<_>>()))
    }

    fn read(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.columns.len());
        let both = self.columns.iter().zip(&self.attributes);
        for ((column, attribute), texts) in both.zip(batch.columns()) {
            let texts = match self.is_typed {
                true => texts.clone(),
                false => without_marks(texts, column.keeps_empty_text()),
            };
            let values = column.read(&texts, self.mode);
            columns.push(values.map_err(|misread| ConvertError::Row {
                path: self.path.clone(),
                row: self.rows_read + misread.index as u64,
                attribute: attribute.name.clone(),
                reason: misread.reason,
            })?);
        }
        batch_of(&self.attributes, columns, batch.num_rows())
    }
}

fn of_file(path: &Path, error: ConvertError) -> ConvertError {
    match error {
        ConvertError::Column { name, reason } => {
            ConvertError::unsupported(path, format!("column {name:?}: {reason}"))
        }
        other => other,
    }
}

impl Source for TextSource {
    fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    fn row_count(&self) -> Option<u64> {
        Some(self.row_count)
    }

    fn read_as(&mut self, targets: &[Attribute], mode: CastMode) -> Result<()> {
        self.mode = mode;
        let places = places(targets);
        for (column, attribute) in self.columns.iter_mut().zip(&mut self.attributes) {
            let Some(&place) = places.get(attribute.name.as_str()) else {
                // Whoever does not want the column need not know what is wrong with it.
                column.forget_conflict();
                continue;
            };
            let target = &targets[place].attribute_type;
            if let Some(found) = column.read_as(target, mode, self.is_typed) {
                attribute.attribute_type = found;
            }
        }
        self.check_conflicts()
    }

    fn remarks(&self) -> Vec<String> {
        let [only] = self.attributes.as_slice() else { return Vec::new() };
        let is_divided = !self.is_typed && only.name.contains([';', '|', '\t']);
        let remark = format!(
            "{} has a single column, {:?}: say with --delimiter what divides its values",
            self.path.display(),
            only.name
        );
        is_divided.then_some(remark).into_iter().collect()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let mut batches = match std::mem::replace(&mut self.state, State::Done) {
                State::Waiting(open) => {
                    self.check_conflicts()?;
                    open(self.text_schema(), self.batch_rows)?
                }
                State::Reading(batches) => batches,
                State::Done => return Ok(None),
            };
            let Some(batch) = batches.next() else { return Ok(None) };
            let decoded = ConvertError::decode(&self.path, self.format, Some(self.rows_read));
            let batch = batch.map_err(decoded)?;
            self.state = State::Reading(batches);
            if batch.num_rows() == 0 {
                continue;
            }
            let batch = self.read(&batch)?;
            self.rows_read += batch.num_rows() as u64;
            return Ok(Some(batch));
        }
    }
}

#[cfg(test)]
mod tests;
