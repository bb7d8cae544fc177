"""Registers the organs of a list and submits a report. `submit.py [HOST:PORT]`."""

import os
import sys
from pathlib import Path

from nianbao import Client, Plaintext, read_report, submission_id, v1

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NIANBAO_EXAMPLES", HERE.parents[1] / "examples"))
SERVER = sys.argv[1] if sys.argv[1:] else os.environ.get("NIANBAO_SERVER", "127.0.0.1:50051")


with Client(SERVER, Plaintext(), principal="example-clerk") as client:
    # A list that is registered already is left as it is: no conflict, nothing stored.
    imported = client.import_organs(DATA / "organs.csv").result
    print(f"organs: {imported.created} registered, {imported.unchanged} as they were")

    report = read_report(DATA / "report.json")
    # An id made of what is said: whoever runs this again gets the first answer.
    request_id = submission_id(v1.SubmitReportRequest(report=report))
    answer = client.submit(report, request_id=request_id)
    print(f"{answer.report.name}: {v1.Report.State.Name(answer.report.state)}")
    print(f"receipt: position {answer.receipt.position}, hash {answer.receipt.entry_hash}")
