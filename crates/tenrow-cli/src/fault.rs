//! What went wrong, in one line.

use std::error::Error;
use std::fmt;
use std::io;

/// Any error of a command.
pub(crate) type Fault = Box<dyn Error + Send + Sync>;
/// The result of a command.
pub(crate) type Result<T> = std::result::Result<T, Fault>;

/// Ctrl-C, where a command had something to tidy up first.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl Error for Interrupted {}

/// Whether Ctrl-C was the reason.
pub(crate) fn is_interrupt(fault: &Fault) -> bool {
    fault.is::<Interrupted>()
}

/// The message and those of all its causes, on one line: `a: b: c`.
pub(crate) fn line(fault: &Fault) -> String {
    // Only printing gives a bare error of the system: all others say what was being done.
    let mut line = match fault.is::<io::Error>() {
        true => format!("cannot print: {fault}"),
        false => fault.to_string(),
    };
    let mut next = fault.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if !line.ends_with(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        next = cause.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether printing failed because nobody reads it any more.
pub(crate) fn is_closed_pipe(fault: &Fault) -> bool {
    fault.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_every_cause_once() {
        let cause = io::Error::other("no space\nleft");
        let fault: Fault = tenrow::Error::io("write /x", cause).into();
        assert_eq!(line(&fault), "write /x: no space left");
    }
}
