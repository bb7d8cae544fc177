"""A stock Python grpcio client: no package of ours, only generated code."""

import json
import pathlib

import grpc
import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2
from grpc_status import rpc_status

FIXTURE = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "housing-2023.json"


@pytest.fixture
def stubs(generated, channel):
    from nianbao.v1 import organ_service_pb2_grpc, report_service_pb2_grpc

    return (
        report_service_pb2_grpc.ReportServiceStub(channel),
        organ_service_pb2_grpc.OrganServiceStub(channel),
    )


def report(**changes):
    from nianbao.v1 import report_pb2

    fields = json.loads(FIXTURE.read_text(encoding="utf-8")) | changes
    return json_format.ParseDict(fields, report_pb2.Report())


def breaks_everything():
    """Every count negative and out of balance, every text too short, every enum out of range."""
    wrong = report(organ="organs/Not An Id", year=1800, title="x" * 601)
    wrong.scope = 99
    wrong.edition = 99

    def spoil(message):
        for field, value in message.ListFields():
            if field.type == field.TYPE_MESSAGE and not field.is_repeated:
                spoil(value)
            elif field.type == field.TYPE_INT64:
                setattr(message, field.name, -(field.number ** 3) - 1)

    for part in (wrong.disclosure, wrong.requests, wrong.disputes):
        spoil(part)
    # All rows are alike so far, and so in balance.
    wrong.requests.newly_received.natural_person = -99
    wrong.disclosure.fees_wan_yuan = "01,5"
    wrong.requests.other.undivided.total = -5
    wrong.overview.text = " \u3000"
    wrong.problems.text = ""
    wrong.ClearField("other_matters")
    wrong.blanks.add(field_path="nowhere", kind=4, raw="若干")
    wrong.explanations.add(fingerprint="no", text="")
    return wrong


def refused(call):
    with pytest.raises(grpc.RpcError) as raised:
        call()
    status = rpc_status.from_call(raised.value)
    assert status is not None, "the trailers hold a google.rpc.Status"
    details = {}
    for any_message in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.LocalizedMessage,
        ):
            if any_message.Is(kind.DESCRIPTOR):
                message = kind()
                any_message.Unpack(message)
                details[kind.DESCRIPTOR.name] = message
    return raised.value, status, details


def test_a_report_that_breaks_everything_is_refused_with_a_readable_status(stubs):
    from nianbao.v1 import report_service_pb2

    reports, _ = stubs
    wrong = breaks_everything()
    error, status, details = refused(
        lambda: reports.SubmitReport(report_service_pb2.SubmitReportRequest(report=wrong))
    )
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert status.ByteSize() <= 6 * 1024
    info = details["ErrorInfo"]
    assert (info.reason, info.domain) == ("REPORT_HAS_ERRORS", "nianbao.v1")
    assert info.metadata["truncated"] == "true"
    named = details["BadRequest"].field_violations
    assert 0 < len(named) < int(info.metadata["errors"])
    assert int(info.metadata["shown"]) == len(named)
    for violation in named:
        assert violation.field is not None
        assert violation.reason.isupper() and violation.description
        assert violation.localized_message.locale == "zh-CN"
        assert any("\u4e00" <= c <= "\u9fff" for c in violation.localized_message.message)
    assert details["LocalizedMessage"].message == "报告有错误"

    answer = reports.ValidateReport(report_service_pb2.ValidateReportRequest(report=wrong))
    assert answer.counts.errors == int(info.metadata["errors"])
    assert len(answer.findings) > 200
    rules = {finding.rule_id for finding in answer.findings}
    assert rules >= {
        "required",
        "int64.gte_lte",
        "int32.gte_lte",
        "string.pattern",
        "string.max_bytes",
        "enum.defined_only",
        "applicants.total",
        "disputes.total",
        "disclosure.stock",
        "requests.balance.natural_person",
        "requests.total_processed.total",
        "requests.other.rows_once",
        "blanks.path",
        "blank.unreadable",
    }


def test_a_report_without_faults_is_taken_and_read_back(stubs):
    from nianbao.v1 import organ_pb2, organ_service_pb2, report_service_pb2

    reports, organs = stubs
    organs.CreateOrgan(
        organ_service_pb2.CreateOrganRequest(
            organ_id="python-housing", organ=organ_pb2.Organ(display_name="示例局")
        )
    )
    sent = report(organ="organs/python-housing")
    taken = reports.SubmitReport(
        report_service_pb2.SubmitReportRequest(report=sent),
        metadata=[("nianbao-principal", "clerk")],
    )
    assert taken.receipt.position
    assert taken.report.submitter == "clerk"
    name = "organs/python-housing/reports/2023-own"
    read = reports.GetReport(report_service_pb2.GetReportRequest(name=name))
    assert read == taken.report
    assert read.requests == sent.requests and read.disclosure == sent.disclosure


def test_a_stream_is_answered_item_by_item(stubs):
    from nianbao.v1 import report_service_pb2

    reports, _ = stubs
    good, wrong = report(), report()
    wrong.requests.granted.total += 1
    items = [report_service_pb2.ValidateReportsRequest(report=r) for r in (good, wrong, good)]
    answers = list(reports.ValidateReports(iter(items)))
    assert [a.index for a in answers] == [0, 1, 2]
    assert [a.counts.errors for a in answers] == [0, 2, 0]
