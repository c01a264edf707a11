//! Who is told how far an operation is, and stops it.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use tenrow::{OnProgress, Progress};

/// What was told, in order.
pub type Told = Arc<Mutex<Vec<Progress>>>;

/// Notes everything, and stops nothing.
pub fn all() -> (OnProgress, Told) {
    until(|_| false)
}

/// Notes everything up to what stops the work.
pub fn until(stops: impl Fn(Progress) -> bool + Send + 'static) -> (OnProgress, Told) {
    let told = Told::default();
    let noted = told.clone();
    let on_progress = OnProgress::new(move |progress| {
        noted.lock().expect("nobody has panicked").push(progress);
        match stops(progress) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    (on_progress, told)
}
