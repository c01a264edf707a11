//! Planning over 1,000,000 partitions a query for one of them.

use std::error::Error;
use std::time::{Duration, Instant};

use tenrow_benches::fresh_folder;
use tenrow_sql::{Session, SessionOptions};
use tokio::runtime::Runtime;

use super::{count, line_of_time, median};
use crate::scale;

const PARTITIONS: u64 = 1_000_000;
const PLANS: u64 = 21;

pub(super) fn run(runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let folder = fresh_folder()?;
    let location = folder.path().join("many").display().to_string();
    runtime.block_on(scale::make_clustered(&location, PARTITIONS))?;
    let root = folder.path().display().to_string();
    let (mut first, mut others) = (Vec::new(), Vec::new());
    for attempt in 0..PLANS {
        let session = Session::new(&SessionOptions::default().with_root(root.as_str()))?;
        count(runtime, &session, "SELECT count(*) FROM many");
        let plan = |number: u64| {
            let year = number * 7_919 * 1_000_003 % PARTITIONS;
            let sql = format!("EXPLAIN SELECT * FROM many WHERE year = {year}");
            let start = Instant::now();
            count(runtime, &session, &sql);
            start.elapsed()
        };
        first.push(plan(attempt));
        others.push(plan(attempt));
    }
    let most = Duration::from_millis(300);
    line_of_time(
        "one of 1,000,000 partitions by a clustered attribute, its leaf not read",
        median(first),
        most,
    );
    line_of_time("the same again", median(others), most);
    Ok(())
}
