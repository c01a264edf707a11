//! The arguments that the program takes.

use std::ffi::OsString;

use clap::builder::Styles;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::answer::Answer;
use crate::command::Entry;
use crate::commands::GROUPS;
use crate::fault::Result;
use crate::stores::{StoreArguments, Stores};

const ABOUT: &str = "Tensor datasets on Apache Parquet: write, commit, read by row number";

const AFTER: &str = "\
A dataset is a folder, or lies in an object store: s3://bucket/prefix, az://container/prefix, \
gs://bucket/prefix, and to read only https://host/path. Stores are reached as the environment says \
(AWS_…, AZURE_…, GOOGLE_…), or a profile, or --option NAME=VALUE. Its rows are in ordinary Parquet files, which pandas, polars and DuckDB \
open as they are: `tenrow files` lists them.

What a command writes into a dataset becomes visible in one commit at its end. Stopping it before, \
with Ctrl-C or otherwise, leaves the dataset exactly as it was. `compact` commits as it goes, `merge` \
once for each dataset, and `expire` and `vacuum` remove one thing after another: stopped in between, \
they leave a whole dataset and what they have done.

Start with:
  tenrow demo";

/// The command line.
#[derive(Parser)]
#[command(name = "tenrow", version, about = ABOUT, after_help = AFTER)]
pub(crate) struct Arguments {
    /// Answer in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: Chosen,
}

impl Arguments {
    /// Those that the program was given; if they are wrong, it says so and ends.
    pub(crate) fn given() -> Self {
        let matches = usage().get_matches_from(with_comments(std::env::args_os()));
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// All commands, listed in their groups: `clap` knows only one list of them.
fn usage() -> clap::Command {
    let usage = Arguments::command();
    let style = Styles::styled();
    let header = style.get_header();
    let literal = style.get_literal();
    let mut template = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    let entries = || GROUPS.iter().flat_map(|group| group.commands);
    let width = entries().map(|entry| entry.name.len()).max().unwrap_or(0);
    for group in GROUPS {
        template.push_str(&format!("\n{header}{}:{header:#}\n", group.heading));
        for entry in group.commands {
            let about = entry.usage().get_about().map(ToString::to_string).unwrap_or_default();
            let name = entry.name;
            template.push_str(&format!("  {literal}{name:width$}{literal:#}  {about}\n"));
        }
    }
    template.push_str(&format!("\n{header}Options:{header:#}\n{{options}}{{after-help}}"));
    usage.help_template(template)
}

/// The words with a space before those that begin with a comment of SQL, which is no option; the value of an option stays
/// as it is.
fn with_comments(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let begins = |word: &OsString, with: &dyn Fn(&str) -> bool| word.to_str().is_some_and(with);
    let is_comment = |text: &str| {
        text.strip_prefix("--").is_some_and(|rest| rest.starts_with(char::is_whitespace))
    };
    let mut found: Vec<OsString> = Vec::new();
    for word in words {
        let is_value = found.last().is_some_and(|last| begins(last, &|text| text.starts_with('-')));
        let mut word = word;
        if !is_value && begins(&word, &is_comment) {
            let statement = std::mem::replace(&mut word, " ".into());
            word.push(statement);
        }
        found.push(word);
    }
    found
}

/// One of the commands, and its arguments.
pub(crate) struct Chosen {
    entry: &'static Entry,
    matches: ArgMatches,
}

impl Chosen {
    /// Whether it takes Ctrl-C for itself.
    pub(crate) fn takes_interrupts(&self) -> bool {
        self.entry.takes_interrupts
    }

    /// Does it.
    pub(crate) async fn run(&self, stores: &Stores) -> Result<Answer> {
        self.entry.run(&self.matches, stores).await
    }
}

impl FromArgMatches for Chosen {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let given = matches.subcommand();
        let (name, matches) =
            given.ok_or_else(|| clap::Error::new(ErrorKind::MissingSubcommand))?;
        let entry = GROUPS.iter().flat_map(|group| group.commands).find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))?;
        Ok(Self { entry, matches: matches.clone() })
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Chosen {
    fn augment_subcommands(usage: clap::Command) -> clap::Command {
        usage.subcommands(GROUPS.iter().flat_map(|group| group.commands).map(Entry::usage))
    }

    fn augment_subcommands_for_update(usage: clap::Command) -> clap::Command {
        Self::augment_subcommands(usage)
    }

    fn has_subcommand(name: &str) -> bool {
        GROUPS.iter().flat_map(|group| group.commands).any(|entry| entry.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_may_begin_with_a_comment() {
        for (given, expected) in [
            (["sql", "-- one\nSELECT 1", "SELECT 2"], ["sql", " -- one\nSELECT 1", "SELECT 2"]),
            (["sql", "--parameter", "-- text"], ["sql", "--parameter", "-- text"]),
            (["sql", "--timing", "--"], ["sql", "--timing", "--"]),
        ] {
            assert_eq!(with_comments(given.into_iter().map(OsString::from)), expected);
        }
    }

    #[test]
    fn the_arguments_of_all_commands_fit_together() {
        usage().debug_assert();
    }
}
