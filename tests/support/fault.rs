//! A store that fails on purpose.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
    UploadPart,
};

use crate::random::Dice;

/// Where the failure of a put lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Nothing was written.
    Before,
    /// It was written, and the answer was lost.
    After,
    /// Half of it was written, under a temporary name.
    Torn,
    /// It will be written, long after its writer gave up.
    Late,
}

/// A put that is still under way, though its writer gave up.
#[derive(Debug)]
pub struct LatePut(Path, PutPayload);

/// Passes everything on to another store, but for the requests that are to fail.
pub struct FaultyStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Mutex<Plan>>,
}

/// What another program does meanwhile.
type Meanwhile = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

#[derive(Default)]
struct Plan {
    /// Failures to come: puts of paths with that text, how many to let pass first, and when.
    failures: Vec<(String, usize, When)>,
    /// Failures at random: one request of so many, of all kinds.
    random: Option<(Dice, u64)>,
    /// Whether every put fails, for there is no room.
    is_full: bool,
    /// Where torn puts leave their halves.
    torn_folder: Option<Path>,
    /// Whether the put of a version may come late, and the one that does.
    may_be_late: bool,
    late: Option<LatePut>,
    /// Listings that are to fail as soon as a version was put, and those that are failing.
    lists_to_fail: usize,
    lists_failing: usize,
    failed: usize,
    meanwhile: Option<Meanwhile>,
    /// What is done when the next version is there, and its writer is not told yet.
    afterwards: Option<Meanwhile>,
    /// What is done before a read of a path with that text, after so many.
    before_read: Option<(String, usize, Meanwhile)>,
}

