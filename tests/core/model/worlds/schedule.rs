//! One schedule: operations by two handles on one dataset, faults, and the model that explains what came of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::future::{BoxFuture, LocalBoxFuture};
use object_store::ObjectStoreExt;
use object_store::memory::InMemory;
use tenrow::engine::{Clock, Ids};
use tenrow::storage::Storage;
use tenrow::{
    CreateOptions, Dataset, DatasetWriter, Error, ErrorKind, Result, Snapshot, VerifyOptions,
    Version, WriteOptions,
};
use tenrow_tests::fault::{FaultyStore, LatePut};
use tenrow_tests::files::FileServer;
use tenrow_tests::random::Dice;
use tenrow_tests::{block_on_remote, place};

use super::choose::Chooser;
use super::effect::{Effect, FRESH, History};
use super::filled::fill;
use super::observe::observe;
use super::operation::{KnownFile, Operation};
use super::perform::{perform, prepared, vacuum};
use super::rows;
use super::run::World;
use super::state::{INLINE_BYTES, Kind, State, Value, begin_forms};
use super::witness::Witness;

/// Later than any object that a test writes, so that an age of 0 is reached by all.
pub(crate) const NOW_MS: i64 = 4_102_444_800_000;

/// What the writer of a late version was told, long ago.
const GAVE_UP: &str = "its writer gave up";

/// What was done, and what was said of it: the version, or the error.
struct Event {
    operation: Operation,
    base: State,
    result: Result<Option<u64>>,
    /// Whether any request failed meanwhile.
    has_faults: bool,
    /// Whether another program committed meanwhile.
    has_company: bool,
}

/// A writer with its rows, and the version that it was opened on.
struct OpenWriter {
    writer: DatasetWriter,
    operation: Operation,
    base: State,
}

pub(crate) struct Schedule {
    store: Arc<FaultyStore>,
    handles: [Dataset; 2],
    chooser: Chooser,
    states: BTreeMap<u64, State>,
    /// Readers that were there when each version was the newest.
    pinned: BTreeMap<u64, Snapshot>,
    writers: Vec<OpenWriter>,
    /// A commit that failed, and whose version may still come.
    late: Option<(LatePut, Operation, State)>,
    write: WriteOptions,
    /// One request in so many fails; 0: none.
    faults_one_in: u64,
    witness: Option<Witness>,
    seed: u64,
    log: Vec<String>,
}

impl World for Schedule {
    fn run(&mut self) -> LocalBoxFuture<'_, ()> {
        self.run_through().boxed_local()
    }

    fn log(&self) -> &[String] {
        &self.log
    }
}

impl Schedule {
    pub(crate) async fn new(seed: u64, witness: Option<Witness>) -> Self {
        let store = Arc::new(FaultyStore::new(Arc::new(InMemory::new())));
        store.tear_into("some/place/_tenrow/tmp".into());
        // Of some every object of more than a few bytes goes in parts.
        let part_bytes = if seed.is_multiple_of(3) { 256 } else { 8 << 20 };
        let storage = Storage::from_store(store.clone(), "some/place".into());
        let storage = storage.with_part_bytes(part_bytes);
        let handle = |number: u64| {
            let ids = Ids::seeded(seed * 2 + number);
            Dataset::at(storage.clone()).with_ids(ids).with_clock(Clock::fixed(NOW_MS))
        };
        let handles = [handle(0), handle(1)];
        let mut chooser = Chooser::new(Dice::new(seed));
        let columns = chooser.columns();
        handles[0].create_here(rows::schema(&columns), &CreateOptions::default()).await.unwrap();
        let mut first = State { columns, expired_before: 1, ..State::default() };
        begin_forms(&mut first.columns, &mut first.fields);
        let write = WriteOptions::default().with_inline_file_bytes(INLINE_BYTES as u64);
        let write = match chooser.dice.below(3) {
            0 => write.with_row_group_bytes(20).with_partition_bytes(40),
            1 => write.with_row_group_bytes(20),
            _ => write,
        };
        let faults_one_in = [0, 0, 100, 30, 8][chooser.dice.below(5) as usize];
        let states = BTreeMap::from([(1, first)]);
        Self {
            store,
            handles,
            chooser,
            states,
            pinned: BTreeMap::new(),
            writers: Vec::new(),
            late: None,
            write,
            faults_one_in,
            witness,
            seed,
            log: Vec::new(),
        }
    }

    fn newest(&self) -> (u64, &State) {
        let (&version, state) = self.states.last_key_value().unwrap();
        (version, state)
    }

