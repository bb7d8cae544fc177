#!/usr/bin/env python3
"""Holds runners against the conformance pack of nianbao.

check.py [--pack DIR] NAME=COMMAND...: starts each command in turn, sends it every case of the pack,
and compares what it answers with what the pack expects. README.md documents the protocol. It exits
with 0 only if every runner answers every case as expected. Nothing but Python 3.9 on a POSIX system
is needed.
"""

import argparse
import base64
import binascii
import contextlib
import hashlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Optional

# A runner may have to start a virtual machine, and to compile the rules, before its first answer.
FIRST_ANSWER_SECONDS = 120.0
ANSWER_SECONDS = 30.0
# After its input has ended a runner has nothing left to do.
END_SECONDS = 15.0
# So many cases that differ are shown of a runner, and so many differences of a case.
CASES_SHOWN = 5
DIFFERENCES_SHOWN = 6
VALUE_SHOWN = 200
LOG_LINES_SHOWN = 10

FINDING_KEYS = (
    "rule",
    "rule_path",
    "field_path",
    "cell",
    "severity",
    "derived",
    "fingerprint",
)
# May be left out by a runner; compared where it is there.
OPERANDS = "operands"


class BadPack(Exception):
    """The pack itself is not whole."""


class Stopped(Exception):
    """A runner gives no more answers."""


@dataclass
class Case:
    name: str
    about: str
    binary: bytes
    json: str
    violations: list
    findings: list

    def request(self) -> bytes:
        # Escaped to ASCII: some runtimes take U+2028 and others for the end of a line.
        text = {"name": self.name, "binary": encode(self.binary), "json": self.json}
        return json.dumps(text).encode("ascii") + b"\n"


@dataclass
class Result:
    runner: str
    cases: int
    passed: int = 0
    failed: int = 0
    seconds: float = 0.0
    trouble: list = field(default_factory=list)

    @property
    def unanswered(self) -> int:
        return self.cases - self.passed - self.failed

    @property
    def good(self) -> bool:
        return self.passed == self.cases > 0 and not self.trouble


def main() -> int:
    arguments = parse_arguments()
    try:
        version, cases = read_pack(arguments.pack)
    except (BadPack, OSError, KeyError, TypeError, ValueError) as error:
        print(f"check.py: the pack in {arguments.pack} cannot be used: {error}", file=sys.stderr)
        return 2
    print(f"conformance pack {version}: {len(cases)} cases")
    results = [check(name, command, cases, arguments) for name, command in arguments.runners]
    print_table(results)
    return 0 if all(result.good for result in results) else 1


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Holds runners against the conformance pack.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--pack", type=Path, default=here, help="the folder of the pack")
    for limit, default, what in (
        ("--first-seconds", FIRST_ANSWER_SECONDS, "the first answer may take"),
        ("--answer-seconds", ANSWER_SECONDS, "each later answer may take"),
        ("--end-seconds", END_SECONDS, "the end may take once the input has ended"),
    ):
        text = f"how long {what} (%(default)s)"
        parser.add_argument(limit, type=float, metavar="SECONDS", default=default, help=text)
    parser.add_argument(
        "runners", nargs="+", type=runner_argument, metavar="NAME=COMMAND", help="the runners"
    )
    arguments = parser.parse_args()
    names = [name for name, _ in arguments.runners]
    if len(set(names)) < len(names):
        parser.error("two runners have one name")
    return arguments


def runner_argument(text: str) -> tuple:
    name, _, command = text.partition("=")
    words = shlex.split(command)
    if not name or not words:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COMMAND")
    return name, words


# --- the pack ---------------------------------------------------------------------------------


