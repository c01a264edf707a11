//! One of many programs at work on one dataset of groups: see `tenrow_tests::groups`.
//!
//! ```text
//! worker append DATASET FIRST COUNT   appends groups FIRST..FIRST + COUNT, one a commit; prints the races that it lost
//! worker count DATASET COUNT           adds 1 to the first x COUNT times, from the value that it read; prints the conflicts
//! worker compact|fill|read DATASET    goes on until DATASET.stop exists; prints how often it did so
//! worker random DATASET SEED          does anything until it is killed; prints `VERSION DIGEST` after each
//! ```

use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions,
    SchemaChange, Snapshot, VacuumOptions,
};
use tenrow_tests::random::Dice;
use tenrow_tests::{block_on, groups, place};

type Outcome<T> = Result<T, Box<dyn Error>>;

pub(crate) fn run(arguments: &[String]) -> Outcome<()> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<u64>().ok());
    let (Some(role), Some(place)) = (arguments.first(), arguments.get(1)) else {
        return Err(
            "usage: worker append|count|compact|fill|read|random DATASET [NUMBER] [NUMBER]".into(),
        );
    };
    block_on(async {
        let dataset = Dataset::open(place).await?;
        match role.as_str() {
            "append" => append(&dataset, number(2).unwrap_or(0), number(3).unwrap_or(1)).await,
            "count" => count(&dataset, number(2).unwrap_or(1)).await,
            "random" => random(&dataset, place, number(2).unwrap_or(0)).await,
            role => repeat(&dataset, role, &format!("{place}.stop")).await,
        }
    })
}

/// Counts what commits say of lost races.
struct Races(Arc<AtomicU64>);

