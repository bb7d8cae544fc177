//! `ReconcileReport` over a socket: a small city whose report of the region is held against that of
//! its office, of a bureau and of its districts.

mod random;

use nianbao::form::{Amount, CELLS, CellKind};
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::delta_explanation::Kind;
use nianbao::pb::organ_coverage::Taken;
use nianbao::pb::reconciled_cell::Outcome;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::{
    self, Basis, DeltaExplanation, Edition, ReconcileReportRequest, ReconciledCell, Reconciliation,
    Report, Scope,
};
use tonic::transport::Channel;
use tonic::{Request, Status};

use crate::support::{Details, TestServer, housing, office, register_organ, set};

const REGION: &str = "organs/city/reports/2023-region";
const RECEIVED: &str = "requests.newly_received.total";
const GRANTED: &str = "requests.granted.total";
const FEES: &str = "disclosure.fees_wan_yuan";

/// A report whose cells are all zero but for these.
fn report(cells: &[(&str, &str)]) -> Report {
    filled(housing(), cells)
}

fn filled(mut report: Report, cells: &[(&str, &str)]) -> Report {
    let edition = report.edition();
    for cell in CELLS.iter().filter(|cell| cell.is_in(edition) && cell.kind != CellKind::Text) {
        let zero = match cell.kind {
            CellKind::Money => Amount::Money("0".to_owned()),
            _ => Amount::Count(0),
        };
        cell.set(&mut report, Some(zero)).expect("of its kind");
    }
    cells.iter().for_each(|(path, value)| set(&mut report, path, value));
    report
}

/// A city, its bureau, and three districts of which the first has a bureau.
struct City {
    channel: Channel,
}

impl City {
    async fn found(channel: Channel) -> Self {
        register_organ(&channel, "city", None).await;
        for id in ["bureau", "east", "north", "west"] {
            register_organ(&channel, id, Some("city")).await;
        }
        register_organ(&channel, "east-housing", Some("east")).await;
        City { channel }
    }

    /// The city as it is when nothing is wrong: all have filed, and it declares their sum.
    async fn filed(channel: Channel) -> Self {
        let city = City::found(channel).await;
        city.own("city", &[(RECEIVED, "10"), (GRANTED, "4"), (FEES, "1.5")]).await;
        city.own("bureau", &[(RECEIVED, "20"), (GRANTED, "7")]).await;
        city.region("east", &[(RECEIVED, "300"), (GRANTED, "50"), (FEES, "2.25")]).await;
        city.own("east", &[(RECEIVED, "100")]).await;
        city.own("east-housing", &[(RECEIVED, "150"), (GRANTED, "50"), (FEES, "2.25")]).await;
        city.own("north", &[(RECEIVED, "4000"), (GRANTED, "600"), (FEES, "0.001")]).await;
        city.own("west", &[(RECEIVED, "50000"), (GRANTED, "8000"), (FEES, "30")]).await;
        city
    }

    async fn submit(&self, organ: &str, scope: Scope, report: Report) -> String {
        let mut report = Report { organ: format!("organs/{organ}"), ..report };
        report.set_scope(scope);
        let mut request = Request::new(pb::SubmitReportRequest {
            report: Some(Box::new(report)),
            as_published: true,
            as_published_reason: "已公布，无法更正".to_owned(),
            ..Default::default()
        });
        request.metadata_mut().insert("nianbao-principal", "clerk".parse().expect("a name"));
        let answer = ReportServiceClient::new(self.channel.clone()).submit_report(request).await;
        answer.expect("taken").into_inner().receipt.expect("a receipt").position
    }

    async fn own(&self, organ: &str, cells: &[(&str, &str)]) {
        self.submit(organ, Scope::Own, report(cells)).await;
    }

    async fn region(&self, organ: &str, cells: &[(&str, &str)]) {
        self.submit(organ, Scope::Region, report(cells)).await;
    }