    async fn run_through(&mut self) {
        // Some begin with enough small commits for leaves to be merged.
        let small = if self.chooser.dice.once_in(16) { 14 } else { 0 };
        for _ in 0..small {
            let columns = self.newest().1.columns.clone();
            let operation = Operation::Append(self.chooser.rows(&columns, 1), None, Vec::new());
            self.step(operation).await;
        }
        for _ in 0..6 + self.chooser.dice.below(10) {
            match self.chooser.dice.below(6) {
                0 if self.writers.len() < 2 => self.open_writer().await,
                1 if !self.writers.is_empty() => self.commit_writer().await,
                _ => {
                    let newest = self.newest().1.clone();
                    let operation = self.chooser.operation(&newest, &self.states);
                    self.step(operation).await;
                }
            }
        }
        while !self.writers.is_empty() {
            self.commit_writer().await;
        }
        self.check_all().await;
    }

    fn begin_faults(&mut self) -> usize {
        if self.faults_one_in > 0 {
            let dice = Dice::new(self.chooser.dice.bits());
            self.store.fail_at_random(dice, self.faults_one_in);
            if self.chooser.dice.once_in(4) {
                self.store.fail_lists_after_version(3);
            }
        }
        self.store.failed()
    }

    async fn open_writer(&mut self) {
        let base = self.newest().1.clone();
        let dataset = self.handles[1].clone();
        let before = self.begin_faults();
        let operation = match self.chooser.dice.once_in(5) {
            true => Operation::Overwrite(self.chooser.rows(&base.columns, 2), None),
            false => self.chooser.append(&base.columns, false),
        };
        let writer = prepared(&dataset, &operation, &base, &self.write).await;
        self.store.heal();
        self.log.push(format!("open writer for {operation:?}: {:?}", writer.is_ok()));
        match writer {
            Ok(writer) => self.writers.push(OpenWriter { writer, operation, base }),
            Err(error) => assert!(self.store.failed() > before, "{}", error.chain()),
        }
    }

    async fn commit_writer(&mut self) {
        let at = self.chooser.dice.below(self.writers.len() as u64) as usize;
        let OpenWriter { writer, operation, base } = self.writers.remove(at);
        let commit = async move { Ok(Some(writer.commit().await?.version().0)) };
        self.observe_events(operation, base, commit.boxed()).await;
    }

    async fn step(&mut self, operation: Operation) {
        let base = self.newest().1.clone();
        if matches!(operation, Operation::Vacuum) {
            // Its age is 0, so it takes what writers have written and not committed yet.
            self.writers.clear();
            self.late = None;
        }
        let number = self.chooser.dice.below(2) as usize;
        let dataset = self.handles[number].clone();
        let (write, own, of_base) = (self.write.clone(), operation.clone(), base.clone());
        let run = async move { perform(&dataset, &own, &of_base, &write).await };
        self.observe_events(operation, base, run.boxed()).await;
    }

    /// Runs an operation, perhaps with another one just before its first commit, and explains the outcome.
    async fn observe_events(
        &mut self,
        operation: Operation,
        base: State,
        run: BoxFuture<'static, Result<Option<u64>>>,
    ) {
        let meanwhile = Arc::new(Mutex::new(None));
        if let Some((late, operation, base)) = self.late.take() {
            self.land_in_between(late, operation, base, &meanwhile);
        } else if self.chooser.dice.once_in(if is_contended(&operation) { 2 } else { 3 }) {
            self.put_in_between(&operation, &meanwhile);
        } else {
            self.store.allow_late();
        }
        let before = self.begin_faults();
        let result = run.await;
        let has_faults = self.store.failed() > before;
        self.store.heal();
        let late = self.store.take_late();
        if late.is_some() {
            self.log.push("the next version comes late".into());
        }
        self.late = late.map(|late| (late, operation.clone(), base.clone()));
        let company = meanwhile.lock().unwrap().take();
        let has_company = company.is_some();
        let own = Event { operation, base, result, has_faults, has_company };
        let events: Vec<Event> = company.into_iter().chain([own]).collect();
        for event in &events {
            let result = match &event.result {
                Ok(version) => format!("version {version:?}"),
                Err(error) => error.chain(),
            };
            let faults = if event.has_faults { " (faults)" } else { "" };
            self.log.push(format!("{:?}{faults} -> {result}", event.operation));
        }
        self.explain(events).await;
    }

