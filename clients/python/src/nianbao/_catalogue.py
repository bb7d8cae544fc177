"""The catalogue of rules, read from the options of the schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from nianbao import v1
from nianbao._form import PACKAGE
from nianbao._vendored import validate_pb2
from nianbao.v1 import (
    admin_service_pb2,
    aggregate_service_pb2,
    document_service_pb2,
    format_service_pb2,
    organ_service_pb2,
    report_pb2,
    report_service_pb2,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.descriptor import Descriptor, FileDescriptor

# A selection from `this` in an expression. Where a bracket follows, the last name is a function.
_SELECTION = re.compile(r"this((?:\.[a-z0-9_]+)+)(\(?)")
_WORDS = re.compile(r"'((?:[^'\\]|\\.)*)'\)")


@dataclass(frozen=True)
class Read:
    """What an expression reads: a path from `this`, and the words looked for in the text there."""

    path: str
    words: str | None = None


@dataclass(frozen=True)
class Rule:
    """An entry of the catalogue; `reads` is of rules in CEL."""

    id: str
    severity: v1.Severity.ValueType
    subject: str
    text_zh: str
    text_en: str
    implied_by: frozenset[str] = frozenset()
    is_cel: bool = False
    reads: tuple[Read, ...] = ()


@lru_cache(maxsize=1)
def rules() -> dict[str, Rule]:
    """Gives the rules of a report by their ids."""
    return {rule.id: rule for rule in _rules(report_pb2.DESCRIPTOR)}


@lru_cache(maxsize=1)
def dotted_ids() -> dict[str, str]:
    """Gives the id of each rule of the schema, of requests too, by the reason that an error has."""
    files: tuple[FileDescriptor, ...] = (
        admin_service_pb2.DESCRIPTOR,
        aggregate_service_pb2.DESCRIPTOR,
        document_service_pb2.DESCRIPTOR,
        format_service_pb2.DESCRIPTOR,
        organ_service_pb2.DESCRIPTOR,
        report_service_pb2.DESCRIPTOR,
    )
    return {rule.id.replace(".", "_").upper(): rule.id for rule in _rules(*files)}


def _rules(*roots: FileDescriptor) -> Iterator[Rule]:
    """Yields the rules of all messages in these files and the files that they import."""
    files: dict[str, FileDescriptor] = {}
    pending = list(roots)
    while pending:
        file = pending.pop()
        if file.package == PACKAGE and file.name not in files:
            files[file.name] = file
            pending.extend(file.dependencies)
    for name in sorted(files):
        for message in files[name].message_types_by_name.values():
            yield from _rules_of(message)


def _rules_of(message: Descriptor) -> Iterator[Rule]:
    options = message.GetOptions()
    expressions = {rule.id: rule for rule in options.Extensions[validate_pb2.message].cel}
    for entry in options.Extensions[v1.rules].rule:
        cel = expressions.get(entry.id)
        yield Rule(
            id=entry.id,
            severity=entry.severity,
            subject=entry.subject,
            text_zh=entry.text_zh if cel is None else cel.message,
            text_en=entry.text_en,
            implied_by=frozenset(entry.implied_by),
            is_cel=cel is not None,
            reads=() if cel is None else _reads(cel.expression),
        )
    for nested in message.nested_types:
        yield from _rules_of(nested)


def _reads(expression: str) -> tuple[Read, ...]:
    """Lists what an expression reads, in order; a path that appears twice counts once."""
    reads: dict[str, Read] = {}
    for match in _SELECTION.finditer(expression):
        path, words = match[1].removeprefix("."), None
        if match[2]:
            path, _, function = path.rpartition(".")
            literal = _WORDS.match(expression, match.end())
            if function == "contains" and literal is not None:
                words = literal[1]
        reads.setdefault(path, Read(path, words))
    return tuple(reads.values())
