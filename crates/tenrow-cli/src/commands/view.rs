//! `tenrow view`

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenrow::engine::manifest::ViewRef;
use tenrow::{Dataset, Snapshot, View, ViewOptions};

use super::sql::view_by_query;
use crate::answer::Answer;
use crate::command::Command;
use crate::fault::Result;
use crate::row_list::rows_of;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
A view is a list of rows of one version, in an order of its own, with repeats if you like. It stays what \
it is whatever is committed later, and its version is kept for it. `head`, `get`, `take`, `export` and `files` read it by --view.

Examples:
  tenrow view list digits
  tenrow view create digits some --rows 5,9,5,100..200
  tenrow view create digits bold \\
      'SELECT _row FROM digits ORDER BY tensor_mean(image) DESC LIMIT 9'
  tenrow view split digits train=0.9 test=0.1 --seed 7
  tenrow view prefix corpus small --of shuffled --sum tokens --budget 1.9e9
  tenrow view drop digits some";

/// Keep rows under a name: list, create, split and drop views
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ViewArguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List views, with what chose their rows
    #[command(after_help = "Example:\n  tenrow view list digits")]
    List {
        /// The dataset
        dataset: String,
    },
    /// Make a view of rows, by their numbers or by a query
    Create(CreateArguments),
    /// Make a view of the first rows of another: so many, or until a sum is reached
    Prefix(PrefixArguments),
    /// Make views of rows by chance, which no row leaves when others are appended or deleted
    Split(SplitArguments),
    /// Drop a view; its version stays, unless it has expired and nothing else keeps it
    #[command(after_help = "Example:\n  tenrow view drop digits some")]
    Drop {
        /// The dataset
        dataset: String,
        /// The view
        view: String,
    },
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenrow view create digits some --rows 5,9,5,100..200
  tenrow view create digits threes 'SELECT _row FROM digits WHERE label = 3'")]