    /// Lets the version of an earlier commit arrive, whose writer has given up.
    fn land_in_between(
        &mut self,
        late: LatePut,
        operation: Operation,
        base: State,
        outcome: &Arc<Mutex<Option<Event>>>,
    ) {
        let (store, outcome) = (self.store.clone(), outcome.clone());
        self.store.before_next_version(move || {
            async move {
                store.land(late).await;
                let result = Err(Error::new(ErrorKind::Io, GAVE_UP));
                let event = Event { operation, base, result, has_faults: true, has_company: false };
                *outcome.lock().unwrap() = Some(event);
            }
            .boxed()
        });
    }

    fn put_in_between(&mut self, own: &Operation, outcome: &Arc<Mutex<Option<Event>>>) {
        let base = self.newest().1.clone();
        let operation = self.chooser.rival(own, &base, &self.states);
        // Objects that one is about to name are younger than the limit of a vacuum, if it is not 0 as here.
        let is_vacuum = matches!(operation, Operation::Vacuum | Operation::Relist(_));
        // What ends meanwhile could not be told from what was never there.
        let ends_what_is_told = matches!(
            (own, &operation),
            (Operation::Expire(_), Operation::Fill(..) | Operation::Compact)
        );
        // A program that does not look for rivals has none.
        if is_vacuum || ends_what_is_told || matches!(own, Operation::Relist(_)) {
            return;
        }
        let (dataset, write) = (self.handles[1].clone(), self.write.clone());
        let (outcome, store) = (outcome.clone(), self.store.clone());
        self.store.before_next_version(move || {
            async move {
                let before = store.failed();
                let result = perform(&dataset, &operation, &base, &write).await;
                let has_faults = store.failed() > before;
                let event = Event { operation, base, result, has_faults, has_company: false };
                *outcome.lock().unwrap() = Some(event);
            }
            .boxed()
        });
    }

    /// Says what each event did, and checks the versions that came of it.
    async fn explain(&mut self, events: Vec<Event>) {
        let listed = self.listed().await;
        for (at, event) in events.iter().enumerate() {
            if events.get(at + 1).is_some_and(|next| self.is_rather_of(next, event, &listed)) {
                continue;
            }
            let (newest, latest) = self.newest();
            let history = History { states: &self.states, newest };
            let is_said = event.result.is_ok();
            match event.operation.effect(&event.base, latest, &history, is_said) {
                Effect::None => {
                    // A writer may find that its commit was made already before it looks for the newest.
                    let is_append = matches!(event.operation, Operation::Append(..));
                    let is_silent = matches!(event.operation, Operation::Expire(_));
                    expect(event, |found| {
                        *found == Some(newest) || is_append && found.is_some() || is_silent
                    });
                }
                Effect::NoneOr(kinds) => match &event.result {
                    Ok(found) => assert_eq!(*found, Some(newest)),
                    Err(_) => refused(event, kinds),
                },
                Effect::Refused(kinds) => refused(event, kinds),
                Effect::Version(next) => self.explain_version(event, *next, &listed).await,
                Effect::VersionOr(next, kinds) => match &event.result {
                    Err(error) if !event.has_faults => {
                        assert!(kinds.contains(&error.kind()), "{}", error.chain());
                    }
                    _ => self.explain_version(event, *next, &listed).await,
                },
                Effect::Versions => self.explain_versions(event, &listed).await,
                Effect::Vacuum => self.explain_vacuum(event).await,
            }
            self.explain_expired();
        }
        let known: Vec<u64> = self.states.keys().copied().collect();
        assert_eq!(listed, known, "versions");
        if self.chooser.dice.once_in(4) {
            let at = self.chooser.dice.below(known.len() as u64) as usize;
            self.check(known[at]).await;
        }
    }

    /// Whether the next version, which would be the same by `failed`, was made by `next`: so it says.
    fn is_rather_of(&self, next: &Event, failed: &Event, listed: &[u64]) -> bool {
        let (newest, latest) = self.newest();
        let says_so = match next.result {
            Ok(Some(made)) => made == newest + 1,
            // It does not say which, and there is but one.
            Ok(None) => !listed.contains(&(newest + 2)),
            Err(_) => false,
        };
        if failed.result.is_ok() || !says_so {
            return false;
        }
        let made = |event: &Event| {
            let history = History { states: &self.states, newest };
            match event.operation.effect(&event.base, latest, &history, true) {
                Effect::Version(state) => Some((event.operation.name(), state.view())),
                _ => None,
            }
        };
        made(next).is_some_and(|made_by_next| made(failed) == Some(made_by_next))
    }

