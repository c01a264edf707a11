//! What the terminal can show.

use std::io::{IsTerminal, stdout};

use tenrow_convert::Ink;

/// Whether pictures are drawn, and in which colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawing {
    /// `None`: not at all.
    pub(crate) ink: Option<Ink>,
}

impl Drawing {
    /// Drawn on terminals only.
    pub(crate) fn on_terminals() -> Self {
        Self { ink: stdout().is_terminal().then(colours) }
    }

    /// Drawn anywhere: without colours where there is no terminal.
    pub(crate) fn always() -> Self {
        Self { ink: Some(if stdout().is_terminal() { colours() } else { Ink::Plain }) }
    }
}

fn colours() -> Ink {
    let is = |name: &str, test: fn(&str) -> bool| std::env::var(name).is_ok_and(|v| test(&v));
    if is("NO_COLOR", |v| !v.is_empty()) || is("TERM", |v| v == "dumb") {
        Ink::Plain
    } else if is("COLORTERM", |v| v == "truecolor" || v == "24bit") {
        Ink::TrueColor
    } else {
        Ink::Ansi256
    }
}
