//! New rows: at the end, or in place of all.

use std::collections::BTreeMap;

use crate::commit::merge_leaves::MergedLeaves;
use crate::commit::{Applied, Change, Committer, Premise, WrittenLeaf, conflict, place};
use crate::error::{Error, Result};
use crate::format::manifest::{OriginRef, Root};
use crate::format::{Attribute, Schema};
use crate::snapshot::Snapshot;

/// Partitions that are put after all others.
pub(crate) struct Append {
    base: Snapshot,
    leaves: Vec<WrittenLeaf>,
    merged: MergedLeaves,
    operation: &'static str,
    /// A job and the number of its commit, which is made once.
    pub(crate) idempotency: Option<(String, u64)>,
    /// Datasets that the partitions refer to.
    pub(crate) origins: BTreeMap<String, OriginRef>,
    /// Objects of `base` that the new rows refer to.
    pub(crate) reused_files: Vec<String>,
    /// Whether the rows were fitted to the names and defaults of the schema of `base`.
    pub(crate) needs_same_schema: bool,
    /// What the rows were computed from.
    pub(crate) premise: Option<Premise>,
}

impl Append {
    /// Appends `leaves`, which are durable with all they name, and written in the schema of `base`.
    pub(crate) fn new(base: Snapshot, leaves: Vec<WrittenLeaf>, operation: &'static str) -> Self {
        Self {
            base,
            leaves,
            merged: MergedLeaves::default(),
            operation,
            idempotency: None,
            origins: BTreeMap::new(),
            reused_files: Vec::new(),
            needs_same_schema: false,
            premise: None,
        }
    }
}

impl Change for Append {
    fn operation(&self) -> &'static str {
        self.operation
    }

    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        if let Some((job, sequence)) = &self.idempotency {
            if root.sequences.get(job).is_some_and(|last| last >= sequence) {
                return Ok(Applied::AlreadySo);
            }
            root.sequences.insert(job.clone(), *sequence);
        } else if self.leaves.is_empty() {
            return Ok(Applied::AlreadySo);
        }
        let (schema, exactly) = (self.base.schema(), self.needs_same_schema);
        let fits = |version: &Snapshot| match exactly {
            true => version.schema() == schema,
            false => takes_rows_of(version.schema(), schema),
        };
        if !fits(latest) {
            let reason = match exactly {
                true => {
                    "changed the schema to whose names and defaults the rows were fitted: try again"
                }
                false => {
                    "changed the schema so that rows made for the older one lack or lose a value: write them again"
                }
            };
            return Err(conflict(&self.base, latest, reason, |version| !fits(version)).await);
        }
        check_reused(latest, &self.reused_files).await?;
        if let Some(premise) = &self.premise {
            premise.check(latest, &[]).await?;
        }
        root.origins.extend(self.origins.clone());
        self.merged.merge(committer, latest, root).await?;
        place(root, &self.leaves);
        Ok(Applied::Changed)
    }
}

/// Whether rows written in `older` have a value for every attribute of `schema`, and none of theirs is lost unseen:
/// to an attribute that only has its name, or because all are gone.
fn takes_rows_of(schema: &Schema, older: &Schema) -> bool {
    let is_there = |attribute: &Attribute| {
        older.attributes().iter().any(|a| attribute.ids().any(|id| id == a.id))
    };
    let can_lack = |attribute: &Attribute| {
        (attribute.nullable || attribute.default.is_some())
            && older.attribute(&attribute.name).is_none_or(|namesake| {
                // One that was renamed meanwhile is still there, under its new name.
                schema.attributes().iter().any(|a| a.ids().any(|id| id == namesake.id))
            })
    };
    let attributes = schema.attributes();
    attributes.iter().all(|a| is_there(a) || can_lack(a)) && attributes.iter().any(is_there)
}

/// Refuses rows that refer to large files which no row of `latest` refers to: `vacuum` may free these.
async fn check_reused(latest: &Snapshot, reused: &[String]) -> Result<()> {
    if reused.is_empty() {
        return Ok(());
    }
    let mut missing: std::collections::BTreeSet<&str> = reused.iter().map(String::as_str).collect();
    for index in 0..latest.root().leaves.len() {
        for partition in latest.passing_leaf(index).await?.partitions() {
            for path in &partition.entry().external_files {
                missing.remove(path.as_str());
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(path) => Err(Error::invalid(format!(
            "file {path:?} is named by no row of version {}: give its bytes instead of its path",
            latest.version()
        ))),
    }
}

/// Partitions, in a schema of their own, in place of all that was there.
pub(crate) struct Overwrite {
    base: Snapshot,
    schema: Schema,
    leaves: Vec<WrittenLeaf>,
}

impl Overwrite {
    /// Puts `leaves`, which are durable with all they name, and written in `schema`.
    pub(crate) fn new(base: Snapshot, schema: Schema, leaves: Vec<WrittenLeaf>) -> Self {
        Self { base, schema, leaves }
    }
}

impl Change for Overwrite {
    fn operation(&self) -> &'static str {
        "overwrite"
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        if !latest.has_rows_and_schema_of(&self.base) {
            let reason = "what it did would be overwritten unseen: look at it, and write again";
            let base = self.base.clone();
            let changes = move |version: &Snapshot| !version.has_rows_and_schema_of(&base);
            return Err(conflict(&self.base, latest, reason, changes).await);
        }
        root.schema = self.schema.clone();
        root.leaves.clear();
        place(root, &self.leaves);
        Ok(Applied::Changed)
    }
}
