//! Values replaced in place: the columns of the partitions touched are written anew, nothing else.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};

use crate::change::new_columns::{NewColumns, NewColumnsWriter};
use crate::commit::{Applied, Change, Committer, Edits, InTheWay, Premise, commit, places};
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::Root;
use crate::format::{Attribute, AttributeType, FieldId, Schema};
use crate::read::{ReadOptions, partition_rows, unfit};
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::write::{FileStore, WriteOptions, check_batch};

impl Dataset {
    /// Replaces values of `rows` of `snapshot`: row i of `values`, which has some of the attributes, is for `rows[i]`.
    ///
    /// Rows keep their numbers and ids; rows that are deleted meanwhile are left out. Cost: the columns named, of every
    /// partition that has such a row.
    ///
    /// The values may have been computed from those that are replaced, so these must still be what they are in `snapshot`.
    /// [`update_on`](Self::update_on) says what else they were computed from, and [`update_ids`](Self::update_ids) that it
    /// was nothing.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if a row is out of range or named twice, an attribute is of another type, or
    /// is a partition key; [`NotFound`](ErrorKind::NotFound) if it is unknown; [`Conflict`](ErrorKind::Conflict) if one of the
    /// values was changed since.
    pub async fn update(
        &self,
        snapshot: &Snapshot,
        rows: &[u64],
        values: &RecordBatch,
    ) -> Result<Snapshot> {
        let names = values.schema();
        let names = names.fields().iter().map(|field| field.name());
        // One that was added since cannot have been read.
        let names = names.filter(|name| snapshot.schema().attribute(name).is_some());
        self.update_on(&Premise::changed_rows(snapshot, names)?, rows, values).await
    }

    /// [`update`](Self::update) of rows of the version that the values were computed from, as long as what they were
    /// computed from is still so.
    ///
    /// # Errors
    /// As [`update`](Self::update); [`Conflict`](ErrorKind::Conflict) if it is not.
    pub async fn update_on(
        &self,
        premise: &Premise,
        rows: &[u64],
        values: &RecordBatch,
    ) -> Result<Snapshot> {
        let committer = self.committer();
        let seen = premise.snapshot();
        let ids = seen.row_ids(rows).await?;
        let latest = self.latest().await?;
        let mut change = Update::prepare(&committer, seen, &latest, &ids, values).await?;
        change.premise = Some(premise.clone());
        commit(&committer, &latest, &mut change).await
    }

    /// [`update`](Self::update) by stable ids, of values that were computed from nothing that others may have changed: of
    /// two the second counts.
    ///
    /// # Errors
    /// As [`update`](Self::update), and [`NotFound`](ErrorKind::NotFound) for an id that no row has.
    pub async fn update_ids(&self, row_ids: &[u64], values: &RecordBatch) -> Result<Snapshot> {
        let base = self.latest().await?;
        let committer = self.committer();
        let mut change = Update::prepare(&committer, &base, &base, row_ids, values).await?;
        commit(&committer, &base, &mut change).await
    }
}

struct Update {
    /// The version whose rows and attributes are meant.
    base: Snapshot,
    /// What the values were computed from.
    premise: Option<Premise>,
    attributes: Vec<Attribute>,
    columns: Vec<ArrayRef>,
    /// Ascending.
    ids: Vec<u64>,
    /// The row of `columns` for each id.
    value_rows: HashMap<u64, usize>,
    /// By the first row id of a partition and its first file.
    written: HashMap<(Option<u64>, String), Written>,
}

/// What was written for a partition.
struct Written {
    /// Where its values were before.
    places: Vec<String>,
    rows: Vec<u64>,
    columns: NewColumns,
}

