"""pandas, polars and DuckDB on the same files."""

# Needs pyarrow
# Needs pandas
# Needs polars
# Needs duckdb
import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import tenrow

dice = np.random.default_rng(1)
people = tenrow.from_numpy(
    "people",
    {
        "name": [f"person {i}" for i in range(10_000)],
        "score": dice.normal(size=10_000),
        "face": dice.integers(0, 255, (10_000, 8, 8), dtype=np.uint8),
    },
)

frame = people.to_pandas(["name", "score"])
print("pandas:", frame["score"].mean().round(4))

best = people.to_polars().filter(pl.col("score") > 3).select("name", "score").collect()
print("polars:", best.height, "people with a score above 3")

rows = people.to_arrow(["name", "score"])
print("DuckDB:", duckdb.sql("SELECT count(*) FROM rows WHERE score > 3").fetchall()[0][0])

answer = pa.table(people.sql("SELECT name, tensor_mean(face) AS brightness FROM ds ORDER BY brightness DESC LIMIT 3"))
print("SQL over tensors:", answer.to_pylist())

# The files themselves are Parquet, without tenrow.
print("Parquet:", pl.read_parquet("people/data/**/*.parquet", columns=["score"]).height, "rows")
assert best.height == (frame["score"] > 3).sum()
