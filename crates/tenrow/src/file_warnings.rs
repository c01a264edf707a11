//! What readers of a version's Parquet files alone see otherwise than tenrow does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::error::Result;
use crate::format::layout::ObjectKind;
use crate::format::manifest::{DataFile, Partition, origin_of};
use crate::format::{Attribute, AttributeType, FieldId};
use crate::inspect::{AttributeSize, Inspection};
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::view::View;

/// Something that the base files of a version do not tell, or tell otherwise; it displays as a line for people.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/filewarning", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use tenrow::FileWarning;
/// assert_eq!(snapshot.file_warnings().await?, []);
/// let later = dataset.delete(&snapshot, &[0]).await?.snapshot;
/// assert_eq!(later.file_warnings().await?, [FileWarning::DeletedRows { rows: 1 }]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum FileWarning {
    /// Rows that were deleted are still in the files.
    DeletedRows {
        /// How many.
        rows: u64,
    },
    /// Column files have newer values, or more attributes.
    ColumnFiles {
        /// In how many partitions.
        partitions: u64,
    },
    /// Large files are objects of their own: the rows have their paths.
    LargeFiles {
        /// How many.
        files: u64,
    },
    /// Files still hold attributes that were dropped.
    DroppedAttributes {
        /// How many files.
        files: u64,
    },
    /// Rows lack an attribute in the files.
    LackedAttribute {
        /// The attribute.
        name: String,
        /// How many rows.
        rows: u64,
        /// What they have for it: its default, or null.
        default: Value,
    },
    /// Rows have an attribute in a narrower type.
    NarrowerAttribute {
        /// The attribute.
        name: String,
        /// How many rows.
        rows: u64,
        /// Its type.
        attribute_type: AttributeType,
    },
    /// Rows have an attribute under another name.
    RenamedAttribute {
        /// What it is called now.
        name: String,
        /// How many rows.
        rows: u64,
    },
    /// Other rows are in the files that hold a view's.
    OtherRows {
        /// How many.
        rows: u64,
    },
    /// A view has its rows in an order of its own.
    OwnOrder,
    /// Files are those of another dataset, and are there as long as that is.
    FilesElsewhere {
        /// How many.
        files: u64,
        /// Where that dataset is.
        location: String,
    },
}

impl fmt::Display for FileWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const EXPORT: &str = "export the dataset to see it so elsewhere";
        let rows_of = |rows: &u64| counted(*rows, "row", "rows");
        match self {
            Self::DeletedRows { rows } => {
                let rows = counted(*rows, "deleted row is", "deleted rows are");
                write!(f, "{rows} still in these files: other programs show them")
            }
            Self::ColumnFiles { partitions } => {
                let partitions = counted(*partitions, "partition has", "partitions have");
                write!(
                    f,
                    "{partitions} newer values or more attributes in column files, which are not listed: \
                     export the dataset to see them elsewhere"
                )
            }
            Self::LargeFiles { files } => {
                let files = counted(*files, "large file is", "large files are");
                let folder = ObjectKind::LargeFile.folder();
                write!(f, "{files} not in these files but in {folder}/: the rows have the paths")
            }
            Self::DroppedAttributes { files } => {
                let files = counted(*files, "file still holds", "files still hold");
                write!(f, "{files} attributes that were dropped: other programs show them")
            }
            Self::LackedAttribute { name, rows, default } => write!(
                f,
                "attribute {name:?}: {} lack it in these files; tenrow shows {default}: {EXPORT}",
                rows_of(rows)
            ),
            Self::NarrowerAttribute { name, rows, attribute_type } => write!(
                f,
                "attribute {name:?}: {} have it in a narrower type than {attribute_type}: {EXPORT}",
                rows_of(rows)
            ),
            Self::RenamedAttribute { name, rows } => write!(
                f,
                "attribute {name:?}: {} have it under another name: {EXPORT}",
                rows_of(rows)
            ),
            Self::OtherRows { rows } => {
                let rows = counted(*rows, "row of these files is", "rows of these files are");
                write!(f, "{rows} not in the view")
            }
            Self::OwnOrder => f.write_str(
                "the view has its rows in an order of its own, which these files do not tell",
            ),
            Self::FilesElsewhere { files, location } => {
                let files = counted(*files, "of these files is", "of these files are");
                write!(f, "{files} in another dataset, {location}")
            }
        }
    }
}

