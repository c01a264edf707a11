#!/bin/sh
# Makes a virtual environment, builds tenrow's side, and prints the table: run.sh [FOLDER].
# FOLDER holds up to 5 GB while it runs, beside `target` by default, and is removed after.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
folder=${1:-$root/target/compare}
venv=$root/target/compare-venv
if [ ! -e "$venv/complete" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement "$here/requirements.txt"
    touch "$venv/complete"
fi
cargo build --quiet --release --manifest-path "$root/Cargo.toml" -p tenrow-benches --bin tenrow-bench
exec "$venv/bin/python" "$here/compare.py" "$folder" "$root/target/release/tenrow-bench"
