//! What a writer has written and no version names: removed when the writer gives up.

use tokio::runtime::Handle;

use crate::commit::NamedFiles;
use crate::error::Result;
use crate::format::manifest::Partition;
use crate::storage::{Ending, Storage};
use crate::write::finishing::Finishing;

/// Objects of a writer that does not commit.
pub(super) struct Written {
    pub(super) storage: Storage,
    pub(super) partitions: Vec<Partition>,
    pub(super) finishing: Finishing,
    pub(super) files: NamedFiles,
    /// Whether there is no dataset yet, so that its folders go too.
    pub(super) creates: bool,
    /// Whether the folder of the dataset was not there.
    pub(super) makes_folder: bool,
}

impl Written {
    /// Removes all of it.
    pub(super) async fn remove(mut self) -> Result<()> {
        // A file that is being finished appears when it likes: only one that is there can be removed.
        while self.finishing.all().await.is_err() {}
        // Of files in place none is ours.
        let files = self.partitions.iter().flat_map(|partition| &partition.files);
        let files = files.filter(|file| file.foreign.is_none());
        let mut paths: Vec<String> = files.map(|file| file.path.clone()).collect();
        paths.extend(self.files.own());
        let mut removed = Ok(());
        for path in &paths {
            removed = removed.and(self.storage.delete(path).await);
        }
        if self.creates {
            self.storage.remove_empty_folders(self.makes_folder).await;
        }
        removed
    }

    /// The same, as a task of the runtime, if there is one: [`Upload::aborted`](crate::storage::Upload::aborted) waits for it.
    pub(super) fn remove_alongside(self) {
        if self.partitions.is_empty() && self.files.own().is_empty() && !self.creates {
            return;
        }
        let Ok(runtime) = Handle::try_current() else { return };
        let ending = Ending::begin();
        runtime.spawn(async move {
            Ending::others().await;
            if let Err(error) = self.remove().await {
                // Nobody sees it, and `vacuum` finds it.
                tracing::debug!(error = error.chain(), "files of a writer stay behind");
            }
            drop(ending);
        });
    }
}