/// A number of things, its thousands set apart: `1 row`, `60,000 rows`.
fn counted(number: u64, one: &str, many: &str) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(ascii).collect();
    format!("{} {}", groups.join(","), if number == 1 { one } else { many })
}

fn ascii(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

impl Snapshot {
    /// What other programs, which read the base files of this version and nothing else, do not see, or see otherwise. None if
    /// these files are all there is to the version.
    ///
    /// Cost: as [`inspect`](Self::inspect).
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect).
    pub async fn file_warnings(&self) -> Result<Vec<FileWarning>> {
        self.all().file_warnings().await
    }

    /// Attributes that are not in the files as the schema has them.
    fn adapted(&self, inspection: &Inspection) -> Vec<FileWarning> {
        let attributes = self.schema().attributes().iter().zip(&inspection.attributes);
        attributes.flat_map(|(attribute, size)| adapted(attribute, size)).collect()
    }
}

impl View {
    /// The partitions that hold its rows, in the order of the version.
    ///
    /// # Errors
    /// [`Corrupt`](crate::ErrorKind::Corrupt), or those of the storage.
    pub async fn partition_entries(&self) -> Result<Vec<Partition>> {
        Ok(self.holding().await?.0)
    }

    /// What other programs, which read the base files that hold its rows and nothing else, do not see, or see otherwise; as
    /// [`Snapshot::file_warnings`]. Of attributes it tells what is so in any file of the version.
    ///
    /// # Errors
    /// As [`Snapshot::inspect`].
    pub async fn file_warnings(&self) -> Result<Vec<FileWarning>> {
        let snapshot = self.snapshot();
        let (partitions, other_rows) = self.holding().await?;
        let mut warnings = Vec::new();
        if other_rows > 0 {
            warnings.push(FileWarning::OtherRows { rows: other_rows });
        }
        if !self.is_whole() && !self.row_numbers().await?.to_vec().is_sorted_by(|a, b| a < b) {
            warnings.push(FileWarning::OwnOrder);
        }
        let ids = snapshot.schema().attributes().iter().flat_map(Attribute::ids).collect();
        let mut found = Found::default();
        partitions.iter().for_each(|partition| found.add(partition, &ids, snapshot.storage()));
        warnings.extend(found.warnings());
        warnings.extend(snapshot.adapted(&snapshot.inspect().await?));
        warnings.extend(found.elsewhere());
        Ok(warnings)
    }

    /// The partitions that hold its rows, and how many other rows these have.
    async fn holding(&self) -> Result<(Vec<Partition>, u64)> {
        let partitions = self.snapshot().partition_entries().await?;
        if self.is_whole() {
            return Ok((partitions, 0));
        }
        Ok(holding(partitions, self.row_numbers().await?.to_vec()))
    }
}

/// Of all partitions of a version those that hold any of `rows`, and how many other rows these have.
fn holding(mut partitions: Vec<Partition>, mut rows: Vec<u64>) -> (Vec<Partition>, u64) {
    rows.sort_unstable();
    rows.dedup();
    let (mut end, mut others) = (0, 0);
    partitions.retain(|partition| {
        let start = end;
        end += partition.live_rows();
        let before = |row| rows.partition_point(|&held| held < row);
        let held = (before(end) - before(start)) as u64;
        if held > 0 {
            others += partition.live_rows() - held;
        }
        held > 0
    });
    (partitions, others)
}

fn adapted(attribute: &Attribute, size: &AttributeSize) -> Vec<FileWarning> {
    let name = attribute.name.clone();
    let default = attribute.default.clone().unwrap_or(Value::Null);
    let attribute_type = attribute.attribute_type.clone();
    let (lacking, narrower, renamed) = (size.unfilled_rows, size.narrower_rows, size.renamed_rows);
    [
        (lacking, FileWarning::LackedAttribute { name: name.clone(), rows: lacking, default }),
        (
            narrower,
            FileWarning::NarrowerAttribute { name: name.clone(), rows: narrower, attribute_type },
        ),
        (renamed, FileWarning::RenamedAttribute { name, rows: renamed }),
    ]
    .into_iter()
    .filter_map(|(rows, warning)| (rows > 0).then_some(warning))
    .collect()
}

/// What the partitions of a version tell beside their base files.
#[derive(Default)]
struct Found {
    deleted_rows: u64,
    overridden_partitions: u64,
    large_files: BTreeSet<String>,
    files_with_dropped: u64,
    /// By where they are.
    files_elsewhere: BTreeMap<String, u64>,
}

