//! What the benches measure beside criterion's: `cargo run --release -p tenrow-benches -- targets`.
//!
//! | command | prints |
//! |---|---|
//! | `targets [SECONDS]` | every speed target: times of both sides, ratio, met or missed |
//! | `peak [vectors\|images]` | peak memory while writing 4 GiB |
//! | `scale [PARTITIONS]…` | opening, finding a row, committing at 10 to 1,000,000 partitions |
//! | `evolve` | a column added to 4 GiB: bytes written, and reading it with the others |
//! | `compact` | 10,000 partitions of 10 rows compacted, against rows written at once |
//! | `sql [PART]…` | SQL against its limits: see `sql`; needs the feature `sql` |
//! | `json FOLDER NAME TYPE ROWS` | tenrow's column of `compare/compare.py` |

mod evolve;
mod json;
mod peak_memory;
mod scale;
#[cfg(feature = "sql")]
mod sql;
mod targets;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((command, rest)) if command == "targets" => targets::run(rest),
        Some((command, rest)) if command == "peak" => peak_memory::run(rest),
        Some((command, rest)) if command == "scale" => scale::run(rest),
        Some((command, rest)) if command == "evolve" => evolve::add_column(rest),
        Some((command, rest)) if command == "compact" => evolve::compact(rest),
        #[cfg(feature = "sql")]
        Some((command, rest)) if command == "sql" => sql::run(rest),
        Some((command, rest)) if command == "json" => json::run(rest),
        _ => Err("usage: tenrow-bench targets|peak|scale|evolve|compact|sql|json …".into()),
    }
}
