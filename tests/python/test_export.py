"""A file of Parquet in DuckDB: what it adds up is what the server answers."""

import decimal
import hashlib
import json

import duckdb
import pytest
from google.protobuf import json_format

from conftest import ROOT

CITY = "organs/export-city"
# Money at its limits: no double keeps their sum.
FEES = ["999999999999.999999", "0.000001", "1317.89"]


@pytest.fixture(scope="module")
def aggregates(generated, address):
    """The service, over three bureaus that have filed."""
    import grpc
    from nianbao.v1 import (
        aggregate_service_pb2_grpc,
        organ_pb2,
        organ_service_pb2,
        organ_service_pb2_grpc,
        report_pb2,
        report_service_pb2,
        report_service_pb2_grpc,
    )

    with grpc.insecure_channel(address) as channel:
        organs = organ_service_pb2_grpc.OrganServiceStub(channel)
        reports = report_service_pb2_grpc.ReportServiceStub(channel)
        city = organ_pb2.Organ(display_name="示例市人民政府办公室")
        organs.CreateOrgan(
            organ_service_pb2.CreateOrganRequest(organ_id="export-city", organ=city)
        )
        model = json.loads((ROOT / "tests/fixtures/housing-2023.json").read_text())
        for number, fees in enumerate(FEES):
            organ = organ_pb2.Organ(display_name=f"示例局{number}")
            organ.affiliations.add(parent=CITY, from_year=2019)
            organs.CreateOrgan(
                organ_service_pb2.CreateOrganRequest(organ_id=f"export-{number}", organ=organ)
            )
            report = json_format.ParseDict(model, report_pb2.Report())
            report.organ = f"organs/export-{number}"
            report.disclosure.fees_wan_yuan = fees
            reports.SubmitReport(report_service_pb2.SubmitReportRequest(report=report))
        yield aggregate_service_pb2_grpc.AggregateServiceStub(channel)


def exported(aggregates, path, content, **more):
    """Exports into a file, and holds it against its trailer."""
    from nianbao.v1 import aggregate_service_pb2, export_pb2

    request = aggregate_service_pb2.ExportReportsRequest(
        organ=CITY,
        years=[2023],
        include_unaccepted=True,
        content=content,
        format=export_pb2.EXPORT_FORMAT_PARQUET,
        **more,
    )
    messages = list(aggregates.ExportReports(request))
    assert messages[0].HasField("header") and messages[-1].HasField("trailer")
    data = b"".join(message.data for message in messages[1:-1])
    trailer = messages[-1].trailer
    assert trailer.size_bytes == len(data)
    assert trailer.sha256 == hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    return messages[0].header


def sum_of(aggregates):
    from nianbao.v1 import aggregate_service_pb2

    request = aggregate_service_pb2.AggregateReportsRequest(
        organ=CITY, years=[2023], include_unaccepted=True
    )
    return aggregates.AggregateReports(request).aggregates[0]


def test_duckdb_adds_reports_up_to_the_sum(aggregates, tmp_path):
    from nianbao.v1 import export_pb2

    path = tmp_path / "reports.parquet"
    header = exported(aggregates, path, export_pb2.EXPORT_CONTENT_REPORTS)
    found = duckdb.sql(
        f"SELECT field_path, sum(value), count(value) FROM '{path}' "
        "WHERE summing <> 'NEVER' GROUP BY field_path"
    ).fetchall()
    expected = {
        cell.field_path: (decimal.Decimal(cell.value), cell.given)
        for cell in sum_of(aggregates).cells
    }
    assert {name: (total, given) for name, total, given in found if given} == expected
    assert expected["disclosure.fees_wan_yuan"][0] == sum(map(decimal.Decimal, FEES))
    pairs = duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall()
    assert dict(pairs)[b"nianbao.position"].decode() == header.position


def test_duckdb_reads_sums_with_their_groups(aggregates, tmp_path):
    from nianbao.v1 import aggregate_pb2, export_pb2

    path = tmp_path / "sums.parquet"
    content = export_pb2.EXPORT_CONTENT_SUMS
    exported(aggregates, path, content, group_by=aggregate_pb2.GROUP_BY_CHILD)
    [(whole, parts)] = duckdb.sql(
        "SELECT sum(value) FILTER (group_key IS NULL), sum(value) FILTER (group_key IS NOT NULL) "
        f"FROM '{path}' WHERE field_path = 'disclosure.fees_wan_yuan'"
    ).fetchall()
    assert whole == parts == decimal.Decimal(sum_of(aggregates).disclosure.fees_wan_yuan)
