//! What a program does to datasets that name files of each other, and what may come of it.

use tenrow::{Dataset, ErrorKind, Version};

use super::effect::{Effect, FRESH, History};
use super::family::{Family, Member};
use super::filled::fill;
use super::merging::merged;
use super::observe::observe;
use super::operation::Operation;
use super::state::{Row, State, View};

#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a few are there at a time, most of them of the large kind"
)]
pub(crate) enum Deed {
    One(Operation),
    Clone { from: String, version: u64, state: Box<State> },
    Copy { from: String, version: u64, state: Box<State> },
    Merge { from: String, version: u64, state: Box<State> },
}

/// A deed under way.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) deed: Deed,
    /// The dataset that it changes, or makes.
    pub(crate) to: String,
    /// The newest version of that when it began.
    pub(crate) base: State,
    pub(crate) base_version: u64,
    /// The last version that it has made, whether it knows or not.
    pub(crate) made: Option<u64>,
    pub(crate) was_stopped: bool,
}

impl Deed {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::One(Operation::Vacuum) => "vacuum",
            Self::One(operation) => operation.name(),
            Self::Clone { .. } => "clone",
            Self::Copy { .. } => "copy",
            Self::Merge { .. } => "merge",
        }
    }

    /// The other dataset that it reads.
    pub(crate) fn from(&self) -> Option<&str> {
        match self {
            Self::One(_) => None,
            Self::Clone { from, .. } | Self::Copy { from, .. } | Self::Merge { from, .. } => {
                Some(from)
            }
        }
    }
}

impl Program {
    /// What it does to `latest`, for each version that it may have been prepared for: stopped, it looks late.
    ///
    /// What was done and undone meanwhile may count as nothing, if that `is_said`.
    fn effects<'a>(
        &'a self,
        (newest, latest): (u64, &'a State),
        member: &'a Member,
        is_said: bool,
    ) -> impl Iterator<Item = Effect> + 'a {
        let later = self.looked_at(member).filter(|_| self.was_stopped).map(|(_, state)| state);
        later.chain([&self.base]).map(move |base| match &self.deed {
            Deed::One(operation) => {
                let history = History { states: &member.states, newest };
                operation.effect(base, latest, &history, is_said)
            }
            Deed::Merge { state, .. } => merged(base, latest, state),
            Deed::Clone { .. } | Deed::Copy { .. } => Effect::None,
        })
    }

    /// Whether it commits as often as it likes.
    pub(crate) fn makes_many(&self) -> bool {
        matches!(self.deed, Deed::One(Operation::Fill(..) | Operation::Compact))
    }

    /// The versions since it began, any of which it may have looked at last.
    fn looked_at<'a>(&'a self, member: &'a Member) -> impl Iterator<Item = (u64, &'a State)> {
        let since = member.states.range(self.base_version..);
        since.map(|(version, state)| (*version, state)).chain([(self.base_version, &self.base)])
    }

    pub(crate) fn is_refused(&self, member: &Member, kind: ErrorKind) -> bool {
        let is_refusal = |effect: Effect| match effect {
            Effect::Refused(kinds) | Effect::VersionOr(_, kinds) => kinds.contains(&kind),
            // What is filled may be dropped or widened meanwhile.
            Effect::Versions => self.was_stopped && kind == ErrorKind::Conflict,
            _ => false,
        };
        // An origin that it would have shared may be dropped meanwhile, and what it restores may have ended since it was read.
        let may_conflict =
            matches!(self.deed, Deed::Merge { .. } | Deed::One(Operation::Restore(_)));
        self.was_stopped && may_conflict && kind == ErrorKind::Conflict
            || self
                .looked_at(member)
                .any(|state| self.effects(state, member, false).any(is_refusal))
    }

    /// A success is one: its version is there, or there was nothing to do.
    pub(crate) fn expect_right(&self, found: Option<u64>, member: Option<&Member>) {
        let name = self.deed.name();
        let member = member.unwrap_or_else(|| panic!("{name} was said to be done, and is not"));
        if let Some(made) = self.made.filter(|_| !self.makes_many()) {
            let is_right = found.is_none_or(|found| found == made);
            assert!(is_right, "{name}: version {found:?} is {made}");
            return;
        }
        let is_nothing =
            |effect| matches!(effect, Effect::None | Effect::Vacuum | Effect::Versions);
        let is_right =
            self.looked_at(member).any(|state| self.effects(state, member, true).any(is_nothing));
        assert!(is_right, "{name} was said to have made version {found:?}");
    }
}

