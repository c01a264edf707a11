//! New rows: at the end, or in place of all.

use std::collections::BTreeMap;

use crate::commit::merge_leaves::MergedLeaves;
use crate::commit::{Applied, Change, Committer, Premise, WrittenLeaf, conflict, place};
use crate::error::Result;
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
    /// Of these the ones that `base` named before, and that the version before must name too: what none names may be
    /// registered no more.
    pub(crate) known_origins: Vec<String>,
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
            known_origins: Vec::new(),
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
        if let Some(premise) = &self.premise {
            premise.check(latest, &[]).await?;
        }
        if self.known_origins.iter().any(|name| !root.origins.contains_key(name)) {
            let reason =
                "no longer refers to a dataset of which more rows were to be appended: do it again";
            let lacks = |version: &Snapshot| {
                self.known_origins.iter().any(|name| !version.root().origins.contains_key(name))
            };
            return Err(conflict(&self.base, latest, reason, lacks).await);
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