    async fn explain_version(&mut self, event: &Event, mut next: State, listed: &[u64]) {
        let version = self.newest().0 + 1;
        expect(event, |result| result.is_none_or(|result| result == version));
        if next.generation == FRESH {
            next.generation = version;
        }
        let exists = listed.contains(&version);
        assert!(exists || event.result.is_err(), "version {version} was said to be committed");
        if !exists {
            return;
        }
        let snapshot = self.open(version).await;
        let is_its = snapshot.root().operation == event.operation.name();
        let seen = observe(&snapshot, &next.columns, &mut self.chooser.dice).await;
        if event.result.is_err() && !(is_its && seen.0 == next.view()) {
            return;
        }
        assert_eq!(snapshot.root().operation, event.operation.name());
        assert_eq!(seen.0, next.view(), "version {version}");
        check_doubt(event);
        self.show(&snapshot, &next);
        next.partitions = seen.1;
        self.look_at_files(&snapshot, &next).await;
        self.states.insert(version, next);
    }

    fn show(&mut self, snapshot: &Snapshot, state: &State) {
        if let Some(witness) = &self.witness {
            witness(snapshot, state, &mut self.chooser.dice);
        }
    }

    /// Remembers a large file, if there is one, whatever becomes of its version.
    async fn look_at_files(&mut self, snapshot: &Snapshot, state: &State) {
        for column in state.columns.iter().filter(|column| column.kind == Kind::File) {
            for (row, number) in state.rows.iter().zip(0..) {
                let value = row.value(column);
                let is_known = self.chooser.files.iter().any(|known| known.value == *value);
                if matches!(value, Value::Object(..)) && !is_known {
                    let files = snapshot.file_column(&column.name).unwrap();
                    let handle = files.get(number).await.unwrap().unwrap().into();
                    self.chooser.files.push(KnownFile { value: value.clone(), handle });
                    return;
                }
            }
        }
    }

    /// Versions of a compaction or a fill, each of which is whole.
    async fn explain_versions(&mut self, event: &Event, listed: &[u64]) {
        if let Err(error) = &event.result {
            // A column that is dropped or widened meanwhile takes no values of its old type.
            let changed = event.has_company && error.kind() == ErrorKind::Conflict;
            assert!(event.has_faults || changed, "{}", error.chain());
        }
        loop {
            let version = self.newest().0 + 1;
            if !listed.contains(&version) {
                break;
            }
            let snapshot = self.open(version).await;
            if snapshot.root().operation != event.operation.name() {
                break;
            }
            let mut next = self.newest().1.clone();
            let seen = observe(&snapshot, &next.columns, &mut self.chooser.dice).await;
            if let Operation::Fill(column, input) = &event.operation {
                fill(&mut next, &event.base, column, input, &seen.0.unfilled);
            }
            if event.result.is_err() && seen.0 != next.view() {
                // Another's of the same name, who is yet to be heard.
                break;
            }
            assert_eq!(seen.0, next.view(), "version {version}");
            self.show(&snapshot, &next);
            next.partitions = seen.1;
            next.generation = version;
            next.only_expires = false;
            self.states.insert(version, next);
        }
        let (newest, state) = self.newest();
        if event.result.is_ok() {
            expect(event, |result| *result == Some(newest));
        }
        if let (Operation::Fill(column, _), Ok(_)) = (&event.operation, &event.result)
            && let Some(column) = state.column(column)
        {
            assert!(state.rows.iter().all(|row| row.cells.contains_key(&column.key)), "unfilled");
        }
    }

    /// Versions that have expired are gone, whether their roots are or not.
    fn explain_expired(&mut self) {
        let newest = self.newest().1.clone();
        self.states.retain(|version, _| !newest.has_expired(*version));
        self.pinned.retain(|version, _| !newest.has_expired(*version));
    }

    async fn explain_vacuum(&mut self, event: &Event) {
        match &event.result {
            Ok(_) => {
                let left = self.handles[0].vacuum(vacuum(true)).await.unwrap();
                assert!(left.removed.is_empty(), "orphans: {:?}", left.removed);
            }
            Err(error) => assert!(event.has_faults, "{}", error.chain()),
        }
        for version in self.states.keys().copied().collect::<Vec<_>>() {
            self.check(version).await;
        }
    }

    async fn listed(&self) -> Vec<u64> {
        let versions = self.handles[0].versions().await.unwrap();
        versions.iter().rev().map(|info| info.version.0).collect()
    }

    /// A version by a reader that has it open, or one that knows some of it, or nothing.
    async fn open(&mut self, version: u64) -> Snapshot {
        let dataset = match self.chooser.dice.below(10) {
            0 => Dataset::at(self.handles[0].storage().clone()),
            1 => self.handles[1].clone(),
            _ => {
                if let Some(pinned) = self.pinned.get(&version) {
                    return pinned.clone();
                }
                // What the newest has read of leaves is shared with those that follow.
                let newest = self.handles[0].latest().await.unwrap();
                if newest.version().0 == version {
                    self.pinned.insert(version, newest.clone());
                    return newest;
                }
                self.handles[0].clone()
            }
        };
        dataset.version(Version(version)).await.unwrap()
    }