    async fn accept(&self, name: &str) {
        let name = name.to_owned();
        let mut request = Request::new(pb::AcceptReportRequest { name, ..Default::default() });
        request.metadata_mut().insert("nianbao-principal", "office".parse().expect("a name"));
        let answer = ReportServiceClient::new(self.channel.clone()).accept_report(request).await;
        answer.expect("accepted");
    }

    /// So that it can be submitted anew.
    async fn send_back(&self, name: &str) {
        let reason = pb::ReturnReason { text: "请核对".to_owned(), ..Default::default() };
        let (name, reasons) = (name.to_owned(), vec![reason]);
        let request = pb::ReturnReportRequest { name, reasons, ..Default::default() };
        let answer = ReportServiceClient::new(self.channel.clone()).return_report(request).await;
        answer.expect("returned");
    }

    async fn ask(&self, request: ReconcileReportRequest) -> Result<Reconciliation, Status> {
        let answer =
            AggregateServiceClient::new(self.channel.clone()).reconcile_report(request).await;
        Ok(answer?.into_inner().reconciliation.expect("an answer"))
    }

    /// Submits what the city declares, and holds it against its parts.
    async fn declares(&self, cells: &[(&str, &str)]) -> Reconciliation {
        self.region("city", cells).await;
        self.ask(request()).await.expect("an answer")
    }

    async fn refusal(&self, request: ReconcileReportRequest) -> String {
        let status = self.ask(request).await.expect_err("refused");
        Details::of(&status).info.reason
    }
}

fn request() -> ReconcileReportRequest {
    ReconcileReportRequest {
        name: REGION.to_owned(),
        include_unaccepted: true,
        ..Default::default()
    }
}

fn cell<'a>(answer: &'a Reconciliation, path: &str) -> &'a ReconciledCell {
    let found = answer.cells.iter().find(|cell| cell.field_path == path);
    found.unwrap_or_else(|| panic!("{path} is not listed: {answer:#?}"))
}

/// Declared, computed and delta.
fn figures(cell: &ReconciledCell) -> [Option<&str>; 3] {
    [cell.declared.as_deref(), cell.computed.as_deref(), cell.delta.as_deref()]
}

/// What happened to which organs, and their figures.
fn told(explanation: Option<&DeltaExplanation>) -> Option<(Kind, Vec<(&str, &str)>)> {
    let explanation = explanation?;
    let parts = explanation.parts.iter();
    let parts = parts.map(|part| (part.organ.trim_start_matches("organs/"), &*part.value));
    Some((explanation.kind(), parts.collect()))
}