impl Found {
    /// Adds a partition of a version whose attributes have, or had, these ids.
    fn add(&mut self, partition: &Partition, ids: &BTreeSet<FieldId>, storage: &Storage) {
        self.deleted_rows += partition.deletes.as_ref().map_or(0, |deletes| deletes.row_count);
        self.overridden_partitions += u64::from(is_overridden(partition));
        self.large_files.extend(partition.external_files.iter().cloned());
        let Some(base) = partition.files.first() else { return };
        let holds_dropped = |file: &DataFile| file.field_ids.iter().any(|id| !ids.contains(id));
        self.files_with_dropped += u64::from(holds_dropped(base));
        if let Some((origin, _)) = origin_of(&base.path) {
            let location = storage.origin(origin).map_or(origin.to_owned(), Storage::to_string);
            *self.files_elsewhere.entry(location).or_default() += 1;
        }
    }

    fn warnings(&self) -> Vec<FileWarning> {
        let large = self.large_files.len() as u64;
        [
            (self.deleted_rows, FileWarning::DeletedRows { rows: self.deleted_rows }),
            (
                self.overridden_partitions,
                FileWarning::ColumnFiles { partitions: self.overridden_partitions },
            ),
            (large, FileWarning::LargeFiles { files: large }),
            (
                self.files_with_dropped,
                FileWarning::DroppedAttributes { files: self.files_with_dropped },
            ),
        ]
        .into_iter()
        .filter_map(|(count, warning)| (count > 0).then_some(warning))
        .collect()
    }

    fn elsewhere(self) -> impl Iterator<Item = FileWarning> {
        let files = self.files_elsewhere.into_iter();
        files.map(|(location, files)| FileWarning::FilesElsewhere { files, location })
    }
}

/// Whether other files of the partition say more than its first does. A projection, which repeats
/// attributes of the first as they are there, does not.
fn is_overridden(partition: &Partition) -> bool {
    let Some((first, others)) = partition.files.split_first() else { return false };
    others.iter().any(|file| {
        file.sequence != first.sequence
            || file.field_ids.iter().any(|field| !first.field_ids.contains(field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sequence: Option<u64>, fields: &[u32]) -> DataFile {
        DataFile {
            path: "data/a.parquet".into(),
            foreign: None,
            size_bytes: 9,
            checksum: 0,
            footer_bytes: 8,
            sequence,
            field_ids: fields.iter().map(|&id| FieldId(id)).collect(),
            row_groups: vec![3],
            chunks: Vec::new(),
        }
    }

    fn is_said(files: Vec<DataFile>) -> bool {
        is_overridden(&Partition { row_count: 3, files, ..Partition::default() })
    }

    #[test]
    fn newer_values_and_added_attributes_are_said_and_a_projection_is_not() {
        assert!(!is_said(vec![file(None, &[1, 2]), file(None, &[2])]));
        assert!(is_said(vec![file(None, &[1, 2]), file(Some(7), &[2])]));
        assert!(is_said(vec![file(None, &[1, 2]), file(None, &[3])]));
    }

    #[test]
    fn the_partitions_of_a_view_are_those_that_hold_any_of_its_rows() {
        let held = |rows: &[u64]| {
            let partition = |row_count| Partition { row_count, ..Partition::default() };
            let (held, others) = holding([3, 0, 2, 4].map(partition).to_vec(), rows.to_vec());
            (held.iter().map(|p| p.row_count).collect::<Vec<_>>(), others)
        };
        assert_eq!(held(&[0, 1, 2]), (vec![3], 0));
        assert_eq!(held(&[3, 4]), (vec![2], 0));
        assert_eq!(held(&[2, 5]), (vec![3, 4], 5));
        assert_eq!(held(&[4, 3]), (vec![2], 0));
        assert_eq!(held(&[8, 8]), (vec![4], 3));
        assert_eq!(held(&[]), (vec![], 0));
    }

    #[test]
    fn a_warning_counts_as_people_do() {
        let said = |rows| FileWarning::DeletedRows { rows }.to_string();
        assert_eq!(said(1), "1 deleted row is still in these files: other programs show them");
        assert!(said(1_234_567).starts_with("1,234,567 deleted rows are still"));
        assert!(said(123).starts_with("123 deleted"));
    }
}
