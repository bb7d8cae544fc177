//! `RenderDocument` over a real socket.

use nianbao::pb::document_service_client::DocumentServiceClient;
use nianbao::pb::get_report_request::Version;
use nianbao::pb::render_document_request::Source;
use nianbao::pb::render_document_response::Content;
use nianbao::pb::{DocumentType, RenderDocumentRequest, RenderedDocument, Report};
use nianbao::query::hex;
use nianbao::render::render;
use sha2::{Digest as _, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::support::{Details, TestServer, accept, housing, register_organ, set, submit};

const NAME: &str = "organs/housing/reports/2023-own";

async fn ask(
    channel: &Channel,
    request: RenderDocumentRequest,
) -> Result<(RenderedDocument, Vec<u8>), Status> {
    let mut client = DocumentServiceClient::new(channel.clone());
    let mut stream = client.render_document(request).await?.into_inner();
    let first = stream.message().await?.expect("a message").content;
    let Some(Content::Header(header)) = first else { panic!("the header comes first") };
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        let Some(Content::Data(data)) = message.content else { panic!("one header") };
        assert!(data.len() <= 128 << 10);
        bytes.extend_from_slice(&data);
    }
    assert_eq!(header.size_bytes, bytes.len() as i64);
    assert_eq!(header.sha256, hex(&Sha256::digest(&bytes)));
    Ok((header, bytes))
}

fn named(name: &str, version: Version) -> RenderDocumentRequest {
    RenderDocumentRequest {
        source: Some(Source::Name(name.to_owned())),
        version: version as i32,
        document_type: DocumentType::Html as i32,
        ..Default::default()
    }
}

fn given(report: Report) -> RenderDocumentRequest {
    RenderDocumentRequest {
        source: Some(Source::Report(report)),
        document_type: DocumentType::Html as i32,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn renders_the_revision_that_is_named() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let mut report = Report { organ: "organs/housing".to_owned(), ..housing() };
    submit(&channel, report.clone()).await.expect("taken");

    let none = ask(&channel, named(NAME, Version::Effective)).await.expect_err("not accepted");
    assert_eq!(none.code(), Code::NotFound);
    assert_eq!(Details::of(&none).info.reason, "REVISION_NOT_FOUND");
    accept(&channel, NAME).await;
    let (header, first) = ask(&channel, named(NAME, Version::Effective)).await.expect("rendered");
    assert_eq!(header.revision, format!("{NAME}/revisions/1"));
    assert_eq!(header.file_name, "housing-2023-own.html");
    assert_eq!(header.media_type, "text/html; charset=utf-8");
    assert_eq!(first, render(&report, "", DocumentType::Html).expect("rendered").bytes);

    // A given report is rendered as it is, with its errors; a long one comes in pieces.
    set(&mut report, "requests.granted.total", "9");
    report.overview.get_or_insert_default().text = "公开办理情况。\n".repeat(20_000);
    let (header, bytes) = ask(&channel, given(report)).await.expect("rendered");
    assert!(header.revision.is_empty() && bytes.len() > 256 << 10);
    let number = ask(&channel, named(&format!("{NAME}/revisions/1"), Version::Latest)).await;
    assert_eq!(number.expect("rendered").1, first);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_the_organ_in_a_title_that_is_not_there() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let channel = server.channel().await;
    register_organ(&channel, "housing", None).await;
    let untitled =
        |organ: &str| given(Report { title: String::new(), organ: organ.to_owned(), ..housing() });
    let asked = RenderDocumentRequest {
        organ_display_name: "某局".to_owned(),
        ..untitled("organs/housing")
    };
    for (request, title) in [
        (untitled("organs/housing"), "示例机关2023年政府信息公开工作年度报告"),
        (untitled("organs/nobody"), "2023年政府信息公开工作年度报告"),
        (untitled(""), "2023年政府信息公开工作年度报告"),
        (asked, "某局2023年政府信息公开工作年度报告"),
        (given(housing()), &*housing().title),
    ] {
        let (_, bytes) = ask(&channel, request).await.expect("rendered");
        let page = String::from_utf8(bytes).expect("UTF-8");
        assert!(page.contains(&format!("<h1>{title}</h1>")), "{title}");
    }

    for (request, reason) in [
        (RenderDocumentRequest { document_type: 0, ..given(housing()) }, "INVALID_REQUEST"),
        (RenderDocumentRequest { source: None, ..given(housing()) }, "INVALID_REQUEST"),
        (named("organs/housing", Version::Latest), "INVALID_REQUEST"),
        (named(NAME, Version::Latest), "REPORT_NOT_FOUND"),
        (
            RenderDocumentRequest { at_least: "x".to_owned(), ..given(housing()) },
            "POSITION_INVALID",
        ),
    ] {
        let refused = ask(&channel, request).await.expect_err(reason);
        assert_eq!(Details::of(&refused).info.reason, reason);
    }
    server.stop().await;
}
