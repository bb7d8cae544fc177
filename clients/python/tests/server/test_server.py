"""Both clients against a real server, at NIANBAO_SERVER.

Others may use it at the same time, and these tests may have run on it before: so the organs are
their own, and what is written bears the moment of the run.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from nianbao import Client, NianbaoError, read_report, v1, validate_offline
from nianbao._form import Place, form

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from google.protobuf.message import Message

REPORTS_EACH = 40


@pytest.fixture
def server(connect: Callable[..., Client]) -> Client:
    return connect(os.environ["NIANBAO_SERVER"], principal="python-test-clerk")


@pytest.fixture
def organ(server: Client) -> str:
    """A fresh organ."""
    organ_id = f"python-test-{time.time_ns():x}"
    organ = v1.Organ(display_name="示例局")
    server.organs.CreateOrgan(v1.CreateOrganRequest(organ_id=organ_id, organ=organ))
    return f"organs/{organ_id}"


def of(report: v1.Report, organ: str, year: int = 2023) -> v1.Report:
    copy = v1.Report()
    copy.CopyFrom(report)
    copy.organ, copy.year = organ, year
    return copy


def told(finding: v1.Finding) -> Any:  # noqa: ANN401
    """What offline findings and those of a server have in common."""
    operands = [(o.field_path, o.value if o.HasField("value") else None) for o in finding.operands]
    return (
        finding.rule_id,
        finding.rule_path,
        finding.field_path,
        finding.cell,
        finding.severity,
        operands,
        finding.derived,
        finding.fingerprint,
    )


def spoil(report: v1.Report, place: Place, chance: random.Random) -> None:
    """Changes what stands at one place, or says how it was left blank."""
    if chance.random() < 0.2:
        path = chance.choice([place.path, "nowhere", "disclosure", "requests", "overview.text"])
        report.blanks.add(field_path=path, kind=chance.randint(0, 6), raw="—")
        return
    *above, name = place.path.split(".")
    message: Message = report
    for step in above:
        message = getattr(message, step)
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.is_repeated or chance.random() < 0.2:
        message.ClearField(name)
    elif field.type == field.TYPE_INT64:
        setattr(message, name, chance.choice([-1, 0, 7, 10**12, chance.randint(0, 100)]))
    elif field.type == field.TYPE_STRING:
        setattr(message, name, chance.choice(["", " ", "无", "零纠错", "1.5", "01", "长" * 700]))
    elif field.type in (field.TYPE_ENUM, field.TYPE_INT32):
        setattr(message, name, chance.choice([0, 1, 2, 99, 2019, 2023]))


def mutated(report: v1.Report, seed: int) -> Iterator[v1.Report]:
    chance = random.Random(seed)  # noqa: S311 - the same reports each time
    for _ in range(REPORTS_EACH):
        copy = of(report, report.organ, report.year)
        for _ in range(chance.randint(0, 6)):
            spoil(copy, chance.choice(form().places), chance)
        yield copy


def test_offline_findings_are_those_of_the_server(server: Client, examples: Path) -> None:
    found = 0
    for seed, file in enumerate(sorted(examples.rglob("*.json"))):
        for report in mutated(read_report(file), seed):
            expected = server.validate(report).findings
            assert list(map(told, validate_offline(report))) == list(map(told, expected))
            found += len(expected)
    assert found > 100


def test_the_catalogue_is_that_of_the_server(server: Client) -> None:
    from nianbao._catalogue import rules  # noqa: PLC0415 - no other test needs it

    served = {r.id: r for r in server.formats.ListRules(v1.ListRulesRequest()).rules}
    for rule in rules().values():
        other = served[rule.id]
        assert (rule.severity, rule.subject) == (other.severity, other.subject)
        assert (rule.text_zh, rule.text_en) == (other.text_zh, other.text_en)


def test_a_report_is_submitted_read_and_listed(
    server: Client, organ: str, report: v1.Report
) -> None:
    answer = server.submit(of(report, organ), check=True)
    assert answer.receipt.position
    assert answer.report.submitter == "python-test-clerk"
    name = f"{organ}/reports/2023-own"
    assert server.get(name, at_least=answer.receipt.position) == answer.report
    assert server.get(name, as_of=answer.receipt.position).revision == 1
    for year in (2021, 2022):
        server.submit(of(report, organ, year), as_published="已公布，无法更正")
    names = [r.name for r in server.list(organ, page_size=1)]
    assert names == [f"{organ}/reports/{year}-own" for year in (2021, 2022, 2023)]


def test_a_write_that_is_repeated_gets_its_first_answer(
    server: Client, organ: str, report: v1.Report
) -> None:
    # An id belongs to the principal, whom all runs of these tests share.
    once = organ.removeprefix("organs/")
    first, second = (server.submit(of(report, organ), request_id=once) for _ in range(2))
    assert first.receipt == second.receipt


def test_a_draft_is_submitted_by_its_name_and_etag(
    server: Client, organ: str, report: v1.Report
) -> None:
    draft = server.reports.SaveDraft(v1.SaveDraftRequest(report=of(report, organ))).report
    with pytest.raises(NianbaoError) as raised:
        server.submit(name=draft.name, etag="stale")
    assert raised.value.reason == v1.ERROR_REASON_ETAG_MISMATCH
    assert server.submit(name=draft.name, etag=draft.etag).report.state == v1.Report.STATE_SUBMITTED


def test_a_refusal_says_what_is_wrong(server: Client, organ: str, report: v1.Report) -> None:
    wrong = of(report, organ)
    wrong.requests.granted.total += 1
    with pytest.raises(NianbaoError) as raised:
        server.submit(wrong)
    error = raised.value
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == v1.ERROR_REASON_REPORT_HAS_ERRORS
    assert error.message_zh == "报告有错误"
    rules = {finding.rule_id for finding in validate_offline(wrong)}
    assert {violation.rule_id for violation in error.violations} == rules
    assert any("予以公开" in violation.message_zh for violation in error.violations)
    with pytest.raises(NianbaoError) as raised:
        server.get(f"{organ}/reports/2022-own")
    assert raised.value.reason == v1.ERROR_REASON_REPORT_NOT_FOUND


def test_a_precondition_that_does_not_hold_is_named(
    server: Client, organ: str, report: v1.Report
) -> None:
    server.submit(of(report, organ))
    changed = of(report, organ)
    changed.overview.text += "补充。"
    with pytest.raises(NianbaoError) as raised:
        server.submit(changed)
    assert raised.value.reason == v1.ERROR_REASON_REPORT_STATE
    [precondition] = raised.value.preconditions
    assert precondition.subject == f"{organ}/reports/2023-own"


def test_a_stream_is_answered_item_by_item_and_again(
    server: Client, organ: str, report: v1.Report
) -> None:
    items = [of(report, organ, year) for year in (2021, 2022, 2023)]
    items[1].requests.granted.total += 1
    runs = [list(server.submit_all(items)) for _ in range(2)]
    for results in runs:
        assert [result.taken for result in results] == [True, False, True]
        assert results[1].error is not None
        assert results[1].error.reason == v1.ERROR_REASON_REPORT_HAS_ERRORS
    assert [r.answer.receipt for r in runs[0]] == [r.answer.receipt for r in runs[1]]


def test_a_long_stream_goes_through(server: Client, report: v1.Report) -> None:
    results = server.submit_all((report for _ in range(300)), validate_only=True)
    assert sum(1 for _ in results) == 300


def test_a_sum_has_what_waits_for_acceptance(server: Client, organ: str, report: v1.Report) -> None:
    receipt = server.submit(of(report, organ)).receipt
    [total] = server.aggregate(
        organ, 2023, include_unaccepted=True, list_members=True, at_least=receipt.position
    )
    assert total.requests.granted.total == report.requests.granted.total
    assert (total.coverage.expected, total.coverage.included) == (1, 1)
    [accepted] = server.aggregate(organ, [2023])
    assert list(accepted.coverage.missing_organs) == []
    assert accepted.coverage.missing == 1


def test_a_document_is_read(server: Client, organ: str) -> None:
    text = "示例局2023年政府信息公开工作年度报告\n\n一、总体情况\n\n公开信息。\n"
    parsed = server.parse(text.encode(), file_name="report.txt", organ=organ, scope=v1.SCOPE_OWN)
    assert parsed.report.organ == organ
    assert parsed.report.year == 2023
    assert "公开信息" in parsed.report.overview.text
    assert parsed.counts.errors > 0


def test_changes_are_watched_from_a_position_on(
    server: Client, organ: str, report: v1.Report
) -> None:
    before = next(iter(server.watch(from_now=True, heartbeats=True))).position
    receipt = server.submit(of(report, organ)).receipt
    change = next(iter(server.watch(after=before, organ=organ)))
    assert change.receipt.position == receipt.position
    assert change.principal == "python-test-clerk"
    assert change.HasField("change")
