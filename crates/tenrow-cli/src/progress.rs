//! A bar for whatever takes longer than a second.

use std::io::{IsTerminal, stderr};
use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tenrow::{OnProgress, Progress};

use crate::text;

/// How long work goes on in silence.
const SILENCE: Duration = Duration::from_secs(1);
/// How often a line that counts nothing moves.
const TICK: Duration = Duration::from_millis(100);

/// A progress bar on stderr, if that is a terminal.
pub(crate) struct Bar {
    bar: ProgressBar,
    unit: &'static str,
}

impl Bar {
    /// A bar that counts `unit`, such as `rows`.
    pub(crate) fn new(unit: &'static str) -> Self {
        Self { bar: ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), unit }
    }

    /// What shows on it how far the work is that begins now.
    pub(crate) fn on_progress(&self) -> OnProgress {
        if !stderr().is_terminal() {
            return OnProgress::default();
        }
        let (bar, unit, started) = (self.bar.clone(), self.unit, Instant::now());
        let mut is_shown = false;
        OnProgress::new(move |progress| {
            if started.elapsed() >= SILENCE {
                if !is_shown {
                    show(&bar, unit, progress.total.is_some());
                    is_shown = true;
                }
                set(&bar, started, progress);
            }
            ControlFlow::Continue(())
        })
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

fn show(bar: &ProgressBar, unit: &str, has_total: bool) {
    let template = match has_total {
        true => "{bar:30} {human_pos}/{human_len} UNIT  {msg}  {eta} left",
        false => "{spinner} {human_pos} UNIT  {msg}  {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(&template.replace("UNIT", unit)) {
        bar.set_style(style);
    }
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The estimate counts from the start of the work, not of the bar.
    bar.reset_eta();
}

fn set(bar: &ProgressBar, started: Instant, progress: Progress) {
    if let Some(total) = progress.total {
        bar.set_length(total);
    }
    if progress.bytes > 0 {
        let speed = (progress.bytes as f64 / started.elapsed().as_secs_f64()) as u64;
        bar.set_message(format!("{}/s", text::size(speed)));
    }
    bar.set_position(progress.done);
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
