"""Appends, columns, deletes; and every version as it was."""

import numpy as np
import tenrow

readings = tenrow.from_numpy("readings", {"value": np.arange(1000.0), "sensor": np.arange(1000) % 7})
first = readings.version

readings = readings.append({"value": np.arange(500.0), "sensor": np.full(500, 7)})
readings.tag("raw")

readings = readings.add_column("scaled", lambda rows: rows["value"] * 0.1, type="f64", inputs=["value"])
readings = readings.delete(readings.rows_where("sensor = 3"))
print(readings)

for info in readings.versions():
    print(f"version {info['version']}: {info['operation']}, {info['rows']:,} rows")

print("then:", len(tenrow.open("readings", version=first)), "rows;", "raw:", len(tenrow.open("readings", tag="raw")))
restored = readings.restore(first)
assert len(restored) == 1000 and "scaled" not in restored.schema
