//! The prompt: lines with history and completion.

use std::path::PathBuf;
use std::sync::PoisonError;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Helper};

use super::SharedNames;
use super::command::Command;
use super::completion::complete;
use crate::fault::Result;

const PROMPT: &str = "tenrow> ";
/// Inputs that are remembered.
const HISTORY_LENGTH: usize = 10_000;

/// Reads inputs: commands, or statements that may have many lines.
pub(crate) struct Editor {
    editor: rustyline::Editor<Aid, DefaultHistory>,
    history: Option<PathBuf>,
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    /// Ctrl-C.
    Cancelled,
    /// Ctrl-D, or there is nothing to read from any more.
    End,
}

impl Editor {
    /// An editor that knows what it was given before.
    pub(crate) fn new(names: SharedNames) -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(HISTORY_LENGTH)?
            .auto_add_history(true)
            .build();
        let mut editor = rustyline::Editor::with_config(config)?;
        editor.set_helper(Some(Aid { names }));
        let history = history_file();
        if let Some(path) = &history {
            // The first time there is none.
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, history })
    }

    /// The next input.
    ///
    /// # Errors
    /// If the terminal fails.
    pub(crate) fn read(&mut self) -> Result<Input> {
        match self.editor.readline(PROMPT) {
            Ok(text) => {
                self.remember();
                Ok(Input::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Input::Cancelled),
            Err(ReadlineError::Eof) => Ok(Input::End),
            Err(error) => Err(error.into()),
        }
    }

    /// A history that cannot be kept is no reason to stop.
    fn remember(&mut self) {
        if let Some(path) = &self.history {
            let folder = path.parent().map(std::fs::create_dir_all);
            if folder.is_some_and(|made| made.is_ok()) {
                let _ = self.editor.append_history(path);
            }
        }
    }
}

/// `tenrow/sql_history` in the user's folder for states.
fn history_file() -> Option<PathBuf> {
    let states = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let states = states.filter(|folder| folder.is_absolute());
    let folder = states.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(folder.join("tenrow/sql_history"))
}

/// What helps with typing.
struct Aid {
    names: SharedNames,
}

impl Completer for Aid {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        Ok(complete(line.get(..position).unwrap_or(line), &names))
    }
}

impl Validator for Aid {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match is_whole(context.input()) {
            true => ValidationResult::Valid(None),
            false => ValidationResult::Incomplete,
        })
    }
}

/// Whether Enter ends the input, or begins another line of it.
fn is_whole(text: &str) -> bool {
    // What is wrong is whole, too: there is something to say about it.
    !matches!(Command::parse(text), Ok(None)) || tenrow_sql::is_complete(text)
}

impl Highlighter for Aid {}

impl Hinter for Aid {
    type Hint = String;
}

impl Helper for Aid {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_ends_commands_and_statements_with_their_semicolon() {
        for whole in ["", "SELECT 1;", "SELECT 1;\nSELECT 2; ", "\\d", "\\nonsense", "quit"] {
            assert!(is_whole(whole), "{whole}");
        }
        for begun in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT 2", "SELECT 1 -- ;"] {
            assert!(!is_whole(begun), "{begun}");
        }
    }
}
