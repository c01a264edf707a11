//! The rows of another dataset appended by reference: its files stay where they are.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use futures::TryStreamExt;

use crate::change::file_paths::{FilePaths, file_attributes};
use crate::change::new_columns::NewColumnsWriter;
use crate::clones::Registration;
use crate::commit::{Append, Committer, commit, write_leaves};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::manifest::{Partition, in_origin, origin_of, own_path};
use crate::format::{Attribute, FieldId, Schema};
use crate::progress::{OnProgress, Steps};
use crate::snapshot::{Leaves, LoadedPartition, Snapshot, name_origin};
use crate::storage::Storage;

/// Rows of a default that are made at a time.
const DEFAULT_ROWS: u64 = 1024;

impl Dataset {
    /// Appends all rows of `origin`, a version of another dataset, without copying a file.
    ///
    /// The version is registered there, and with every dataset that it refers to itself, so that nothing it needs is
    /// expired or vacuumed. Rows get new stable ids. Attributes are matched by name. Rows that have one by a default which
    /// is another here, or none, get a column file with that value. Files of this dataset that come back with a clone of
    /// it are its own again; where rows name large ones of them, a column file has their new paths.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if an attribute is missing there, or has another type;
    /// [`Conflict`](crate::ErrorKind::Conflict) if the schema is changed meanwhile;
    /// [`NotFound`](crate::ErrorKind::NotFound) if the version has expired; as
    /// [`clone_to`](Self::clone_to) if it cannot be registered.
    pub async fn merge(&self, origin: &Dataset, version: &Snapshot) -> Result<Snapshot> {
        self.merge_with(origin, version, &OnProgress::default()).await
    }

    /// [`merge`](Self::merge), which tells how many partitions it refers to already; stopped, it leaves all as it was.
    ///
    /// # Errors
    /// As [`merge`](Self::merge).
    pub async fn merge_with(
        &self,
        origin: &Dataset,
        version: &Snapshot,
        on_progress: &OnProgress,
    ) -> Result<Snapshot> {
        let base = self.latest().await?;
        if self.storage().is_same_place(version.storage()) {
            return Err(Error::invalid("a dataset cannot be merged into itself"));
        }
        let fields = match_fields(version.schema(), base.schema())?;
        let registration = Registration::make(self, origin, version, &base.root().origins).await?;
        let merged =
            self.append_referring(&base, version, &fields, &registration, on_progress).await;
        match &merged {
            Ok(_) => registration.committed().await,
            Err(error) => registration.withdraw_after(error).await,
        }
        merged
    }

    /// Whether [`merge`](Self::merge) of a version would be refused for its schema.
    ///
    /// # Errors
    /// As [`merge`](Self::merge).
    pub async fn check_merge(&self, version: &Snapshot) -> Result<()> {
        let base = self.latest().await?;
        match_fields(version.schema(), base.schema()).map(drop)
    }

    async fn append_referring(
        &self,
        base: &Snapshot,
        version: &Snapshot,
        fields: &HashMap<FieldId, FieldId>,
        registration: &Registration,
        on_progress: &OnProgress,
    ) -> Result<Snapshot> {
        let mut steps = Steps::of("merge", Some(version.partition_count()), on_progress);
        let committer = self.committer();
        let mut leaves = Vec::new();
        let mut referred = version.leaves(version.leaf_numbers(|_| true), Leaves::Passing);
        while let Some((_, leaf)) = referred.try_next().await? {
            let mut partitions = Vec::with_capacity(leaf.partitions().len());
            for partition in leaf.partitions().iter().filter(|p| p.entry().row_count > 0) {
                // Ids in the footers are those of the other schema: here nothing is found by them.
                let (storage, schema) = (version.storage(), version.schema());
                let listed = partition.with_all_columns_listed(storage, schema).await?;
                let mut entry = referring(partition, listed, schema, fields, &registration.name);
                if !registration.own.is_empty() {
                    let (own, name) = (&registration.own, &registration.name);
                    let own_again = OwnAgain { base, version, fields, own, name };
                    entry = own_again.of(partition, entry, &committer).await?;
                }
                let other = unlike(base.schema(), schema, fields, partition);
                partitions.push(match other.is_empty() {
                    true => entry,
                    false => write_defaults(&committer, self.storage(), &other, entry).await?,
                });
                steps.advance(1, 0)?;
            }
            leaves.extend(write_leaves(&committer, self.storage(), partitions).await?);
        }
        let mut change = Append::new(base.clone(), leaves, "merge");
        change.origins.clone_from(&registration.origins);
        change.known_origins.clone_from(&registration.known);
        change.needs_same_schema = true;
        commit(&committer, base, &mut change).await
    }
}

