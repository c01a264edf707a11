//! Datasets that name files of each other, and programs that stop between any two requests and go on later, or never.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{BoxFuture, LocalBoxFuture};
use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use tenrow::engine::{Clock, Ids};
use tenrow::storage::{LentMemory, Storage};
use tenrow::{
    CreateOptions, Dataset, ErrorKind, OnProgress, Result, Snapshot, VerifyOptions, Version,
    WriteOptions,
};
use tenrow_tests::random::Dice;
use tenrow_tests::stop::{Ran, StoppedProgram, StoppingStore};

use super::choose::Chooser;
use super::deed::{Deed, Program, refers_to};
use super::effect::History;
use super::observe::observe;
use super::operation::Operation;
use super::perform::perform;
use super::rows;
use super::run::World;
use super::schedule::NOW_MS;
use super::state::{Column, INLINE_BYTES, State, begin_forms};
use super::witness::Witness;

/// Datasets at a time, at most.
const MAX_MEMBERS: usize = 4;
/// Requests after which a program may be stopped, at most: most have fewer.
const MAX_PASSES: u64 = 24;

/// Families of this process: each has a bucket of its own.
static FAMILIES: AtomicU64 = AtomicU64::new(0);

type Outcome = Result<Option<u64>>;

/// One dataset, and what its versions are to be.
pub(crate) struct Member {
    pub(crate) storage: Storage,
    pub(crate) states: BTreeMap<u64, State>,
}

pub(crate) struct Family {
    store: StoppingStore,
    bucket: String,
    _lent: LentMemory,
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) chooser: Chooser,
    stopped: Vec<(StoppedProgram<Outcome>, Program)>,
    programs: u64,
    write: WriteOptions,
    theme: Theme,
    witness: Option<Witness>,
    seed: u64,
    log: Vec<String>,
}

/// What a family has more of than others: rare things need several that go together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Theme {
    All,
    /// Clones of clones, and what makes their files unneeded elsewhere.
    Chains,
    /// Programs that stand still while others go on.
    Stops,
}

impl Member {
    pub(crate) fn newest(&self) -> (u64, &State) {
        let (&version, state) = self.states.last_key_value().unwrap();
        (version, state)
    }
}

impl World for Family {
    fn run(&mut self) -> LocalBoxFuture<'_, ()> {
        self.run_through().boxed_local()
    }

    fn log(&self) -> &[String] {
        &self.log
    }
}

impl Family {
    pub(crate) async fn new(seed: u64, witness: Option<Witness>) -> Self {
        let store = StoppingStore::new(Arc::new(InMemory::new()));
        let bucket = format!("family{}", FAMILIES.fetch_add(1, Ordering::Relaxed));
        let lent = LentMemory::new(bucket.as_str(), Arc::new(store.clone()));
        let mut chooser = Chooser::new(Dice::new(seed ^ 0xFA31_1135));
        let columns = chooser.columns();
        let write = WriteOptions::default().with_inline_file_bytes(INLINE_BYTES as u64);
        let theme = [Theme::All, Theme::All, Theme::Chains, Theme::Stops];
        let theme = theme[chooser.dice.below(4) as usize];
        let mut family = Self {
            store,
            bucket,
            _lent: lent,
            members: BTreeMap::new(),
            chooser,
            stopped: Vec::new(),
            programs: 0,
            write,
            theme,
            witness,
            seed,
            log: Vec::new(),
        };
        family.create(columns).await;
        family
    }

    async fn run_through(&mut self) {
        for _ in 0..1 + self.chooser.dice.below(3) {
            let newest = self.members["a"].newest().1.clone();
            let append = self.chooser.append(&newest.columns, false);
            self.begin("a".into(), Deed::One(append), false).await;
        }
        for _ in 0..8 + self.chooser.dice.below(8) {
            if !self.stopped.is_empty() && self.chooser.dice.once_in(3) {
                self.go_on_with_one().await;
            } else {
                self.step().await;
            }
        }
        while !self.stopped.is_empty() {
            self.go_on_with_one().await;
        }
        self.check_all().await;
    }

    pub(crate) fn location(&self, name: &str) -> String {
        format!("memory://{}/{name}", self.bucket)
    }

    pub(crate) fn storage(&self, name: &str) -> Storage {
        Storage::open(&self.location(name)).unwrap()
    }

