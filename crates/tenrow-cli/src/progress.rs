//! A bar for whatever takes longer than a second.

use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text;

/// How long work goes on in silence.
const SILENCE: Duration = Duration::from_secs(1);
/// How often a line that counts nothing moves.
const TICK: Duration = Duration::from_millis(100);

/// A progress bar on stderr, if that is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    unit: &'static str,
    started: Instant,
    is_shown: bool,
    is_terminal: bool,
}

impl Bar {
    /// A bar that counts `unit`, such as `rows`.
    pub(crate) fn new(unit: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let is_terminal = stderr().is_terminal();
        Self { bar, unit, started: Instant::now(), is_shown: false, is_terminal }
    }

    /// Shows how far the work is.
    pub(crate) fn set(&mut self, done: u64, total: Option<u64>, bytes: u64) {
        let elapsed = self.started.elapsed();
        if !self.is_terminal || elapsed < SILENCE {
            return;
        }
        if !self.is_shown {
            self.show(total);
        }
        if bytes > 0 {
            let speed = (bytes as f64 / elapsed.as_secs_f64()) as u64;
            self.bar.set_message(format!("{}/s", text::size(speed)));
        }
        self.bar.set_position(done);
    }

    fn show(&mut self, total: Option<u64>) {
        let template = match total {
            Some(_) => "{bar:30} {human_pos}/{human_len} UNIT  {msg}  {eta} left",
            None => "{spinner} {human_pos} UNIT  {msg}  {elapsed}",
        };
        if let Ok(style) = ProgressStyle::with_template(&template.replace("UNIT", self.unit)) {
            self.bar.set_style(style);
        }
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        // The estimate counts from the start of the work, not of the bar.
        self.bar.reset_eta();
        self.is_shown = true;
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.finish();
    }
}

/// A line on stderr that says what is going on, for work that does not count its steps.
pub(crate) struct Spinner {
    bar: ProgressBar,
    /// Wakes the thread that would show the line.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Spinner {
    /// A line that says `what` if the work goes on for over a second, and stderr is a terminal.
    pub(crate) fn start(what: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if !stderr().is_terminal() {
            return Self { bar, stop: None, thread: None };
        }
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        let (stop, stopped) = channel();
        let shown = bar.clone();
        let thread = thread::spawn(move || {
            if stopped.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(TICK);
            }
        });
        Self { bar, stop: Some(stop), thread: Some(thread) }
    }

    /// Says something else from now on.
    #[cfg(feature = "sql")]
    pub(crate) fn say(&self, what: String) {
        self.bar.set_message(what);
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.stop = None;
        // A thread that panicked showed nothing, which does no harm.
        let _ = self.thread.take().map(JoinHandle::join);
        self.bar.finish_and_clear();
    }
}
