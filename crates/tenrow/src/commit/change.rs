//! What a commit does, and what may be in its way.

use std::future;

use crate::commit::committer::Committer;
use crate::error::Result;
use crate::format::Version;
use crate::format::manifest::Root;
use crate::snapshot::Snapshot;

/// What a commit does to a dataset, able to be done to whatever version is the newest.
pub(crate) trait Change: Send {
    /// What history calls it.
    fn operation(&self) -> &'static str;

    /// What `version` has, which others made since, that the change cannot be combined with; by default nothing.
    ///
    /// Asked of the newest version before each attempt, and of older ones to find who was first.
    fn in_the_way(
        &self,
        _version: &Snapshot,
    ) -> impl Future<Output = Result<Option<InTheWay>>> + Send {
        future::ready(Ok(None))
    }

    /// Makes `root`, which is that of `latest` under the next number, what it is to be.
    ///
    /// Nothing in `latest` is [in its way](Self::in_the_way). An error if what the change names is none of `latest`.
    fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> impl Future<Output = Result<Applied>> + Send;
}

/// Whether there is anything to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The root has changed.
    Changed,
    /// The newest version is as the change wants it.
    AlreadySo,
}

/// Why a change cannot be made to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InTheWay {
    /// The version that the change was prepared for.
    pub(crate) since: Version,
    /// What the version that won has done, and what is to be done about it: "dropped …: look at it, and try again".
    pub(crate) reason: &'static str,
}

impl InTheWay {
    /// Nothing, if the change `fits`.
    pub(crate) fn unless(fits: bool, base: &Snapshot, reason: &'static str) -> Option<Self> {
        (!fits).then(|| Self { since: base.version(), reason })
    }
}
