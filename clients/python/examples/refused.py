"""Shows how an error in a report is found, here and by the server. `refused.py [HOST:PORT]`."""

import os
import sys
from pathlib import Path

from nianbao import Client, NianbaoError, Plaintext, read_report, v1, validate_offline

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("NIANBAO_EXAMPLES", HERE.parents[1] / "examples"))
SERVER = sys.argv[1] if sys.argv[1:] else os.environ.get("NIANBAO_SERVER", "127.0.0.1:50051")

report = read_report(DATA / "refused.json")
print("without a server:")
for finding in validate_offline(report):
    severity = v1.Severity.Name(finding.severity).removeprefix("SEVERITY_")
    print(f"  {severity} {finding.rule_id} {finding.field_path}")
    print(f"    {finding.cell}：{finding.message_zh}")

with Client(SERVER, Plaintext(), principal="example-clerk") as client:
    try:
        client.submit(report)
    except NianbaoError as error:
        if error.reason != v1.ERROR_REASON_REPORT_HAS_ERRORS:
            raise
        print(f"by the server: {error.code.name} {error.reason_name} {error.message_zh}")
        for violation in error.violations:
            print(f"  {violation.rule_id} {violation.field_path}")
            print(f"    {violation.message_zh}")
    else:
        sys.exit("the report was taken, and should not have been")
