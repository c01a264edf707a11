//! Lists of things, a line each.

use console::measure_text_width;

use super::line::line;
use crate::text;

/// Lines that are held back, to find out how wide columns are.
const BLOCK_LINES: usize = 1000;

/// A line for each of `rows`, whose cells stand in columns.
pub(crate) fn list(rows: &[Vec<String>]) -> String {
    block(rows, &mut Vec::new())
}

/// A long list, block by block.
pub(crate) fn lists(rows: impl Iterator<Item = Vec<String>>) -> impl Iterator<Item = String> {
    let (mut rows, mut widths) = (rows.fuse(), Vec::new());
    std::iter::from_fn(move || {
        let rows: Vec<_> = rows.by_ref().take(BLOCK_LINES).collect();
        (!rows.is_empty()).then(|| block(&rows, &mut widths))
    })
}

/// Lines in columns of `widths`, which grow if they have to.
fn block(rows: &[Vec<String>], widths: &mut Vec<usize>) -> String {
    let tamed = |row: &Vec<String>| row.iter().map(|cell| text::tame(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(tamed).collect();
    for row in &rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (cell, width) in row.iter().zip(widths.iter_mut()) {
            *width = measure_text_width(cell).max(*width);
        }
    }
    rows.iter().map(|row| line(row.iter().map(String::as_str), widths, |_| false) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(|cell| (*cell).to_owned()).collect()
    }

    #[test]
    fn a_list_has_no_control_characters_but_line_ends() {
        let rows = [row(&["a\u{1b}[2Jb", "c\nd"]), row(&["ä"])];
        assert_eq!(list(&rows), "a\\u{1b}[2Jb  c\\nd\nä\n");
    }

    /// Columns were as wide as their characters are many.
    #[test]
    fn wide_characters_take_their_room() {
        assert_eq!(
            list(&[row(&["漢字漢字", "1"]), row(&["abcde", "2"])]),
            "漢字漢字  1\nabcde     2\n"
        );
    }

    #[test]
    fn a_long_list_comes_in_blocks_whose_columns_only_widen() {
        let rows = (0..BLOCK_LINES + 1).map(|n| row(&[if n == 0 { "long" } else { "x" }, "y"]));
        let blocks: Vec<_> = lists(rows).collect();
        assert_eq!((blocks.len(), blocks[1].as_str()), (2, "x     y\n"));
        assert_eq!(blocks[0].lines().count(), BLOCK_LINES);
    }
}