/// What becomes of paths that lead back to the dataset that is merged into.
struct OwnAgain<'a> {
    base: &'a Snapshot,
    version: &'a Snapshot,
    fields: &'a HashMap<FieldId, FieldId>,
    /// The names that the version has for it.
    own: &'a [String],
    /// The name that it has for what it merges.
    name: &'a str,
}

impl OwnAgain<'_> {
    fn leads_back(&self, path: &str) -> bool {
        origin_of(path).is_some_and(|(origin, _)| self.own.iter().any(|own| own == origin))
    }

    /// The entry with its own paths; file attributes whose rows name some are written anew.
    async fn of(
        &self,
        partition: &LoadedPartition,
        mut entry: Partition,
        committer: &Committer,
    ) -> Result<Partition> {
        let names_own = entry.external_files.iter().any(|path| self.leads_back(path));
        for object in entry.own_objects_mut() {
            if self.leads_back(object.path) {
                *object.path = own_path(object.path).to_owned();
            }
        }
        if !names_own {
            return Ok(entry);
        }
        let schema = self.base.schema();
        let here = |read: &Attribute| {
            let written = schema.attribute(&read.name)?;
            let form = written.as_stored(*self.fields.get(&read.id)?);
            Some((read.clone(), form.unwrap_or_else(|| written.clone())))
        };
        let attributes: Vec<_> =
            file_attributes(self.version, partition).filter_map(here).collect();
        // What names them may stay behind.
        if attributes.is_empty() {
            return Ok(entry);
        }
        let rename = |path: &str| match self.leads_back(path) {
            true => own_path(path).to_owned(),
            false => in_origin(self.name, path),
        };
        let (snapshot, rename) = (self.version, &rename);
        let paths = FilePaths { snapshot, partition, attributes, rename };
        paths.written_into(entry, committer, self.base.storage()).await
    }
}

/// The id of the receiving schema for each id, of today and of earlier forms, of the other one.
fn match_fields(from: &Schema, to: &Schema) -> Result<HashMap<FieldId, FieldId>> {
    let mut fields = HashMap::new();
    for attribute in to.attributes() {
        let Some(other) = from.attribute(&attribute.name) else {
            if attribute.nullable || attribute.default.is_some() {
                continue;
            }
            return Err(Error::invalid(format!(
                "attribute {:?} is missing in the other dataset, and is neither nullable nor has it a default",
                attribute.name
            )));
        };
        for (id, form) in forms(other) {
            let same = forms(attribute).find(|(_, own)| {
                own.attribute_type == form.attribute_type && own.nullable == form.nullable
            });
            let Some((own, _)) = same else {
                let there = match other.type_text() {
                    today if today == form.type_text() => today,
                    today => format!("{today}, in older files {},", form.type_text()),
                };
                return Err(Error::invalid(format!(
                    "attribute {:?} is {there} there and {} here: widen the one here as well, or append its rows, as with INSERT INTO … SELECT",
                    attribute.name,
                    attribute.type_text()
                )));
            };
            fields.insert(id, own);
        }
    }
    Ok(fields)
}