    async fn check(&mut self, version: u64) -> Snapshot {
        let state = self.states[&version].clone();
        let snapshot = self.open(version).await;
        let (seen, _) = observe(&snapshot, &state.columns, &mut self.chooser.dice).await;
        assert_eq!(seen, state.view(), "version {version}");
        snapshot
    }

    /// At the end: every version, one history, every byte.
    async fn check_all(&mut self) {
        let mut before: Option<(u64, u64)> = None;
        for version in self.states.keys().copied().collect::<Vec<_>>() {
            let snapshot = self.check(version).await;
            let parent = snapshot.root().parent.map(|parent| (parent.version.0, parent.checksum));
            if before.is_some_and(|(number, _)| number + 1 == version) {
                assert_eq!(parent, before, "the parent of version {version}");
            }
            before = Some((version, snapshot.root_checksum()));
        }
        let options = VerifyOptions { full: true, ..VerifyOptions::default() };
        let report = self.handles[0].verify(options).await.unwrap();
        assert!(report.faults.is_empty(), "seed {}: {:?}", self.seed, report.faults);
        if self.seed.is_multiple_of(32) {
            self.check_served().await;
        }
    }

    /// The newest version, as it is read of a server of its files.
    async fn check_served(&self) {
        let (version, state) = self.newest();
        let snapshot = self.handles[0].latest().await.unwrap();
        assert_eq!(snapshot.version().0, version);
        let partitions = snapshot.partition_entries().await.unwrap();
        let mut files = partitions.iter().flat_map(|partition| &partition.files);
        if files.any(|file| file.foreign.is_some()) || !snapshot.root().origins.is_empty() {
            // They lie elsewhere.
            return;
        }
        let folder = place::folder();
        for (path, _) in self.objects().await {
            let file = folder.path().join(&path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let object = self.store.get(&path.as_str().into()).await.unwrap();
            std::fs::write(file, object.bytes().await.unwrap()).unwrap();
        }
        let server = FileServer::over(folder.path());
        let found = block_on_remote(async {
            let dataset = Dataset::open(&server.location("some/place")).await.unwrap();
            let served = dataset.latest().await.unwrap();
            assert_eq!(served.version().0, version);
            served.slice(0..served.row_count()).await.unwrap()
        });
        let expected = snapshot.slice(0..snapshot.row_count()).await.unwrap();
        assert_eq!((found.num_rows(), &found), (state.rows.len(), &expected), "over HTTP");
    }

    /// Every object, so that two runs can be compared.
    pub(crate) async fn objects(&self) -> Vec<(String, u64)> {
        use futures::TryStreamExt;
        use object_store::ObjectStore;
        let objects: Vec<_> = self.store.list(None).try_collect().await.unwrap();
        objects.into_iter().map(|object| (object.location.to_string(), object.size)).collect()
    }
}

/// Whether much depends on what others do meanwhile.
fn is_contended(operation: &Operation) -> bool {
    matches!(operation, Operation::Compact | Operation::Compute(_))
}

/// An error after a fault says nothing; otherwise there has to be a result that `is_right`.
fn expect(event: &Event, is_right: impl Fn(&Option<u64>) -> bool) {
    match &event.result {
        Ok(result) => assert!(is_right(result), "{:?} gave {result:?}", event.operation.name()),
        Err(error) => assert!(event.has_faults, "{}: {}", event.operation.name(), error.chain()),
    }
}

/// Who does not know whether his version is there says so: it is no failure that one may try again after.
fn check_doubt(event: &Event) {
    if let Err(error) = &event.result {
        let is_late = error.to_string() == GAVE_UP;
        // To end versions once more does no harm, and what comes after the commit may fail.
        let is_harmless = matches!(event.operation, Operation::Relist(_) | Operation::Expire(_));
        let name = event.operation.name();
        let is_doubt = error.kind() == ErrorKind::InDoubt;
        assert!(is_doubt || is_late || is_harmless, "{name} was made: {}", error.chain());
    }
}

fn refused(event: &Event, kinds: &[ErrorKind]) {
    let name = event.operation.name();
    match &event.result {
        Ok(version) => panic!("{name} made {version:?}, but is to be refused: {kinds:?}"),
        Err(error) => {
            assert!(event.has_faults || kinds.contains(&error.kind()), "{name}: {}", error.chain());
            assert!(!error.chain().contains('\n'));
        }
    }
}