impl FaultyStore {
    /// A store that does what `inner` does until it is told otherwise.
    pub fn new(inner: Arc<dyn ObjectStore>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Fails one put of a path that contains `text`, after `pass` of them were let pass.
    pub fn fail(&self, text: &str, pass: usize, when: When) {
        self.plan().failures.push((text.to_owned(), pass, when));
    }

    /// Fails one request in `one_in` from now on, before or after its effect, as `dice` says.
    pub fn fail_at_random(&self, dice: Dice, one_in: u64) {
        self.plan().random = Some((dice, one_in));
    }

    /// Lets torn puts leave their halves in `folder`.
    pub fn tear_into(&self, folder: Path) {
        self.plan().torn_folder = Some(folder);
    }

    /// Lets the put of a version come late, among the failures at random.
    pub fn allow_late(&self) {
        self.plan().may_be_late = true;
    }

    /// Fails this many listings right after the next version was put: who looks whether it was meets a busy server.
    pub fn fail_lists_after_version(&self, lists: usize) {
        self.plan().lists_to_fail = lists;
    }

    /// The put of a version that is to [land](Self::land) later, if there is one.
    pub fn take_late(&self) -> Option<LatePut> {
        self.plan().late.take()
    }

    /// Lets a late put arrive. It creates nothing if something is there by now.
    pub async fn land(&self, late: LatePut) {
        let LatePut(location, payload) = late;
        // If it is taken, the store refuses, and nobody is there to be told.
        drop(self.inner.put_opts(&location, payload, PutMode::Create.into()).await);
    }

    /// Does this once, just before the next version is put: as another program might.
    pub fn before_next_version(
        &self,
        meanwhile: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) {
        self.plan().meanwhile = Some(Box::new(meanwhile));
    }

    /// Does this once, just after the next version is put, before its writer is told.
    pub fn after_next_version(
        &self,
        meanwhile: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) {
        self.plan().afterwards = Some(Box::new(meanwhile));
    }

    /// Does this once, just before a path that contains `text` is read, after `pass` such reads.
    pub fn before_read(
        &self,
        text: &str,
        pass: usize,
        meanwhile: impl FnOnce() -> BoxFuture<'static, ()> + Send + 'static,
    ) {
        self.plan().before_read = Some((text.to_owned(), pass, Box::new(meanwhile)));
    }

    /// What is due before `path` is read.
    fn due_before_read(&self, path: &Path) -> Option<Meanwhile> {
        let mut plan = self.plan();
        let (text, pass, _) = plan.before_read.as_mut()?;
        if !path.as_ref().contains(text.as_str()) {
            return None;
        }
        if *pass > 0 {
            *pass -= 1;
            return None;
        }
        plan.before_read.take().map(|(_, _, meanwhile)| meanwhile)
    }

    /// Forgets the failures that did not come yet, and what was to be done meanwhile.
    pub fn heal(&self) {
        let mut plan = self.plan();
        plan.failures.clear();
        plan.random = None;
        plan.is_full = false;
        plan.may_be_late = false;
        (plan.lists_to_fail, plan.lists_failing) = (0, 0);
        plan.meanwhile = None;
        plan.afterwards = None;
        plan.before_read = None;
    }

    /// Requests that failed so far.
    pub fn failed(&self) -> usize {
        self.plan().failed
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_failure(&self, path: &Path) -> Option<When> {
        let mut plan = self.plan();
        let found = plan.failures.iter_mut().position(|(text, pass, _)| {
            let concerns = path.as_ref().contains(text.as_str());
            let is_due = concerns && *pass == 0;
            *pass -= usize::from(concerns && !is_due);
            is_due
        });
        let Some(found) = found else { return plan.random_put(path) };
        let (_, _, when) = plan.failures.remove(found);
        plan.failed += 1;
        Some(when)
    }

    fn random_failure(&self) -> Option<When> {
        self.plan().random_failure()
    }

    /// Leaves half of a put where unfinished objects are.
    async fn tear(&self, location: &Path, payload: PutPayload) -> Result<()> {
        let (folder, number) = {
            let plan = self.plan();
            (plan.torn_folder.clone(), plan.failed)
        };
        let (Some(folder), Some(name)) = (folder, location.filename()) else { return Ok(()) };
        let whole: Bytes = payload.into();
        let half = whole.slice(..whole.len() / 2);
        let temporary = folder.join(format!("{name}.{number}"));
        self.inner.put_opts(&temporary, half.into(), PutOptions::default()).await.map(drop)
    }

    /// Fails a request that changes nothing.
    fn may_read(&self, path: &Path) -> Result<()> {
        self.random_failure().map_or(Ok(()), |_| Err(failure(path)))
    }

    fn listed(
        &self,
        prefix: Option<&Path>,
        objects: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let error = || failure(prefix.unwrap_or(&Path::default()));
        match self.plan().list_failure() {
            None => objects,
            Some(When::Before) => stream::iter([Err(error())]).boxed(),
            // The connection breaks in the middle of the answer.
            Some(_) => objects.take(1).chain(stream::iter([Err(error())])).boxed(),
        }
    }
}

/// Parts that fail at random, or whose answers are lost, as other requests do.
struct FaultyUpload {
    inner: Box<dyn MultipartUpload>,
    location: Path,
    plan: Arc<Mutex<Plan>>,
}

impl FaultyUpload {
    fn random_failure(&self) -> Option<When> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).random_failure()
    }
}

impl fmt::Debug for FaultyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyUpload").field("location", &self.location).finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl MultipartUpload for FaultyUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.random_failure() {
            None => self.inner.put_part(data),
            Some(when) => {
                let (part, location) = (self.inner.put_part(data), self.location.clone());
                Box::pin(async move {
                    if when == When::After {
                        part.await?;
                    }
                    Err(failure(&location))
                })
            }
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        match self.random_failure() {
            None => self.inner.complete().await,
            Some(When::After) => {
                self.inner.complete().await?;
                Err(failure(&self.location))
            }
            Some(_) => Err(failure(&self.location)),
        }
    }

    async fn abort(&mut self) -> Result<()> {
        match self.random_failure() {
            None => self.inner.abort().await,
            Some(_) => Err(failure(&self.location)),
        }
    }
}

