//! Cells side by side.

use console::{measure_text_width, truncate_str};

/// Between columns.
pub(crate) const GAP: &str = "  ";
/// Stands for what there is no room for.
pub(crate) const MORE: &str = "…";

/// The cells of a line, as wide as `widths` says; those that `is_right` is true of stand on the right.
pub(crate) fn line<'a>(
    cells: impl Iterator<Item = &'a str>,
    widths: &[usize],
    is_right: impl Fn(usize) -> bool,
) -> String {
    let mut line = String::new();
    for (index, (cell, &width)) in cells.zip(widths).enumerate() {
        let cell = truncate_str(cell, width, MORE);
        let room = " ".repeat(width.saturating_sub(measure_text_width(&cell)));
        match is_right(index) {
            true => line.extend([room.as_str(), &cell, GAP]),
            false => line.extend([&cell, room.as_str(), GAP]),
        }
    }
    line.truncate(line.trim_end().len());
    line
}
