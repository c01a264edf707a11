//! Which rows of a dataset are meant: all of a version, or those of a view.

use clap::Args;
use tenrow::{Dataset, View};

use crate::fault::Result;
use crate::text;
use crate::which_version::WhichVersion;

/// The arguments that choose rows; without them they are all of the newest version.
#[derive(Debug, Args)]
pub(crate) struct WhichRows {
    /// The rows of this view, in its order; in another version than its own: VIEW@latest, VIEW@7, VIEW@TAG
    #[arg(long, value_name = "VIEW", conflicts_with_all = ["version", "at"])]
    view: Option<String>,
    #[command(flatten)]
    version: WhichVersion,
}

impl WhichRows {
    /// The rows chosen of the dataset.
    pub(crate) async fn of(&self, dataset: &Dataset) -> Result<View> {
        Ok(match &self.view {
            Some(name) => dataset.view_named(name).await?,
            None => self.version.of(dataset).await?.all(),
        })
    }

    /// The arguments that choose the same rows whatever is committed later, each behind a space; none for the newest version.
    pub(crate) fn again(&self, chosen: &View) -> String {
        let version = chosen.version();
        match &self.view {
            // A view keeps its version, unless it is read in another.
            Some(view) => {
                let view = view
                    .split_once('@')
                    .map_or(view.clone(), |(name, _)| format!("{name}@{version}"));
                format!(" --view {}", text::shell_word(&view))
            }
            None if self.version.is_newest() => String::new(),
            // A tag may be given to another version later.
            None => format!(" --version {version}"),
        }
    }
}
