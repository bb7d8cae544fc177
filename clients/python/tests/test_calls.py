"""What goes with each call."""

from __future__ import annotations

import hashlib
import threading
import uuid
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from nianbao import Client, NianbaoError, submission_id, v1
from nianbao._connection import channel_options, service_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stub import Stub

NAME = "organs/a/reports/2023-own"


def failing(
    times: int, answer: object, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
) -> Callable[[object, grpc.ServicerContext], object]:
    """Makes an answer that comes after so many failures."""
    left = iter(range(times))

    def told(_: object, context: grpc.ServicerContext) -> object:
        if next(left, None) is not None:
            context.abort(code, "not now")
        return answer

    return told


def test_a_call_that_is_unavailable_is_tried_again(client: Client, stub: Stub) -> None:
    stub.answers["GetReport"] = failing(3, v1.Report(name=NAME))
    assert client.get(NAME).name == NAME
    assert len(stub.of("GetReport")) == 4


def test_an_option_of_the_caller_counts_before_that_of_the_package(
    connect: Callable[..., Client], port: int, stub: Stub
) -> None:
    stub.answers["GetReport"] = failing(9, v1.Report())
    with pytest.raises(NianbaoError):
        connect(port, options=[("grpc.enable_retries", 0)]).get(NAME)
    assert len(stub.of("GetReport")) == 1


