"""Shows that the driver tells every lie: a runner that lies in one field, hangs, dies or rambles.

lies.py PACK: holds a runner that answers what the pack expects, but for one lie at a time, against
a few cases of the pack, and fails where check.py does not say so, or not where the lie is.
lies.py --runner PACK LIE: is that runner.
"""

import base64
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Cases with findings that read numbers, texts and blanks, and one without any.
CASES = ("faults.ten", "valid.housing-2023", "blanks.unlisted", "extreme.texts")
# The lie is told in answers to the first case alone, so that the driver must go on after it.
LIMITS = ("--first-seconds", "3", "--answer-seconds", "1", "--end-seconds", "1")
# Longer than any limit above, shorter than a test that waits for nothing may take.
TOO_LONG = 20


def change(path, value):
    """A lie: puts a value at a path of the answer."""

    def lie(answer):
        place = answer
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return lie


def without(path):
    """A lie: leaves out what stands at a path of the answer."""

    def lie(answer):
        place = answer
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return lie


def json_text(edit):
    """A lie in the JSON text."""

    def lie(answer):
        value = json.loads(answer["json"])
        edit(value)
        answer["json"] = json.dumps(value)

    return lie


def swap(answer):
    answer["findings"][0:2] = reversed(answer["findings"][0:2])


def cut_binary(answer):
    answer["binary"] = base64.b64encode(base64.b64decode(answer["binary"])[:-1]).decode()


def flip_binary(answer):
    content = bytearray(base64.b64decode(answer["binary"]))
    content[10] ^= 1
    answer["binary"] = base64.b64encode(content).decode()


# Each lie with words that the driver must say of it.
LIES = {
    "name": (change(["name"], "other"), "to another case"),
    "error": (change(["error"], "out of order"), "the runner failed"),
    "violations.none": (without(["violations"]), "violations: no list"),
    "violations.null": (change(["violations"], None), "violations: no list"),
    "violations.missing": (without(["violations", 0]), "is missing"),
    "violations.path": (change(["violations", 0, "path"], "x"), "at x is not expected"),
    "violations.rule": (change(["violations", 0, "rule"], "x"), "violations: x at"),
    "violations.number": (change(["violations", 0, "rule"], 1), "violations: no list"),
    "violations.added": (
        lambda answer: answer["violations"].append({"path": "", "rule": "x"}),
        "violations: x at (the report) is not expected",
    ),
    "violations.twice": (
        lambda answer: answer["violations"].append(answer["violations"][0]),
        "told twice",
    ),
    "findings.none": (without(["findings"]), "findings: no list"),
    "findings.missing": (without(["findings", -1]), "findings: 10 expected, 9 found"),
    "findings.added": (
        lambda answer: answer["findings"].append(answer["findings"][0]),
        "findings: 10 expected, 11 found",
    ),
    "findings.order": (swap, "findings: the 1."),
    "findings.rule": (change(["findings", 3, "rule"], "x"), "rule: "),
    "findings.rule_path": (change(["findings", 3, "rule_path"], "x"), "rule_path: "),
    "findings.field_path": (change(["findings", 3, "field_path"], "x"), "field_path: "),
    "findings.cell": (change(["findings", 3, "cell"], "x"), "cell: "),
    "findings.severity": (change(["findings", 3, "severity"], "INFO"), "severity: "),
    "findings.derived": (change(["findings", 0, "derived"], True), "derived: "),
    "findings.derived.text": (change(["findings", 0, "derived"], "false"), "derived: "),
    "findings.derived.number": (change(["findings", 0, "derived"], 0), "derived: "),
    "findings.fingerprint": (change(["findings", 9, "fingerprint"], "0" * 16), "fingerprint: "),
    "findings.operands": (
        change(["findings", 3, "operands", 1, "value"], "x"),
        "operands[1].value",
    ),
    "findings.operands.few": (without(["findings", 3, "operands", -1]), "operands["),
    **{
        f"findings.{key}.none": (without(["findings", 3, key]), f"{key}: missing")
        for key in ("rule", "rule_path", "field_path", "cell", "severity", "derived", "fingerprint")
    },
    "json.none": (without(["json"]), "json: no text"),
    "json.broken": (change(["json"], "{"), "json: no JSON"),
    "json.value": (json_text(change(["year"], 2022)), "json: at .year: 2023 expected, 2022 found"),
    "json.float": (json_text(change(["year"], 2023.0)), "json: at .year"),
    "json.missing": (json_text(without(["requests", "granted"])), "json: at .requests.granted"),
    "json.added": (json_text(change(["x"], 0)), "json: at .x"),
    "json.number": (
        json_text(change(["disclosure", "licensingDecisions"], 23048)),
        "json: at .disclosure.licensingDecisions",
    ),
    "binary.none": (without(["binary"]), "binary: no base64"),
    "binary.broken": (change(["binary"], "-"), "binary: no base64"),
    "binary.cut": (cut_binary, "binary: "),
    "binary.bit": (flip_binary, "they part at byte 10"),
    "json_findings.none": (without(["json_findings"]), "json_findings: true expected"),
    "json_findings.false": (change(["json_findings"], False), "json_findings: true expected"),
    "json_findings.number": (change(["json_findings"], 1), "json_findings: true expected"),
}


