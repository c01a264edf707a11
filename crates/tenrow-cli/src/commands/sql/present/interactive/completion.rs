//! What may be meant by a word that is begun.

use tenrow_convert::{Format, Purpose};

use super::names::Names;

/// What statements are made of.
const KEYWORDS: [&str; 81] = [
    "ADD",
    "ALL",
    "ALTER",
    "ANALYZE",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COLUMN",
    "COPY",
    "CREATE",
    "CROSS",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL",
    "FUNCTIONS",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "RECURSIVE",
    "RENAME",
    "RIGHT",
    "SELECT",
    "SEMI",
    "SET",
    "SHOW",
    "TABLE",
    "TABLES",
    "THEN",
    "TO",
    "TRUE",
    "TYPE",
    "UNION",
    "UNNEST",
    "UPDATE",
    "USING",
    "VALUES",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];
/// The columns that every dataset has and `*` leaves out.
const HIDDEN_COLUMNS: [&str; 3] = ["_row", "_row_id", "_partition"];
/// The words after which a table is named.
const BEFORE_TABLES: [&str; 7] = ["from", "join", "into", "update", "table", "describe", "desc"];
const COMMANDS: [&str; 7] = ["\\?", "\\d", "\\d ", "\\format ", "\\o ", "\\q", "\\timing"];

/// The forms of answers that a terminal can show.
pub(super) fn shown_forms() -> Vec<String> {
    let text = Format::all().filter(|format| format.serves(Purpose::Answers) && format.is_text());
    let mut forms: Vec<String> = text.map(|format| format.to_string()).collect();
    forms.push("table".to_owned());
    forms.sort();
    forms
}

/// Where the word before the end of `before` begins, and what it may become.
pub(crate) fn complete(before: &str, names: &Names) -> (usize, Vec<String>) {
    if before.starts_with('\\') {
        return command(before, names);
    }
    if is_in_text(before) {
        return (before.len(), Vec::new());
    }
    let start = word_start(before);
    let word = &before[start..];
    if let Some((table, _)) = word.rsplit_once('.')
        && let Some(columns) = names.tables.get(table)
    {
        let candidates = columns.iter().map(|column| format!("{table}.{column}"));
        return (start, matching(word, candidates));
    }
    if BEFORE_TABLES.contains(&word_before(&before[..start]).as_str()) {
        return (start, matching(word, names.tables.keys().cloned()));
    }
    if word.is_empty() {
        return (start, Vec::new());
    }
    let is_small = word.chars().any(char::is_lowercase);
    let keywords = KEYWORDS.iter().map(|keyword| match is_small {
        true => keyword.to_lowercase(),
        false => (*keyword).to_owned(),
    });
    let columns = names.columns().into_iter().map(str::to_owned);
    let hidden = HIDDEN_COLUMNS.iter().map(|&name| name.to_owned());
    let functions = names.functions.iter().map(|name| format!("{name}("));
    let tables = names.tables.keys().cloned();
    (start, matching(word, columns.chain(hidden).chain(functions).chain(tables).chain(keywords)))
}

fn command(before: &str, names: &Names) -> (usize, Vec<String>) {
    let Some((name, argument)) = before.split_once(' ') else {
        return (0, matching(before, COMMANDS.iter().map(|&command| command.to_owned())));
    };
    let start = before.len() - argument.len();
    match name {
        "\\d" => (start, matching(argument, names.tables.keys().cloned())),
        "\\format" => (start, matching(argument, shown_forms().into_iter())),
        _ => (before.len(), Vec::new()),
    }
}

/// Those that begin like `word`, whether it is in capitals or not, in order and once each.
fn matching(word: &str, candidates: impl Iterator<Item = String>) -> Vec<String> {
    let plain = |text: &str| text.trim_start_matches('"').to_lowercase();
    let begun = plain(word);
    let mut found: Vec<_> =
        candidates.filter(|candidate| plain(candidate).starts_with(&begun)).collect();
    found.sort();
    found.dedup();
    found
}

/// Whether the end is within text in single quotes.
fn is_in_text(before: &str) -> bool {
    before.matches('\'').count() % 2 == 1
}

/// Where the last word begins: a name, with dots, or in double quotes with anything.
fn word_start(before: &str) -> usize {
    if before.matches('"').count() % 2 == 1 {
        return before.rfind('"').unwrap_or(0);
    }
    let is_part = |c: char| c.is_alphanumeric() || "_.\"".contains(c);
    before
        .rfind(|c: char| !is_part(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))
}

/// The word that stands before, in small letters.
fn word_before(before: &str) -> String {
    let word = before.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
    word.unwrap_or_default().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let columns = |names: [&str; 2]| names.map(str::to_owned).to_vec();
        let tables = [
            ("digits".to_owned(), columns(["image", "label"])),
            ("\"speech/train\"".to_owned(), columns(["language", "wave"])),
        ];
        let functions = ["tensor_mean", "tensor_max"].map(str::to_owned);
        Names { tables: tables.into(), functions: functions.into() }
    }

    fn completed(before: &str) -> Vec<String> {
        complete(before, &names()).1
    }

    #[test]
    fn tables_follow_from_and_join() {
        assert_eq!(completed("SELECT 1 FROM "), ["\"speech/train\"", "digits"]);
        assert_eq!(completed("SELECT 1 FROM x JOIN di"), ["digits"]);
        assert_eq!(complete("select 1 from \"sp", &names()), (14, vec!["\"speech/train\"".into()]));
        assert_eq!(completed("\\d d"), ["digits"]);
    }

    #[test]
    fn columns_functions_and_keywords_are_found_by_their_beginning() {
        assert_eq!(completed("SELECT la"), ["label", "language", "last"]);
        assert_eq!(completed("SELECT tensor_m"), ["tensor_max(", "tensor_mean("]);
        assert_eq!(completed("SEL"), ["SELECT"]);
        assert_eq!(completed("sel"), ["select"]);
        assert_eq!(completed("SELECT _ro"), ["_row", "_row_id"]);
        assert_eq!(complete("SELECT digits.l", &names()), (7, vec!["digits.label".into()]));
    }

    #[test]
    fn nothing_is_completed_in_text_or_out_of_nothing() {
        assert!(completed("SELECT 'sel").is_empty());
        assert!(completed("SELECT ").is_empty() && completed("").is_empty());
        assert!(completed("SELECT ä, ").is_empty());
    }

    #[test]
    fn commands_and_their_words_are_completed() {
        assert_eq!(completed("\\t"), ["\\timing"]);
        assert_eq!(completed("\\format js"), ["json", "jsonl"]);
    }
}
