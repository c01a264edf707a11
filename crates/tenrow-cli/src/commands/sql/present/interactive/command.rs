//! What is asked of the prompt itself, and not of the engine.

use std::path::PathBuf;

use super::super::Form;
use crate::fault::Result;

/// The tables of all roots.
pub(crate) const TABLES: &str = "\
SELECT table_schema AS root, table_name AS \"table\" FROM information_schema.tables \
WHERE table_schema <> 'information_schema' ORDER BY 1, 2";

/// A command, which begins with a backslash; some are words, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    Tables,
    Columns(String),
    Timing(Option<bool>),
    Format(Option<Form>),
    /// The file that the next answer goes to.
    Out(Option<PathBuf>),
    Help,
    Quit,
}

impl Command {
    /// The command that `text` is; `None` if it is statements.
    ///
    /// # Errors
    /// If there is no such command, or it cannot be understood.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>> {
        let text = text.trim();
        let plain = text.trim_end_matches([';', ' ']).to_lowercase();
        match plain.as_str() {
            "quit" | "exit" => return Ok(Some(Command::Quit)),
            "help" => return Ok(Some(Command::Help)),
            _ => {}
        }
        let Some(command) = text.strip_prefix('\\') else { return Ok(None) };
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let argument = argument.trim().trim_end_matches(';').trim_end();
        let of = |argument: &str| (!argument.is_empty()).then(|| argument.to_owned());
        Ok(Some(match name.trim_end_matches(';') {
            "d" => of(argument).map_or(Command::Tables, Command::Columns),
            "timing" => Command::Timing(match argument {
                "" => None,
                "on" => Some(true),
                "off" => Some(false),
                other => return Err(format!("\\timing {other}: expected on or off").into()),
            }),
            "format" => Command::Format(match argument {
                "" => None,
                name => Some(shown_form(name)?),
            }),
            "o" => Command::Out(of(argument).map(PathBuf::from)),
            "?" | "h" => Command::Help,
            "q" => Command::Quit,
            other => {
                return Err(format!("\\{other}: no such command; \\? tells which there are").into());
            }
        }))
    }
}

/// A form that a terminal can show.
fn shown_form(name: &str) -> Result<Form> {
    match name.parse()? {
        Form::Rows(format) if !format.is_text() => {
            Err(format!("\\format {name}: it is not for terminals; \\o FILE.{name} writes it")
                .into())
        }
        form => Ok(form),
    }
}

/// The statement that lists the columns of a table, in the words that schemas have for types.
pub(crate) fn columns_of(table: &str) -> String {
    let (before, name) = last_part(table);
    let plain = name.trim_matches(['"', '\'']);
    if plain.contains(['$', '#']) {
        return format!("DESCRIBE {before}\"{plain}\"");
    }
    let attributes = format!("{before}\"{plain}$attributes\"");
    format!("SELECT name, type, nullable, encoding FROM {attributes}")
}

/// What stands before the last dot that is not in quotes, with the dot, and what after it.
fn last_part(table: &str) -> (&str, &str) {
    let mut is_quoted = false;
    let mut end = 0;
    for (index, c) in table.char_indices() {
        match c {
            '"' | '\'' => is_quoted = !is_quoted,
            '.' if !is_quoted => end = index + 1,
            _ => {}
        }
    }
    // A path with dots and slashes is one name.
    if table[..end].contains('/') { ("", table) } else { table.split_at(end) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<Command> {
        Command::parse(text).unwrap()
    }

    #[test]
    fn commands_are_told_from_statements() {
        assert_eq!(parsed("SELECT 1;"), None);
        assert_eq!(parsed("\\d"), Some(Command::Tables));
        assert_eq!(parsed("\\d digits;"), Some(Command::Columns("digits".into())));
        assert_eq!(parsed(" \\timing off "), Some(Command::Timing(Some(false))));
        assert_eq!(parsed("\\format csv"), Some(Command::Format(Some("csv".parse().unwrap()))));
        assert_eq!(parsed("\\o a b.csv"), Some(Command::Out(Some("a b.csv".into()))));
        assert_eq!((parsed("\\q"), parsed("EXIT;")), (Some(Command::Quit), Some(Command::Quit)));
        assert_eq!((parsed("\\?"), parsed("help")), (Some(Command::Help), Some(Command::Help)));
    }

    #[test]
    fn what_is_no_command_is_said() {
        for text in ["\\x", "\\timing maybe", "\\format xlsx", "\\format parquet"] {
            assert!(Command::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn columns_are_those_of_the_dataset_by_whatever_name() {
        let table = |table| columns_of(table).rsplit_once("FROM ").map(|(_, t)| t.to_owned());
        assert_eq!(table("digits").unwrap(), "\"digits$attributes\"");
        assert_eq!(table("data.digits").unwrap(), "data.\"digits$attributes\"");
        assert_eq!(table("\"a.b\"").unwrap(), "\"a.b$attributes\"");
        assert_eq!(table("'/data/v1.0/digits'").unwrap(), "\"/data/v1.0/digits$attributes\"");
        assert_eq!(table("\"digits@3\"").unwrap(), "\"digits@3$attributes\"");
        assert_eq!(columns_of("\"digits$files\""), "DESCRIBE \"digits$files\"");
    }
}
