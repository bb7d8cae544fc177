//! Bytes that the schema does not know: a write that carries them is refused, whole, and says what
//! was unknown. prost alone would drop them.

use nianbao::codec::Carried as _;
use nianbao::pb;
use prost::Message as _;
use prost::bytes::{Buf as _, BufMut as _};
use tonic::codec::{DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::support::{Details, TestServer, housing, register_organ};

/// Field 99 with the value 7, and field 98 with four bytes of text.
const NEWER: [u8; 9] = [0x98, 0x06, 7, 0x92, 0x06, 3, b'n', b'e', b'w'];

/// Sends and takes bytes as they are.
#[derive(Clone, Default)]
struct Raw;

impl tonic::codec::Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buf.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(buf.copy_to_bytes(buf.remaining()).to_vec()))
    }
}

async fn call(channel: &Channel, method: &'static str, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("a server");
    let path = PathAndQuery::from_static(method);
    Ok(client.unary(Request::new(bytes), path, Raw).await?.into_inner())
}

async fn stream(
    channel: &Channel,
    method: &'static str,
    items: Vec<Vec<u8>>,
) -> (Vec<Vec<u8>>, Option<Status>) {
    let mut client = tonic::client::Grpc::new(channel.clone());
    client.ready().await.expect("a server");
    let path = PathAndQuery::from_static(method);
    let items = Request::new(tokio_stream::iter(items));
    let mut answers = client.streaming(items, path, Raw).await.expect("a stream").into_inner();
    let mut taken = Vec::new();
    loop {
        match answers.message().await {
            Ok(Some(answer)) => taken.push(answer),
            Ok(None) => return (taken, None),
            Err(status) => return (taken, Some(status)),
        }
    }
}

/// A field of that number that holds a message.
fn wrapped(number: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    prost::encode_length_delimiter(message.len(), &mut bytes).expect("room");
    bytes.extend_from_slice(message);
    bytes
}

/// A submission whose table four carries what is unknown.
fn newer_submission() -> Vec<u8> {
    let mut report = pb::Report { organ: "organs/bureau".to_owned(), ..housing() };
    let disputes = report.disputes.take().expect("table four").encode_to_vec();
    let mut bytes = report.encode_to_vec();
    bytes.extend(wrapped(14, &[disputes.as_slice(), &NEWER].concat()));
    wrapped(1, &bytes)
}

fn refused(status: &Status, path: &str, message: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    let details = Details::of(status);
    assert_eq!(details.info.reason, "UNKNOWN_FIELD");
    assert_eq!(details.info.metadata["message"], message);
    assert_eq!(details.info.metadata["field_number"], "99");
    assert_eq!(details.fields[0].field, path);
    assert!(details.chinese.contains("99"), "{}", details.chinese);
}

#[tokio::test]
async fn refuses_a_write_with_an_unknown_field_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "bureau", None).await;

    let submit = "/nianbao.v1.ReportService/SubmitReport";
    let status = call(&channel, submit, newer_submission()).await.unwrap_err();
    refused(&status, "report.disputes", "nianbao.v1.Disputes");
    let status = call(&channel, "/nianbao.v1.ReportService/SaveDraft", newer_submission()).await;
    refused(&status.unwrap_err(), "report.disputes", "nianbao.v1.Disputes");
    let status = call(&channel, "/nianbao.v1.OrganService/CreateOrgan", NEWER.to_vec()).await;
    refused(&status.unwrap_err(), "", "nianbao.v1.CreateOrganRequest");

    let listed = pb::ListReportsRequest { parent: "organs/-".to_owned(), ..Default::default() };
    let list = "/nianbao.v1.ReportService/ListReports";
    let answer = call(&channel, list, listed.encode_to_vec()).await.unwrap();
    let answer = pb::ListReportsResponse::decode(answer.as_slice()).unwrap();
    assert!(answer.reports.is_empty(), "nothing was written");
    server.stop().await;
}

#[tokio::test]
async fn ends_a_stream_of_writes_at_an_unknown_field_and_keeps_what_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "bureau", None).await;

    let report = pb::Report { organ: "organs/bureau".to_owned(), ..housing() };
    let known = wrapped(1, &wrapped(1, &report.encode_to_vec()));
    let items = vec![known, wrapped(1, &newer_submission())];
    let (taken, end) = stream(&channel, "/nianbao.v1.ReportService/SubmitReports", items).await;
    refused(&end.expect("a refusal"), "submission.report.disputes", "nianbao.v1.Disputes");
    let answer = pb::SubmitReportsResponse::decode(taken[0].as_slice()).unwrap();
    assert!(answer.receipt.is_some() && taken.len() == 1, "{taken:?}");
    server.stop().await;
}

#[tokio::test]
async fn reads_what_a_newer_client_asks_as_far_as_it_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path()).await;
    let channel = server.channel().await;

    let validate = "/nianbao.v1.ReportService/ValidateReport";
    let answer = call(&channel, validate, newer_submission()).await.unwrap();
    let answer = pb::ValidateReportResponse::decode(answer.as_slice()).unwrap();
    assert!(answer.findings.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn says_that_bytes_are_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start(folder.path()).await;
    let channel = server.channel().await;

    for method in
        ["/nianbao.v1.ReportService/SubmitReport", "/nianbao.v1.ReportService/ValidateReport"]
    {
        for bytes in [vec![0x0a], vec![0x0a, 5, 1], vec![0xff; 11], vec![0x0b], vec![0]] {
            let status = call(&channel, method, bytes).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{status}");
            assert_eq!(Details::of(&status).info.reason, "REQUEST_UNREADABLE");
        }
    }
    server.stop().await;
}

#[test]
fn reads_answers_of_a_newer_server() {
    assert!(pb::SubmitReportRequest::SHAPE.is_some() && pb::SubmitReportsRequest::SHAPE.is_some());
    assert!(pb::CreateOrganRequest::SHAPE.is_some() && pb::ImportOrgansRequest::SHAPE.is_some());
    // Both stand in writes, and are answers too.
    assert!(pb::Organ::SHAPE.is_none() && pb::Report::SHAPE.is_none());
    assert!(pb::ListReportsRequest::SHAPE.is_none());
}
