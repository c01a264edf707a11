//! The command: which statements, and in which order.

use std::io::{IsTerminal, Read, stdin, stdout};
use std::path::Path;

use super::engine::Engine;
use super::query::Texts;
use super::shell::{Place, Shell};
use super::{Form, SqlArguments, interactive, new_file, parameters, roots};
use crate::fault::{self, Fault, Result};
use crate::interrupts::{Interrupts, Second};
use crate::stores::Stores;

/// Longest text of statements, in bytes.
const MAX_TEXT_BYTES: u64 = 64 << 20;
/// How much of a statement is shown to tell which it is, in characters.
const SHOWN_CHARACTERS: usize = 60;

/// Runs statements, or asks for them.
pub(crate) async fn run(arguments: SqlArguments, stores: &Stores) -> Result<()> {
    let file = roots::file(&arguments.outs)?;
    let Some(statements) = statements(&arguments)? else {
        if !arguments.parameters.is_empty() {
            return Err("--parameter needs a QUERY: at the prompt, write the value".into());
        }
        if let Some(file) = file {
            let hint = "--out with a file needs a QUERY; at the prompt, use \\o FILE";
            return Err(format!("{}: {hint}", file.display()).into());
        }
        return interactive::run(shell(&arguments, stores, Second::Waits).await?).await;
    };
    let mut shell = shell(&arguments, stores, Second::Ends).await?;
    let place = file.map_or(Place::Stdout, |file| Place::File(file, arguments.force));
    check(&shell, place, statements.len())?;
    let texts = parameters::of_each(&statements, &arguments.parameters)?;
    run_all(&mut shell, &statements, texts, place).await
}

async fn shell(arguments: &SqlArguments, stores: &Stores, second: Second) -> Result<Shell> {
    Ok(Shell {
        session: roots::session(arguments, stores).await?,
        engine: Engine::start()?,
        interrupts: Interrupts::listen(second)?,
        form: arguments.form()?,
        timing: arguments.timing,
    })
}

/// Finds out before anything is run whether its answer has a place.
fn check(shell: &Shell, place: Place<'_>, statement_count: usize) -> Result<()> {
    let form = shell.form_of(place)?;
    match (place, form) {
        (Place::File(path, replaces), _) => new_file::check_place(path, replaces),
        (Place::Stdout, Form::Rows(format)) if !format.is_text() => {
            if stdout().is_terminal() {
                return Err(format!("{format} is not for terminals: name a file with --out").into());
            }
            if statement_count > 1 {
                return Err(format!(
                    "{statement_count} statements, and stdout takes one answer as {format}: use --out, \
                     which takes the last"
                )
                .into());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Runs all; the last answer goes to `place`, and the others are printed.
async fn run_all(
    shell: &mut Shell,
    statements: &[String],
    texts: Vec<Texts>,
    place: Place<'_>,
) -> Result<()> {
    let form = shell.form;
    for (index, (statement, texts)) in statements.iter().zip(texts).enumerate() {
        let is_last = index + 1 == statements.len();
        let writes_file = matches!(place, Place::File(..));
        shell.form = if writes_file && !is_last { Some(Form::Table) } else { form };
        let place = if is_last { place } else { Place::Stdout };
        let answered = shell.answer(statement, texts, place).await;
        answered.map_err(|fault| located(fault, index, statements))?;
    }
    Ok(())
}

/// Says which of several statements failed.
fn located(fault: Fault, index: usize, statements: &[String]) -> Fault {
    if statements.len() == 1 || fault::is_interrupt(&fault) || fault::is_closed_pipe(&fault) {
        return fault;
    }
    let words: Vec<_> = statements[index].split_whitespace().collect();
    let mut shown = words.join(" ");
    if let Some((end, _)) = shown.char_indices().nth(SHOWN_CHARACTERS) {
        shown.truncate(end);
        shown.push('…');
    }
    let (number, count) = (index + 1, statements.len());
    format!("statement {number} of {count} ({shown}): {}", fault::line(&fault)).into()
}

/// The statements that were given; `None` if they are to be asked for.
fn statements(arguments: &SqlArguments) -> Result<Option<Vec<String>>> {
    let texts = match (&arguments.file, arguments.queries.as_slice()) {
        (Some(path), _) if path == Path::new("-") => vec![from_stdin()?],
        (Some(path), _) => vec![from_file(path)?],
        (None, []) if stdin().is_terminal() && stdout().is_terminal() => return Ok(None),
        (None, []) => vec![from_stdin()?],
        (None, queries) => {
            let text = |query: &String| match query.as_str() {
                "-" => from_stdin(),
                query => Ok(query.to_owned()),
            };
            queries.iter().map(text).collect::<Result<_>>()?
        }
    };
    let mut statements = Vec::new();
    for text in texts {
        statements.extend(tenrow_sql::statements(&text)?);
    }
    match statements.is_empty() {
        true => Err("no statement: give one, as in `tenrow sql 'SHOW TABLES'`".into()),
        false => Ok(Some(statements)),
    }
}

fn from_file(path: &Path) -> Result<String> {
    let file = std::fs::File::open(path);
    let file = file.map_err(|error| format!("{}: cannot open: {error}", path.display()))?;
    read(file, &path.display().to_string())
}

fn from_stdin() -> Result<String> {
    read(stdin().lock(), "stdin")
}

fn read(source: impl Read, name: &str) -> Result<String> {
    let mut text = String::new();
    let limited = source.take(MAX_TEXT_BYTES + 1).read_to_string(&mut text);
    limited.map_err(|error| format!("{name}: cannot read: {error}"))?;
    if text.len() as u64 > MAX_TEXT_BYTES {
        return Err(format!("{name}: over {MAX_TEXT_BYTES} bytes of statements").into());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Interrupted;

    #[test]
    fn of_several_statements_the_one_that_failed_is_named() {
        let statements = ["SELECT 1".to_owned(), format!("SELECT\n  {}", "x".repeat(100))];
        let line = located("no column".into(), 1, &statements).to_string();
        assert!(line.starts_with("statement 2 of 2 (SELECT xxx"), "{line}");
        assert!(line.ends_with("x…): no column"), "{line}");
        let alone = located("no column".into(), 0, &statements[..1]);
        assert_eq!(alone.to_string(), "no column");
        let interrupted = located(Interrupted.into(), 0, &statements);
        assert!(fault::is_interrupt(&interrupted));
    }
}