    /// A handle of a program of its own.
    fn handle(&mut self, name: &str) -> Dataset {
        self.programs += 1;
        let ids = Ids::seeded(self.seed << 12 | self.programs);
        let storage = self.members.get(name).map(|member| member.storage.clone());
        let storage = storage.unwrap_or_else(|| self.storage(name));
        Dataset::at(storage).with_ids(ids).with_clock(Clock::fixed(NOW_MS))
    }

    fn new_name(&mut self) -> String {
        self.programs += 1;
        match self.members.is_empty() {
            true => "a".into(),
            false => format!("d{}", self.programs),
        }
    }

    /// A new dataset, without rows.
    async fn create(&mut self, columns: Vec<Column>) {
        let name = self.new_name();
        let dataset = self.handle(&name);
        dataset.create_here(rows::schema(&columns), &CreateOptions::default()).await.unwrap();
        let mut first = State { columns, expired_before: 1, ..State::default() };
        begin_forms(&mut first.columns, &mut first.fields);
        self.log.push(format!("{name} is created with {:?}", first.columns));
        let states = BTreeMap::from([(1, first)]);
        self.members.insert(name, Member { storage: dataset.storage().clone(), states });
    }

    pub(crate) fn show(&mut self, snapshot: &Snapshot, state: &State) {
        if let Some(witness) = &self.witness {
            witness(snapshot, state, &mut self.chooser.dice);
        }
    }

    async fn step(&mut self) {
        let made =
            self.stopped.iter().find_map(|(_, program)| Some((program.to.clone(), program.made?)));
        if let Some((to, made)) = made.filter(|_| !self.chooser.dice.once_in(3)) {
            // What could end a version while whoever made it has not heard of it.
            let operation = self.chooser.around(made, &self.members[&to].newest().1.clone());
            return self.begin(to, Deed::One(operation), false).await;
        }
        match self.theme {
            Theme::Chains if self.chooser.dice.once_in(2) => self.step_of_chain().await,
            Theme::Stops if self.chooser.dice.once_in(2) => {
                let name = self.some_member();
                let (newest, state) = self.members[&name].newest();
                let operation = self.chooser.around(newest, &state.clone());
                self.begin(name, Deed::One(operation), true).await;
            }
            _ => self.step_of_any().await,
        }
    }

    /// Clones of the newest dataset, the middle ones gone, files of the first one freed.
    async fn step_of_chain(&mut self) {
        let first = self.members.keys().next().cloned().unwrap();
        let last = self.members.keys().next_back().cloned().unwrap();
        match self.chooser.dice.below(4) {
            0 if self.members.len() < MAX_MEMBERS => self.clone_of(last).await,
            0..2 if self.members.len() > 2 => {
                let middle = self.members.keys().nth(1).cloned().unwrap();
                self.remove(&middle).await;
            }
            2 => {
                let columns = self.members[&first].newest().1.columns.clone();
                let rows = self.chooser.rows(&columns, 1);
                self.begin(first, Deed::One(Operation::Overwrite(rows, None)), false).await;
            }
            _ => self.clean(first, false).await,
        }
    }

    async fn clone_of(&mut self, from: String) {
        let (version, state) = self.some_version(&from);
        let deed = Deed::Clone { from, version, state: Box::new(state) };
        let to = self.new_name();
        let may_stop = self.chooser.dice.once_in(3);
        self.begin(to, deed, may_stop).await;
    }

    async fn clean(&mut self, name: String, may_stop: bool) {
        self.begin(name.clone(), Deed::One(Operation::Expire(1)), may_stop).await;
        self.begin(name, Deed::One(Operation::Vacuum), may_stop).await;
    }

