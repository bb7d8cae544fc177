"""The one error, and what a status becomes in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from nianbao import Client, FieldViolation, NianbaoError, Precondition, v1
from nianbao._catalogue import dotted_ids

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from stub import Stub


def refuse(stub: Stub, code: grpc.StatusCode, *details: Message) -> None:
    """Has a submission refused with these details."""
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    status = status_pb2.Status(code=code.value[0], message="in English", details=packed)

    def told(_: object, context: grpc.ServicerContext) -> None:
        context.abort_with_status(rpc_status.to_status(status))

    stub.answers["SubmitReport"] = told


def refused(client: Client) -> NianbaoError:
    with pytest.raises(NianbaoError) as raised:
        client.submit(v1.Report(), request_id="mine")
    return raised.value


def info(reason: str, domain: str = "nianbao.v1", **metadata: str) -> Message:
    return error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata)


def test_an_error_has_all_that_the_status_says(client: Client, stub: Stub) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(
        field="requests.granted.total",
        reason="APPLICANTS_TOTAL",
        description="wrong",
        localized_message=error_details_pb2.LocalizedMessage(message="总计有误"),
    )
    refuse(
        stub,
        grpc.StatusCode.INVALID_ARGUMENT,
        info("REPORT_HAS_ERRORS", errors="9", truncated="true"),
        error_details_pb2.LocalizedMessage(locale="zh-CN", message="报告有错误"),
        error_details_pb2.BadRequest(field_violations=[violation]),
    )
    error = refused(client)
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT
    assert error.reason == v1.ERROR_REASON_REPORT_HAS_ERRORS
    assert error.reason_name == "REPORT_HAS_ERRORS"
    assert (error.message, error.message_zh) == ("in English", "报告有错误")
    assert error.metadata["errors"] == "9"
    assert error.truncated
    expected = FieldViolation("applicants.total", "requests.granted.total", "wrong", "总计有误")
    assert error.violations == (expected,)
    assert error.request_id == "mine"
    assert isinstance(error.__cause__, grpc.RpcError)
    assert error.text(chinese=True).splitlines() == [
        "INVALID_ARGUMENT REPORT_HAS_ERRORS: 报告有错误",
        "  requests.granted.total: 总计有误 [applicants.total]",
        "  …",
        "  request_id mine",
    ]
    assert "requests.granted.total: wrong [applicants.total]" in str(error)


def test_an_error_names_what_did_not_hold(client: Client, stub: Stub) -> None:
    violation = error_details_pb2.PreconditionFailure.Violation(
        type="REPORT_STATE", subject="organs/a/reports/2023-own", description="is accepted"
    )
    refuse(
        stub,
        grpc.StatusCode.FAILED_PRECONDITION,
        info("REPORT_STATE"),
        error_details_pb2.PreconditionFailure(violations=[violation]),
    )
    error = refused(client)
    expected = Precondition("REPORT_STATE", "organs/a/reports/2023-own", "is accepted")
    assert error.preconditions == (expected,)
    assert "organs/a/reports/2023-own: is accepted" in str(error)


def test_a_reason_of_a_later_server_is_its_word(client: Client, stub: Stub) -> None:
    refuse(stub, grpc.StatusCode.ABORTED, info("QUITE_NEW"))
    error = refused(client)
    assert error.reason == error.reason_name == "QUITE_NEW"


def test_a_reason_of_another_domain_is_none(client: Client, stub: Stub) -> None:
    refuse(stub, grpc.StatusCode.UNAUTHENTICATED, info("REPORT_STATE", "proxy.example"))
    assert refused(client).reason == v1.ERROR_REASON_UNSPECIFIED


def test_an_error_without_details_is_its_code_and_message(client: Client, stub: Stub) -> None:
    refuse(stub, grpc.StatusCode.INTERNAL)
    error = refused(client)
    assert (error.code, error.message, error.reason_name) == (
        grpc.StatusCode.INTERNAL,
        "in English",
        "",
    )


def test_details_that_cannot_be_read_do_not_hide_the_error(client: Client, stub: Stub) -> None:
    def told(_: object, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\xff\xff"),))
        context.abort(grpc.StatusCode.ABORTED, "plain")

    stub.answers["SubmitReport"] = told
    error = refused(client)
    assert (error.code, error.message) == (grpc.StatusCode.ABORTED, "plain")


def test_a_detail_that_cannot_be_read_does_not_hide_the_others(client: Client, stub: Stub) -> None:
    def told(_: object, context: grpc.ServicerContext) -> None:
        status = status_pb2.Status(code=grpc.StatusCode.ABORTED.value[0], message="plain")
        status.details.add().Pack(error_details_pb2.BadRequest())
        status.details[0].value = b"\xff\xff"
        status.details.add().Pack(info("ETAG_MISMATCH"))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.ABORTED, "plain")

    stub.answers["SubmitReport"] = told
    error = refused(client)
    assert (error.reason, error.violations) == (v1.ERROR_REASON_ETAG_MISMATCH, ())


def test_every_rule_is_told_by_its_reason() -> None:
    ids = dotted_ids()
    assert ids["REQUESTS_BALANCE_NATURAL_PERSON"] == "requests.balance.natural_person"
    assert ids["SUBMIT_REPORT_AS_PUBLISHED_REASON"] == "submit_report.as_published_reason"
    assert ids["STRING_MAX_BYTES"] == "string.max_bytes"
    assert len(ids) == len(set(ids.values()))


def test_a_stub_that_answers_later_fails_with_the_same_error(port: int, stub: Stub) -> None:
    from nianbao import Plaintext  # noqa: PLC0415 - the blocking client alone has futures

    refuse(stub, grpc.StatusCode.ABORTED, info("ETAG_MISMATCH"))
    with Client(f"127.0.0.1:{port}", Plaintext()) as client:
        later = client.reports.SubmitReport.future(v1.SubmitReportRequest())
        error = later.exception()
        assert isinstance(error, NianbaoError)
        assert error.reason == v1.ERROR_REASON_ETAG_MISMATCH
        stub.answers.clear()
        response, call = client.reports.SubmitReport.with_call(v1.SubmitReportRequest())
        assert response == v1.SubmitReportResponse()
        assert call.code() is grpc.StatusCode.OK
