"""Sums the reports of a city, and says what the sum covers. `aggregate.py [HOST:PORT]`."""

import os
import sys
from pathlib import Path

from nianbao import Client, Plaintext

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NIANBAO_EXAMPLES", HERE.parents[1] / "examples"))
SERVER = sys.argv[1] if sys.argv[1:] else os.environ.get("NIANBAO_SERVER", "127.0.0.1:50051")
# The city stands in the first row below the headings.
CITY = "organs/" + (DATA / "organs.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
YEAR = 2023

with Client(SERVER, Plaintext(), principal="example-clerk") as client:
    # The reports of the examples wait for acceptance: a sum has them only where it is asked to.
    [total] = client.aggregate(CITY, YEAR, include_unaccepted=True, list_members=True)

rows = [
    ("received", total.requests.newly_received.total),
    ("granted", total.requests.granted.total),
    ("processed", total.requests.total_processed.total),
    ("fees (10,000 yuan)", total.disclosure.fees_wan_yuan),
]
print(f"{CITY} {YEAR}")
for name, value in rows:
    print(f"  {name:20}{value:>12}")
covers = total.coverage
print(f"expected {covers.expected}, included {covers.included}, missing {covers.missing}")
for organ in covers.missing_organs:
    print(f"  missing: {organ}")