    async fn step_of_any(&mut self) {
        let may_stop = self.chooser.dice.once_in(3);
        let name = self.some_member();
        match self.chooser.dice.below(26) {
            0..4 if self.members.len() < MAX_MEMBERS => self.clone_of(name).await,
            4 if self.members.len() < MAX_MEMBERS => {
                let (version, state) = self.some_version(&name);
                let deed = Deed::Copy { from: name, version, state: Box::new(state) };
                let to = self.new_name();
                self.begin(to, deed, may_stop).await;
            }
            5 if self.members.len() < MAX_MEMBERS => {
                let columns = self.members[&name].newest().1.columns.clone();
                let columns = self.chooser.like(&columns);
                self.create(columns).await;
            }
            6..10 if self.members.len() > 1 => {
                let to = self.some_member();
                if to != name {
                    let (version, state) = self.some_version(&name);
                    let deed = Deed::Merge { from: name, version, state: Box::new(state) };
                    self.begin(to, deed, may_stop).await;
                }
            }
            10..12 if self.members.len() > 1 => self.remove(&name).await,
            12..15 => self.clean(name, may_stop).await,
            15 if self.stopped.is_empty() => self.add_to_all().await,
            16..18 => self.begin(name, Deed::One(Operation::Compact), may_stop).await,
            18..20 => {
                let columns = self.members[&name].newest().1.columns.clone();
                let append = self.chooser.append(&columns, false);
                self.begin(name, Deed::One(append), may_stop).await;
            }
            _ => {
                let member = &self.members[&name];
                let newest = member.newest().1.clone();
                let operation = self.chooser.operation(&newest, &member.states);
                let history = History { states: &member.states, newest: member.newest().0 };
                // Programs that stand still may look up the names that they were given later.
                let is_watched = self.stopped.iter().any(|(_, program)| program.to == name);
                let renames = is_watched && operation.changes_schema(&newest, &history);
                if !renames && !matches!(operation, Operation::Relist(_)) {
                    self.begin(name, Deed::One(operation), may_stop).await;
                }
            }
        }
    }

    fn some_member(&mut self) -> String {
        let at = self.chooser.dice.below(self.members.len() as u64) as usize;
        self.members.keys().nth(at).cloned().unwrap()
    }

    /// Mostly the newest.
    fn some_version(&mut self, name: &str) -> (u64, State) {
        let states = &self.members[name].states;
        let back = if self.chooser.dice.once_in(4) { 1 } else { 0 };
        let (version, state) = states.iter().rev().nth(back.min(states.len() - 1)).unwrap();
        (*version, state.clone())
    }

    /// The same new attribute for every dataset, but for its default.
    async fn add_to_all(&mut self) {
        let column = self.chooser.new_column();
        for name in self.members.keys().cloned().collect::<Vec<_>>() {
            let other = self.chooser.with_other_default(&column);
            self.begin(name, Deed::One(Operation::Add(other)), false).await;
        }
    }

    /// Starts a program, which may be stopped on its way.
    async fn begin(&mut self, to: String, deed: Deed, may_stop: bool) {
        let (base_version, base) = match self.members.get(&to) {
            Some(member) => (member.newest().0, member.newest().1.clone()),
            None => (0, State::default()),
        };
        self.log.push(format!("{to}: {deed:?}"));
        let work = self.work(&to, &deed, &base);
        let program = Program { deed, to, base, base_version, made: None, was_stopped: false };
        self.make_room_for(&program);
        let passes = may_stop.then(|| self.chooser.dice.below(MAX_PASSES));
        let ran = self.store.run(work, passes).await;
        self.ran(program, ran).await;
    }

