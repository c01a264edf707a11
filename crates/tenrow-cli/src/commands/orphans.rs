//! `tenrow orphans`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tenrow::VacuumReport;

use crate::answer::Answer;
use crate::command::Command;
use crate::commands::vacuum::{objects_json, objects_text, vacuum};
use crate::fault::Result;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
Nothing is removed: that is for `tenrow vacuum`. Files that a writer at work is about to name are listed too. What is damaged, \
`tenrow verify` finds; `tenrow restore` goes back to a version before the damage.

Example:
  tenrow orphans digits";

/// List files that no version names, such as those of killed writers
#[derive(Debug, Args)]
#[command(after_help = AFTER, alias = "repair")]
pub(crate) struct OrphansArguments {
    /// The dataset
    dataset: String,
}

impl Command for OrphansArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let report = vacuum(&dataset, Duration::ZERO, true).await?;
        Ok(Answer::of(report, json, text))
    }
}

fn json(report: &VacuumReport) -> Value {
    json!({
        "orphans": objects_json(&report.removed),
        "orphan_bytes": report.removed_bytes,
        "named": report.named,
    })
}

fn text(report: &VacuumReport) -> String {
    let orphans = &report.removed;
    match orphans.len() as u64 {
        0 => "no orphans: every file belongs to a version".into(),
        count => format!(
            "{}{} ({}) that no version names; `tenrow vacuum` removes those older than 7 days",
            objects_text(orphans),
            text::counted(count, "file", "files"),
            text::size(report.removed_bytes),
        ),
    }
}
