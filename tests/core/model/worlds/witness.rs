//! Other readers of versions, who are told what these are to hold.

use std::sync::Arc;

use tenrow::Snapshot;
use tenrow_tests::random::Dice;

use super::state::State;

/// Asks a version in some other way, and fails if it does not hold what the model says.
pub(crate) type Witness = Arc<dyn Fn(&Snapshot, &State, &mut Dice) + Send + Sync>;