    fn work(&mut self, to: &str, deed: &Deed, base: &State) -> BoxFuture<'static, Outcome> {
        let dataset = self.handle(to);
        let location = self.location(to);
        match deed.clone() {
            Deed::One(operation) => {
                let (base, write) = (base.clone(), self.write.clone());
                async move { perform(&dataset, &operation, &base, &write).await }.boxed()
            }
            Deed::Clone { from, version, .. } => {
                let from = self.handle(&from);
                async move {
                    from.clone_to(&location, Version(version)).await?;
                    Ok(Some(version))
                }
                .boxed()
            }
            Deed::Copy { from, version, .. } => {
                let from = self.handle(&from);
                async move {
                    from.copy_to(&location, Version(version), &OnProgress::default()).await?;
                    Ok(Some(version))
                }
                .boxed()
            }
            Deed::Merge { from, version, .. } => {
                let from = self.handle(&from);
                async move {
                    let snapshot = from.version(Version(version)).await?;
                    Ok(Some(dataset.merge(&from, &snapshot).await?.version().0))
                }
                .boxed()
            }
        }
    }

    /// Vacuum takes what others have written and not committed yet, for its age is 0: they are killed before.
    fn make_room_for(&mut self, program: &Program) {
        if matches!(program.deed, Deed::One(Operation::Vacuum)) {
            self.stopped.retain(|(_, other)| other.to != program.to);
        }
    }

    async fn ran(&mut self, mut program: Program, ran: Ran<Outcome>) {
        match ran {
            Ran::Ended(result) => {
                let shown = match &result {
                    Ok(version) => format!("version {version:?}"),
                    Err(error) => format!("{:?}: {}", error.kind(), error.chain()),
                };
                self.log.push(format!("    {}: {} -> {shown}", program.to, program.deed.name()));
                self.explain(&mut program).await;
                self.explain_result(&program, result);
            }
            Ran::Stopped(stopped) => {
                program.was_stopped = true;
                self.explain(&mut program).await;
                let made = program.made;
                self.log.push(format!("    {} stopped, made {made:?}", program.deed.name()));
                self.stopped.push((stopped, program));
            }
        }
    }

    async fn go_on_with_one(&mut self) {
        let at = self.chooser.dice.below(self.stopped.len() as u64) as usize;
        let (stopped, program) = self.stopped.swap_remove(at);
        if self.chooser.dice.once_in(5) {
            self.log.push(format!("    {}: {} killed", program.to, program.deed.name()));
            return;
        }
        self.make_room_for(&program);
        let again = self.chooser.dice.once_in(4);
        let passes = again.then(|| self.chooser.dice.below(MAX_PASSES));
        let ran = self.store.go_on(stopped, passes).await;
        self.ran(program, ran).await;
    }

    /// Removes a dataset of which no other needs a file, and lets the others forget it.
    async fn remove(&mut self, name: &str) {
        let concerns = |program: &Program| program.to == name || program.deed.from() == Some(name);
        if self.stopped.iter().any(|(_, program)| concerns(program)) {
            return;
        }
        for (other, member) in &self.members {
            if other != name && refers_to(name, member).await {
                return;
            }
        }
        self.log.push(format!("{name} is removed"));
        let prefix = object_store::path::Path::from(name);
        let objects: Vec<_> = self.store.list(Some(&prefix)).try_collect().await.unwrap();
        for object in objects {
            self.store.delete(&object.location).await.unwrap();
        }
        self.members.remove(name);
        let location = self.location(name);
        for other in self.members.keys().cloned().collect::<Vec<_>>() {
            let dataset = self.handle(&other);
            let ends = format!("/{name}");
            while dataset.clones().await.unwrap().iter().any(|note| note.location.ends_with(&ends))
            {
                dataset.forget_clone(&location).await.unwrap();
                self.log.push(format!("{other} forgets {name}"));
            }
        }
    }

    /// At the end: every version of every dataset, and every byte.
    async fn check_all(&mut self) {
        for name in self.members.keys().cloned().collect::<Vec<_>>() {
            let dataset = Dataset::at(self.storage(&name));
            for (version, state) in self.members[&name].states.clone() {
                let snapshot = dataset.version(Version(version)).await.unwrap();
                let dice = &mut self.chooser.dice;
                let (seen, _) = observe(&snapshot, &state.columns, dice).await;
                assert_eq!(seen, state.view(), "version {version} of {name}");
            }
            let options = VerifyOptions { full: true, ..VerifyOptions::default() };
            let report = dataset.verify(options).await.unwrap();
            assert!(report.faults.is_empty(), "{name}: {:?}", report.faults);
        }
    }

    fn explain_result(&self, program: &Program, result: Outcome) {
        let error = match result {
            Ok(found) => return program.expect_right(found, self.members.get(&program.to)),
            Err(error) => error,
        };
        let said = format!("{}: {}", program.deed.name(), error.chain());
        // Whether it is in history may be hidden by what others did while it was stopped.
        if program.was_stopped && error.kind() == ErrorKind::InDoubt {
            return;
        }
        let has_ended = |name: &str, version| !self.members[name].states.contains_key(&version);
        let is_gone = match &program.deed {
            Deed::One(operation) => {
                operation.version().is_some_and(|version| has_ended(&program.to, version))
            }
            Deed::Clone { from, version, .. }
            | Deed::Copy { from, version, .. }
            | Deed::Merge { from, version, .. } => has_ended(from, *version),
        };
        // A copy is not registered: what it reads may be vacuumed meanwhile.
        let is_copy = matches!(program.deed, Deed::Copy { .. });
        let is_for_that = is_gone
            && (error.kind() == ErrorKind::NotFound
                || is_copy && error.kind() == ErrorKind::Corrupt);
        let member = self.members.get(&program.to);
        assert!(program.made.is_none() || program.makes_many(), "{said}, but it made a version");
        let is_refused = member.is_some_and(|member| program.is_refused(member, error.kind()));
        assert!(is_for_that || is_refused, "{said}");
    }
}
