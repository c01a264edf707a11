//! The arguments that the program takes.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::commands::{
    cache, clone, compact, create, delete, demo, diff, expire, export, files, get, head, import,
    info, ls, merge, repair, restore, schema, sql, tag, take, vacuum, verify, versions, view,
};
use crate::stores::StoreArguments;

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
#[derive(Debug, Parser)]
#[command(name = "tenrow", version, about = ABOUT, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) store: StoreArguments,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Arguments {
    /// Those that the program was given; if they are wrong, it says so and ends.
    pub(crate) fn given() -> Self {
        Self::parse_from(with_comments(std::env::args_os()))
    }
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

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a dataset of 10,000 handwritten digits and show what can be done with it
    Demo(demo::DemoArguments),
    /// Create an empty dataset
    Create(create::CreateArguments),
    /// Import files: MNIST's IDX, .npy, .npz, folders of images, Parquet, CSV, JSON Lines
    Import(import::ImportArguments),
    /// Show version, rows, sizes, attributes and properties
    Info(info::InfoArguments),
    /// Show the first rows
    Head(head::HeadArguments),
    /// Show one row, or write one of its values to a file
    Get(get::GetArguments),
    /// Write chosen rows to a file, in the order asked
    Take(take::TakeArguments),
    /// Write all rows to files of another format
    Export(export::ExportArguments),
    /// List the Parquet files for other programs
    Files(files::FilesArguments),
    /// Show the history
    Versions(versions::VersionsArguments),
    /// Show what one version has that another has not
    Diff(diff::DiffArguments),
    /// Give a version a name, take one away, or list them
    Tag(tag::TagArguments),
    /// Ask datasets questions in SQL, and change them
    Sql(sql::SqlArguments),
    /// Keep rows under a name: list such views, make and drop them
    View(view::ViewArguments),
    /// Make an old version the newest again
    Restore(restore::RestoreArguments),
    /// Delete rows
    Delete(delete::DeleteArguments),
    /// Add, drop, rename, widen or reorder attributes, without writing data files again
    Schema(schema::SchemaArguments),
    /// List the datasets in a folder
    Ls(ls::LsArguments),
    /// Make a new dataset of a version, referring to its files or with a copy of them
    Clone(clone::CloneArguments),
    /// Append the rows of other datasets, referring to their files
    Merge(merge::MergeArguments),
    /// Merge small partitions, and write those anew that have deleted or newer values
    Compact(compact::CompactArguments),
    /// End old versions; `vacuum` then frees their files
    Expire(expire::ExpireArguments),
    /// Remove files that no version needs any more
    Vacuum(vacuum::VacuumArguments),
    /// List files that no version names, such as those of writers that were killed
    Repair(repair::RepairArguments),
    /// Look at what is kept of remote datasets on this machine, fill it, or clear it
    Cache(cache::CacheArguments),
    /// Check manifests, footers, sizes and page addresses; with --full every checksum and value
    Verify(verify::VerifyArguments),
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
}
