//! All partitions of a version, one after another: the one way to go over a whole dataset.
//!
//! A leaf is read when it is come to, so that memory is that of one leaf however many there are.

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::error::Result;
use crate::format::manifest::LeafRef;
use crate::snapshot::{LoadedLeaf, LoadedPartition, Snapshot};

/// What becomes of leaves that are read on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// The snapshot keeps them, for whoever comes next.
    Kept,
    /// They are let go, but for those that are kept already.
    Passing,
}

impl Snapshot {
    /// Every partition, in row order; its leaf is let go after it.
    pub(crate) fn partitions(&self) -> BoxStream<'_, Result<Arc<LoadedPartition>>> {
        self.partitions_of(self.leaf_numbers(|_| true), Leaves::Passing)
    }

    /// The partitions of these leaves of the root, in the order asked.
    pub(crate) fn partitions_of<'a>(
        &'a self,
        numbers: impl IntoIterator<Item = usize, IntoIter: Send + 'a>,
        leaves: Leaves,
    ) -> BoxStream<'a, Result<Arc<LoadedPartition>>> {
        let loaded = self.leaves(numbers, leaves);
        let partitions = |(_, leaf): (usize, Arc<LoadedLeaf>)| {
            stream::iter(leaf.partitions().to_vec().into_iter().map(Ok))
        };
        loaded.map_ok(partitions).try_flatten().boxed()
    }

    /// These leaves of the root with their numbers, in the order asked, for who needs to know where one ends.
    pub(crate) fn leaves<'a>(
        &'a self,
        numbers: impl IntoIterator<Item = usize, IntoIter: Send + 'a>,
        leaves: Leaves,
    ) -> BoxStream<'a, Result<(usize, Arc<LoadedLeaf>)>> {
        let load = move |number| async move {
            Ok(match leaves {
                Leaves::Kept => (number, Arc::clone(self.leaf(number).await?)),
                Leaves::Passing => (number, self.passing_leaf(number).await?),
            })
        };
        stream::iter(numbers).then(load).boxed()
    }

    /// The numbers of the leaves of the root of which that is so.
    pub(crate) fn leaf_numbers(&self, mut wanted: impl FnMut(&LeafRef) -> bool) -> Vec<usize> {
        let leaves = self.root().leaves.iter().enumerate();
        leaves.filter(|(_, leaf)| wanted(leaf)).map(|(number, _)| number).collect()
    }
}
