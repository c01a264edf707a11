//! Answers as tables for people, block by block.

use std::io::{self, Write};
use std::ops::Range;

use arrow_array::RecordBatch;
use arrow_schema::{Field, SchemaRef};
use console::measure_text_width;

use crate::fault::Result;
use crate::table::{self, Detail, GAP, MORE};

/// Rows that are held back, to find out how wide columns are.
pub(crate) const BLOCK_ROWS: usize = 1000;
/// A column of text is made no narrower than this.
const MIN_WIDTH: usize = 8;

/// Prints rows as a table, whose columns are as wide as the widest cell of a block.
pub(crate) struct Table<W> {
    out: W,
    columns: Vec<Column>,
    /// Characters of a line, at most.
    width: Option<usize>,
    /// Rows that wait, as cells.
    rows: Vec<Vec<String>>,
    /// The columns of the block before.
    layout: Option<Layout>,
}

struct Column {
    field: Field,
    is_number: bool,
}

/// How wide the columns are that there is room for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layout {
    widths: Vec<usize>,
    hidden: usize,
}

impl<W: Write> Table<W> {
    /// A table with lines of at most `width` characters.
    pub(crate) fn new(schema: &SchemaRef, width: Option<usize>, out: W) -> Self {
        let column = |field: &Field| {
            let is_number = table::is_number(field);
            Column { field: field.clone(), is_number }
        };
        let columns = schema.fields().iter().map(|field| column(field)).collect();
        Self { out, columns, width, rows: Vec::new(), layout: None }
    }

    /// Appends rows; prints those that have waited long enough.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut start = 0;
        while start < batch.num_rows() {
            let end = batch.num_rows().min(start + BLOCK_ROWS - self.rows.len());
            self.push(batch, start..end)?;
            start = end;
            if self.rows.len() >= BLOCK_ROWS {
                self.print_block()?;
            }
        }
        Ok(())
    }

    fn push(&mut self, batch: &RecordBatch, rows: Range<usize>) -> Result<()> {
        let mut lines = vec![Vec::with_capacity(self.columns.len()); rows.len()];
        for (column, values) in self.columns.iter().zip(batch.columns()) {
            let values = values.slice(rows.start, rows.len());
            for (line, text) in
                lines.iter_mut().zip(table::texts(&column.field, &values, Detail::CELL)?)
            {
                line.push(text);
            }
        }
        self.rows.append(&mut lines);
        Ok(())
    }

    /// Prints what still waits, and says how many columns there was no room for.
    pub(crate) fn finish(mut self) -> Result<usize> {
        if !self.rows.is_empty() || self.layout.is_none() {
            self.print_block()?;
        }
        self.out.flush()?;
        Ok(self.layout.map_or(0, |layout| layout.hidden))
    }

    fn print_block(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let needed = self.needed(&rows);
        let layout = match self.layout.take() {
            Some(before) if before.holds(&needed) => before,
            before => {
                if before.is_some() {
                    writeln!(self.out)?;
                }
                self.print_header(&needed)?;
                needed
            }
        };
        for row in &rows {
            let line = self.line(&layout, row.iter().map(String::as_str));
            writeln!(self.out, "{line}")?;
        }
        self.layout = Some(layout);
        Ok(())
    }

    fn print_header(&mut self, layout: &Layout) -> io::Result<()> {
        let mut names =
            self.line(layout, self.columns.iter().map(|column| column.field.name().as_str()));
        if layout.hidden > 0 {
            names = format!("{names}{GAP}{MORE}");
        }
        let rules: Vec<_> = layout.widths.iter().map(|&width| "─".repeat(width)).collect();
        writeln!(self.out, "{names}\n{}", rules.join(GAP))
    }

    fn line<'a>(&self, layout: &Layout, cells: impl Iterator<Item = &'a str>) -> String {
        table::line(cells, &layout.widths, |column| self.columns[column].is_number)
    }

    /// The layout that these rows need.
    fn needed(&self, rows: &[Vec<String>]) -> Layout {
        let cells = |index: usize| {
            let cells = rows.iter().filter_map(move |row| row.get(index));
            cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
        };
        let wishes = self.columns.iter().enumerate().map(|(index, column)| {
            let (name, cells) = (measure_text_width(column.field.name()), cells(index));
            let natural = name.max(cells).max(1);
            // A number is of no use without its end; its name may lose it.
            let least = if column.is_number { cells.max(MIN_WIDTH) } else { MIN_WIDTH };
            Wish { natural, least: least.min(natural) }
        });
        fit(&wishes.collect::<Vec<_>>(), self.width)
    }
}