struct CreateArguments {
    /// The dataset
    dataset: String,
    /// The name of the view
    name: String,
    /// A query whose only column is _row: its rows in its order. The datasets beside this one are its tables
    #[arg(required_unless_present = "rows", conflicts_with_all = ["rows", "version", "at"])]
    query: Option<String>,
    /// Row numbers, and ranges whose end is not taken: 5,9,5 or 10..20
    #[arg(long, allow_hyphen_values = true)]
    rows: Option<String>,
    #[command(flatten)]
    version: WhichVersion,
    /// Take the place of a view of that name
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenrow view prefix digits small --of train --rows 1000
  tenrow view prefix corpus small --of shuffled --sum tokens --budget 1.9e9")]
struct PrefixArguments {
    /// The dataset
    dataset: String,
    /// The name of the view
    name: String,
    /// The view whose first rows are taken
    #[arg(long, value_name = "VIEW")]
    of: String,
    /// Take so many rows
    #[arg(long, value_name = "N", required_unless_present = "sum", conflicts_with = "sum")]
    rows: Option<u64>,
    /// Take rows until the sum of this attribute reaches the budget; the row that reaches it is the last
    #[arg(long, value_name = "ATTRIBUTE", requires = "budget")]
    sum: Option<String>,
    /// The budget: tokens, bytes, whatever the attribute counts
    #[arg(long, value_name = "NUMBER", requires = "sum")]
    budget: Option<f64>,
    /// Take the place of a view of that name
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  tenrow view split digits train=0.9 test=0.1 --seed 7")]
struct SplitArguments {
    /// The dataset
    dataset: String,
    /// The parts, as NAME=FRACTION; fractions add up to at most 1
    #[arg(required = true, value_name = "NAME=FRACTION", value_parser = part)]
    parts: Vec<(String, f64)>,
    /// What chance depends on, besides the row: the same seed gives the same parts
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    version: WhichVersion,
    /// Take the place of views of these names
    #[arg(long)]
    replace: bool,
}

fn part(text: &str) -> std::result::Result<(String, f64), String> {
    let expected = || format!("{text:?}: expected NAME=FRACTION, as in train=0.9");
    let (name, fraction) = text.split_once('=').ok_or_else(expected)?;
    Ok((name.to_owned(), fraction.parse().map_err(|_| expected())?))
}

impl Command for ViewArguments {
    async fn run(self, stores: &Stores) -> Result<Answer> {
        match self.action {
            Action::List { dataset } => Ok(list(&stores.open(&dataset).await?.latest().await?)),
            Action::Create(create) => Ok(made(vec![created(&create, stores).await?])),
            Action::Prefix(prefix) => Ok(made(vec![cut(&prefix, stores).await?])),
            Action::Split(split) => Ok(made(parted(&split, stores).await?)),
            Action::Drop { dataset, view } => dropped(&stores.open(&dataset).await?, view).await,
        }
    }
}

async fn dropped(dataset: &Dataset, view: String) -> Result<Answer> {
    let kept = dataset.latest().await?.root().views.get(&view).map(|view| view.version);
    let snapshot = dataset.drop_view(&view).await?;
    let ended = kept.map(|version| text::ended(&snapshot, version)).unwrap_or_default();
    let same = view.clone();
    Ok(Answer::of(
        snapshot.version(),
        move |newest| json!({ "version": newest.0, "dropped_view": view }),
        move |newest| format!("dropped view {same}; version {newest} is the newest{ended}"),
    ))
}

async fn created(arguments: &CreateArguments, stores: &Stores) -> Result<View> {
    if let Some(query) = &arguments.query {
        let CreateArguments { dataset, name, replace, .. } = arguments;
        return view_by_query(stores, dataset, name, query, *replace).await;
    }
    let dataset = stores.open(&arguments.dataset).await?;
    let snapshot = arguments.version.of(&dataset).await?;
    let text = arguments.rows.as_deref().unwrap_or_default();
    let view = snapshot.rows(rows_of(&snapshot.all(), text)?)?;
    let options = options(format!("rows {text}"), arguments.replace);
    Ok(dataset.create_view(&arguments.name, &view, &options).await?)
}

async fn cut(arguments: &PrefixArguments, stores: &Stores) -> Result<View> {
    let dataset = stores.open(&arguments.dataset).await?;
    let whole = dataset.view(&arguments.of).await?;
    let (count, what) = match (&arguments.sum, arguments.budget) {
        (Some(attribute), Some(budget)) => {
            let count = whole.rows_for_budget(attribute, budget).await?;
            (count, format!("rows of {} until {attribute} adds up to {budget}", arguments.of))
        }
        _ => {
            let count = arguments.rows.unwrap_or_default();
            (count, format!("first {count} rows of {}", arguments.of))
        }
    };
    if count > whole.row_count() {
        let (of, rows) = (&arguments.of, whole.row_count());
        return Err(format!("--rows: view {of} has only {rows} rows").into());
    }
    let options = options(what, arguments.replace);
    let view = whole.rows(0..count).await?;
    Ok(dataset.create_view(&arguments.name, &view, &options).await?)
}

async fn parted(arguments: &SplitArguments, stores: &Stores) -> Result<Vec<View>> {
    let dataset = stores.open(&arguments.dataset).await?;
    let snapshot = arguments.version.of(&dataset).await?;
    let SplitArguments { seed, parts, replace, .. } = arguments;
    Ok(dataset.split_views(&snapshot, *seed, parts, *replace).await?)
}

fn options(query: String, replace: bool) -> ViewOptions {
    ViewOptions::default().with_query(query).with_replace(replace)
}

/// Says which views there are now.
fn made(views: Vec<View>) -> Answer {
    let json = |views: &Vec<View>| {
        let facts = views.iter().filter_map(|view| Some(facts(view.name()?, view.entry()?)));
        facts.collect()
    };
    let line = |view: &View| {
        let rows = text::counted(view.row_count(), "row", "rows");
        let name = view.name().unwrap_or_default();
        format!("view {name}: {rows} of version {}\n", view.version())
    };
    Answer::of(views, json, move |views| views.iter().map(line).collect())
}

fn facts(name: &str, view: &ViewRef) -> Value {
    json!({
        "view": name,
        "rows": view.row_count,
        "version": view.version.0,
        "query": view.query,
        "bytes": view.size_bytes,
        "created_ms": view.created_ms,
        "input_checksum": format!("{:016x}", view.input_checksum),
    })
}

fn list(newest: &Snapshot) -> Answer {
    let views: Vec<(String, ViewRef)> = newest.root().views.clone().into_iter().collect();
    if views.is_empty() {
        return Answer::none("no views yet: make one with `tenrow view create DATASET NAME`");
    }
    Answer::list(
        &[],
        views,
        |(name, view)| facts(name, view),
        |(name, view)| {
            let rows = text::counted(view.row_count, "row", "rows");
            vec![name.clone(), rows, format!("version {}", view.version), view.query.clone()]
        },
    )
}
