"""DuckDB's times for the questions of `tenrow-bench sql records` and `pictures`: sql.py [ROOT…].

The data are those that the bench left below `target/bench-data`. DuckDB reads the file of the metadata only, and the files
of the dataset itself, of which it reads the same columns. Times are medians with the page cache warm.
"""

import statistics
import sys
import time
from pathlib import Path

import duckdb

BENCH_DATA = Path(__file__).resolve().parents[2] / "target" / "bench-data"
SECONDS = 3.0
LEAST_TIMES = 5
QUESTIONS = {
    "filter, count": "SELECT count(*) FROM t WHERE label = 3 AND perplexity < 500",
    "filter, rows": "SELECT id, title FROM t WHERE perplexity BETWEEN 100 AND 101",
    "LIKE": "SELECT count(*) FROM t WHERE title LIKE '%ff0%'",
    "GROUP BY": "SELECT split, label, count(*), avg(perplexity) FROM t GROUP BY split, label",
    "sum": "SELECT sum(length) FROM t",
    "top 10": "SELECT id, title, perplexity FROM t ORDER BY perplexity DESC LIMIT 10",
    "percentiles": "SELECT quantile_cont(perplexity, [0.25, 0.75]) FROM t",
}


def median_ms(connection, question):
    times = []
    while len(times) < LEAST_TIMES or sum(times) < SECONDS:
        start = time.perf_counter()
        connection.sql(question).to_arrow_table()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def main():
    roots = [Path(root) for root in sys.argv[1:]]
    roots = roots or [BENCH_DATA / "sql-records", BENCH_DATA / "sql-pictures"]
    print("| data | question | DuckDB, metadata only | DuckDB, the dataset's files |")
    print("|---|---|---|---|")
    for root in roots:
        name = root.name.removeprefix("sql-")
        connection = duckdb.connect()
        plain = f"read_parquet('{root / 'metadata.parquet'}')"
        whole = f"read_parquet('{root / name / 'data'}/*.parquet')"
        for figure, question in QUESTIONS.items():
            times = [
                median_ms(connection, question.replace("FROM t", f"FROM {table}"))
                for table in (plain, whole)
            ]
            print(f"| {name} | {figure} | {times[0]:.2f} ms | {times[1]:.2f} ms |")


if __name__ == "__main__":
    main()
