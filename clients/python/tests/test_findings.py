"""What is found without a server. That it equals what a server finds stands in tests/server."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from nianbao import Client, NianbaoError, read_report, v1, validate_offline
from nianbao._form import form

if TYPE_CHECKING:
    from pathlib import Path

    from stub import Stub


@pytest.fixture
def faulty(examples: Path) -> v1.Report:
    """A report with one wrong figure."""
    return read_report(examples / "refused.json")


def rules_of(report: v1.Report) -> list[str]:
    return [finding.rule_id for finding in validate_offline(report)]


def test_a_report_without_faults_has_no_finding(report: v1.Report) -> None:
    assert validate_offline(report) == []


def test_a_finding_names_the_cell_and_what_the_rule_read(faulty: v1.Report) -> None:
    first, second = validate_offline(faulty)
    assert first.rule_id == "applicants.total"
    assert first.severity == v1.SEVERITY_ERROR
    assert first.rule_path == "requests.unable.not_held"
    assert first.field_path == "requests.unable.not_held.total"
    assert first.cell == "表三·（四）无法提供·1.本机关不掌握相关政府信息·总计"
    assert first.message_zh == "总计应等于自然人与法人或其他组织各列之和"
    assert {o.field_path: o.value for o in first.operands}["requests.unable.not_held.total"] == "51"
    assert second.rule_id == "requests.total_processed.natural_person"


def test_a_fingerprint_is_made_of_rule_cell_and_operands(faulty: v1.Report) -> None:
    [finding, *_] = validate_offline(faulty)
    lines = [finding.rule_id, finding.field_path]
    lines += [f"{operand.field_path}={operand.value}" for operand in finding.operands]
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert finding.fingerprint == digest[:16]


def test_a_blank_is_an_operand_without_a_value(report: v1.Report) -> None:
    report.requests.granted.ClearField("total")
    found = validate_offline(report)
    # That it is blank is one rule, and whether the others of the row can add up is another.
    [finding] = [f for f in found if f.rule_path == "requests.granted.total"]
    assert finding.rule_id == "required"
    blank = [o for o in finding.operands if not o.HasField("value")]
    assert [operand.field_path for operand in blank] == ["requests.granted.total"]


def test_findings_come_in_the_order_of_the_form_derived_ones_last(report: v1.Report) -> None:
    report.disputes.litigation_direct.total += 1
    report.requests.granted.total += 1
    report.title = "x" * 601
    found = validate_offline(report)
    ranks = [form().rank(f.field_path) for f in found if not f.derived]
    assert ranks == sorted(ranks, key=lambda rank: rank or 0)
    derived = [finding.derived for finding in found]
    assert derived == sorted(derived)
    assert any(derived)


def test_a_blank_that_has_a_value_is_found_under_its_cell(report: v1.Report) -> None:
    report.blanks.add(field_path="requests.granted.total", kind=v1.Blank.KIND_SLASH)
    [finding] = validate_offline(report)
    assert finding.rule_id == "blanks.valued"
    assert finding.rule_path == "blanks[0].field_path"
    assert finding.cell == "表三·（一）予以公开·总计"
    assert [operand.value for operand in finding.operands] == ["8"]


@pytest.mark.parametrize(
    ("path", "kind", "rule"),
    [
        ("nowhere", v1.Blank.KIND_SLASH, "blanks.path"),
        ("requests", v1.Blank.KIND_SLASH, "blanks.path"),
        ("requests.granted.total", v1.Blank.KIND_TABLE_MISSING, "blanks.path"),
        ("overview.text", v1.Blank.KIND_EMPTY, "blanks.path"),
        ("disclosure_2019.rules.made", v1.Blank.KIND_SLASH, "blanks.path"),
        ("requests", v1.Blank.KIND_TABLE_MISSING, "blanks.valued"),
        ("disclosure.fees_wan_yuan", v1.Blank.KIND_DASH, "blanks.valued"),
    ],
)
def test_a_blank_names_a_cell_of_the_edition_or_a_missing_table(
    report: v1.Report, path: str, kind: v1.Blank.Kind.ValueType, rule: str
) -> None:
    report.blanks.add(field_path=path, kind=kind)
    assert rules_of(report) == [rule]
    report.blanks.add(field_path=path, kind=kind)
    assert sorted(rules_of(report)) == sorted(["blanks.repeated", rule])


def test_items_far_beyond_the_limit_of_a_list_are_not_looked_at() -> None:
    report = v1.Report(edition=v1.EDITION_2021)
    for _ in range(20_000):
        report.blanks.add()
    paths = {f.rule_path for f in validate_offline(report) if f.rule_path.startswith("blanks[")}
    assert {path.partition(".")[0] for path in paths} == {f"blanks[{i}]" for i in range(1024)}


def test_words_in_a_text_are_an_operand_without_the_text(report: v1.Report) -> None:
    report.disputes.reconsideration.corrected = 1
    report.problems.text = "今年零纠错，明年继续。"
    [finding] = [f for f in validate_offline(report) if f.rule_id == "report.zero_corrected"]
    values = {o.field_path: o.value for o in finding.operands if o.HasField("value")}
    assert values["problems.text"] == "零纠错"
    assert "overview.text" not in values


def test_a_sum_that_overflows_is_said_clearly(report: v1.Report) -> None:
    report.requests.granted.natural_person = report.requests.granted.total = 2**63 - 1
    with pytest.raises(NianbaoError, match="overflow") as raised:
        validate_offline(report)
    assert [violation.rule_id for violation in raised.value.violations] == ["cell.range"]
    assert raised.value.message_zh


def test_a_cell_of_every_table_is_found_by_its_address() -> None:
    addresses = {place.path: place.address for place in form().places if place.is_cell}
    assert addresses["disclosure.fees_wan_yuan"].startswith("表二·")
    assert (
        addresses["requests.denied.state_secret.total"] == "表三·（三）不予公开·1.属于国家秘密·总计"
    )
    assert {path.partition(".")[0] for path in addresses} == {
        "disclosure",
        "disclosure_2019",
        "requests",
        "disputes",
    }


def test_a_report_that_is_checked_first_is_not_sent(
    client: Client, stub: Stub, faulty: v1.Report, report: v1.Report
) -> None:
    with pytest.raises(NianbaoError, match="it was not sent") as raised:
        client.submit(faulty, check=True)
    assert raised.value.reason == v1.ERROR_REASON_REPORT_HAS_ERRORS
    assert list(raised.value.findings) == validate_offline(faulty)
    assert not stub.asked
    client.submit(report, check=True)
    assert len(stub.asked) == 1


def test_a_warning_is_explained_by_its_fingerprint(
    client: Client, stub: Stub, report: v1.Report
) -> None:
    report.problems.text = "无。"
    with pytest.raises(NianbaoError) as raised:
        client.submit(report, check=True)
    assert raised.value.reason == v1.ERROR_REASON_WARNING_UNEXPLAINED
    [finding] = raised.value.findings
    client.submit(report, explanations={finding.fingerprint: "确无问题"}, check=True)
    assert stub.asked[0].request.report.explanations[0].text == "确无问题"
    assert not report.explanations


def test_a_stored_draft_cannot_be_checked_or_explained_here(client: Client) -> None:
    with pytest.raises(ValueError, match="draft"):
        client.submit(name="organs/a/reports/2023-own", check=True)
    with pytest.raises(ValueError, match="draft"):
        client.submit(name="organs/a/reports/2023-own", explanations={"0" * 16: "x"})
