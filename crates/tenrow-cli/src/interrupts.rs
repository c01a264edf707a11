//! Ctrl-C, and being asked to end.

use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use tokio::sync::watch;

use crate::fault::Result;

/// How long the program may take to end after Ctrl-C, if that is to end it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells of every Ctrl-C, which no longer ends the program by itself.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    presses: watch::Receiver<u64>,
}

/// What a second Ctrl-C does, if the first had no effect yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Second {
    /// It ends the program at once, and so does the first when it has had time enough.
    Ends,
    /// It is like the first.
    #[cfg(feature = "sql")]
    Waits,
}

impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen(second: Second) -> Result<Self> {
        // Whoever ends a program by `kill`, as schedulers do, wants it to tidy up as well.
        let ending = [SIGINT, SIGTERM];
        let mut signals = match second {
            Second::Ends => Signals::new(ending)?,
            #[cfg(feature = "sql")]
            Second::Waits => Signals::new([SIGINT])?,
        };
        let (sender, presses) = watch::channel(0);
        thread::spawn(move || {
            for signal in signals.forever() {
                if second == Second::Ends && *sender.borrow() > 0 {
                    // It does not return; if it did, the first Ctrl-C would still be under way.
                    let _ = emulate_default_handler(signal);
                }
                sender.send_modify(|count| *count += 1);
                if second == Second::Ends {
                    thread::spawn(move || {
                        thread::sleep(PATIENCE);
                        let _ = emulate_default_handler(signal);
                    });
                }
            }
        });
        Ok(Self { presses })
    }

    /// Forgets what was pressed before.
    #[cfg(feature = "sql")]
    pub(crate) fn forget(&mut self) {
        self.presses.mark_unchanged();
    }

    /// Waits for the next one.
    pub(crate) async fn pressed(&mut self) {
        if self.presses.changed().await.is_err() {
            // Nobody listens any more, so none will come.
            std::future::pending::<()>().await;
        }
    }
}
