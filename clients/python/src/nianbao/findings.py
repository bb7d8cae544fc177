"""What the rules find in a report, without a server.

The rules are those of the schema, run by protovalidate. The findings equal those of the server in
rule, paths, cell, severity, operands, order, fingerprint, and in whether another explains them.
Their texts are those of the catalogue, without figures; `expected`, `actual`, `delta` and `span`
are empty. The rules that hold a report against others, `year.*` and `outlier.*`, are the server's.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import grpc
import protovalidate

from nianbao import v1
from nianbao._catalogue import Rule, rules
from nianbao._form import form, join, read
from nianbao._vendored import validate_pb2
from nianbao.errors import FieldViolation, NianbaoError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from google.protobuf.message import Message

# What no cell of a report can hold: a sum that does is found by this rule.
_OVERFLOW = "cell.range"
_BLANKS_PATH = "blanks.path"
_BLANKS_REPEATED = "blanks.repeated"
_BLANKS_VALUED = "blanks.valued"
# The server looks at no more blanks: twice the limit of the list.
_BLANKS_READ_MAX = 1024


def validate_offline(report: v1.Report) -> list[v1.Finding]:
    """Holds a report against all rules that need no other report.

    Raises:
        NianbaoError: Where a number is so large that a sum overflows, so that nothing can be said.

    """
    return findings_of(report, violations(report))


def violations(report: v1.Report) -> list[protovalidate.Violation]:
    """Gives what protovalidate alone says of a report."""
    try:
        return protovalidate.collect_violations(report)
    except protovalidate.EvaluationError as error:
        rule = rules()[_OVERFLOW]
        text = "a number is so large that a sum of it overflows, so the rules cannot be held"
        raise NianbaoError(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"{text}: {error}",
            reason=v1.ERROR_REASON_REPORT_HAS_ERRORS,
            message_zh=rule.text_zh,
            violations=(FieldViolation(_OVERFLOW, "", rule.text_en, rule.text_zh),),
        ) from error


def findings_of(
    report: v1.Report, violations: Iterable[protovalidate.Violation]
) -> list[v1.Finding]:
    """Makes findings of protovalidate's violations, and of the blanks, which need the form."""
    ranked = []
    for violation in violations:
        if _beyond_reading(violation):
            continue
        rule_id, path = violation.proto.rule_id, dotted(violation)
        rule = rules().get(rule_id) or _unknown(rule_id, violation.proto.message)
        ranked.append(_render(report, rule, path, _operands(report, rule, path)))
    for rule_id, path, found in _blanks(report):
        operand = v1.Operand(field_path=path, value=found)
        ranked.append(_render(report, rules()[rule_id], path, [operand]))
    findings = [finding for _, finding in ranked]
    of_rule: dict[str, list[v1.Finding]] = {}
    for finding in findings:
        of_rule.setdefault(finding.rule_id, []).append(finding)
    for finding in findings:
        rule_ = rules().get(finding.rule_id)
        finding.derived = any(
            _explains(cause, finding)
            for id_ in (rule_.implied_by if rule_ else ())
            for cause in of_rule.get(id_, ())
        )
    ranked.sort(key=lambda r: (r[1].derived, r[0], r[1].rule_id, r[1].rule_path, r[1].fingerprint))
    return [finding for _, finding in ranked]


def refusing(report: v1.Report, findings: Sequence[v1.Finding]) -> list[v1.Finding]:
    """Gives the findings for which a report would be refused.

    Errors, or where there is none the warnings that its explanations do not cover.
    """
    errors = [f for f in findings if f.severity == v1.SEVERITY_ERROR]
    explained = {explanation.fingerprint for explanation in report.explanations}
    return errors or [
        f
        for f in findings
        if f.severity == v1.SEVERITY_WARNING and not f.derived and f.fingerprint not in explained
    ]


def dotted(violation: protovalidate.Violation) -> str:
    """Renders the path of a violation as `blanks[0].kind`; that of the report itself is empty."""
    path, names = violation.proto.field, []
    for element in path.elements if path else ():
        subscript = element.subscript
        index = "" if subscript is None else f"[{subscript.value}]"
        names.append(f"{element.field_name}{index}")
    return ".".join(names)


def _beyond_reading(violation: protovalidate.Violation) -> bool:
    """Whether a list is so far over its limit there that the server does not look at the item."""
    path, message = violation.proto.field, v1.Report.DESCRIPTOR
    for element in path.elements if path else ():
        field = message.fields_by_name[element.field_name]
        limit = field.GetOptions().Extensions[validate_pb2.field].repeated.max_items
        subscript = element.subscript
        if subscript is not None and 0 < limit <= int(subscript.value) // 2:
            return True
        # What is no message ends the path.
        message = field.message_type or message
    return False


