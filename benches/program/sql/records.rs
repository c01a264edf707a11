//! Questions about metadata, one row, and a view of half of the rows.

use std::error::Error;
use std::time::{Duration, Instant};

use datafusion::prelude::{ParquetReadOptions, SessionContext};
use tenrow_benches::compare;
use tenrow_sql::{Session, SessionOptions};
use tokio::runtime::Runtime;

use super::data::Records;
use super::{TIME, count, line, line_of_time, median, show};

/// Questions, of `t`, and the same for the plain engine where it has another function.
const QUESTIONS: [(&str, &str); 7] = [
    ("filter, count", "SELECT count(*) FROM t WHERE label = 3 AND perplexity < 500"),
    ("filter, rows", "SELECT id, title FROM t WHERE perplexity BETWEEN 100 AND 101"),
    ("LIKE", "SELECT count(*) FROM t WHERE title LIKE '%ff0%'"),
    ("GROUP BY", "SELECT split, label, count(*), avg(perplexity) FROM t GROUP BY split, label"),
    ("sum", "SELECT sum(length) FROM t"),
    ("top 10", "SELECT id, title, perplexity FROM t ORDER BY perplexity DESC LIMIT 10"),
    (
        "percentiles",
        "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY perplexity), percentile_cont(0.75) WITHIN GROUP (ORDER BY perplexity) FROM t",
    ),
];

pub(super) fn run(runtime: &Runtime, records: &Records) -> Result<(), Box<dyn Error>> {
    runtime.block_on(records.make())?;
    let name = records.name;
    let root = records.root().display().to_string();
    let session = Session::new(&SessionOptions::default().with_root(root))?;
    let plain = SessionContext::new();
    let file = records.plain().display().to_string();
    runtime.block_on(plain.register_parquet("t", &file, ParquetReadOptions::default()))?;
    let plain_count = |sql: &str| {
        let batches = runtime.block_on(async { plain.sql(sql).await?.collect().await });
        let batches = batches.unwrap_or_else(|error| panic!("{sql}: {error}"));
        batches.iter().map(|batch| batch.num_rows()).sum::<usize>()
    };
    for (figure, question) in QUESTIONS {
        let own = question.replace("FROM t", &format!("FROM {name}"));
        assert_eq!(count(runtime, &session, &own), plain_count(question), "{question}");
        let found = compare(TIME, || count(runtime, &session, &own), || plain_count(question));
        line(&format!("{figure}, {name} : DataFusion, metadata only"), found, 1.1);
    }
    let own =
        format!("SELECT percentile(perplexity, 0.25), percentile(perplexity, 0.75) FROM {name}");
    let found = compare(TIME, || count(runtime, &session, &own), || plain_count(QUESTIONS[6].1));
    line(&format!("our percentile, {name} : percentile_cont"), found, 1.1);

    one_row(runtime, &session, records);
    view(runtime, &session, records)
}

/// Planning alone: from the text to a stream that nobody reads.
pub(super) fn planning(runtime: &Runtime, records: &Records) -> Result<(), Box<dyn Error>> {
    runtime.block_on(records.make())?;
    let root = records.root().display().to_string();
    let session = Session::new(&SessionOptions::default().with_root(root))?;
    let plain = SessionContext::new();
    let file = records.plain().display().to_string();
    runtime.block_on(plain.register_parquet("t", &file, ParquetReadOptions::default()))?;
    for (figure, question) in QUESTIONS {
        let own = question.replace("FROM t", &format!("FROM {}", records.name));
        let ours = || {
            let answer = runtime.block_on(async { session.prepare(&own).await?.run().await });
            drop(answer.unwrap_or_else(|error| panic!("{own}: {}", error.chain())));
        };
        let theirs = || {
            let answer =
                runtime.block_on(async { plain.sql(question).await?.execute_stream().await });
            drop(answer.unwrap_or_else(|error| panic!("{question}: {error}")));
        };
        let found = compare(TIME, ours, theirs);
        let more = found.tenrow.saturating_sub(found.other);
        let figure = format!("planning of {figure}, beyond DataFusion's {}", show(found.other));
        line_of_time(&figure, more, Duration::from_micros(300));
    }
    Ok(())
}

fn one_row(runtime: &Runtime, session: &Session, records: &Records) {
    let name = records.name;
    let tensor = if name == "records" { "vector" } else { "image" };
    for columns in [tensor, "id, label, title", "*"] {
        let mut times = Vec::new();
        for attempt in 0..400u64 {
            let row = (attempt * 7_919 * 1_000_003) % records.rows;
            let sql = format!("SELECT {columns} FROM {name} WHERE _row = {row}");
            let start = Instant::now();
            assert_eq!(count(runtime, session, &sql), 1);
            times.push(start.elapsed());
        }
        let figure = format!("SELECT {columns} FROM {name} WHERE _row = n");
        line_of_time(&figure, median(times), Duration::from_millis(1));
    }
}

fn view(runtime: &Runtime, session: &Session, records: &Records) -> Result<(), Box<dyn Error>> {
    let name = records.name;
    let query = format!("SELECT _row FROM {name} WHERE id % 2 = 0");
    let found = compare(
        TIME,
        || {
            let made = session.create_view(name, "half", &query, true);
            runtime.block_on(made).expect("the view can be made").row_count()
        },
        || count(runtime, session, &query) as u64,
    );
    line(&format!("view of half of {name} : its query"), found, 2.0);
    runtime.block_on(async {
        session.dataset(name).await?.drop_view("half").await.map_err(Box::<dyn Error>::from)
    })?;
    Ok(())
}
