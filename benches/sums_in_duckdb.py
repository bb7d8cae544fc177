"""What DuckDB takes for the same sums of the same figures: `benches/rollup.rs` runs it.

The file is read into a table once. Each question is then asked eleven times on one thread; the
median of their processor time is printed, as JSON.
"""

import json
import statistics
import sys
import time

import duckdb

QUESTIONS = {
    "the top": "SELECT field_path, sum(value), count(value) FROM figures GROUP BY ALL",
    "filtered by kind": "SELECT field_path, sum(value), count(value) FROM figures "
    "WHERE kind = 'DEPARTMENT' GROUP BY ALL",
    "by level": "SELECT level, field_path, sum(value), count(value) FROM figures GROUP BY ALL",
}


def main() -> None:
    database = duckdb.connect(config={"threads": 1})
    database.sql(f"CREATE TABLE figures AS SELECT * FROM '{sys.argv[1]}'")
    answers = {}
    for name, question in QUESTIONS.items():
        times = []
        for _ in range(11):
            start = time.process_time()
            rows = database.sql(question).fetchall()
            times.append(time.process_time() - start)
        answers[name] = {"seconds": statistics.median(times)}
        if name == "the top":
            answers[name]["sums"] = {path: [str(value), given] for path, value, given in rows}
    json.dump(answers, sys.stdout)


main()