impl Update {
    async fn prepare(
        committer: &Committer,
        base: &Snapshot,
        latest: &Snapshot,
        row_ids: &[u64],
        values: &RecordBatch,
    ) -> Result<Self> {
        check_count(values, row_ids.len())?;
        let names = values.schema();
        let attributes = names.fields().iter().map(|field| {
            // It may have been added since.
            let known = base.schema().attribute(field.name());
            known.map_or_else(|| latest.attribute(field.name()), Ok).cloned()
        });
        let attributes: Vec<Attribute> = attributes.collect::<Result<_>>()?;
        let value_rows: HashMap<u64, usize> = row_ids.iter().copied().zip(0..).collect();
        if value_rows.len() < row_ids.len() {
            return Err(Error::invalid(
                "a row is named twice: which value it is to have is unclear",
            ));
        }
        let mut ids = row_ids.to_vec();
        ids.sort_unstable();
        let found = base.rows_of_ids(&ids).await?;
        if let Some((id, _)) = ids.iter().zip(found).find(|(_, row)| row.is_none()) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("no row of version {} has the id {id}", base.version()),
            ));
        }
        for (partition, _) in base.rows_by_partition(&ids).await? {
            check_not_keys(&partition, &attributes)?;
        }
        let schema = Schema::from_parts(attributes.clone(), latest.schema().next_field_id())
            .map_err(|e| Error::format("the values", e))?;
        let mut columns = check_batch(values, &schema)?;
        let inline_bytes = WriteOptions::default().inline_file_bytes;
        let files = FileStore {
            storage: base.storage(),
            ids: &committer.ids,
            named: &committer.files,
            inline_bytes,
        };
        for (column, attribute) in columns.iter_mut().zip(&attributes) {
            if attribute.attribute_type == AttributeType::File {
                *column = files.store(column, &attribute.name).await?;
            }
        }
        let written = HashMap::new();
        let base = base.clone();
        let premise = None;
        Ok(Self { base, premise, attributes, columns, ids, value_rows, written })
    }

    /// The new columns of one partition; those of an attempt before if nothing else has changed them since.
    async fn columns_of(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        partition: &Arc<LoadedPartition>,
        rows: Vec<u64>,
    ) -> Result<NewColumns> {
        let entry = partition.entry();
        let base = (entry.first_row_id(), entry.files[0].path.clone());
        let places = places(partition, &self.attributes);
        if let Some(written) = self.written.get(&base)
            && (&written.places, &written.rows) == (&places, &rows)
        {
            return Ok(written.columns.clone());
        }
        let columns = self.write(committer, latest, partition, &rows).await?;
        self.written.insert(base, Written { places, rows, columns: columns.clone() });
        Ok(columns)
    }

    async fn write(
        &self,
        committer: &Committer,
        latest: &Snapshot,
        partition: &Arc<LoadedPartition>,
        rows: &[u64],
    ) -> Result<NewColumns> {
        let storage = latest.storage();
        let attributes = self.attributes.clone();
        let mut writer = NewColumnsWriter::begin(committer, storage, attributes).await?;
        let options = ReadOptions::for_rewriting();
        let mut start = 0;
        for &count in &partition.entry().files[0].row_groups {
            let range = start..start + count;
            let touched = rows.iter().copied().filter(|row| range.contains(row));
            let mut indices: Vec<(usize, usize)> =
                (0..count as usize).map(|row| (0, row)).collect();
            for row in touched {
                let id = partition.row_id(row).unwrap_or(u64::MAX);
                if let Some(&value) = self.value_rows.get(&id) {
                    indices[(row - start) as usize] = (1, value);
                }
            }
            let mut columns = Vec::with_capacity(self.columns.len());
            for (attribute, new) in self.attributes.iter().zip(&self.columns) {
                let old = partition_rows(latest, attribute, partition, &range, &options).await?;
                let both: [&dyn Array; 2] = [&old, new];
                let mixed = arrow_select::interleave::interleave(&both, &indices);
                columns.push(mixed.map_err(unfit)?);
            }
            writer.append(&columns).await?;
            start += count;
        }
        writer.finish().await
    }
}

impl Change for Update {
    fn operation(&self) -> &'static str {
        "update"
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        let own = version.schema().attributes();
        let there = self.attributes.iter().all(|a| own.iter().any(|b| b.id == a.id));
        let reason = "dropped an attribute that is updated, or changed its type: look at it, and update again";
        match (InTheWay::unless(there, &self.base, reason), &self.premise) {
            (None, Some(premise)) => premise.in_the_way(version, &self.ids).await,
            (found, _) => Ok(found),
        }
    }

    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        let mut edits = Edits::default();
        for (partition, rows) in latest.rows_by_partition(&self.ids.clone()).await? {
            let columns = self.columns_of(committer, latest, &partition, rows).await?;
            edits.replace(partition.entry(), vec![columns.put_into(partition.entry())]);
        }
        if edits.is_empty() {
            return Ok(Applied::AlreadySo);
        }
        edits.apply(committer, latest, root).await?;
        Ok(Applied::Changed)
    }
}

fn check_count(values: &RecordBatch, rows: usize) -> Result<()> {
    match values.num_rows() == rows {
        true => Ok(()),
        false => {
            Err(Error::invalid(format!("{} rows of values for {rows} rows", values.num_rows())))
        }
    }
}

/// Refuses to change what is the same in all rows of a partition.
fn check_not_keys(partition: &LoadedPartition, attributes: &[Attribute]) -> Result<()> {
    let is_key = |id: FieldId| partition.entry().keys.iter().any(|key| key.field == id);
    match attributes.iter().find(|attribute| attribute.ids().any(is_key)) {
        None => Ok(()),
        Some(key) => Err(Error::invalid(format!(
            "attribute {:?} is a partition key: delete the rows, and append them with another value",
            key.name
        ))),
    }
}