def read_pack(folder: Path) -> tuple:
    """Reads the version and the cases, each held against its digests."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    cases = [read_case(folder, entry) for entry in manifest["cases"]]
    if not cases:
        raise BadPack("it has no cases")
    return manifest["version"], cases


def read_case(folder: Path, entry: dict) -> Case:
    name, digests = entry["name"], entry["sha256"]
    binary = read_file(folder / f"reports/{name}.binpb", digests["binpb"])
    text = read_file(folder / f"reports/{name}.json", digests["json"])
    expected = json.loads(read_file(folder / f"expected/{name}.json", digests["expected"]))
    return Case(
        name,
        expected["about"],
        binary,
        text.decode("utf-8"),
        expected["violations"],
        expected["findings"],
    )


def read_file(path: Path, digest: str) -> bytes:
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise BadPack(f"{path} is not what the manifest says")
    return content


# --- the runner -------------------------------------------------------------------------------


class Runner:
    """A runner as a process. Both pipes have a thread of their own, so that neither can block."""

    def __init__(self, command: list) -> None:
        # A file, since a pipe that nobody reads would stop a runner that logs a lot.
        self.log = tempfile.TemporaryFile()
        # A session of its own, so that what a script starts ends with it.
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,
        )
        self.requests: queue.Queue = queue.Queue()
        self.answers: queue.Queue = queue.Queue()
        threading.Thread(target=self._write, args=(self.process.stdin,), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()

    def _write(self, pipe: BinaryIO) -> None:
        try:
            while (request := self.requests.get()) is not None:
                pipe.write(request)
                pipe.flush()
            pipe.close()
        except OSError:
            # The runner has gone, which whoever waits for an answer learns from the other pipe.
            return

    def _read(self, pipe: BinaryIO) -> None:
        for line in pipe:
            self.answers.put(line)
        self.answers.put(None)

    def ask(self, request: bytes, seconds: float) -> bytes:
        self.requests.put(request)
        try:
            line = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Stopped(f"no answer within {seconds:g} seconds") from None
        if line is None:
            raise Stopped(f"it ended early ({self.ending()})")
        return line

    def end(self, seconds: float) -> Optional[str]:
        """Ends the input and waits for the end of the runner. Returns what was wrong with it."""
        self.requests.put(None)
        try:
            line = self.answers.get(timeout=seconds)
            if line is not None:
                return f"it says more than it was asked: {shown(line.decode(errors='replace'))}"
            code = self.process.wait(timeout=seconds)
        except (queue.Empty, subprocess.TimeoutExpired):
            return f"it does not end within {seconds:g} seconds of its input"
        return None if code == 0 else f"it ended with exit code {code}"

    def ending(self) -> str:
        try:
            return f"exit code {self.process.wait(timeout=1)}"
        except subprocess.TimeoutExpired:
            return "its output is closed, but it runs on"

    def stop(self) -> None:
        self.requests.put(None)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log_tail(self) -> list:
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").splitlines()
        return lines[-LOG_LINES_SHOWN:]


def check(name: str, command: list, cases: list, limits: argparse.Namespace) -> Result:
    result = Result(name, len(cases))
    start = time.monotonic()
    progress = Progress(name, len(cases))
    try:
        runner = Runner(command)
    except OSError as error:
        result.trouble.append(f"it cannot be started: {error}")
        tell(progress, result, [])
        return result
    try:
        for index, case in enumerate(cases):
            seconds = limits.answer_seconds if index else limits.first_seconds
            line = runner.ask(case.request(), seconds)
            differences = compare(case, line)
            if not differences:
                result.passed += 1
            else:
                result.failed += 1
                if result.failed <= CASES_SHOWN:
                    progress.clear()
                    show(name, case, differences)
            progress.show(index + 1, result.failed)
        trouble = runner.end(limits.end_seconds)
        if trouble:
            result.trouble.append(trouble)
    except Stopped as stopped:
        result.trouble.append(f"at {case.name}: {stopped}")
    finally:
        runner.stop()
    result.seconds = time.monotonic() - start
    tell(progress, result, runner.log_tail())
    return result


# --- comparing --------------------------------------------------------------------------------


def compare(case: Case, line: bytes) -> list:
    """What differs between an answer and the expectation, a line each."""
    try:
        answer = json.loads(line)
    except ValueError:
        return [f"the answer is no JSON: {shown(line.decode(errors='replace'))}"]
    if not isinstance(answer, dict):
        return [f"the answer is no object: {shown(answer)}"]
    if answer.get("name") != case.name:
        return [f"the answer is to another case: {shown(answer.get('name'))}"]
    if "error" in answer:
        return [f"the runner failed: {shown(answer['error'])}"]
    return [
        *compare_violations(case.violations, answer.get("violations")),
        *compare_findings(case.findings, answer.get("findings")),
        *compare_json(case.json, answer.get("json")),
        *compare_binary(case.binary, answer.get("binary")),
        *compare_flag(answer.get("json_findings")),
    ]


def compare_violations(expected: list, found: Any) -> Iterator[str]:
    try:
        pairs = [(violation["path"], violation["rule"]) for violation in found]
        found_set = set(pairs)
        if not all(isinstance(part, str) for pair in pairs for part in pair):
            raise TypeError
    except (TypeError, KeyError):
        yield f"violations: no list of path and rule: {shown(found)}"
        return
    expected_set = {(violation["path"], violation["rule"]) for violation in expected}
    for path, rule in sorted(expected_set - found_set):
        yield f"violations: {rule} at {place(path)} is missing"
    for path, rule in sorted(found_set - expected_set):
        yield f"violations: {rule} at {place(path)} is not expected"
    if len(found_set) < len(pairs):
        yield "violations: one is told twice"


def compare_findings(expected: list, found: Any) -> Iterator[str]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        yield f"findings: no list of objects: {shown(found)}"
        return
    if len(found) != len(expected):
        yield f"findings: {len(expected)} expected, {len(found)} found"
    for number, (wanted, given) in enumerate(zip(expected, found), start=1):
        differing = [*compare_finding(wanted, given)]
        for difference in differing:
            at = f"{wanted['rule']} at {place(wanted['field_path'])}"
            yield f"findings: the {number}. ({at}): {difference}"
        if any(difference.startswith("rule:") for difference in differing):
            # What follows is moved, not wrong.
            break
    extra = found[len(expected) :]
    for given in extra[:1]:
        yield f"findings: {shown(given.get('rule'))} is not expected"


def compare_finding(wanted: dict, given: dict) -> Iterator[str]:
    for key in FINDING_KEYS:
        if key not in given:
            yield f"{key}: missing"
        elif not same(wanted[key], given[key]):
            yield f"{key}: {shown(wanted[key])} expected, {shown(given[key])} found"
    if OPERANDS in given and not same(wanted[OPERANDS], given[OPERANDS]):
        where, left, right = first_difference(wanted[OPERANDS], given[OPERANDS])
        yield f"{OPERANDS}{where}: {shown(left)} expected, {shown(right)} found"


def compare_json(expected: str, found: Any) -> Iterator[str]:
    if not isinstance(found, str):
        yield f"json: no text: {shown(found)}"
        return
    try:
        value = json.loads(found)
    except ValueError as error:
        yield f"json: no JSON: {error}"
        return
    wanted = json.loads(expected)
    if not same(wanted, value):
        where, left, right = first_difference(wanted, value)
        yield f"json: at {where or 'the root'}: {shown(left)} expected, {shown(right)} found"


def compare_binary(expected: bytes, found: Any) -> Iterator[str]:
    try:
        value = base64.b64decode(found, validate=True)
    except (TypeError, ValueError, binascii.Error):
        yield f"binary: no base64: {shown(found)}"
        return
    if value != expected:
        equal = next(
            (index for index, pair in enumerate(zip(expected, value)) if pair[0] != pair[1]),
            min(len(expected), len(value)),
        )
        lengths = f"{len(expected)} bytes expected, {len(value)} found"
        yield f"binary: {lengths}, they part at byte {equal}"


def compare_flag(found: Any) -> Iterator[str]:
    if found is not True:
        yield f"json_findings: true expected, {shown(found)} found"


def same(left: Any, right: Any) -> bool:
    """Equality of JSON values. To Python alone, true is 1 and 1 is 1.0."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