impl Family {
    /// Finds what a program has made so far: nobody else was running.
    pub(crate) async fn explain(&mut self, program: &mut Program) {
        if !self.members.contains_key(&program.to) {
            return self.explain_new_dataset(program).await;
        }
        let dataset = Dataset::at(self.storage(&program.to));
        let listed: Vec<u64> =
            dataset.versions().await.unwrap().iter().rev().map(|info| info.version.0).collect();
        loop {
            let member = &self.members[&program.to];
            let version = member.newest().0 + 1;
            if !listed.contains(&version) {
                break;
            }
            let snapshot = dataset.version(Version(version)).await.unwrap();
            let latest = member.newest().1;
            let mut expected = Vec::new();
            for effect in program.effects(member.newest(), member, true) {
                match effect {
                    Effect::Version(next) | Effect::VersionOr(next, _) => expected.push(*next),
                    Effect::Versions => {
                        expected.push(State { only_expires: false, ..latest.clone() });
                    }
                    _ => {}
                }
            }
            if matches!(program.deed, Deed::One(Operation::Expire(_))) {
                // Datasets that no version refers to any more are dropped by a commit of its own.
                let before = dataset.version(Version(version - 1)).await.unwrap();
                if snapshot.root().origins.len() < before.root().origins.len() {
                    expected = vec![State { only_expires: true, ..latest.clone() }];
                    program.made = None;
                }
            }
            let made = program.made.filter(|_| !program.makes_many());
            assert!(made.is_none(), "{} made {made:?} and {version}", program.deed.name());
            let before = latest.rows.len();
            let columns = expected.last().map_or(&latest.columns, |next| &next.columns);
            let (seen, partitions) = observe(&snapshot, columns, &mut self.chooser.dice).await;
            for next in &mut expected {
                match &program.deed {
                    Deed::One(Operation::Fill(column, input)) => {
                        fill(next, &program.base, column, input, &seen.unfilled);
                    }
                    Deed::Merge { .. } => adopt(next, before, &seen),
                    _ => {}
                }
            }
            let found = expected.iter().position(|next| next.view() == seen);
            let Some(mut next) = found.map(|found| expected.swap_remove(found)) else {
                assert_eq!(expected.last().map(State::view), Some(seen), "version {version}");
                return;
            };
            assert_eq!(snapshot.root().operation, program.deed.name());
            self.show(&snapshot, &next);
            next.partitions = partitions;
            if next.generation == FRESH || program.makes_many() {
                next.generation = version;
            }
            program.made = Some(version);
            self.members.get_mut(&program.to).unwrap().states.insert(version, next);
        }
        let member = self.members.get_mut(&program.to).unwrap();
        let newest = member.newest().1.clone();
        member.states.retain(|version, _| !newest.has_expired(*version));
        // A version that only a clone keeps may be listed or not.
        let listed: Vec<u64> = listed.into_iter().filter(|v| !newest.has_expired(*v)).collect();
        let known: Vec<u64> = member.states.keys().copied().collect();
        assert_eq!(listed, known, "versions of {}", program.to);
    }

    async fn explain_new_dataset(&mut self, program: &mut Program) {
        let (Deed::Clone { version, state, .. } | Deed::Copy { version, state, .. }) =
            &program.deed
        else {
            panic!("{} has no dataset", program.deed.name());
        };
        let (version, mut first) = (*version, State::clone(state));
        first.tags.clear();
        first.views.clear();
        first.expired_before = 1;
        first.only_expires = false;
        let storage = self.storage(&program.to);
        let snapshot = match Dataset::at(storage.clone()).latest().await {
            Ok(snapshot) => snapshot,
            Err(error) => return assert_eq!(error.kind(), ErrorKind::NotADataset),
        };
        assert_eq!(snapshot.version().0, version);
        let (seen, partitions) = observe(&snapshot, &first.columns, &mut self.chooser.dice).await;
        assert_eq!(seen, first.view(), "{} of version {version}", program.deed.name());
        first.partitions = partitions;
        program.made = Some(version);
        let states = [(version, first)].into();
        self.members.insert(program.to.clone(), Member { storage, states });
    }
}

/// Takes over what a merge may choose: ids above all that were given, and which values files have.
fn adopt(next: &mut State, before: usize, seen: &View) {
    let least = next.next_row_id;
    next.next_row_id = seen.next_row_id;
    let mut last = None;
    for (at, row) in next.rows.iter_mut().enumerate().skip(before) {
        let Some(&id) = seen.ids.get(at) else { return };
        let ascends = id >= least && last.is_none_or(|last| id > last) && id < seen.next_row_id;
        assert!(ascends, "ids of merged rows: {:?} from {least} on", seen.ids);
        (row.id, last) = (id, Some(id));
        for column in &next.columns {
            let is_default = |row: &Row| *row.value(column) == column.default;
            if seen.unfilled[at].contains(&column.name) && is_default(row) {
                row.cells.remove(&column.key);
            }
        }
    }
}

/// Whether `member` may need a file of the dataset called `name`: its newest version names all that any needs.
pub(crate) async fn refers_to(name: &str, member: &Member) -> bool {
    let newest = Dataset::at(member.storage.clone()).latest().await.unwrap();
    newest.root().origins.values().any(|origin| origin.location.rsplit('/').next() == Some(name))
}

impl Operation {
    /// The version that it names.
    pub(crate) fn version(&self) -> Option<u64> {
        match self {
            Self::DeleteRows(version, ..)
            | Self::Restore(version)
            | Self::Tag(_, version)
            | Self::View(_, version, _) => Some(*version),
            Self::Compute(computed) => Some(computed.version),
            _ => None,
        }
    }
}
