//! The nearest 10 of 1,000,000 vectors, against summing all their bytes from memory.

use std::error::Error;
use std::thread;
use std::time::Duration;

use tenrow::DType;
use tenrow_benches::{Tensors, Workload, bench_folder, compare, sum};
use tenrow_sql::{Session, SessionOptions};
use tokio::runtime::Runtime;

use super::{count, line};

const EMBEDDINGS: Workload = Workload {
    name: "embeddings",
    attribute: "x:f32[768]",
    dtype: DType::F32,
    shape: &[768],
    rows: 1_000_000,
};

pub(super) fn run(runtime: &Runtime) -> Result<(), Box<dyn Error>> {
    let data = Tensors::open(EMBEDDINGS)?;
    let root = bench_folder().join(EMBEDDINGS.name).display().to_string();
    let session = Session::new(&SessionOptions::default().with_root(root))?;
    let asked: Vec<String> =
        (0..768).map(|i| format!("{:.3}", f64::from(i * 37 % 101) / 101.0)).collect();
    let asked = asked.join(", ");
    let threads = thread::available_parallelism()?.get();
    let bytes = data.raw.bytes();
    let part = (bytes.len() / threads).next_multiple_of(64);
    let sums = || {
        thread::scope(|scope| {
            let parts: Vec<_> =
                bytes.chunks(part).map(|part| scope.spawn(move || sum(part))).collect();
            let sums = parts.into_iter().map(|part| part.join().expect("sums do not fail"));
            sums.fold(0, u64::wrapping_add)
        })
    };
    for function in ["cosine_similarity", "tensor_dot", "l2_distance"] {
        let direction = if function == "l2_distance" { "" } else { " DESC" };
        let sql = format!(
            "SELECT _row FROM dataset ORDER BY {function}(x, [{asked}]){direction} LIMIT 10"
        );
        let found = compare(Duration::from_secs(8), || count(runtime, &session, &sql), sums);
        // 0.7 of the bandwidth is 1 / 0.7 of the time.
        line(&format!("nearest 10 of 1,000,000 by {function} : summing"), found, 1.0 / 0.7);
    }
    Ok(())
}