def _unknown(rule_id: str, message: str) -> Rule:
    """Makes a rule of what the catalogue lacks, so that a violation is never passed over."""
    return Rule(rule_id, v1.SEVERITY_ERROR, "", message, message)


def _render(
    report: v1.Report, rule: Rule, rule_path: str, operands: list[v1.Operand]
) -> tuple[int, v1.Finding]:
    field_path = join(rule_path, rule.subject)
    rank, cell = form().locate(report, field_path)
    return rank, v1.Finding(
        rule_id=rule.id,
        severity=rule.severity,
        rule_path=rule_path,
        field_path=field_path,
        cell=cell,
        message_zh=rule.text_zh,
        message_en=rule.text_en,
        operands=operands,
        fingerprint=_fingerprint(rule.id, field_path, operands),
    )


def _operands(report: v1.Report, rule: Rule, rule_path: str) -> list[v1.Operand]:
    if not rule.is_cel:
        return [v1.Operand(field_path=rule_path, value=_of_standard_rule(report, rule, rule_path))]
    message: Message = read(report, rule_path)
    operands = []
    for selected in rule.reads:
        value = _text(read(message, selected.path))
        if selected.words is not None:
            value = selected.words if selected.words in (value or "") else None
        operands.append(v1.Operand(field_path=join(rule_path, selected.path), value=value))
    return operands


def _of_standard_rule(report: v1.Report, rule: Rule, path: str) -> str | None:
    if rule.id == "required":
        return None
    value = read(report, path)
    if rule.id in ("string.max_bytes", "bytes.max_len"):
        return str(len(value.encode() if isinstance(value, str) else value))
    if rule.id.startswith("repeated."):
        return str(len(value))
    return _text(value)


def _text(value: Message | str | bool | int | None) -> str | None:  # noqa: FBT001 - any field
    """Renders what stands in a field; a message or a flag is only there or not."""
    if value is None or value is False:
        return None
    if isinstance(value, str):
        return value
    # True is an int too.
    return str(value) if isinstance(value, int) and value is not True else "present"


def _fingerprint(rule_id: str, field_path: str, operands: Iterable[v1.Operand]) -> str:
    """See the schema, `Finding.fingerprint`."""
    lines = [rule_id, field_path]
    for operand in operands:
        value = f"={operand.value}" if operand.HasField("value") else ""
        lines.append(f"{operand.field_path}{value}")
    hashed = "".join(f"{line}\n" for line in lines)
    return hashlib.sha256(hashed.encode()).hexdigest()[:16]


def _explains(cause: v1.Finding, finding: v1.Finding) -> bool:
    """Whether a finding of a rule named in `implied_by` explains another.

    It does on the same message, or below it with an operand in common.
    """
    if cause.rule_path == finding.rule_path:
        return cause.rule_id != finding.rule_id
    above = finding.rule_path
    if above and not cause.rule_path.startswith(f"{above}."):
        return False
    read_below = {operand.field_path for operand in cause.operands}
    return any(operand.field_path in read_below for operand in finding.operands)


def _blanks(report: v1.Report) -> Iterator[tuple[str, str, str]]:
    """Yields rule, path and what was found of each blank that breaks a rule.

    Each names, once, a cell of the edition or a missing table, and that has no value.
    """
    seen = set()
    for index, blank in enumerate(report.blanks[:_BLANKS_READ_MAX]):
        path = blank.field_path
        if not path:
            continue  # `required` has said it.
        broken = (_BLANKS_REPEATED, path) if path in seen else _broken_blank(report, blank)
        seen.add(path)
        if broken is not None:
            yield broken[0], f"blanks[{index}].field_path", broken[1]


def _broken_blank(report: v1.Report, blank: v1.Blank) -> tuple[str, str] | None:
    path = blank.field_path
    place, part = form().place(path), form().place(path.partition(".")[0])
    is_of_table = blank.kind == v1.Blank.KIND_TABLE_MISSING
    # Only where the edition is known is a table that of another.
    known = report.edition in (v1.EDITION_2019, v1.EDITION_2021)
    if known and part is not None and part.editions and report.edition not in part.editions:
        return _BLANKS_PATH, path
    if place is None or not (place.is_table if is_of_table else place.is_cell):
        return _BLANKS_PATH, path
    value = read(report, path)
    if value is None or (place.is_text and value == ""):
        return None
    return _BLANKS_VALUED, path if is_of_table else str(value)
