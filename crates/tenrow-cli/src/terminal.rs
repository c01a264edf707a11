//! What the terminal can show.

use std::io::{IsTerminal, stdout};

use clap::Args;
use tenrow_convert::Ink;

use crate::fault::Result;

/// The arguments that say whether pictures are drawn.
#[derive(Debug, Args)]
pub(crate) struct WhetherDrawn {
    /// Draw pictures even where the output is not a terminal
    #[arg(long, conflicts_with = "json")]
    draw: bool,
    #[arg(from_global)]
    json: bool,
}

impl WhetherDrawn {
    /// What was asked for.
    pub(crate) fn drawing(&self) -> Result<Drawing> {
        match (self.draw, self.json) {
            // What stands before the command is not seen to be in conflict with what stands behind it.
            (true, true) => {
                Err("--draw: there are no pictures in JSON: leave out one of them".into())
            }
            (true, false) => Ok(Drawing::always()),
            (false, _) => Ok(Drawing::on_terminals()),
        }
    }
}

/// Whether pictures are drawn, and in which colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drawing {
    /// `None`: not at all.
    pub(crate) ink: Option<Ink>,
}

impl Drawing {
    /// Drawn on terminals only.
    fn on_terminals() -> Self {
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