impl Layout {
    /// Whether what needs `other` fits.
    fn holds(&self, other: &Layout) -> bool {
        let pairs = || self.widths.iter().zip(&other.widths);
        self.widths.len() == other.widths.len() && pairs().all(|(own, other)| own >= other)
    }
}

/// How wide a column would like to be, and has to be.
#[derive(Debug, Clone, Copy)]
struct Wish {
    natural: usize,
    least: usize,
}

/// Widths that fit into `total`: the widest columns give way first, then the last ones go.
fn fit(wishes: &[Wish], total: Option<usize>) -> Layout {
    let natural = wishes.iter().map(|wish| wish.natural).collect();
    let Some(total) = total else { return Layout { widths: natural, hidden: 0 } };
    for shown in (1..=wishes.len()).rev() {
        let hidden = wishes.len() - shown;
        let reserved = if hidden > 0 { GAP.len() + 1 } else { 0 };
        if let Some(widths) = narrowed(&wishes[..shown], total.saturating_sub(reserved)) {
            return Layout { widths, hidden };
        }
    }
    Layout { widths: vec![total.max(1)], hidden: wishes.len().saturating_sub(1) }
}

/// Widths of all of these within `total`, if there are any.
fn narrowed(wishes: &[Wish], total: usize) -> Option<Vec<usize>> {
    let gaps = GAP.len() * wishes.len().saturating_sub(1);
    let room = total.checked_sub(gaps)?;
    let widest = wishes.iter().map(|wish| wish.natural).max()?;
    let widths = |cap: usize| wishes.iter().map(move |wish| wish.natural.min(cap.max(wish.least)));
    let cap = (1..=widest).rev().find(|&cap| widths(cap).sum::<usize>() <= room)?;
    Some(widths(cap).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    fn printed(width: Option<usize>, batches: &[RecordBatch]) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(&batches[0].schema(), width, &mut out);
        batches.iter().for_each(|batch| table.write(batch).unwrap());
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn people(names: Vec<&str>) -> RecordBatch {
        let ages: Vec<i64> = (0..names.len() as i64).map(|n| n * 50).collect();
        batch(vec![
            ("name", Arc::new(StringArray::from(names))),
            ("age", Arc::new(Int64Array::from(ages))),
        ])
    }

    #[test]
    fn numbers_stand_on_the_right_and_text_on_the_left() {
        let expected = "name  age\n────  ───\nAda     0\n漢字   50\n";
        assert_eq!(printed(None, &[people(vec!["Ada", "漢字"])]), expected);
    }

    #[test]
    fn an_answer_without_rows_has_its_names() {
        assert_eq!(printed(None, &[people(vec![])]), "name  age\n────  ───\n");
    }

    #[test]
    fn the_widest_text_gives_way_to_the_terminal() {
        let long = "x".repeat(50);
        let text = printed(Some(20), &[people(vec![&long])]);
        assert_eq!(text.lines().last(), Some("xxxxxxxxxxxxxx…    0"));
        assert!(text.lines().all(|line| measure_text_width(line) <= 20), "{text}");
    }

    #[test]
    fn columns_without_room_are_left_out_from_the_last() {
        let numbers = || Arc::new(Int64Array::from(vec![i64::MAX])) as ArrayRef;
        let wide = batch(vec![("a", numbers()), ("b", numbers()), ("c", numbers())]);
        let mut out = Vec::new();
        let mut table = Table::new(&wide.schema(), Some(50), &mut out);
        table.write(&wide).unwrap();
        assert_eq!(table.finish().unwrap(), 1);
        let text = String::from_utf8(out).unwrap();
        assert!(text.lines().next().unwrap().ends_with("b  …"), "{text}");
        assert!(text.lines().all(|line| measure_text_width(line) <= 50), "{text}");
    }

    #[test]
    fn a_block_that_needs_more_room_has_names_of_its_own() {
        let short = people(vec!["a"; BLOCK_ROWS]);
        let text = printed(None, &[short.clone(), short.clone(), people(vec!["longer name"])]);
        assert_eq!(text.matches("age").count(), 2);
        assert_eq!(text.lines().count(), 2 * BLOCK_ROWS + 2 + 1 + 2 + 1);
    }
}
