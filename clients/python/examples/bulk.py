"""Submits a folder of reports as one stream. `bulk.py [HOST:PORT]`."""

import os
import sys
from pathlib import Path

from nianbao import Client, Plaintext, read_report

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NIANBAO_EXAMPLES", HERE.parents[1] / "examples"))
SERVER = sys.argv[1] if sys.argv[1:] else os.environ.get("NIANBAO_SERVER", "127.0.0.1:50051")

files = sorted((DATA / "reports").glob("*.json"))
taken = 0
with Client(SERVER, Plaintext(), principal="example-clerk") as client:
    # A file is read when the stream wants it. Run again, it all gets the first answers.
    results = client.submit_all(read_report(file) for file in files)
    for done, (file, result) in enumerate(zip(files, results, strict=True), start=1):
        print(f"\r{done} of {len(files)}", end="", file=sys.stderr, flush=True)
        if result.error is None:
            taken += 1
            print(f"taken   {file.name} at position {result.answer.receipt.position}")
        else:
            print(f"refused {file.name}: {result.error.text(chinese=True)}")
print(file=sys.stderr)
print(f"{taken} taken, {len(files) - taken} refused")
