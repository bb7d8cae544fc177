"""Reports as proto JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from nianbao import NianbaoError, from_json, read_report, to_json, v1, write_report

if TYPE_CHECKING:
    from pathlib import Path


def test_a_report_is_written_as_it_was_read(
    report: v1.Report, examples: Path, tmp_path: Path
) -> None:
    path = tmp_path / "report.json"
    write_report(report, path)
    assert json.loads(path.read_text(encoding="utf-8")) == json.loads(
        (examples / "report.json").read_text(encoding="utf-8")
    )
    assert read_report(path) == report
    assert "住房和城乡建设局" in to_json(report)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(NianbaoError, match=r'"grantedd" at "Report\.requests"') as e:
        from_json('{"requests": {"grantedd": {}}}')
    assert e.value.reason == v1.ERROR_REASON_INVALID_REQUEST
    assert "grantedd" in e.value.text(chinese=True)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff",
        "",
        "[]",
        "null",
        '{"year": "x"}',
        '{"scope": "SCOPE_NONE"}',
        '{"year": 1, "year": 2}',
        '{"requests": {"granted": {"total": 1.5}}}',
        "{",
        "[" * 100_000,
        '{"requests":' * 2000,
    ],
)
def test_what_is_no_report_is_refused(text: str | bytes) -> None:
    with pytest.raises(NianbaoError, match="no report in proto JSON"):
        from_json(text)


def test_a_file_that_is_no_report_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.json"
    path.write_text('{"no": 1}')
    with pytest.raises(NianbaoError, match=r"wrong\.json"):
        read_report(path)


def test_a_mark_of_the_byte_order_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"year": 2023}')
    assert read_report(path).year == 2023


def test_a_time_that_is_none_is_refused(report: v1.Report) -> None:
    report.create_time.nanos = -1
    with pytest.raises(NianbaoError, match="create_time"):
        to_json(report)
