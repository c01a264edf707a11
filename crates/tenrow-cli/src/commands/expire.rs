//! `tenrow expire`

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tenrow::{ExpireOptions, ExpireReport, Version};

use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::progress::Spinner;
use crate::stores::Stores;
use crate::text;

const AFTER: &str = "\
With both rules, only versions go that both let go. The newest version always stays, and so do those that \
a tag, a view or a clone needs: these are the kept ones. An expired version cannot be opened any more; `vacuum` then frees its \
files. Other datasets that no version refers to any more are told so.

Examples:
  tenrow expire digits --keep-last 10 --older-than 30d --dry-run
  tenrow expire digits --keep-last 1";

/// End old versions; `vacuum` then frees their files
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ExpireArguments {
    /// The dataset
    dataset: String,
    /// Keep this many of the newest versions
    #[arg(long, value_name = "N", required_unless_present = "older_than", value_parser = clap::value_parser!(u64).range(1..))]
    keep_last: Option<u64>,
    /// Keep versions that are younger: 30d, 12h, 0s
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    older_than: Option<Duration>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Command for ExpireArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        let dataset = stores.open(&self.dataset).await?;
        let options = ExpireOptions {
            keep_last: self.keep_last,
            older_than: self.older_than,
            dry_run: self.dry_run,
        };
        let spinner = Spinner::start("expiring");
        let report = dataset.expire(&options).await?;
        drop(spinner);
        let is_dry = self.dry_run;
        Ok(Answer::of(
            report,
            move |report| json(report, is_dry),
            move |report| text(report, is_dry),
        ))
    }
}

fn json(report: &ExpireReport, is_dry: bool) -> Value {
    let numbers = |versions: &[Version]| versions.iter().map(|v| v.0).collect::<Value>();
    json!({
        "dry_run": is_dry,
        "expired": numbers(&report.expired),
        "kept": numbers(&report.kept),
    })
}

fn text(report: &ExpireReport, is_dry: bool) -> String {
    let expired = text::counted(report.expired.len() as u64, "version", "versions");
    let verb = if is_dry { "would expire" } else { "expired" };
    let mut lines = vec![match report.expired.as_slice() {
        [] => format!("{verb} nothing: no version is let go by these rules"),
        versions => format!("{verb} {expired}: {}", text::runs(versions)),
    }];
    if !report.kept.is_empty() {
        lines.push(format!(
            "kept for a tag, a view or a clone: {} (what only a clone keeps stays readable, and nothing new can refer to it)",
            text::runs(&report.kept)
        ));
    }
    if !is_dry && !report.expired.is_empty() {
        lines.push("`tenrow vacuum` frees the files that only they needed".into());
    }
    lines.join("\n")
}
