//! The time of day, passed in so that tests decide it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::blocking;

/// Where the time of a commit comes from.
///
/// ```
/// use tenrow::engine::Clock;
/// assert_eq!(Clock::fixed(1_700_000_000_000).now_ms(), 1_700_000_000_000);
/// assert!(Clock::system().now_ms() > 1_700_000_000_000);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Clock {
    fixed_ms: Option<i64>,
}

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self { fixed_ms: None }
    }

    /// A clock that always shows `now_ms`.
    pub fn fixed(now_ms: i64) -> Self {
        Self { fixed_ms: Some(now_ms) }
    }

    /// Waits that long; a fixed clock does not move, so nothing waits for it.
    pub(crate) async fn pause(&self, duration: Duration) {
        if self.fixed_ms.is_none() && !duration.is_zero() {
            blocking::run(move || std::thread::sleep(duration)).await;
        }
    }

    /// Milliseconds since 1970-01-01 UTC; a machine set to before that gives 0.
    pub fn now_ms(&self) -> i64 {
        self.fixed_ms.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
    }
}