def silent() -> None:
    time.sleep(TOO_LONG)


def die() -> None:
    print("out of memory", file=sys.stderr)
    sys.exit(3)


# What a runner does instead of its second answer, and words that the driver must say of it.
MISBEHAVIOUR = {
    "hangs": (silent, "no answer within 1 seconds"),
    "dies": (die, "it ended early (exit code 3)"),
    "dies.log": (die, "out of memory"),
    "garbage": (lambda: print("hello"), "the answer is no JSON"),
    "list": (lambda: print("[]"), "the answer is no object"),
    "closes": (lambda: (sys.stdout.close(), sys.exit(0)), "it ended early (exit code 0)"),
}
# What a runner does after its last answer.
ENDINGS = {
    "rambles": (lambda: print("{}"), "it says more than it was asked"),
    "stays": (silent, "it does not end within 1 seconds"),
    "code": (lambda: sys.exit(4), "exit code 4"),
}
# What a runner may do, but for which it must not be blamed.
ALLOWED = ("truth", "without-operands", "more-keys", "shuffled-violations", "long-log")


def main(pack: Path) -> int:
    lies = {**LIES, **MISBEHAVIOUR, **ENDINGS}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder)
        make_small(pack, small)
        for lie in [*ALLOWED, *lies]:
            command = [sys.executable, __file__, "--runner", str(small), lie]
            done = run_driver(small, " ".join(command))
            words = lies[lie][1] if lie in lies else "runner conforms"
            if done.returncode != (1 if lie in lies else 0) or words not in done.stdout:
                failures += 1
                print(f"{lie}: exit code {done.returncode}, no {words!r} in:\n{done.stdout}")
        failures += not_started(small) + damaged(small)
    print(f"{len(lies)} lies and {len(ALLOWED)} truths, {failures} not judged rightly")
    return 1 if failures else 0


def make_small(pack: Path, small: Path) -> None:
    manifest = json.loads((pack / "manifest.json").read_text(encoding="utf-8"))
    by_name = {case["name"]: case for case in manifest["cases"]}
    manifest["cases"] = [by_name[name] for name in CASES]
    (small / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    for name in ("reports", "expected"):
        (small / name).mkdir()
    for name in CASES:
        for file in (f"reports/{name}.binpb", f"reports/{name}.json", f"expected/{name}.json"):
            shutil.copy(pack / file, small / file)


def run_driver(pack: Path, command: str) -> subprocess.CompletedProcess:
    driver = [sys.executable, str(Path(__file__).with_name("check.py")), "--pack", str(pack)]
    return subprocess.run(
        [*driver, *LIMITS, f"runner={command}"], capture_output=True, text=True, timeout=60
    )


def not_started(pack: Path) -> int:
    done = run_driver(pack, "/nowhere/runner")
    if done.returncode == 1 and "it cannot be started" in done.stdout:
        return 0
    print(f"a runner that is absent: exit code {done.returncode}\n{done.stdout}")
    return 1


def damaged(pack: Path) -> int:
    with (pack / f"reports/{CASES[0]}.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    done = run_driver(pack, "true")
    if done.returncode == 2 and "is not what the manifest says" in done.stderr:
        return 0
    print(f"a damaged pack: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return 1


def runner(pack: Path, lie: str) -> None:
    for number, line in enumerate(sys.stdin):
        request = json.loads(line)
        if number == 1 and lie in MISBEHAVIOUR:
            MISBEHAVIOUR[lie][0]()
            sys.stdout.flush()
            continue
        expected = json.loads((pack / f"expected/{request['name']}.json").read_text("utf-8"))
        del expected["about"]
        answer = {**request, **expected, "json_findings": True}
        if number == 0 and lie in LIES:
            LIES[lie][0](answer)
        be_different(answer, lie)
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    if lie in ENDINGS:
        ENDINGS[lie][0]()


def be_different(answer: dict, way: str) -> None:
    if way == "without-operands":
        for finding in answer["findings"]:
            del finding["operands"]
    if way == "more-keys":
        answer["runner"] = "1.0"
        for finding in answer["findings"]:
            finding["message_zh"] = "说明"
    if way == "shuffled-violations":
        answer["violations"].reverse()
    if way == "long-log":
        # Longer than a pipe holds.
        print("log " * 100_000, file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--runner":
        runner(Path(sys.argv[2]), sys.argv[3])
    elif len(sys.argv) == 2:
        sys.exit(main(Path(sys.argv[1])))
    else:
        sys.exit("usage: lies.py PACK")
