//! New rows: at the end, or in place of all.

use std::collections::BTreeMap;

use crate::commit::change::{Applied, Change, InTheWay};
use crate::commit::committer::Committer;
use crate::commit::leaves::{WrittenLeaf, place};
use crate::commit::merge_leaves::MergedLeaves;
use crate::commit::premise::Premise;
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

    /// Whether nothing is left to do, whatever else was committed.
    fn is_done(&self, root: &Root) -> bool {
        match &self.idempotency {
            Some((job, sequence)) => root.sequences.get(job).is_some_and(|last| last >= sequence),
            None => self.leaves.is_empty(),
        }
    }

    fn schema_in_the_way(&self, schema: &Schema) -> Option<InTheWay> {
        let base = self.base.schema();
        let (fits, reason) = match self.needs_same_schema {
            true => (
                schema == base,
                "changed the schema to whose names and defaults the rows were fitted: try again",
            ),
            false => (
                takes_rows_of(schema, base),
                "changed the schema so that rows made for the older one lack or lose a value: write them again",
            ),
        };
        InTheWay::unless(fits, &self.base, reason)
    }
}

impl Change for Append {
    fn operation(&self) -> &'static str {
        self.operation
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        if self.is_done(version.root()) {
            return Ok(None);
        }
        if let Some(found) = self.schema_in_the_way(version.schema()) {
            return Ok(Some(found));
        }
        if let Some(premise) = &self.premise
            && let Some(found) = premise.in_the_way(version, &[]).await?
        {
            return Ok(Some(found));
        }
        let origins = &version.root().origins;
        Ok(InTheWay::unless(
            self.known_origins.iter().all(|name| origins.contains_key(name)),
            &self.base,
            "no longer refers to a dataset of which more rows were to be appended: do it again",
        ))
    }

    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        if self.is_done(root) {
            return Ok(Applied::AlreadySo);
        }
        root.sequences.extend(self.idempotency.clone());
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
    /// What the rows were computed from.
    pub(crate) premise: Option<Premise>,
}

impl Overwrite {
    /// Puts `leaves`, which are durable with all they name, and written in `schema`.
    pub(crate) fn new(base: Snapshot, schema: Schema, leaves: Vec<WrittenLeaf>) -> Self {
        Self { base, schema, leaves, premise: None }
    }
}

impl Change for Overwrite {
    fn operation(&self) -> &'static str {
        "overwrite"
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        if let Some(premise) = &self.premise
            && let Some(found) = premise.in_the_way(version, &[]).await?
        {
            return Ok(Some(found));
        }
        Ok(InTheWay::unless(
            version.has_rows_and_schema_of(&self.base),
            &self.base,
            "what it did would be overwritten unseen: look at it, and write again",
        ))
    }

    async fn apply(&mut self, _: &Committer, _: &Snapshot, root: &mut Root) -> Result<Applied> {
        root.schema = self.schema.clone();
        root.leaves.clear();
        place(root, &self.leaves);
        Ok(Applied::Changed)
    }
}