impl Plan {
    /// Begins to fail listings if that was asked for, and gives what is to be done now.
    fn version_is_put(&mut self) -> Option<Meanwhile> {
        self.lists_failing = std::mem::take(&mut self.lists_to_fail);
        self.afterwards.take()
    }

    fn list_failure(&mut self) -> Option<When> {
        if self.lists_failing == 0 {
            return self.random_failure();
        }
        self.lists_failing -= 1;
        self.failed += 1;
        Some(When::Before)
    }

    fn random_failure(&mut self) -> Option<When> {
        let (dice, one_in) = self.random.as_mut()?;
        if !dice.once_in(*one_in) {
            return None;
        }
        self.failed += 1;
        let (dice, _) = self.random.as_mut()?;
        Some(if dice.once_in(2) { When::Before } else { When::After })
    }

    /// Some failures are of puts alone: a full disk, half an object, one that comes late.
    fn random_put(&mut self, path: &Path) -> Option<When> {
        if self.is_full {
            self.failed += 1;
            return Some(When::Before);
        }
        let when = self.random_failure()?;
        let may_be_late = self.may_be_late && is_version(path);
        let (dice, _) = self.random.as_mut()?;
        Some(match dice.below(6) {
            0 => {
                self.is_full = true;
                When::Before
            }
            1 => When::Torn,
            2..=4 if may_be_late => When::Late,
            _ => when,
        })
    }
}

fn is_version(path: &Path) -> bool {
    path.as_ref().contains("_tenrow/versions/")
}

/// Deletes one object, or fails before or after it is gone.
async fn delete(
    inner: Arc<dyn ObjectStore>,
    location: Result<Path>,
    fails: Option<When>,
) -> Result<Path> {
    let location = location?;
    if fails != Some(When::Before) {
        let one = stream::iter([Ok(location.clone())]).boxed();
        inner.delete_stream(one).next().await.unwrap_or(Ok(location.clone()))?;
    }
    if fails.is_some() { Err(failure(&location)) } else { Ok(location) }
}

fn failure(path: &Path) -> object_store::Error {
    object_store::Error::Generic {
        store: "faulty",
        source: format!("connection reset at {path}").into(),
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultyStore").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "faulty {}", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let is_version = options.mode == PutMode::Create && is_version(location);
        let meanwhile = if is_version { self.plan().meanwhile.take() } else { None };
        if let Some(meanwhile) = meanwhile {
            meanwhile().await;
        }
        match self.next_failure(location) {
            None => {
                let put = self.inner.put_opts(location, payload, options).await;
                if is_version && put.is_ok() {
                    let afterwards = self.plan().version_is_put();
                    if let Some(afterwards) = afterwards {
                        afterwards().await;
                    }
                }
                put
            }
            Some(When::Before) => Err(failure(location)),
            Some(When::After) => {
                self.inner.put_opts(location, payload, options).await?;
                Err(failure(location))
            }
            Some(When::Torn) => {
                self.tear(location, payload).await?;
                Err(failure(location))
            }
            Some(When::Late) => {
                self.plan().late = Some(LatePut(location.clone(), payload));
                Err(failure(location))
            }
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        match self.next_failure(location) {
            None => {
                let inner = self.inner.put_multipart_opts(location, options).await?;
                let (location, plan) = (location.clone(), self.plan.clone());
                Ok(Box::new(FaultyUpload { inner, location, plan }))
            }
            Some(_) => Err(failure(location)),
        }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if let Some(due) = self.due_before_read(location) {
            due().await;
        }
        self.may_read(location)?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.may_read(location)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let inner = self.inner.clone();
        // Drawn for the call: a stream outlives the borrow of this store.
        let mut fails = self.random_failure();
        locations.then(move |location| delete(inner.clone(), location, fails.take())).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