def test_a_large_report_is_tried_again_too(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReport"] = failing(2, v1.SubmitReportResponse())
    client.submit(v1.Report(title="x" * (3 << 20)))
    assert len(stub.of("SubmitReport")) == 3


def test_a_call_is_tried_no_more_often_than_the_config_says(client: Client, stub: Stub) -> None:
    stub.answers["GetReport"] = failing(9, v1.Report())
    with pytest.raises(NianbaoError) as raised:
        client.get(NAME)
    assert raised.value.code is grpc.StatusCode.UNAVAILABLE
    assert raised.value.message == "not now"
    assert len(stub.of("GetReport")) == 4


def test_a_write_that_is_tried_again_keeps_its_request_id(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReport"] = failing(2, v1.SubmitReportResponse())
    client.submit(v1.Report(organ="organs/a"))
    [request_id] = {asked.request.request_id for asked in stub.of("SubmitReport")}
    assert len(stub.of("SubmitReport")) == 3
    assert uuid.UUID(request_id).version == 4


@pytest.mark.parametrize(
    "code",
    [c for c in grpc.StatusCode if c not in (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)],
)
def test_no_other_failure_is_tried_again(client: Client, stub: Stub, code: grpc.StatusCode) -> None:
    stub.answers["GetReport"] = failing(1, v1.Report(), code)
    with pytest.raises(NianbaoError) as raised:
        client.get(NAME)
    assert raised.value.code is code
    assert len(stub.of("GetReport")) == 1


def test_a_stream_of_submissions_is_not_tried_again(client: Client, stub: Stub) -> None:
    stub.answers["SubmitReports"] = failing(1, iter(()))
    with pytest.raises(NianbaoError):
        list(client.submit_all([v1.Report()]))
    assert len(stub.of("SubmitReports")) == 1


def test_every_write_of_the_schema_gets_a_request_id(client: Client, stub: Stub) -> None:
    writes: list[tuple[Callable[..., Any], Any]] = [
        (client.reports.SaveDraft, v1.SaveDraftRequest()),
        (client.reports.ReturnReport, v1.ReturnReportRequest()),
        (client.reports.VoidReport, v1.VoidReportRequest()),
        (client.organs.CreateOrgan, v1.CreateOrganRequest()),
        (client.organs.MergeOrgans, v1.MergeOrgansRequest()),
        (client.admin.SetDeadline, v1.SetDeadlineRequest()),
    ]
    for method, request in writes:
        method(request)
        assert not request.request_id, "the caller's message stays as it is"
    ids = [asked.request.request_id for asked in stub.asked]
    assert all(ids)
    assert len(set(ids)) == len(writes)


def test_a_request_id_of_the_caller_stands(client: Client, stub: Stub) -> None:
    client.submit(v1.Report(), request_id="mine")
    assert stub.asked[0].request.request_id == "mine"


def test_what_is_only_checked_needs_no_request_id(client: Client, stub: Stub) -> None:
    client.submit(v1.Report(), validate_only=True)
    assert not stub.asked[0].request.request_id


def test_an_import_gets_a_request_id_in_its_header(client: Client, stub: Stub) -> None:
    received: list[v1.ImportOrgansRequest] = []

    def told(requests: Iterator[v1.ImportOrgansRequest], _: object) -> v1.ImportOrgansResponse:
        received.extend(requests)
        return v1.ImportOrgansResponse()

    stub.answers["ImportOrgans"] = told
    header = v1.ImportOrgansRequest(header=v1.ImportOrgansHeader())
    client.organs.ImportOrgans(iter([header, v1.ImportOrgansRequest(chunk=b"x")]))
    assert uuid.UUID(received[0].header.request_id).version == 4
    assert received[1].chunk == b"x"


def test_the_id_of_an_item_is_the_digest_of_what_it_says() -> None:
    submission = v1.SubmitReportRequest(report=v1.Report(organ="organs/a", year=2023))
    expected = hashlib.sha256(b"\x0a\x0d\x12\x08organs/a\x18\xe7\x0f").hexdigest()
    assert submission_id(submission) == expected
    submission.request_id = "another"
    assert submission_id(submission) == expected
    submission.etag = "e"
    assert submission_id(submission) != expected


def test_a_call_has_the_deadline_of_the_config(client: Client, stub: Stub) -> None:
    client.get(NAME)
    assert stub.asked[0].seconds == pytest.approx(60, abs=3)


def test_a_call_may_take_longer_where_it_says_so(client: Client, stub: Stub) -> None:
    client.get(NAME, timeout=300)
    assert stub.asked[0].seconds == pytest.approx(300, abs=3)


def test_a_client_may_have_another_deadline(
    connect: Callable[..., Client], port: int, stub: Stub
) -> None:
    connect(port, timeout=7).get(NAME)
    assert stub.asked[0].seconds == pytest.approx(7, abs=3)


def test_a_deadline_that_passes_is_an_error_of_the_package(client: Client, stub: Stub) -> None:
    ended = threading.Event()

    def told(_: object, context: grpc.ServicerContext) -> v1.Report:
        context.add_callback(ended.set)
        ended.wait(10)
        return v1.Report()

    stub.answers["GetReport"] = told
    with pytest.raises(NianbaoError) as raised:
        client.get(NAME, timeout=0.2)
    assert raised.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert raised.value.reason == v1.ERROR_REASON_UNSPECIFIED


def test_a_principal_goes_with_every_call(
    connect: Callable[..., Client], port: int, stub: Stub
) -> None:
    client = connect(port, principal="zhang")
    stub.answers["SubmitReports"] = lambda *_: iter(())
    client.get(NAME)
    list(client.submit_all([]))
    client.parse(b"x")
    next(client.watch(heartbeats=True))
    assert [asked.metadata.get("nianbao-principal") for asked in stub.asked] == ["zhang"] * 4


@pytest.mark.parametrize("principal", ["张三", "a\nb", "x" * 129])
def test_a_principal_that_no_call_can_carry_is_refused_at_once(
    connect: Callable[..., Client], port: int, principal: str
) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        connect(port, principal=principal)


def test_a_connection_that_is_dropped_in_silence_is_noticed() -> None:
    options = dict(channel_options(()))
    assert 10_000 <= options["grpc.keepalive_time_ms"] <= 120_000
    assert options["grpc.http2.max_pings_without_data"] == 0


def test_a_call_may_name_another_principal(
    connect: Callable[..., Client], port: int, stub: Stub
) -> None:
    client = connect(port, principal="zhang")
    client.reports.GetReport(v1.GetReportRequest(), metadata=(("nianbao-principal", "li"),))
    assert stub.asked[0].metadata["nianbao-principal"] == "li"


def test_the_config_names_every_method_once() -> None:
    named = [
        f"{name['service']}.{name['method']}"
        for entry in service_config()["methodConfig"]
        for name in entry["name"]
    ]
    files = {message.DESCRIPTOR.file for message in (v1.GetReportRequest, v1.GetOrganRequest)}
    methods = [
        method.full_name
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    ]
    assert len(named) == len(set(named))
    assert set(methods) <= set(named)
