"""Many reports, long lists, documents and watching, against a stub server."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from nianbao import AsyncClient, Client, NianbaoError, Plaintext, Submitted, submission_id, v1
from stub import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stub import Stub


def pages(*names: list[str]) -> Any:  # noqa: ANN401
    """Makes the answers of a list with these pages."""

    def told(request: v1.ListReportsRequest, _: object) -> v1.ListReportsResponse:
        number = int(request.page_token or 0)
        following = str(number + 1) if number + 1 < len(names) else ""
        reports = [v1.Report(name=name) for name in names[number]]
        return v1.ListReportsResponse(reports=reports, next_page_token=following)

    return told


def test_a_list_goes_over_all_pages_the_empty_ones_too(client: Client, stub: Stub) -> None:
    stub.answers["ListReports"] = pages(["a", "b"], [], ["c"])
    assert [report.name for report in client.list(filter="year = 2023")] == ["a", "b", "c"]
    assert {asked.request.filter for asked in stub.asked} == {"year = 2023"}


def test_a_page_is_asked_for_when_it_is_reached(client: Client, stub: Stub) -> None:
    stub.answers["ListReports"] = pages(["a", "b"], ["c"])
    reports = iter(client.list())
    assert not stub.asked
    next(reports)
    next(reports)
    assert len(stub.asked) == 1
    next(reports)
    assert len(stub.asked) == 2


def test_any_list_can_be_gone_over(client: Client, stub: Stub) -> None:
    stub.answers["GetCoverage"] = lambda *_: v1.GetCoverageResponse(
        coverage=v1.Coverage(expected=2), organs=[v1.OrganCoverage(organ="organs/a")]
    )
    request = v1.GetCoverageRequest(organ="organs/city", year=2023)
    assert [o.organ for o in client.each(client.aggregates.GetCoverage, request)] == ["organs/a"]


def echo(requests: Iterator[v1.SubmitReportsRequest], _: object) -> Iterator[Any]:
    """Takes every item but those of the organ `bad`."""
    for index, item in enumerate(requests):
        answer = v1.SubmitReportsResponse(index=index)
        if item.submission.report.organ == "organs/bad":
            answer.refusal.code = 3
            answer.refusal.reason = "REPORT_HAS_ERRORS"
            answer.refusal.message_zh = "报告有错误"
            answer.findings.add(rule_id="applicants.total", severity=v1.SEVERITY_ERROR, cell="表三")
        else:
            answer.receipt.position = item.submission.request_id
        yield answer


def test_each_item_of_a_stream_has_its_result_in_order(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReports"] = echo
    organs = ["organs/a", "organs/bad", "organs/c"]
    results = list(client.submit_all(v1.Report(organ=organ) for organ in organs))
    assert [result.submission.report.organ for result in results] == organs
    assert [result.taken for result in results] == [True, False, True]
    assert results[0].error is None
    error = results[1].error
    assert error is not None
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == v1.ERROR_REASON_REPORT_HAS_ERRORS
    assert error.message_zh == "报告有错误"
    assert [violation.rule_id for violation in error.violations] == ["applicants.total"]


def test_an_item_that_is_sent_again_has_the_id_that_it_had(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReports"] = echo
    report = v1.Report(organ="organs/a")
    first, second = (next(iter(client.submit_all([report]))) for _ in range(2))
    expected = submission_id(v1.SubmitReportRequest(report=report))
    assert first.answer.receipt.position == second.answer.receipt.position == expected
    [other] = client.submit_all([v1.SubmitReportRequest(report=report, etag="e")])
    assert other.answer.receipt.position != expected


def test_what_fails_in_the_items_is_raised_after_the_answers_to_those_before(
    client: Client, stub: Stub
) -> None:
    stub.answers["SubmitReports"] = echo

    def items() -> Iterator[v1.Report]:
        yield v1.Report(organ="organs/a")
        raise LookupError("no such file")

    taken: list[Submitted] = []
    with pytest.raises(LookupError, match="no such file"):
        taken.extend(client.submit_all(items()))
    assert [result.taken for result in taken] == [True]


def test_an_item_that_no_message_can_hold_is_refused_and_those_after_it_are_sent(
    client: Client, stub: Stub
) -> None:
    stub.answers["SubmitReports"] = echo
    large = v1.Report(organ="organs/large", title="x" * (4 << 20))
    organs = ["organs/a", "organs/large", "organs/b", "organs/large"]
    items = [large if organ == "organs/large" else v1.Report(organ=organ) for organ in organs]
    results = list(client.submit_all(items))
    assert [result.submission.report.organ for result in results] == organs
    assert [result.answer.index for result in results] == [0, 1, 2, 3]
    assert [result.taken for result in results] == [True, False, True, False]
    error = results[1].error
    assert error is not None
    assert error.reason == v1.ERROR_REASON_REPORT_TOO_LARGE
    assert "organs/large" in error.message


def test_a_stream_that_ends_too_early_is_an_error(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReports"] = lambda requests, _: itertools.islice(echo(requests, _), 1)
    with pytest.raises(NianbaoError, match="run it again") as raised:
        list(client.submit_all([v1.Report(), v1.Report()]))
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_stream_that_nobody_reads_on_sends_no_more(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReports"] = echo
    asked = []

    def endless() -> Iterator[v1.Report]:
        for number in itertools.count():
            asked.append(number)
            yield v1.Report(organ=f"organs/a{number}", title="x" * 10_000)

    results = client.submit_all(endless())
    next(iter(results))
    results.close()  # type: ignore[attr-defined] # a generator
    time.sleep(0.2)
    seen = len(asked)
    time.sleep(0.2)
    assert len(asked) == seen


def test_what_was_answered_before_a_stream_breaks_is_told(client: Client, stub: Stub) -> None:
    def told(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        yield from itertools.islice(echo(requests, context), 3)
        context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a field is unknown")

    stub.answers["SubmitReports"] = told
    taken: list[Submitted] = []
    with pytest.raises(NianbaoError, match="a field is unknown"):
        taken.extend(client.submit_all(v1.Report(year=year) for year in range(1000)))
    assert [result.submission.report.year for result in taken] == [0, 1, 2]


def test_a_list_of_organs_is_sent_in_pieces(client: Client, stub: Stub, tmp_path: Path) -> None:
    received: list[v1.ImportOrgansRequest] = []

    def told(requests: Iterator[v1.ImportOrgansRequest], _: object) -> v1.ImportOrgansResponse:
        received.extend(requests)
        return v1.ImportOrgansResponse()

    stub.answers["ImportOrgans"] = told
    path = tmp_path / "organs.csv"
    path.write_bytes(bytes(range(256)) * 8192)
    client.import_organs(path, v1.ImportOrgansHeader(skip_conflicts=True))
    assert received[0].header.skip_conflicts
    assert received[0].header.request_id
    assert b"".join(piece.chunk for piece in received[1:]) == path.read_bytes()
    assert max(len(piece.chunk) for piece in received) <= 1 << 20


def test_a_document_is_sent_in_pieces_with_its_name(
    client: Client, stub: Stub, tmp_path: Path
) -> None:
    received: list[v1.ParseDocumentRequest] = []

    def told(requests: Iterator[v1.ParseDocumentRequest], _: object) -> v1.ParseDocumentResponse:
        received.extend(requests)
        return v1.ParseDocumentResponse()

    stub.answers["ParseDocument"] = told
    path = tmp_path / "报告.docx"
    path.write_bytes(bytes(range(256)) * 4096)
    client.parse(path, organ="organs/a", year=2023, scope=v1.SCOPE_REGION)
    header = v1.DocumentHeader(
        file_name="报告.docx", organ="organs/a", year=2023, scope=v1.SCOPE_REGION
    )
    assert received[0].header == header
    assert b"".join(piece.chunk for piece in received[1:]) == path.read_bytes()
    assert max(len(piece.chunk) for piece in received) <= 1 << 20


def test_a_time_without_a_zone_is_refused(client: Client) -> None:
    with pytest.raises(ValueError, match="zone"):
        client.get("organs/a/reports/2023-own", as_of=datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_moment_is_a_position_or_a_time(client: Client, stub: Stub) -> None:
    client.get("a", as_of="0007")
    china = timezone(timedelta(hours=8))
    client.aggregate("organs/a", 2023, as_of=datetime(2024, 3, 31, tzinfo=china))
    assert stub.asked[0].request.as_of_position == "0007"
    assert stub.asked[1].request.as_of_time.ToJsonString() == "2024-03-30T16:00:00Z"
    assert list(stub.asked[1].request.years) == [2023]


def changes(*positions: str) -> list[v1.WatchChangesResponse]:
    """Makes a heartbeat and a change for each position."""
    messages = [v1.WatchChangesResponse(position="0")]
    for position in positions:
        receipt = v1.Receipt(position=position)
        messages.append(v1.WatchChangesResponse(position=position, receipt=receipt))
    return messages


def test_a_watcher_goes_on_where_it_was_when_a_server_comes_back(
    connect: Callable[..., Client], stub: Stub
) -> None:
    stub.answers["WatchChanges"] = lambda request, _: iter(
        changes(*(["1", "2"] if request.from_now else ["3"]))
    )
    server, port = serve(stub)
    changed = iter(connect(port).watch(from_now=True))
    assert [next(changed).position for _ in range(2)] == ["1", "2"]
    server.stop(None).wait()
    server, _ = serve(stub, port)
    assert next(changed).position == "3"
    server.stop(None).wait()
    assert [a.request.after for a in stub.asked][:2] == ["", "2"]
    assert not stub.asked[1].request.from_now


def test_a_watcher_goes_on_after_a_heartbeat_too(client: Client, stub: Stub) -> None:
    beats = iter(["5", "6", "7"])

    def told(_: object, context: grpc.ServicerContext) -> Iterator[v1.WatchChangesResponse]:
        yield v1.WatchChangesResponse(position=next(beats))
        context.abort(grpc.StatusCode.UNAVAILABLE, "the connection is lost")

    stub.answers["WatchChanges"] = told
    heard = iter(client.watch(heartbeats=True))
    assert [next(heard).position for _ in range(3)] == ["5", "6", "7"]
    assert [asked.request.after for asked in stub.asked] == ["", "5", "6"]


def test_a_watcher_that_finds_no_server_says_so(connect: Callable[..., Client], stub: Stub) -> None:
    server, port = serve(stub)
    server.stop(None).wait()
    with pytest.raises(NianbaoError) as raised:
        next(iter(connect(port).watch()))
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE


def test_a_watcher_does_not_try_again_what_the_server_refuses(client: Client, stub: Stub) -> None:
    def told(_: object, context: grpc.ServicerContext) -> Iterator[v1.WatchChangesResponse]:
        yield v1.WatchChangesResponse(position="1")
        context.abort(grpc.StatusCode.DATA_LOSS, "the journal is damaged")

    stub.answers["WatchChanges"] = told
    with pytest.raises(NianbaoError, match="damaged"):
        list(client.watch())
    assert len(stub.asked) == 1


def test_a_client_that_is_closed_meanwhile_ends_its_watchers(port: int, stub: Stub) -> None:
    def told(_: object, context: grpc.ServicerContext) -> Iterator[v1.WatchChangesResponse]:
        yield from changes("1")
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(10)

    async def watched() -> list[str]:
        client = AsyncClient(f"127.0.0.1:{port}", Plaintext())
        closing = []
        positions = []
        async for change in client.watch():
            positions.append(change.position)
            closing.append(asyncio.ensure_future(client.close()))
        return positions

    stub.answers["WatchChanges"] = told
    assert asyncio.run(watched()) == ["1"]
    client = Client(f"127.0.0.1:{port}", Plaintext())
    for change in client.watch():
        assert change.position == "1"
        threading.Timer(0.1, client.close).start()


def test_a_closed_client_ends_its_watchers(
    connect: Callable[..., Client], port: int, stub: Stub
) -> None:
    stub.answers["WatchChanges"] = lambda *_: iter(changes("1"))
    client = connect(port)
    for change in client.watch():
        assert change.position == "1"
        client._closed.set()
