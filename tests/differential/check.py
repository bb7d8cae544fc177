"""Compares the official protovalidate for Python with the compiled rules.

check.py REPORTS DESCRIPTORS: both files are written by generate_reports; README.md documents them.
No generated code is needed: the messages are made from the descriptors.
"""

import struct
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import protovalidate
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# So many reports that differ are shown; a wrong rule differs in thousands.
SHOWN_MAX = 5


def main(reports: str, descriptors: str) -> int:
    report_class = class_of_report(Path(descriptors))
    count = differing = 0
    for count, (encoded, expected) in enumerate(records(Path(reports)), start=1):
        found, error = violations(report_class.FromString(encoded))
        if found == expected and error is None:
            continue
        differing += 1
        if differing <= SHOWN_MAX:
            show(count - 1, report_class.FromString(encoded), expected, found, error)
    version = metadata.version("protovalidate")
    if count == 0 or differing > 0:
        print(f"{differing} of {count} reports differ (python, protovalidate {version})")
        return 1
    print(f"{count} reports agree (python, protovalidate {version})")
    return 0


def class_of_report(descriptors: Path) -> type:
    # A pool of its own: the default one already has some of these files in other versions.
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("nianbao.v1.Report"))


def records(reports: Path) -> Iterator[tuple[bytes, set[tuple[str, str]]]]:
    """Yields each encoded report with the (path, rule id) that it is to violate."""
    with reports.open("rb") as file:

        def part() -> bytes | None:
            length = file.read(4)
            if not length:
                return None
            (size,) = struct.unpack(">I", length)
            content = file.read(size)
            if len(content) != size:
                raise EOFError("the file of reports ends within a record")
            return content

        while (encoded := part()) is not None:
            lines = part()
            if lines is None:
                raise EOFError("the file of reports ends within a record")
            pairs = (line.split("\t") for line in lines.decode().split("\n") if line)
            yield encoded, {(path, rule) for path, rule in pairs}


def violations(report) -> tuple[set[tuple[str, str]], Exception | None]:
    try:
        found = protovalidate.collect_violations(report)
    except (protovalidate.CompilationError, protovalidate.EvaluationError) as error:
        return set(), error
    return {(dotted(v.proto.field), v.proto.rule_id) for v in found}, None


def dotted(path) -> str:
    """Renders a field path as `blanks[0].kind`; that of the message itself is empty."""
    names = []
    for element in path.elements if path else ():
        subscript = element.subscript
        index = "" if subscript is None else f"[{subscript.value}]"
        names.append(f"{element.field_name}{index}")
    return ".".join(names)


def show(index: int, report, expected: set, found: set, error: Exception | None) -> None:
    print(f"report {index} (from 0) differs:")
    if error is not None:
        print(f"  not evaluated: {error!r}")
    for path, rule in sorted(expected - found):
        print(f"  the compiled rules alone: {path}\t{rule}")
    for path, rule in sorted(found - expected):
        print(f"  protovalidate alone: {path}\t{rule}")
    text = str(report)
    print(text if len(text) < 20_000 else f"{text[:20_000]}\n  … {len(text)} characters in all")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: check.py REPORTS DESCRIPTORS")
    sys.exit(main(sys.argv[1], sys.argv[2]))
