//! `tenrow view`

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tenrow::{Snapshot, View, ViewOptions};

use super::sql::view_by_query;
use crate::Output;
use crate::fault::Result;
use crate::row_list::rows_of;
use crate::stores::Stores;
use crate::text;
use crate::which_version::WhichVersion;

const AFTER: &str = "\
A view is a list of rows of one version, in an order of its own, with repeats if you like. It stays what \
it is whatever is committed later, and its version is kept for it. `take` and `export` read views.

Examples:
  tenrow view list digits
  tenrow view create digits some --rows 5,9,5,100..200
  tenrow view create digits bold \\
      'SELECT _row FROM digits ORDER BY tensor_mean(image) DESC LIMIT 9'
  tenrow view split digits train=0.9 test=0.1 --seed 7
  tenrow view prefix corpus small --of shuffled --sum tokens --budget 1.9e9
  tenrow view drop digits some";

/// The arguments of `view`.
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct ViewArguments {
    #[command(subcommand)]
    action: Action,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List views, with what chose their rows
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
    Drop {
        /// The dataset
        dataset: String,
        /// The view
        view: String,
    },
}

#[derive(Debug, Args)]
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

/// Does what is asked of views.
pub(crate) async fn run(arguments: ViewArguments, stores: &Stores, out: &mut Output) -> Result<()> {
    let as_json = arguments.json;
    match arguments.action {
        Action::List { dataset } => {
            let dataset = stores.open(&dataset).await?;
            list(&dataset.latest().await?, as_json, out)
        }
        Action::Create(create) => say(&[created(&create, stores).await?], as_json, out),
        Action::Prefix(prefix) => say(&[cut(&prefix, stores).await?], as_json, out),
        Action::Split(split) => say(&parted(&split, stores).await?, as_json, out),
        Action::Drop { dataset, view } => {
            let dataset = stores.open(&dataset).await?;
            let kept = dataset.latest().await?.root().views.get(&view).map(|view| view.version);
            let snapshot = dataset.drop_view(&view).await?;
            let newest = snapshot.version();
            let ended = kept.map(|version| text::ended(&snapshot, version)).unwrap_or_default();
            match as_json {
                true => {
                    let value = json!({ "version": newest.0, "dropped_view": view });
                    writeln!(out, "{value:#}")?;
                }
                false => {
                    writeln!(out, "dropped view {view}; version {newest} is the newest{ended}")?
                }
            }
            Ok(())
        }
    }
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
    let fractions: Vec<f64> = arguments.parts.iter().map(|(_, fraction)| *fraction).collect();
    let parts = snapshot.random_split(arguments.seed, &fractions).await?;
    let view = |((name, fraction), view): (&(String, f64), View)| {
        let what = format!("{fraction} of the rows by chance, seed {}", arguments.seed);
        (name.clone(), view, what)
    };
    let views = arguments.parts.iter().zip(parts).map(view).collect();
    Ok(dataset.create_views(views, arguments.replace).await?)
}

fn options(query: String, replace: bool) -> ViewOptions {
    ViewOptions::default().with_query(query).with_replace(replace)
}

fn say(views: &[View], as_json: bool, out: &mut Output) -> Result<()> {
    if as_json {
        let facts = views.iter().filter_map(|view| Some(facts(view.name()?, view.entry()?)));
        writeln!(out, "{:#}", facts.collect::<Value>())?;
        return Ok(());
    }
    for view in views {
        let rows = text::counted(view.row_count(), "row", "rows");
        let name = view.name().unwrap_or_default();
        writeln!(out, "view {name}: {rows} of version {}", view.version())?;
    }
    Ok(())
}

fn facts(name: &str, view: &tenrow::engine::manifest::ViewRef) -> Value {
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

fn list(newest: &Snapshot, as_json: bool, out: &mut Output) -> Result<()> {
    let views = &newest.root().views;
    if as_json {
        let views = views.iter().map(|(name, view)| facts(name, view));
        writeln!(out, "{:#}", views.collect::<Value>())?;
        return Ok(());
    }
    if views.is_empty() {
        writeln!(out, "no views yet: make one with `tenrow view create DATASET NAME`")?;
    }
    let rows = views.iter().map(|(name, view)| {
        let rows = text::counted(view.row_count, "row", "rows");
        vec![name.clone(), rows, format!("version {}", view.version), view.query.clone()]
    });
    write!(out, "{}", text::table(&rows.collect::<Vec<_>>()))?;
    Ok(())
}