/// The forms of an attribute, that of today first.
fn forms(attribute: &Attribute) -> impl Iterator<Item = (FieldId, Attribute)> + '_ {
    let form = |id| (id, attribute.as_stored(id).unwrap_or_else(|| attribute.clone()));
    attribute.ids().map(form)
}

/// The attributes that no file of a partition has and whose value there is not what it would be here: in the form that they
/// have there, with that value as the default.
fn unlike(
    to: &Schema,
    from: &Schema,
    fields: &HashMap<FieldId, FieldId>,
    partition: &LoadedPartition,
) -> Vec<Attribute> {
    let differs = |own: &Attribute| {
        let other = from.attribute(&own.name)?;
        if partition.column(other).is_some() || other.default == own.default {
            return None;
        }
        let form = own.as_stored(*fields.get(&other.id)?).unwrap_or_else(|| own.clone());
        Some(Attribute { default: other.default.clone(), ..form })
    };
    to.attributes().iter().filter_map(differs).collect()
}

/// The partition with a column file in which these attributes have their defaults in all rows.
async fn write_defaults(
    committer: &Committer,
    storage: &Storage,
    attributes: &[Attribute],
    entry: Partition,
) -> Result<Partition> {
    let mut writer = NewColumnsWriter::begin(committer, storage, attributes.to_vec()).await?;
    let mut rest = entry.row_count;
    while rest > 0 {
        let rows = rest.min(DEFAULT_ROWS);
        let value = |attribute: &Attribute| {
            attribute
                .default_rows(rows as usize)
                .map_err(|e| Error::format(format!("attribute {:?}", attribute.name), e))
        };
        let columns: Vec<ArrayRef> = attributes.iter().map(value).collect::<Result<_>>()?;
        writer.append(&columns).await?;
        rest -= rows;
    }
    Ok(writer.finish().await?.put_into(&entry))
}

/// The partition as another dataset names it: paths that lead back, ids of that schema, rows without ids yet.
fn referring(
    partition: &LoadedPartition,
    mut entry: Partition,
    schema: &Schema,
    fields: &HashMap<FieldId, FieldId>,
    origin: &str,
) -> Partition {
    // Sequences of one dataset mean nothing in another: each value is named in the one file where it counts.
    let counts = |file: usize, field: FieldId| {
        schema.attributes().iter().any(|attribute| {
            partition.column(attribute).is_some_and(|place| {
                place.field == field && (place.file == file || is_copy(partition, place.file, file))
            })
        })
    };
    entry.row_ids.clear();
    for (number, file) in entry.files.iter_mut().enumerate() {
        file.sequence = None;
        file.field_ids.retain(|&field| fields.contains_key(&field) && counts(number, field));
        file.chunks.retain(|chunk| file.field_ids.contains(&chunk.field));
        file.field_ids.iter_mut().for_each(|field| *field = fields[field]);
        file.chunks.iter_mut().for_each(|chunk| chunk.field = fields[&chunk.field]);
    }
    entry.keys.retain(|key| fields.contains_key(&key.field));
    entry.keys.iter_mut().for_each(|key| key.field = fields[&key.field]);
    // What was said of a form that newer values have overtaken is not true of these.
    let is_current = |field: FieldId| {
        let own = schema.attributes().iter();
        own.filter_map(|a| partition.column(a)).any(|place| place.field == field)
    };
    entry.statistics.retain(|statistics| {
        fields.contains_key(&statistics.field) && is_current(statistics.field)
    });
    entry.statistics.iter_mut().for_each(|statistics| statistics.field = fields[&statistics.field]);
    name_origin(&mut entry, origin);
    entry
}

/// Whether two files are of one age, so that what both have is equal: a base file and its projection.
fn is_copy(partition: &LoadedPartition, a: usize, b: usize) -> bool {
    let files = &partition.entry().files;
    files[a].sequence == files[b].sequence
}
