//! One statement after another, and where their answers go.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use console::Term;
use tenrow_convert::{Format, Purpose};
use tenrow_sql::{Change, Session, StatementKind};

use super::Form;
use super::engine::Engine;
use super::new_file::NewFile;
use super::plan;
use super::query::{Begun, Part, Query, Texts};
use super::sink::Sink;
use super::table::BLOCK_ROWS;
use crate::fault::{self, Result};
use crate::interrupts::Interrupts;
use crate::progress::Spinner;
use crate::text;

/// What answers statements, and how.
pub(crate) struct Shell {
    pub(crate) session: Session,
    pub(crate) engine: Engine,
    pub(crate) interrupts: Interrupts,
    /// As asked for; without it, files go by their extension and all else is a table.
    pub(crate) form: Option<Form>,
    /// Whether it is said how long a statement took.
    pub(crate) timing: bool,
}

/// Where an answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    Stdout,
    /// A file, and whether it may replace another.
    File(&'a Path, bool),
}

/// A statement and its answer, as far as these are known.
struct Running<'a> {
    query: Query,
    columns: SchemaRef,
    place: Place<'a>,
    form: Form,
    spinner: Option<Spinner>,
    row_count: u64,
    started: Instant,
}

impl Shell {
    /// Runs a statement, with texts for its parameters, and shows its answer; says what it was for.
    ///
    /// # Errors
    /// Of the statement or of its place; [`Interrupted`](fault::Interrupted) after Ctrl-C.
    pub(crate) async fn answer(
        &mut self,
        statement: &str,
        texts: Texts,
        place: Place<'_>,
    ) -> Result<StatementKind> {
        let answered = self.run(statement, texts, place).await;
        if answered.as_ref().is_err_and(fault::is_interrupt) {
            self.engine = Engine::start()?;
        }
        answered
    }

    async fn run(
        &mut self,
        statement: &str,
        texts: Texts,
        place: Place<'_>,
    ) -> Result<StatementKind> {
        let form = self.form_of(place)?;
        let started = Instant::now();
        let mut query = Query::start(&self.engine, &self.session, statement, texts);
        let spinner = Some(Spinner::start("running"));
        let Some(Part::Begun(begun)) = query.next(&mut self.interrupts).await? else {
            return Err("the statement has no answer: this is a bug of tenrow".into());
        };
        let Begun { kind, change, columns } = begun;
        let mut running = Running { query, columns, place, form, spinner, row_count: 0, started };
        match (change, kind) {
            (Some(change), _) => {
                drop(running);
                self.confirm(&done(change), form, started)?;
            }
            (None, StatementKind::Setting) => {
                // Nothing to show, but to be waited for.
                while self.next(&mut running).await?.is_some() {}
                drop(running);
                self.confirm("OK", form, started)?;
            }
            (None, StatementKind::Plan) if is_for_people(place, form) => {
                self.explain(running).await?;
            }
            _ => self.show(running).await?,
        }
        Ok(kind)
    }

    /// The form of answers that go to `place`.
    ///
    /// # Errors
    /// If nothing was asked for and the extension of a file stands for none.
    pub(crate) fn form_of(&self, place: Place<'_>) -> Result<Form> {
        Ok(match (self.form, place) {
            (Some(form), _) => form,
            (None, Place::Stdout) => Form::Table,
            (None, Place::File(path, _)) => Form::Rows(Format::of_path(path, Purpose::Answers)?),
        })
    }

    /// Says that something was done.
    fn confirm(&self, done: &str, form: Form, started: Instant) -> Result<()> {
        match form {
            Form::Table => writeln!(stdout(), "{done}{}", self.took(started))?,
            Form::Rows(_) => writeln!(stderr(), "{done}{}", self.took(started))?,
        }
        Ok(())
    }

