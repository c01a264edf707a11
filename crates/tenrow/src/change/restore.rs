//! An old version made the newest again.

use crate::commit::{Applied, Change, Committer, InTheWay, check_not_expired, commit};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::Schema;
use crate::format::Version;
use crate::format::manifest::Root;
use crate::snapshot::Snapshot;

impl Dataset {
    /// A new version with the rows, the schema and the properties of `version`.
    ///
    /// What was committed since stays in history. Tags, views, and how far each idempotent job has come, stay as they are.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such version;
    /// [`Conflict`](crate::ErrorKind::Conflict) if another change was committed meanwhile.
    pub async fn restore(&self, version: Version) -> Result<Snapshot> {
        let base = self.latest().await?;
        let old = self.version(version).await?;
        let mut change = Restore { base: base.clone(), old };
        commit(&self.committer(), &base, &mut change).await
    }
}

struct Restore {
    base: Snapshot,
    old: Snapshot,
}

impl Change for Restore {
    fn operation(&self) -> &'static str {
        "restore"
    }

    async fn in_the_way(&self, version: &Snapshot) -> Result<Option<InTheWay>> {
        Ok(InTheWay::unless(
            version.has_rows_and_schema_of(&self.base),
            &self.base,
            "restoring would undo it unseen: look at it, and restore again",
        ))
    }

    async fn apply(
        &mut self,
        _: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        check_not_expired(latest, self.old.version())?;
        let old = self.old.root();
        // Ids that were given since are never given again.
        let next_field_id = root.schema.next_field_id().max(old.schema.next_field_id());
        let schema = Schema::from_parts(old.schema.attributes().to_vec(), next_field_id);
        root.schema = schema.map_err(|e| Error::format("the old schema", e))?;
        root.leaves = old.leaves.clone();
        root.properties = old.properties.clone();
        // Whatever the old version needs of others the newest names too: what it does not name is registered no more.
        root.reader_features.extend(old.reader_features.iter().cloned());
        root.writer_features.extend(old.writer_features.iter().cloned());
        Ok(Applied::Changed)
    }
}
