//! What the tests share: reports to start from, and edits by path.

use nianbao::form::{self, Amount, CellKind};
use nianbao::pb::Report;

/// A report of 2023 that breaks no rule. Its figures are those of a published report.
pub fn housing() -> Report {
    parse(include_str!("../fixtures/housing-2023.json"))
}

/// A report of 2019, in the edition of that year, that breaks no rule. Its figures are those of a
/// published report, its blanks filled with zeros and sums.
pub fn office() -> Report {
    parse(include_str!("../fixtures/office-2019.json"))
}

/// The report of 2023, and one of 2022 that it follows from.
pub fn housing_years() -> (Report, Report) {
    let mut last = housing();
    last.year = 2022;
    set(&mut last, "disclosure.licensing_decisions", "20817");
    set(&mut last, "disclosure.fees_wan_yuan", "1290.5");
    (housing(), last)
}

/// The report of 2019 as that of 2020, and one of 2019 that it follows from.
pub fn office_years() -> (Report, Report) {
    let (mut this, mut last) = (office(), office());
    this.year = 2020;
    set(&mut last, "requests.carried_out.natural_person", "18");
    set(&mut last, "requests.carried_out.total", "18");
    (this, last)
}

/// The report of a city for its region, of 2023, which balances. Its figures were published.
pub fn suqian() -> Report {
    parse(include_str!("../fixtures/suqian-2023.json"))
}

/// The report of a city for its region, of 2024, which balances. Its figures were published.
pub fn huaian() -> Report {
    parse(include_str!("../fixtures/huaian-2024.json"))
}

/// The report of a district for its region, of 2023. Its figures were published, two totals among
/// them that are no sums.
pub fn hongze() -> Report {
    parse(include_str!("../fixtures/hongze-2023.json"))
}

/// A report from its JSON.
pub fn parse(json: &str) -> Report {
    serde_json::from_str(json).expect("the fixture is a report")
}

/// Puts `value` into the cell at `path`; an empty value blanks it.
pub fn set(report: &mut Report, path: &str, value: &str) {
    let cell = form::cell(path).unwrap_or_else(|| panic!("{path} is no cell"));
    let amount = match cell.kind {
        _ if value.is_empty() => None,
        CellKind::Count => Some(Amount::Count(value.parse().expect("a count"))),
        CellKind::Money => Some(Amount::Money(value.to_owned())),
        CellKind::Text => Some(Amount::Text(value.to_owned())),
    };
    cell.set(report, amount).expect("the amount is of the cell's kind");
}

/// A small generator of numbers, the same from the same seed.
pub struct Numbers(u64);

impl Numbers {
    /// The numbers of a seed.
    pub fn new(seed: u64) -> Self {
        // Seeds that follow each other begin far apart, and none of them at zero, where it stays.
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number from 0 on, below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// A server on a port of its own, with a folder of its own.
pub struct TestServer {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    running: tokio::task::JoinHandle<Result<(), nianbao::server::Error>>,
}

impl TestServer {
    /// Starts a server over the store in `data`.
    pub async fn start(data: &std::path::Path) -> Self {
        Self::with(data, nianbao::store::Options::default()).await
    }

    /// Starts a server over the store in `data`, set up as told.
    pub async fn with(data: &std::path::Path, store: nianbao::store::Options) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let options = nianbao::server::Options { data: data.to_owned(), store };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let running = tokio::spawn(nianbao::server::run(listener, options, async {
            let _ = stopped.await;
        }));
        TestServer { address, stop: Some(stop), running }
    }

    /// A connection to it.
    pub async fn channel(&self) -> tonic::transport::Channel {
        let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", self.address));
        endpoint.expect("an address").connect().await.expect("the server listens")
    }

    /// Stops it in order.
    pub async fn stop(mut self) {
        let stop = self.stop.take().expect("stopped once");
        stop.send(()).expect("the server runs");
        self.running.await.expect("no panic").expect("stopped in order");
    }
}

/// Registers an organ below a parent.
pub async fn register_organ(channel: &tonic::transport::Channel, id: &str, parent: Option<&str>) {
    use nianbao::pb::{self, organ_service_client::OrganServiceClient};
    let affiliation = |parent: &str| pb::Affiliation {
        parent: format!("organs/{parent}"),
        from_year: 2019,
        until_year: None,
    };
    let organ = pb::Organ {
        display_name: "示例机关".to_owned(),
        affiliations: parent.into_iter().map(affiliation).collect(),
        ..pb::Organ::default()
    };
    let (organ_id, organ) = (id.to_owned(), Some(organ));
    let request = pb::CreateOrganRequest { organ_id, organ, ..Default::default() };
    let created = OrganServiceClient::new(channel.clone()).create_organ(request).await;
    created.expect("registered");
}

/// A request of somebody.
pub fn by<T>(name: &'static str, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("nianbao-principal", name.parse().expect("ascii"));
    request
}

/// Submits a report, as the clerk.
pub async fn submit(
    channel: &tonic::transport::Channel,
    report: Report,
) -> Result<nianbao::pb::SubmitReportResponse, tonic::Status> {
    use nianbao::pb::{self, report_service_client::ReportServiceClient};
    let report = Some(Box::new(report));
    let request = by("clerk", pb::SubmitReportRequest { report, ..Default::default() });
    let answer = ReportServiceClient::new(channel.clone()).submit_report(request).await?;
    Ok(answer.into_inner())
}

/// Accepts a report, as somebody else.
pub async fn accept(channel: &tonic::transport::Channel, name: &str) {
    use nianbao::pb::{self, report_service_client::ReportServiceClient};
    let request = pb::AcceptReportRequest { name: name.to_owned(), ..Default::default() };
    let request = by("reviewer", request);
    let answer = ReportServiceClient::new(channel.clone()).accept_report(request).await;
    answer.expect("accepted");
}

/// The details of a status, as a client reads them.
pub struct Details {
    /// Reason and metadata.
    pub info: nianbao::pb::rpc::ErrorInfo,
    /// The fields that are named.
    pub fields: Vec<nianbao::pb::rpc::bad_request::FieldViolation>,
    /// The Chinese message.
    pub chinese: String,
    /// The size of the encoded status.
    pub bytes: usize,
}

impl Details {
    /// Reads the details of a status.
    pub fn of(status: &tonic::Status) -> Self {
        use nianbao::pb::rpc;
        use prost::Message as _;
        let encoded = rpc::Status::decode(status.details()).expect("a google.rpc.Status");
        assert_eq!(encoded.code, status.code() as i32);
        let mut details = Details {
            info: rpc::ErrorInfo::default(),
            fields: Vec::new(),
            chinese: String::new(),
            bytes: status.details().len(),
        };
        for any in encoded.details {
            let bytes = &any.value[..];
            match any.type_url.rsplit('.').next() {
                Some("ErrorInfo") => details.info = rpc::ErrorInfo::decode(bytes).expect("info"),
                Some("BadRequest") => {
                    let bad = rpc::BadRequest::decode(bytes).expect("a bad request");
                    details.fields.extend(bad.field_violations);
                }
                Some("LocalizedMessage") => {
                    details.chinese = rpc::LocalizedMessage::decode(bytes).expect("text").message;
                }
                _ => {}
            }
        }
        assert_eq!(details.info.domain, "nianbao.v1");
        details
    }
}
