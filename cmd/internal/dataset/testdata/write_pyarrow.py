"""Writes pyarrow.parquet: one column of every type that data scientists' tools
write, for the tests of this package. Needs pyarrow (26.0.1 wrote the file)."""

import datetime
import decimal
import math
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

utc = datetime.timezone.utc
half_past = datetime.datetime(2026, 1, 31, 23, 30, 0, 123456)

table = pa.table({
    "model": pa.array(["m", "m", "m"]),
    "version": pa.array([3, 3, 4], pa.int64()),
    "ts": pa.array([half_past, None, datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)], pa.timestamp("us")),
    "request_id": pa.array(["a", "b", None]),
    "label": pa.array([[1], [], None], pa.list_(pa.int64())),
    "status": pa.array([200, 500, None], pa.int16()),
    "latency_ms": pa.array([1.5, None, 0.0], pa.float32()),
    "prediction": pa.array([0.25, math.nan, None], pa.float64()),
    "outcome": pa.array([True, False, None]),
    "int8": pa.array([-128, 127, None], pa.int8()),
    "uint8": pa.array([0, 255, None], pa.uint8()),
    "uint32": pa.array([0, 2**32 - 1, None], pa.uint32()),
    "uint64": pa.array([0, 2**64 - 1, None], pa.uint64()),
    "int64": pa.array([-(2**63), 2**53 + 1, None], pa.int64()),
    "float32": pa.array([0.5, math.inf, -math.inf], pa.float32()),
    "float64": pa.array([1e-308, math.nan, None], pa.float64()),
    "decimal": pa.array([decimal.Decimal("0.10"), decimal.Decimal("-1234567.89"), None], pa.decimal128(9, 2)),
    "wide": pa.array([decimal.Decimal("0.1"), decimal.Decimal("-1"), None], pa.decimal128(38, 20)),
    "bool": pa.array([True, False, None]),
    "text": pa.array(["ä", "", None]),
    "large": pa.array(["x", "y", None], pa.large_string()),
    "category": pa.array(["red", "blue", None]).dictionary_encode(),
    "nothing": pa.nulls(3),
    "user": pa.array([{"age": 30, "plan": "free"}, {"age": None, "plan": "paid"}, None],
                     pa.struct([("age", pa.int32()), ("plan", pa.string())])),
})
here = pathlib.Path(__file__).parent
pq.write_table(table, here / "pyarrow.parquet", compression="zstd", row_group_size=2)

seconds = [datetime.datetime(2026, 1, 31, 23, 59, 59, 5000, utc)]
pq.write_table(pa.table({"ts": pa.array(seconds, pa.timestamp("ns", "UTC")), "x": [1]}),
               here / "int96.parquet", use_deprecated_int96_timestamps=True)

pq.write_table(pa.table({
    "day": pa.array([datetime.date(2026, 1, 1)]),
    "seen": pa.array(seconds, pa.timestamp("ms", "UTC")),
    "raw": pa.array([b"x"]),
    "half": pa.array([1.5], pa.float16()),
    "list": pa.array([[1]]),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "deep": pa.array([{"er": {"est": 1}}]),
    "fine": pa.array([1]),
}), here / "unreadable.parquet")
