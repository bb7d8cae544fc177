"""Answers what a report breaks, so that clients in several languages can be compared.

Reads one case a line from standard input, as JSON with the report in both encodings, and writes one
answer a line. `--time SECONDS FILE.binpb...` measures how long validation takes instead.
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nianbao import findings, from_json, to_json, v1

if TYPE_CHECKING:
    from collections.abc import Callable


def main(arguments: list[str]) -> int:
    """Answers cases, or measures files."""
    if arguments[:1] == ["--time"]:
        for file in arguments[2:]:
            write(measure(file, float(arguments[1])))
    elif arguments:
        sys.stderr.write("usage: conformance [--time SECONDS FILE.binpb...]\n")
        return 2
    else:
        for line in sys.stdin:
            case = json.loads(line)
            try:
                write(answer(case))
            except Exception as error:  # noqa: BLE001 - one case must not end the others
                write({"name": case.get("name", ""), "error": str(error)})
    return 0


def write(message: dict[str, Any]) -> None:
    """Writes one line."""
    sys.stdout.write(json.dumps(message, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def answer(case: dict[str, str]) -> dict[str, Any]:
    """Says what protovalidate and the helper find, and how the report is written."""
    report = v1.Report.FromString(base64.b64decode(case["binary"]))
    parsed = from_json(case["json"])
    violations = findings.violations(report)
    found = findings.findings_of(report, violations)
    return {
        "name": case["name"],
        "violations": [
            {"path": findings.dotted(violation), "rule": violation.proto.rule_id}
            for violation in violations
        ],
        "findings": [
            {
                "rule": finding.rule_id,
                "rule_path": finding.rule_path,
                "field_path": finding.field_path,
                "cell": finding.cell,
                "severity": v1.Severity.Name(finding.severity).removeprefix("SEVERITY_"),
                "derived": finding.derived,
                "fingerprint": finding.fingerprint,
            }
            for finding in found
        ],
        "json": to_json(report),
        "binary": base64.b64encode(parsed.SerializeToString(deterministic=True)).decode(),
        "json_findings": findings.validate_offline(parsed) == found,
    }


def measure(file: str, seconds: float) -> dict[str, Any]:
    """Gives the median microseconds of protovalidate alone and of the whole helper."""
    report = v1.Report.FromString(Path(file).read_bytes())
    validated = timed(lambda: findings.violations(report), seconds / 2)
    found = timed(lambda: findings.validate_offline(report), seconds / 2)
    return {
        "file": file,
        "validate_us": round(statistics.median(validated), 1),
        "findings_us": round(statistics.median(found), 1),
        "runs": len(validated) + len(found),
    }


def timed(work: Callable[[], object], seconds: float) -> list[float]:
    """Gives the microseconds of each run after a warm-up of a tenth of the time."""
    warm = time.perf_counter() + seconds / 10
    end = warm + seconds
    took: list[float] = []
    while (start := time.perf_counter()) < end or not took:
        work()
        if start >= warm:
            took.append((time.perf_counter() - start) * 1e6)
    return took


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
