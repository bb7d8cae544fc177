"""A client generated from the first landed schema works against the server of today.

tests/contract/first.binpb is that schema, as it landed; it is never moved on. Its messages are made
from the image itself, so nothing of today's schema is in this client.
"""

import base64
import json
import pathlib

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_status import rpc_status

TESTS = pathlib.Path(__file__).resolve().parents[1]
FIRST = TESTS / "contract" / "first.binpb"
REPORT = TESTS / "fixtures" / "housing-2023.json"
PAGE = TESTS / "fixtures" / "document" / "housing-2023.html"

# What the first schema had; each is called below.
METHODS = {
    "AdminService/GetServerInfo",
    "AggregateService/AggregateReports",
    "DocumentService/ParseDocument",
    "FormatService/GetFormat",
    "FormatService/ListRules",
    "OrganService/CreateOrgan",
    "OrganService/GetOrgan",
    "OrganService/ListOrgans",
    "ReportService/GetReport",
    "ReportService/ListReports",
    "ReportService/SubmitReport",
    "ReportService/ValidateReport",
    "ReportService/ValidateReports",
}


class OldClient:
    """Calls the methods of the first schema by name, with requests as proto JSON."""

    def __init__(self, channel):
        self.channel = channel
        self.called = set()
        # A pool of its own: the default one has these files as they are today.
        self.pool = descriptor_pool.DescriptorPool()
        image = descriptor_pb2.FileDescriptorSet.FromString(FIRST.read_bytes())
        for file in image.file:
            self.pool.Add(file)
        self.methods = {
            f"{service.name}/{method.name}": (service.full_name, method)
            for file in image.file
            if file.package == "nianbao.v1"
            for service in self.pool.FindFileByName(file.name).services_by_name.values()
            for method in service.methods
        }

    def message(self, descriptor, content=None):
        message = message_factory.GetMessageClass(descriptor)()
        return json_format.ParseDict(content or {}, message, descriptor_pool=self.pool)

    def call(self, name, *requests):
        service, method = self.methods[name]
        self.called.add(name)
        shape = ("stream" if method.client_streaming else "unary") + (
            "_stream" if method.server_streaming else "_unary"
        )
        rpc = getattr(self.channel, shape)(
            f"/{service}/{method.name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
        )
        messages = [self.message(method.input_type, request) for request in requests]
        answer = rpc(iter(messages) if method.client_streaming else messages[0], timeout=30)
        return list(answer) if method.server_streaming else answer


@pytest.fixture(scope="module")
def old(address):
    with grpc.insecure_channel(address) as channel:
        yield OldClient(channel)


def report(**changes):
    return json.loads(REPORT.read_text(encoding="utf-8")) | changes


def test_the_first_schema_had_the_methods_that_are_called_here(old):
    assert set(old.methods) == METHODS


def test_an_old_client_asks_what_the_server_and_the_form_are(old):
    info = old.call("AdminService/GetServerInfo", {})
    assert info.version
    form = old.call("FormatService/GetFormat", {"edition": "EDITION_2021"})
    assert [part.number for part in form.parts] == ["一、", "二、", "三、", "四、", "五、", "六、"]
    rules = {rule.id for rule in old.call("FormatService/ListRules", {}).rules}
    assert {"applicants.total", "requests.balance.total", "required"} <= rules


def test_an_old_client_checks_submits_reads_and_sums(old):
    organ = {"displayName": "旧版客户端局"}
    created = old.call("OrganService/CreateOrgan", {"organId": "old-client", "organ": organ})
    assert created.name == "organs/old-client"
    assert old.call("OrganService/GetOrgan", {"name": created.name}).display_name == "旧版客户端局"
    listed = old.call("OrganService/ListOrgans", {"pageSize": 1000}).organs
    assert created.name in {organ.name for organ in listed}

    sent = report(organ=created.name)
    assert not old.call("ReportService/ValidateReport", {"report": sent}).findings
    answers = old.call("ReportService/ValidateReports", {"report": sent}, {"report": {}})
    assert [bool(answer.findings) for answer in answers] == [False, True]

    taken = old.call("ReportService/SubmitReport", {"report": sent})
    assert taken.receipt.position
    name = "organs/old-client/reports/2023-own"
    read = old.call("ReportService/GetReport", {"name": name})
    assert read.requests.newly_received.natural_person == 65
    assert read.disclosure.fees_wan_yuan == "1317.89"
    reports = old.call("ReportService/ListReports", {"parent": created.name}).reports
    assert [report.name for report in reports] == [name]

    asked = {"organ": created.name, "years": [2023], "includeUnaccepted": True}
    (total,) = old.call("AggregateService/AggregateReports", asked).aggregates
    assert total.requests.newly_received.total == 65
    assert total.coverage.included == 1


def test_an_old_client_is_refused_in_words_that_it_knows(old):
    wrong = report(organ="organs/old-client", year=2022)
    wrong["requests"]["granted"]["total"] = "9"
    with pytest.raises(grpc.RpcError) as raised:
        old.call("ReportService/SubmitReport", {"report": wrong})
    status = rpc_status.from_call(raised.value)
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    reasons = old.pool.FindEnumTypeByName("nianbao.v1.ErrorReason").values_by_name
    assert f"ERROR_REASON_{info.reason}" in reasons


def test_an_old_client_has_a_document_read(old):
    head = {"header": {"fileName": PAGE.name, "organ": "organs/old-client"}}
    chunk = {"chunk": base64.b64encode(PAGE.read_bytes()).decode()}
    answer = old.call("DocumentService/ParseDocument", head, chunk)
    assert answer.report.requests.newly_received.total == 65
    assert answer.provenance


def test_an_old_client_has_called_every_method_that_it_knows(old):
    assert old.called == METHODS
