//! The arguments that the program takes.

use clap::{Parser, Subcommand};

use crate::commands::{
    create, demo, export, files, get, head, import, info, take, verify, versions,
};

const ABOUT: &str = "Tensor datasets on Apache Parquet: write, commit, read by row number";

const AFTER: &str = "\
A dataset is a folder. Its rows are in ordinary Parquet files, which pandas, polars and DuckDB \
open as they are: `tenrow files` lists them.

What a command writes into a dataset becomes visible in one commit at its end. Stopping it before, \
with Ctrl-C or otherwise, leaves the dataset exactly as it was.

Start with:
  tenrow demo";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "tenrow", version, about = ABOUT, after_help = AFTER)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
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
    /// Check every checksum, count and page address
    Verify(verify::VerifyArguments),
}