MISSING = "nothing"


def first_difference(left: Any, right: Any, where: str = "") -> tuple:
    """Where two JSON values first differ, and what stands there."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            if key not in left or key not in right:
                return f"{where}.{key}", left.get(key, MISSING), right.get(key, MISSING)
            if not same(left[key], right[key]):
                return first_difference(left[key], right[key], f"{where}.{key}")
    if isinstance(left, list) and isinstance(right, list):
        for index in range(max(len(left), len(right))):
            if index >= len(left) or index >= len(right):
                items = [side[index] if index < len(side) else MISSING for side in (left, right)]
                return f"{where}[{index}]", items[0], items[1]
            if not same(left[index], right[index]):
                return first_difference(left[index], right[index], f"{where}[{index}]")
    return where, left, right


# --- telling ----------------------------------------------------------------------------------


class Progress:
    """One line that changes where a person looks; nothing where a file is written."""

    def __init__(self, name: str, cases: int) -> None:
        self.name, self.cases = name, cases
        self.watched = sys.stdout.isatty()
        self.told = 0.0

    def show(self, done: int, failed: int) -> None:
        if self.watched and (done == self.cases or time.monotonic() - self.told > 0.1):
            self.told = time.monotonic()
            print(f"\r{self.name}: {done} of {self.cases}, {failed} failed", end="", flush=True)

    def clear(self) -> None:
        if self.watched:
            print("\r\x1b[K", end="")


def tell(progress: Progress, result: Result, log: list) -> None:
    progress.clear()
    if result.failed > CASES_SHOWN:
        print(f"{result.runner}: {result.failed - CASES_SHOWN} more cases differ")
    for trouble in result.trouble:
        print(f"{result.runner}: {trouble}")
    if result.trouble and log:
        print(f"{result.runner}: the end of what it logged:")
        for line in log:
            print(f"    {line}")
    verdict = "conforms" if result.good else "does NOT conform"
    print(f"{result.runner} {verdict} ({result.seconds:.1f} s)", flush=True)


def show(runner: str, case: Case, differences: list) -> None:
    print(f"{runner}: {case.name}: {case.about}")
    for difference in differences[:DIFFERENCES_SHOWN]:
        print(f"    {difference}")
    if len(differences) > DIFFERENCES_SHOWN:
        print(f"    and {len(differences) - DIFFERENCES_SHOWN} more")


def print_table(results: list) -> None:
    heads = ("runner", "cases", "passed", "failed", "not answered")
    rows = [
        (result.runner, result.cases, result.passed, result.failed, result.unanswered)
        for result in results
    ]
    width = max(len(str(row[0])) for row in [heads, *rows])
    print()
    for row in [heads, *rows]:
        name, *figures = row
        cells = (f"{figure:>{len(head)}}" for head, figure in zip(heads[1:], figures))
        print(f"{name:<{width}}  " + "  ".join(cells))


def place(path: str) -> str:
    return path or "(the report)"


def shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= VALUE_SHOWN else f"{text[:VALUE_SHOWN]}…"


def encode(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


if __name__ == "__main__":
    sys.exit(main())
