//! Names and values, one below the other.

use console::measure_text_width;

/// A line for each name and its value; of a value with several lines, all are indented as far as the first.
pub(crate) fn block(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| measure_text_width(name)).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in rows {
        let mut name = *name;
        let mut lines = value.lines();
        let first = lines.next().unwrap_or_default();
        for line in std::iter::once(first).chain(lines) {
            let room = " ".repeat(width - measure_text_width(name));
            text.push_str(format!("  {name}{room}  {line}").trim_end());
            text.push('\n');
            name = "";
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_below_each_other() {
        let picture = "u8[2,2]\n▀▄\n".to_owned();
        let rows = [("漢字漢字", "1".to_owned()), ("label", picture), ("x", String::new())];
        assert_eq!(block(&rows), "  漢字漢字  1\n  label     u8[2,2]\n            ▀▄\n  x\n");
    }
}
