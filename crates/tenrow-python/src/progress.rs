//! Functions of Python that are told how far an operation is.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use tenrow::{OnProgress, Progress};

/// A function that is called with what is done, all there is and the bytes, and what it has raised.
pub(crate) struct Told {
    pub(crate) on_progress: OnProgress,
    raised: Arc<Mutex<Option<PyErr>>>,
}

impl Told {
    /// Nobody, if there is no function.
    pub(crate) fn of(function: Option<Py<PyAny>>) -> Self {
        let raised = Arc::<Mutex<Option<PyErr>>>::default();
        let Some(function) = function else {
            return Self { on_progress: OnProgress::default(), raised };
        };
        let noted = raised.clone();
        let tell = move |Progress { done, total, bytes }| {
            let told = Python::try_attach(|py| function.call1(py, (done, total, bytes)).map(drop));
            match told {
                Some(Ok(())) => ControlFlow::Continue(()),
                Some(Err(error)) => {
                    *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    ControlFlow::Break(())
                }
                // The interpreter is ending.
                None => ControlFlow::Break(()),
            }
        };
        Self { on_progress: OnProgress::new(tell), raised }
    }

    /// What came of the work, or the exception of the function, such as that of Ctrl-C, which stopped it.
    pub(crate) fn finish<T>(self, done: PyResult<T>) -> PyResult<T> {
        match self.raised.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) => Err(error),
            None => done,
        }
    }
}