async fn with_city<T: Future<Output = ()>>(test: impl FnOnce(City) -> T) {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    test(City::filed(server.channel().await).await).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sum_that_holds_has_no_cell_to_tell_of() {
    with_city(async |city| {
        let sum = [(RECEIVED, "54330"), (GRANTED, "8661"), (FEES, "33.751")];
        let answer = city.declares(&sum).await;
        assert_eq!(answer.cells, []);
        let counts = (answer.cells_compared, answer.cells_equal, answer.cells_not_comparable);
        assert_eq!(counts, (answer.cells_equal, answer.cells_compared, 0));
        assert!(answer.cells_equal > 150, "{}", answer.cells_equal);
        assert_eq!(
            (answer.revision.as_str(), answer.effective),
            (&*format!("{REGION}/revisions/1"), false)
        );
        assert_eq!((answer.basis(), answer.tree_year), (Basis::Declared, 2023));
        assert_eq!((answer.edition(), answer.parts_of_other_edition), (Edition::Edition2021, 0));
        assert!(answer.as_published && !answer.pairs_not_sought);
        let coverage = answer.coverage.expect("coverage");
        assert_eq!((coverage.expected, coverage.included, coverage.missing), (6, 5, 0));
        assert_eq!((coverage.covered_by_region, coverage.unaccepted), (1, 5));
        // What is taken: of a lower government its report of the region, of the city its own.
        let parts: Vec<_> = answer.parts.iter().map(|p| (&*p.organ, p.taken())).collect();
        let expected = [
            ("organs/bureau", Taken::Own),
            ("organs/city", Taken::Own),
            ("organs/east", Taken::Region),
            ("organs/north", Taken::Own),
            ("organs/west", Taken::Own),
        ];
        assert_eq!(parts, expected);
        assert_eq!(answer.parts[2].revision, "organs/east/reports/2023-region/revisions/1");
        assert_eq!((answer.missing.len(), answer.missing_truncated), (0, false));
        let all = city.ask(ReconcileReportRequest { all_cells: true, ..request() }).await;
        let all = all.expect("an answer");
        assert_eq!(all.cells.len(), all.cells_compared as usize);
        let fees = cell(&all, FEES);
        assert_eq!(figures(fees), [Some("33.751"), Some("33.751"), Some("0.000")]);
        assert_eq!((fees.outcome(), fees.given, fees.blank), (Outcome::Equal, 5, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_a_district_that_was_left_out() {
    with_city(async |city| {
        let answer =
            city.declares(&[(RECEIVED, "50330"), (GRANTED, "8061"), (FEES, "33.75")]).await;
        let whole = told(answer.explanation.as_ref());
        assert_eq!(whole, Some((Kind::LeftOut, vec![("north", "")])));
        assert_eq!((answer.cells_different, answer.cells_one_sided), (3, 0));
        let received = cell(&answer, RECEIVED);
        assert_eq!(figures(received), [Some("50330"), Some("54330"), Some("-4000")]);
        let expected = Some((Kind::LeftOut, vec![("north", "4000")]));
        assert_eq!(told(received.explanation.as_ref()), expected);
        // Money is exact, and has the larger scale of the two.
        let fees = cell(&answer, FEES);
        assert_eq!(figures(fees), [Some("33.75"), Some("33.751"), Some("-0.001")]);
        assert_eq!(fees.cell, "表二·行政事业性收费·本年收费金额（单位：万元）");
        // One level down all own reports: the district declares more than its parts have.
        let parts = ReconcileReportRequest { basis: Basis::Parts as i32, ..request() };
        let parts = city.ask(parts).await.expect("an answer");
        assert_eq!(parts.parts.len(), 6);
        assert_eq!(figures(cell(&parts, RECEIVED))[1], Some("54280"));
        assert!(parts.parts.iter().all(|part| part.taken() == Taken::Own));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_what_was_counted_twice_and_what_was_left_out_in_pairs() {
    with_city(async |city| {
        let sum = [(RECEIVED, "104330"), (GRANTED, "16661"), (FEES, "63.751")];
        let answer = city.declares(&sum).await;
        let whole = told(answer.explanation.as_ref());
        assert_eq!(whole, Some((Kind::CountedTwice, vec![("west", "")])));
        let pair = [(RECEIVED, "50030"), (GRANTED, "8011"), (FEES, "31.5")];
        city.accept(REGION).await;
        city.send_back(REGION).await;
        let answer = city.declares(&pair).await;
        assert_eq!(answer.revision, format!("{REGION}/revisions/2"));
        let whole = told(answer.explanation.as_ref());
        assert_eq!(whole, Some((Kind::LeftOut, vec![("east", ""), ("north", "")])));
        let received = told(cell(&answer, RECEIVED).explanation.as_ref());
        assert_eq!(received, Some((Kind::LeftOut, vec![("east", "300"), ("north", "4000")])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explains_each_cell_by_itself_where_nothing_explains_all() {
    with_city(async |city| {
        // North is left out of one row, and west is counted twice in another.
        let answer =
            city.declares(&[(RECEIVED, "50330"), (GRANTED, "16661"), (FEES, "33.751")]).await;
        assert_eq!(answer.explanation, None);
        let received = told(cell(&answer, RECEIVED).explanation.as_ref());
        assert_eq!(received, Some((Kind::LeftOut, vec![("north", "4000")])));
        let granted = told(cell(&answer, GRANTED).explanation.as_ref());
        assert_eq!(granted, Some((Kind::CountedTwice, vec![("west", "8000")])));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_nobody_where_two_could_be_meant() {
    with_city(async |city| {
        // Either of the two may have been left out.
        let mark = "requests.not_processed.petition.total";
        for organ in ["bureau", "north"] {
            city.send_back(&format!("organs/{organ}/reports/2023-own")).await;
            city.own(organ, &[(mark, "6")]).await;
        }
        let declared = [(RECEIVED, "50310"), (GRANTED, "8054"), (FEES, "33.75"), (mark, "6")];
        let answer = city.declares(&declared).await;
        assert_eq!(answer.cells_different, 1, "{:#?}", answer.cells);
        assert_eq!(figures(cell(&answer, mark)), [Some("6"), Some("12"), Some("-6")]);
        assert_eq!((&answer.explanation, &answer.cells[0].explanation), (&None, &None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_is_not_zero_and_has_no_delta() {
    with_city(async |city| {
        let blank = "requests.carried_in.total";
        let unset = "disclosure.rules.issued";
        for organ in ["bureau", "city", "north", "west"] {
            city.send_back(&format!("organs/{organ}/reports/2023-own")).await;
            city.own(organ, &[(unset, "")]).await;
        }
        let declared = [(RECEIVED, "300"), (GRANTED, "50"), (FEES, "2.25"), (blank, "")];
        let answer = city.declares(&declared).await;
        assert_eq!((answer.cells_different, answer.cells_one_sided), (0, 1));
        let not_declared = cell(&answer, blank);
        assert_eq!(not_declared.outcome(), Outcome::NotDeclared);
        assert_eq!(figures(not_declared), [None, Some("0"), None]);
        let all = city.ask(ReconcileReportRequest { all_cells: true, ..request() }).await;
        let all = all.expect("an answer");
        let partly = cell(&all, unset);
        assert_eq!((partly.outcome(), partly.given, partly.blank), (Outcome::Equal, 1, 4));
        city.send_back("organs/east/reports/2023-region").await;
        city.region("east", &[(RECEIVED, "300"), (GRANTED, "50"), (FEES, "2.25"), (unset, "")])
            .await;
        let answer = city.ask(request()).await.expect("an answer");
        let not_given = cell(&answer, unset);
        assert_eq!(not_given.outcome(), Outcome::NotGiven);
        assert_eq!(figures(not_given), [Some("0"), None, None]);
        assert_eq!((not_given.given, not_given.blank, not_given.not_on_form), (0, 5, 0));
        assert_eq!(answer.explanation, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_missing_parts_and_never_blames_them() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let city = City::found(server.channel().await).await;
    let none = city.declares(&[(RECEIVED, "30")]).await;
    assert_eq!((none.cells_compared, none.cells_not_comparable > 150), (0, true));
    assert_eq!((none.missing.len(), none.parts.len()), (6, 0));
    city.own("city", &[(RECEIVED, "10")]).await;
    let answer = city.ask(request()).await.expect("an answer");
    let missing: Vec<&str> = answer.missing.iter().map(|row| &*row.organ).collect();
    let expected = ["bureau", "east", "east-housing", "north", "west"];
    assert_eq!(missing, expected.map(|id| format!("organs/{id}")));
    assert_eq!(answer.missing[0].display_name, "示例机关");
    assert_eq!(answer.coverage.as_ref().expect("coverage").missing, 5);
    assert_eq!(figures(cell(&answer, RECEIVED)), [Some("30"), Some("10"), Some("20")]);
    assert_eq!((&answer.explanation, &answer.cells[0].explanation), (&None, &None));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn takes_what_is_accepted_unless_asked_and_stands_as_of_a_position() {
    with_city(async |city| {
        let plain = ReconcileReportRequest { include_unaccepted: false, ..request() };
        let declared = [(RECEIVED, "310"), (GRANTED, "54"), (FEES, "3.75")];
        let answer = city.declares(&declared).await;
        assert_eq!(city.refusal(plain.clone()).await, "REVISION_NOT_FOUND");
        // A revision is looked at by its name, whatever its state.
        let named =
            ReconcileReportRequest { name: format!("{REGION}/revisions/1"), ..plain.clone() };
        let waiting = city.ask(named).await.expect("an answer");
        assert_eq!((waiting.effective, waiting.parts.len(), waiting.missing.len()), (false, 0, 6));
        for name in [REGION, "organs/city/reports/2023-own", "organs/east/reports/2023-region"] {
            city.accept(name).await;
        }
        let accepted = city.ask(plain.clone()).await.expect("an answer");
        assert!(accepted.effective);
        assert_eq!((accepted.cells.len(), accepted.parts.len()), (0, 2));
        assert_eq!(accepted.coverage.as_ref().expect("coverage").unaccepted, 0);
        // As it stood before anything was accepted, to the byte.
        let then = ReconcileReportRequest { as_of_position: answer.position.clone(), ..request() };
        assert_eq!(city.ask(then.clone()).await.expect("an answer"), answer);
        let then = ReconcileReportRequest { include_unaccepted: false, ..then };
        assert_eq!(city.refusal(then).await, "REVISION_NOT_FOUND");
        let long_ago = Some(nianbao::pb::Timestamp { seconds: 1, nanos: 0 });
        let then = ReconcileReportRequest { as_of_time: long_ago, ..request() };
        assert_eq!(city.refusal(then).await, "REPORT_NOT_FOUND");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_of_another_edition_are_not_compared() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let city = City::found(server.channel().await).await;
    let old = Report { year: 2023, ..filled(office(), &[(RECEIVED, "10")]) };
    city.submit("city", Scope::Own, old).await;
    let answer = city.declares(&[(RECEIVED, "10"), (FEES, "5")]).await;
    assert_eq!((answer.cells.len(), answer.parts_of_other_edition), (0, 1));
    assert!(answer.cells_not_comparable > 20, "{}", answer.cells_not_comparable);
    // With one part of the new form its cells are compared, and the other is told.
    city.own("bureau", &[(FEES, "4")]).await;
    let answer = city.ask(request()).await.expect("an answer");
    let fees = cell(&answer, FEES);
    assert_eq!(figures(fees), [Some("5"), Some("4"), Some("1")]);
    assert_eq!((fees.given, fees.blank, fees.not_on_form), (1, 0, 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_no_report_of_a_region() {
    let data = tempfile::tempdir().expect("a folder");
    let server = TestServer::start(data.path()).await;
    let city = City::found(server.channel().await).await;
    let named = |name: &str| ReconcileReportRequest { name: name.to_owned(), ..request() };
    for name in [
        "",
        "organs/city",
        "organs/city/reports/2023-own",
        "organs/city/reports/2018-region",
        "organs/city/reports/2023-region/revisions/0",
    ] {
        assert_eq!(city.refusal(named(name)).await, "INVALID_REQUEST", "{name}");
    }
    for name in [REGION, "organs/nobody/reports/2023-region", "organs/city/reports/2019-region"] {
        assert_eq!(city.refusal(named(name)).await, "REPORT_NOT_FOUND", "{name}");
    }
    city.region("city", &[]).await;
    let revision = format!("{REGION}/revisions/2");
    assert_eq!(city.refusal(named(&revision)).await, "REVISION_NOT_FOUND");
    let unknown = ReconcileReportRequest { basis: 9, ..request() };
    assert_eq!(city.refusal(unknown).await, "INVALID_REQUEST");
    let beyond = ReconcileReportRequest { as_of_position: "00000000000000ff".into(), ..request() };
    assert_eq!(city.refusal(beyond).await, "POSITION_NOT_REACHED");
    server.stop().await;
}
