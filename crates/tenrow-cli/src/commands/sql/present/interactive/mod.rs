//! Statements that are typed at a prompt.

mod command;
mod completion;
mod editor;
mod names;

use std::io::{Write, stderr, stdout};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use tenrow_convert::{Format, Purpose};
use tenrow_sql::{Session, StatementKind};

use super::Form;
use super::query::Texts;
use super::shell::{Place, Shell};
use crate::fault::{self, Fault, Result};
use command::Command;
use editor::{Editor, Input};
use names::Names;

/// What `\?` says.
fn help() -> String {
    let forms = completion::shown_forms().join(", ");
    let files = Format::all().filter(|format| format.serves(Purpose::Answers));
    let files: Vec<String> =
        files.filter_map(|format| Some(format!(".{}", format.extensions().next()?))).collect();
    let files = files.join(", ");
    format!(
        "\
A statement ends with ; and may have many lines. Tab completes, arrow up brings back, Ctrl-R searches.
Ctrl-C cancels a statement; Ctrl-D leaves.

  \\d             the tables
  \\d TABLE       the columns of a table
  \\timing        say how long statements take, or no longer
  \\format FORM   show answers as one of {forms}
  \\o FILE        write the next answer to a file: {files}
  \\q             leave"
    )
}

/// What completion knows; found out in the background, and again after changes.
type SharedNames = Arc<RwLock<Names>>;

/// Asks for statements until there are no more.
pub(crate) async fn run(mut shell: Shell) -> Result<()> {
    let names = SharedNames::default();
    learn(&shell.session, &names);
    let mut editor = Editor::new(names.clone())?;
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        stdout(),
        "tenrow {version}: end statements with ; or type \\? for help, \\q to leave"
    )?;
    let mut next_file = None;
    loop {
        let text = match editor.read()? {
            Input::Text(text) => text,
            Input::Cancelled => continue,
            Input::End => return Ok(()),
        };
        match take(&mut shell, &text, &mut next_file).await {
            Ok(Next::Goes) => {}
            Ok(Next::Changed) => learn(&shell.session, &names),
            Ok(Next::Leaves) => return Ok(()),
            Err(fault) => report(&fault)?,
        }
    }
}

/// What comes after an input.
enum Next {
    Goes,
    /// Tables may have other names or columns now.
    Changed,
    Leaves,
}

/// Does what a line asks for.
async fn take(shell: &mut Shell, text: &str, next_file: &mut Option<PathBuf>) -> Result<Next> {
    match Command::parse(text)? {
        None => return run_statements(shell, text, next_file).await,
        Some(Command::Quit) => return Ok(Next::Leaves),
        Some(Command::Help) => writeln!(stdout(), "{}", help())?,
        Some(Command::Tables) => query(shell, command::TABLES).await?,
        Some(Command::Columns(table)) => query(shell, &command::columns_of(&table)).await?,
        Some(Command::Timing(asked)) => {
            shell.timing = asked.unwrap_or(!shell.timing);
            writeln!(stdout(), "timing is {}", if shell.timing { "on" } else { "off" })?;
        }
        Some(Command::Format(None)) => {
            let form = shell.form.unwrap_or(Form::Table);
            writeln!(stdout(), "answers are shown as {form}")?;
        }
        Some(Command::Format(Some(form))) => shell.form = Some(form),
        Some(Command::Out(path)) => *next_file = path,
    }
    Ok(Next::Goes)
}

async fn run_statements(
    shell: &mut Shell,
    text: &str,
    next_file: &mut Option<PathBuf>,
) -> Result<Next> {
    let mut next = Next::Goes;
    shell.interrupts.forget();
    for statement in tenrow_sql::statements(text)? {
        let texts = Texts::new();
        let kind = match next_file.take() {
            None => shell.answer(&statement, texts, Place::Stdout).await?,
            Some(path) => {
                // The form that is shown on the terminal is not that of files.
                let form = shell.form.take();
                let answered = shell.answer(&statement, texts, Place::File(&path, false)).await;
                shell.form = form;
                answered?
            }
        };
        if kind == StatementKind::Tables {
            next = Next::Changed;
        }
    }
    Ok(next)
}

/// Shows a table, whatever form answers have.
async fn query(shell: &mut Shell, statement: &str) -> Result<()> {
    shell.interrupts.forget();
    let form = shell.form.replace(Form::Table);
    let answered = shell.answer(statement, Texts::new(), Place::Stdout).await;
    shell.form = form;
    answered.map(drop)
}

/// Says what went wrong, and lets the program go on.
fn report(fault: &Fault) -> Result<()> {
    let line = match fault::is_interrupt(fault) {
        true => "cancelled".to_owned(),
        false => format!("tenrow: {}", fault::line(fault)),
    };
    writeln!(stderr(), "{line}")?;
    Ok(())
}

/// Finds out the names in the background: until then, completion knows fewer.
fn learn(session: &Session, names: &SharedNames) {
    let (session, names) = (session.clone(), names.clone());
    tokio::spawn(async move {
        let known = Names::of(&session).await;
        *names.write().unwrap_or_else(PoisonError::into_inner) = known;
    });
}