impl tracing::Subscriber for Races {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("tenrow::commit")
            && metadata.fields().field("attempt").is_some()
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

async fn append(dataset: &Dataset, first: u64, count: u64) -> Outcome<()> {
    let races = Arc::new(AtomicU64::new(0));
    tracing::subscriber::set_global_default(Races(races.clone()))?;
    for group in first..first + count {
        groups::append(dataset, group as i64, 0).await?;
    }
    println!("{}", races.load(Ordering::Relaxed));
    Ok(())
}

/// Counts on from what it has read, and again from the newest value if another program was faster.
async fn count(dataset: &Dataset, times: u64) -> Outcome<()> {
    let mut conflicts = 0;
    for _ in 0..times {
        let mut tries = 0;
        while !count_once(dataset).await? {
            tries += 1;
            dataset.pause_after_conflict(tries).await;
        }
        conflicts += tries;
    }
    println!("{conflicts}");
    Ok(())
}

async fn count_once(dataset: &Dataset) -> Outcome<bool> {
    let seen = dataset.latest().await?;
    let row = seen.take(&[0]).await?;
    let x = row.column_by_name("x").ok_or("no x")?.as_primitive::<Int64Type>().value(0);
    let values = Columns::new().scalars("x", [x + 1]).into_batch()?;
    match dataset.update(&seen, &[0], &values).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn repeat(dataset: &Dataset, role: &str, stop: &str) -> Outcome<()> {
    let mut times = 0;
    while !place::path(stop).exists() {
        match role {
            "compact" => drop(dataset.compact(CompactOptions::default()).await?),
            "fill" if dataset.latest().await?.schema().attribute("y").is_none() => {
                // Not before some rows are there that lack it.
                std::thread::sleep(Duration::from_millis(300));
                groups::add_y(dataset).await?;
            }
            "fill" => drop(dataset.fill_column(&fill(), groups::filled).await?),
            _ => drop(groups::groups(&dataset.latest().await?).await?),
        }
        times += 1;
        std::thread::sleep(Duration::from_millis(if role == "compact" { 200 } else { 20 }));
    }
    println!("{times}");
    Ok(())
}

fn fill() -> ColumnFill {
    ColumnFill::new("y", ["x"]).with_commit_partitions(8)
}

/// All operations, by dice, until it is killed.
async fn random(dataset: &Dataset, place: &str, seed: u64) -> Outcome<()> {
    let mut dice = Dice::new(seed);
    // What was acknowledged last is there, whatever was killed.
    tell(&dataset.latest().await?).await?;
    loop {
        match any(dataset, place, &mut dice).await {
            Ok(()) => tell(&dataset.latest().await?).await?,
            Err(error) if is_refusal(error.as_ref()) => {}
            Err(error) => return Err(error),
        }
    }
}

/// What dice may ask for that is not there, or there already.
fn is_refusal(error: &(dyn Error + 'static)) -> bool {
    let kind = error.downcast_ref::<tenrow::Error>().map(tenrow::Error::kind);
    matches!(kind, Some(ErrorKind::NotFound | ErrorKind::AlreadyExists | ErrorKind::InvalidInput))
}

async fn tell(snapshot: &Snapshot) -> Outcome<()> {
    let (_, digest) = groups::groups(snapshot).await?;
    println!("{} {digest}", snapshot.version());
    Ok(std::io::stdout().flush()?)
}

async fn any(dataset: &Dataset, place: &str, dice: &mut Dice) -> Outcome<()> {
    let latest = dataset.latest().await?;
    let (groups, _) = groups::groups(&latest).await?;
    let new = latest.root().next_row_id as i64 + 1;
    let chosen = (!groups.is_empty())
        .then(|| groups.values().nth(dice.below(groups.len() as u64) as usize))
        .flatten();
    let names = ["a", "b", "c"];
    let name = names[dice.below(3) as usize].to_owned();
    let versions = dataset.storage().list_versions().await?;
    let version = versions[dice.below(versions.len() as u64) as usize];
    match (dice.below(17), chosen) {
        (0, Some(ids)) => drop(dataset.delete_ids(ids).await?),
        (1, Some(ids)) => {
            let values = vec![dice.below(1000) as i64; ids.len()];
            let values = Columns::new().scalars("v", &values).into_batch()?;
            dataset.update_ids(ids, &values).await?;
        }
        (2, _) if latest.schema().attribute("y").is_none() => {
            groups::add_y(dataset).await?;
        }
        (2, _) => drop(dataset.fill_column(&fill(), groups::filled).await?),
        (3, _) => drop(dataset.compact(CompactOptions::default()).await?),
        (4, _) => {
            let attribute = Attribute::parse(&format!("{name}:i32"))?.with_default(7);
            dataset.change_schema(SchemaChange::Add(attribute.with_nullable(true))).await?;
        }
        (5, _) => drop(dataset.change_schema(SchemaChange::Drop(name)).await?),
        (6, _) => {
            let to = names[dice.below(3) as usize].to_owned();
            dataset.change_schema(SchemaChange::Rename { from: name, to }).await?;
        }
        (7, _) => {
            let dtype = tenrow::DType::I64;
            dataset.change_schema(SchemaChange::Widen { name, dtype }).await?;
        }
        (8, _) => drop(dataset.tag(&name, version).await?),
        (9, _) => drop(dataset.untag(&name).await?),
        (10, _) => drop(dataset.restore(version).await?),
        (11, _) if dice.once_in(2) => {
            let mut writer = dataset.overwriter(None, groups::options()).await?;
            let schema = writer.schema().clone();
            writer.append_columns(groups::rows(&schema, new, 1)).await?;
            writer.append_columns(groups::rows(&schema, new + 1, 2)).await?;
            writer.commit().await?;
        }
        (12, _) => {
            let options = ExpireOptions { keep_last: Some(8), ..ExpireOptions::default() };
            dataset.expire(&options).await?;
        }
        (13, _) => {
            let options = VacuumOptions { older_than: Duration::ZERO, ..VacuumOptions::default() };
            dataset.vacuum(options).await?;
        }
        (14, _) => drop(dataset.clone_to(&format!("{place}.{:x}", dice.bits()), version).await?),
        _ => drop(groups::append(dataset, new, 0).await?),
    }
    Ok(())
}
