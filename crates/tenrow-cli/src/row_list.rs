//! Rows and ids as they are written in arguments: `5,9,5`, `10..20`.

use std::ops::Range;

use tenrow::View;

use crate::fault::Result;

/// The most rows that may be asked for: each takes 8 bytes of memory.
const MAX_ROWS: u64 = 1 << 28;

/// The rows that `text` asks for of a view, in its order: places in it.
pub(crate) fn rows_of(view: &View, text: &str) -> Result<Vec<u64>> {
    let (whose, row_count) = (&shown(view), view.row_count());
    numbers(text, "--rows", |part| match part.split_once("..") {
        None => {
            let row = number(whose, row_count, part)?;
            Ok(row..row + 1)
        }
        Some((start, end)) => range(whose, row_count, part, start, end),
    })
}

/// The one row that `text` asks for: its place in a view.
pub(crate) fn row_of(view: &View, text: &str) -> Result<u64> {
    number(&shown(view), view.row_count(), text)
}

fn shown(view: &View) -> String {
    match view.name() {
        Some(name) => format!("view {name}"),
        None => format!("version {} of {}", view.version(), view.snapshot().storage()),
    }
}

/// The stable ids that `text` names, in its order; whether any row has them is not looked at.
pub(crate) fn ids(text: &str) -> Result<Vec<u64>> {
    numbers(text, "--ids", |part| match part.split_once("..") {
        None => {
            let id = id(part)?;
            Ok(id..id.checked_add(1).ok_or_else(|| not_an_id(part))?)
        }
        Some((start, end)) => ascending(part, id(start)?..id(end)?),
    })
}

fn numbers(
    text: &str,
    option: &str,
    range_of: impl Fn(&str) -> Result<Range<u64>>,
) -> Result<Vec<u64>> {
    let mut all = Vec::new();
    for part in text.split(',') {
        let range = range_of(part)?;
        if range.end - range.start > MAX_ROWS - all.len() as u64 {
            return Err(format!("{option}: more than {MAX_ROWS} rows at once").into());
        }
        all.extend(range);
    }
    Ok(all)
}

fn number(whose: &str, row_count: u64, text: &str) -> Result<u64> {
    let number: i128 =
        text.trim().parse().map_err(|_| format!("row {text:?}: not a row number; rows are written as 5, 1..6 for 1 to 5, or 7.. for 7 and all behind"))?;
    match u64::try_from(number) {
        Ok(row) if row < row_count => Ok(row),
        _ if row_count == 0 => Err(format!("row {number}: {whose} has no rows").into()),
        _ => Err(format!(
            "row {number} is out of range: {whose} has {row_count} rows, 0 to {}",
            row_count - 1
        )
        .into()),
    }
}

/// A range of rows; an end that is not given is that of all.
fn range(whose: &str, row_count: u64, part: &str, start: &str, end: &str) -> Result<Range<u64>> {
    // Neither is itself a row of an empty range: they may be one past the last.
    let edge = |text: &str| match text {
        text if text == row_count.to_string() => Ok(row_count),
        text => number(whose, row_count, text),
    };
    let start = if start.trim().is_empty() { 0 } else { edge(start.trim())? };
    let end = if end.trim().is_empty() { row_count } else { edge(end.trim())? };
    ascending(part, start..end)
}

fn ascending(part: &str, range: Range<u64>) -> Result<Range<u64>> {
    match range.start <= range.end {
        true => Ok(range),
        false => Err(format!("rows {part}: the range ends before it begins").into()),
    }
}

fn id(text: &str) -> Result<u64> {
    text.trim().parse().map_err(|_| not_an_id(text).into())
}

fn not_an_id(text: &str) -> String {
    format!("id {text:?}: not a row id, which is a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_one_by_one_and_in_ranges() {
        assert_eq!(ids("5,9, 5,7..9").unwrap(), [5, 9, 5, 7, 8]);
        assert_eq!(ids("3..3").unwrap(), [0u64; 0]);
    }

    #[test]
    fn ids_that_are_none_are_refused() {
        for text in ["", "x", "-1", "3..1", "0..9999999999", "18446744073709551615", "1.."] {
            assert!(ids(text).is_err(), "{text}");
        }
    }
}
