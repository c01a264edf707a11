//! Two ways to the same end, timed in turns so that a busy machine slows both alike.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Turns that each side has, and fewer where a single run takes longer than its share of the time.
const ROUNDS: usize = 31;
const SLOW_ROUNDS: usize = 5;

/// The medians of both sides.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// One run of tenrow.
    pub tenrow: Duration,
    /// One run of the other.
    pub other: Duration,
}

impl Comparison {
    /// Time of tenrow over time of the other: below 1, tenrow is faster.
    pub fn ratio(&self) -> f64 {
        self.tenrow.as_secs_f64() / self.other.as_secs_f64()
    }
}

/// Times both in turns, each for about `total`; the first runs of each do not count.
pub fn compare<A, B>(
    total: Duration,
    mut tenrow: impl FnMut() -> A,
    mut other: impl FnMut() -> B,
) -> Comparison {
    let each = total / ROUNDS as u32;
    // Once to warm up: what runs first meets files that nobody has mapped yet.
    runs_in(each, &mut tenrow);
    runs_in(each, &mut other);
    let (tenrow_runs, other_runs) = (runs_in(each, &mut tenrow), runs_in(each, &mut other));
    let is_slow = time(1, &mut other) > 4 * each;
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..if is_slow { SLOW_ROUNDS } else { ROUNDS } {
        a.push(time(tenrow_runs, &mut tenrow));
        b.push(time(other_runs, &mut other));
    }
    Comparison { tenrow: median(a), other: median(b) }
}

/// How many runs fill `duration`, at least one.
fn runs_in<A>(duration: Duration, work: &mut impl FnMut() -> A) -> u32 {
    time(1, work);
    let mut runs = 1u32;
    loop {
        let one = time(runs, work).max(Duration::from_nanos(1));
        if one * runs >= duration / 4 || runs >= 1 << 20 {
            return (duration.as_nanos() / one.as_nanos()).clamp(1, 1 << 20) as u32;
        }
        runs *= 4;
    }
}

fn time<A>(runs: u32, work: &mut impl FnMut() -> A) -> Duration {
    let start = Instant::now();
    for _ in 0..runs {
        black_box(work());
    }
    start.elapsed() / runs
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