    /// Shows a plan with its lines as they are.
    async fn explain(&mut self, mut running: Running<'_>) -> Result<()> {
        while let Some(batch) = self.next(&mut running).await? {
            running.spinner = None;
            write!(stdout(), "{}", plan::text(&batch)?)?;
        }
        if self.timing {
            writeln!(stdout(), "took {}", text::elapsed(running.started.elapsed()))?;
        }
        Ok(())
    }

    async fn show(&mut self, mut running: Running<'_>) -> Result<()> {
        let (form, columns) = (running.form, running.columns.clone());
        let (mut sink, file) = match running.place {
            Place::Stdout => (Sink::printing(form, &columns, terminal_width())?, None),
            Place::File(path, replaces) => {
                let file = NewFile::create(path, replaces)?;
                (Sink::writing(form, &columns, file.writer()?)?, Some((path, file)))
            }
        };
        let prints = file.is_none() && stdout().is_terminal();
        while let Some(batch) = self.next(&mut running).await? {
            // What moves on the terminal goes before anything else is printed there.
            if prints && (form != Form::Table || running.row_count >= BLOCK_ROWS as u64) {
                running.spinner = None;
            }
            sink.write(&batch)?;
        }
        running.spinner = None;
        let hidden = sink.finish()?;
        let (rows, took) = (rows(running.row_count), self.took(running.started));
        match file {
            Some((path, file)) => {
                file.keep()?;
                writeln!(stdout(), "wrote {rows} to {}{took}", path.display())?;
            }
            None if form == Form::Table => writeln!(stdout(), "{rows}{}{took}", unseen(hidden))?,
            None if self.timing => writeln!(stderr(), "{rows}{took}")?,
            None => {}
        }
        Ok(())
    }

    /// The next rows, which are counted.
    async fn next(&mut self, running: &mut Running<'_>) -> Result<Option<RecordBatch>> {
        while let Some(part) = running.query.next(&mut self.interrupts).await? {
            let Part::Rows(batch) = part else { continue };
            running.row_count += batch.num_rows() as u64;
            if let Some(spinner) = &running.spinner {
                spinner.say(rows(running.row_count));
            }
            return Ok(Some(batch));
        }
        Ok(None)
    }

    fn took(&self, started: Instant) -> String {
        let took = |elapsed: Duration| format!(" in {}", text::elapsed(elapsed));
        if self.timing { took(started.elapsed()) } else { String::new() }
    }
}

fn is_for_people(place: Place<'_>, form: Form) -> bool {
    form == Form::Table && matches!(place, Place::Stdout)
}

fn rows(count: u64) -> String {
    text::counted(count, "row", "rows")
}

fn unseen(columns: usize) -> String {
    match columns {
        0 => String::new(),
        1 => "; 1 column had no room: choose columns, or another --format".to_owned(),
        more => format!("; {more} columns had no room: choose columns, or another --format"),
    }
}

/// Characters of a line, if stdout is a terminal.
fn terminal_width() -> Option<usize> {
    let terminal = Term::stdout();
    let size = stdout().is_terminal().then(|| terminal.size_checked()).flatten();
    size.map(|(_, columns)| usize::from(columns))
}

/// `OK, 3 rows, version 7`.
fn done(change: Change) -> String {
    let mut done = "OK".to_owned();
    if change.rows > 0 || change.version.is_none() {
        done.push_str(&format!(", {}", rows(change.rows)));
    }
    if let Some(version) = change.version {
        done.push_str(&format!(", version {version}"));
    }
    done
}

#[cfg(test)]
mod tests {
    use tenrow::Version;

    use super::*;

    #[test]
    fn what_was_done_is_told_with_its_rows_and_its_version() {
        let version = Some(Version(7));
        assert_eq!(done(Change { rows: 3, version }), "OK, 3 rows, version 7");
        assert_eq!(done(Change { rows: 0, version }), "OK, version 7");
        assert_eq!(done(Change { rows: 0, version: None }), "OK, 0 rows");
    }
}
