//! Plans, which have lines of their own.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use crate::fault::Result;

/// The rows of `EXPLAIN`: what kind of plan, and below it the plan.
pub(crate) fn text(batch: &RecordBatch) -> Result<String> {
    let options = FormatOptions::default();
    let columns = batch.columns().iter();
    let formatters = columns.map(|column| Ok(ArrayFormatter::try_new(column, &options)?));
    let formatters = formatters.collect::<Result<Vec<_>>>()?;
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for (index, formatter) in formatters.iter().enumerate() {
            let is_title = index + 1 < formatters.len();
            for line in formatter.value(row).try_to_string()?.lines() {
                let indent = if is_title { "" } else { "  " };
                text.push_str(
                    format!("{indent}{}", line.replace(char::is_control, " ")).trim_end(),
                );
                text.push('\n');
            }
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, StringArray};

    use super::*;

    #[test]
    fn the_lines_of_a_plan_stand_below_its_kind() {
        let column = |text| Arc::new(StringArray::from(vec![text])) as ArrayRef;
        let plan = [("plan_type", column("logical_plan")), ("plan", column("Limit\n  Scan\n"))];
        let batch = RecordBatch::try_from_iter(plan).unwrap();
        assert_eq!(text(&batch).unwrap(), "logical_plan\n  Limit\n    Scan\n");
    }
}
