//! Requests that are given up because nothing moves, not because they are long.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use http_body::{Body, Frame, SizeHint};
use object_store::client::{HttpError, HttpErrorKind, HttpRequestBody};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// Bytes that are handed to the connection at once: it asks for more once it is rid of them.
const PIECE_BYTES: usize = 16 << 10;
/// Bytes that the machine may have taken and not sent yet, at most.
const MAX_HELD_BYTES: u64 = 4 << 20;
/// For so many of them a request may stand still for once longer.
const HELD_BYTES: u64 = 1 << 20;

/// How far a request has come.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    begun: Instant,
    /// When something moved last, in milliseconds since it was begun.
    moved_ms: Arc<AtomicU64>,
    sent_bytes: Arc<AtomicU64>,
}

/// Nothing moved.
#[derive(Debug)]
struct Idle(Duration);

impl Progress {
    pub(super) fn begin() -> Self {
        Self { begun: Instant::now(), moved_ms: Arc::default(), sent_bytes: Arc::default() }
    }

    fn note(&self, bytes: u64) {
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(now, Ordering::Relaxed);
    }

    /// Whether it has sent anything, and `deadline` has passed since.
    pub(super) fn has_sent_until(&self, deadline: Duration) -> bool {
        self.sent_bytes.load(Ordering::Relaxed) > 0 && self.begun.elapsed() > deadline
    }

    /// How long after its beginning something moved last.
    fn moved(&self) -> Duration {
        Duration::from_millis(self.moved_ms.load(Ordering::Relaxed))
    }

    /// Until when the request may go on if nothing moves any more.
    ///
    /// What the machine has taken is still on its way, which nobody sees: for as long again as it took to hand over what
    /// came before it, and it may have been taken all at once.
    fn until(&self, limit: Duration) -> Instant {
        let held_bytes = self.sent_bytes.load(Ordering::Relaxed).min(MAX_HELD_BYTES);
        let times = 1 + held_bytes.div_ceil(HELD_BYTES) as u32;
        self.begun + self.moved() * 2 + limit * times
    }

    /// What `work` gives, unless nothing moves for too long.
    pub(super) async fn watch<F: Future>(
        &self,
        limit: Duration,
        work: F,
    ) -> Result<F::Output, HttpError> {
        let mut work = pin!(work);
        loop {
            match select(work.as_mut(), pin!(sleep_until(self.until(limit)))).await {
                Either::Left((done, _)) => return Ok(done),
                Either::Right(_) if self.until(limit) <= Instant::now() => return Err(idle(limit)),
                Either::Right(_) => {}
            }
        }
    }
}

/// What is sent, in small pieces, each of which is a step.
pub(super) struct Sent {
    body: HttpRequestBody,
    piece: Bytes,
    left: u64,
    progress: Progress,
}

impl Sent {
    pub(super) fn new(body: HttpRequestBody, progress: Progress) -> Self {
        let left = body.content_length() as u64;
        Self { body, piece: Bytes::new(), left, progress }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        while self.piece.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => self.piece = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let size = self.piece.len().min(PIECE_BYTES);
        self.progress.note(size as u64);
        self.left = self.left.saturating_sub(size as u64);
        Poll::Ready(Some(Ok(Frame::data(self.piece.split_to(size)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What comes back: an error if nothing does for too long.
pub(super) struct Received<B> {
    body: B,
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl<B> Received<B> {
    pub(super) fn new(body: B, limit: Duration) -> Self {
        Self { body, limit, timer: Box::pin(sleep(limit)) }
    }
}

impl<B: Body<Error = HttpError> + Unpin> Body for Received<B> {
    type Data = B::Data;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, HttpError>>> {
        let limit = self.limit;
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            self.timer.as_mut().reset(Instant::now() + limit);
            return Poll::Ready(frame);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Some(Err(idle(limit))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn idle(limit: Duration) -> HttpError {
    HttpError::new(HttpErrorKind::Timeout, Idle(limit))
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing moved for {:?}: the option timeout says how long to wait", self.0)
    }
}

impl std::error::Error for Idle {}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_request_lasts_as_long_as_something_moves() {
        let progress = Progress::begin();
        let moving = async {
            for _ in 0..1000 {
                sleep(LIMIT * 9 / 10).await;
                progress.note(0);
            }
        };
        progress.watch(LIMIT, moving).await.unwrap();
        let begun = Instant::now();
        let silent = Progress::begin();
        let error = silent.watch(LIMIT, std::future::pending::<()>()).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (HttpErrorKind::Timeout, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_machine_has_taken_may_take_as_long_again() {
        let progress = Progress::begin();
        sleep(LIMIT * 10).await;
        progress.note(1);
        progress.watch(LIMIT, sleep(LIMIT * 11)).await.unwrap();
        progress.watch(LIMIT, sleep(LIMIT * 2)).await.unwrap_err();
        let at_once = Progress::begin();
        at_once.note(u64::MAX);
        at_once.watch(LIMIT, sleep(LIMIT * 4)).await.unwrap();
        at_once.watch(LIMIT, sleep(LIMIT * 2)).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_is_sent_is_the_same_in_pieces() {
        use http_body_util::BodyExt;
        let payload = object_store::PutPayload::from_iter([
            Bytes::from(vec![1; 40_000]),
            Bytes::new(),
            Bytes::from(vec![2; 3]),
        ]);
        let sent = Sent::new(payload.clone().into(), Progress::begin());
        assert_eq!(sent.size_hint().exact(), Some(40_003));
        assert_eq!(sent.collect().await.unwrap().to_bytes(), Bytes::from(payload));
    }
}
