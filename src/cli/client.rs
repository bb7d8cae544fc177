//! The server as the command line sees it, and what its refusals say.

use std::future::Future;
use std::time::Duration;

use nianbao::pb::admin_service_client::AdminServiceClient;
use nianbao::pb::aggregate_service_client::AggregateServiceClient;
use nianbao::pb::document_service_client::DocumentServiceClient;
use nianbao::pb::organ_service_client::OrganServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::rpc::{self, BadRequest, ErrorInfo, LocalizedMessage, PreconditionFailure};
use nianbao::pb::{GetServerInfoRequest, GetServerInfoResponse};
use nianbao::rules::catalogue;
use prost::Message;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};

use super::Error;
use super::args::Remote;
use super::console::Lang;

/// An answer of the server: twice what it takes, since it adds to what it was given.
const ANSWER_BYTES_MAX: usize = 2 * nianbao::limits::MESSAGE_BYTES_MAX;
/// A person waits no longer for a server that does not answer at all.
const CONNECT_SECONDS_MAX: u64 = 5;
/// After so long without a word the server is asked whether it is there, and given as long again:
/// a stream may be silent for hours, and a machine may vanish without a goodbye.
const KEEP_ALIVE_SECONDS: u64 = 30;

type Service = InterceptedService<Channel, Principal>;

/// Says who calls.
#[derive(Clone)]
pub(super) struct Principal(Option<MetadataValue<Ascii>>);

impl Interceptor for Principal {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(name) = &self.0 {
            request.metadata_mut().insert("nianbao-principal", name.clone());
        }
        Ok(request)
    }
}

/// A server that answers.
pub(super) struct Server {
    url: String,
    channel: Channel,
    principal: Principal,
}

/// Waits for a conversation with a server, on this thread.
///
/// # Errors
/// Those of the conversation; `System`.
pub(super) fn block_on<T>(talk: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::System)?.block_on(talk)
}

impl Server {
    /// Connects.
    ///
    /// # Errors
    /// `Unreachable`, `Argument`.
    pub(super) async fn connect(remote: &Remote) -> Result<Self, Error> {
        let unreachable = |cause: String| Error::Unreachable { url: remote.server.clone(), cause };
        let name = remote.principal.as_deref().filter(|name| !name.is_empty());
        let principal = name.map(MetadataValue::try_from).transpose();
        let principal = Principal(principal.map_err(|_| Error::Argument {
            zh: "--principal 只能用可见的 ASCII 字符".to_owned(),
            en: "--principal takes printable ASCII only".to_owned(),
        })?);
        let url = match remote.server.contains("://") {
            true => remote.server.clone(),
            false => format!("http://{}", remote.server),
        };
        let endpoint = Endpoint::from_shared(url).map_err(|e| unreachable(causes(&e)))?;
        let endpoint = endpoint
            .connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX))
            .http2_keep_alive_interval(Duration::from_secs(KEEP_ALIVE_SECONDS))
            .keep_alive_timeout(Duration::from_secs(KEEP_ALIVE_SECONDS));
        let channel = endpoint.connect().await.map_err(|e| unreachable(causes(&e)))?;
        Ok(Server { url: remote.server.clone(), channel, principal })
    }

    pub(super) fn reports(&self) -> ReportServiceClient<Service> {
        ReportServiceClient::with_interceptor(self.channel.clone(), self.principal.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn organs(&self) -> OrganServiceClient<Service> {
        OrganServiceClient::with_interceptor(self.channel.clone(), self.principal.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn documents(&self) -> DocumentServiceClient<Service> {
        DocumentServiceClient::with_interceptor(self.channel.clone(), self.principal.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn aggregates(&self) -> AggregateServiceClient<Service> {
        AggregateServiceClient::with_interceptor(self.channel.clone(), self.principal.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    pub(super) fn admin(&self) -> AdminServiceClient<Service> {
        AdminServiceClient::with_interceptor(self.channel.clone(), self.principal.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
    }

    /// What the server says of itself.
    ///
    /// # Errors
    /// `Refused`, `Unreachable`.
    pub(super) async fn info(&self) -> Result<GetServerInfoResponse, Error> {
        let answer = self.admin().get_server_info(GetServerInfoRequest {}).await;
        self.answered(answer)
    }

    /// The next message of a stream; none at its end.
    ///
    /// # Errors
    /// `Refused`, `Unreachable`.
    pub(super) async fn next<T>(&self, stream: &mut Streaming<T>) -> Result<Option<T>, Error> {
        stream.message().await.map_err(|status| self.error(&status))
    }

    /// A stream has ended before its time.
    pub(super) fn ended(&self) -> Error {
        let cause = "the server ended the stream".to_owned();
        Error::Unreachable { url: self.url.clone(), cause }
    }

    /// What the server answered.
    ///
    /// # Errors
    /// `Refused`, `Unreachable`.
    pub(super) fn answered<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Error> {
        answer.map(Response::into_inner).map_err(|status| self.error(&status))
    }

    /// What the server has, if it has it.
    ///
    /// # Errors
    /// Those of [`Server::answered`] but for what is not found.
    pub(super) fn found<T>(&self, answer: Result<Response<T>, Status>) -> Result<Option<T>, Error> {
        match answer {
            Err(status) if status.code() == Code::NotFound => Ok(None),
            other => self.answered(other).map(Some),
        }
    }

    /// A status as an error: a refusal where nianbao itself speaks, else the way to it failed.
    fn error(&self, status: &Status) -> Error {
        let refusal = Refusal::read(status);
        if refusal.info.is_none() && matches!(status.code(), Code::Unavailable | Code::Unknown) {
            return Error::Unreachable {
                url: self.url.clone(),
                cause: status.message().to_owned(),
            };
        }
        Error::Refused(Box::new(refusal))
    }
}

/// An error with what it comes from, since transports hide the cause.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        next = cause.source();
    }
    text
}

/// A refusal with its details.
#[derive(Debug)]
pub(super) struct Refusal {
    code: Code,
    message: String,
    info: Option<ErrorInfo>,
    chinese: Option<String>,
    fields: Vec<rpc::bad_request::FieldViolation>,
    conditions: Vec<rpc::precondition_failure::Violation>,
}

impl Refusal {
    fn read(status: &Status) -> Self {
        let mut refusal = Refusal {
            code: status.code(),
            message: status.message().to_owned(),
            info: None,
            chinese: None,
            fields: Vec::new(),
            conditions: Vec::new(),
        };
        // A status without details, or with details of another make, still has its message.
        let details = rpc::Status::decode(status.details()).unwrap_or_default().details;
        for detail in details {
            let name = detail.type_url.rsplit('.').next().unwrap_or_default();
            let bytes = &detail.value[..];
            match name {
                "ErrorInfo" => refusal.info = ErrorInfo::decode(bytes).ok(),
                "LocalizedMessage" => {
                    refusal.chinese = LocalizedMessage::decode(bytes).ok().map(|m| m.message);
                }
                "BadRequest" => {
                    let bad = BadRequest::decode(bytes).unwrap_or_default();
                    refusal.fields = bad.field_violations;
                }
                "PreconditionFailure" => {
                    let failure = PreconditionFailure::decode(bytes).unwrap_or_default();
                    refusal.conditions = failure.violations;
                }
                _ => {}
            }
        }
        refusal
    }

    /// The stable reason, or the code where there is none.
    pub(super) fn reason(&self) -> String {
        match &self.info {
            Some(info) => info.reason.clone(),
            None => format!("{:?}", self.code),
        }
    }

    /// Whether the request is to blame, not the state of the server.
    pub(super) fn is_of_the_request(&self) -> bool {
        self.info.is_some() && !matches!(self.code, Code::Unavailable | Code::Internal)
    }

    /// One line in the language.
    pub(super) fn headline(&self, lang: Lang) -> String {
        let chinese = self.chinese.as_deref().unwrap_or(&self.message);
        let subject = self.info.as_ref().and_then(|info| info.metadata.get("resource"));
        let conditions = self.conditions.iter().map(|c| &c.subject);
        let subjects: Vec<&String> = subject.into_iter().chain(conditions).collect();
        let zh = match subjects.first() {
            Some(subject) if !chinese.contains(subject.as_str()) => format!("{chinese}：{subject}"),
            _ => chinese.to_owned(),
        };
        let text = lang.pick(zh, self.message.clone());
        format!("{text} [{}]", self.reason())
    }

    /// One line for each thing that is wrong.
    pub(super) fn details(&self, lang: Lang) -> Vec<String> {
        let mut lines: Vec<String> = self.fields.iter().map(|f| violation(f, lang)).collect();
        let metadata = |key: &str| self.info.as_ref().and_then(|info| info.metadata.get(key));
        if metadata("truncated").is_some_and(|t| t == "true") {
            lines.push(
                lang.pick("……其余未列，见 nianbao validate", "… and more, see nianbao validate")
                    .to_owned(),
            );
        }
        lines
    }

    /// Headline and details.
    pub(super) fn lines(&self, lang: Lang) -> String {
        let mut out = self.headline(lang);
        for line in self.details(lang) {
            out.push_str("\n  ");
            out.push_str(&line);
        }
        out
    }
}

fn violation(field: &rpc::bad_request::FieldViolation, lang: Lang) -> String {
    let rule = catalogue()
        .iter()
        .find(|rule| rule.id.replace('.', "_").to_uppercase() == field.reason)
        .map_or(field.reason.as_str(), |rule| rule.id.as_str());
    let chinese = field.localized_message.as_ref().map(|m| m.message.as_str());
    let english = format!("{}: {}", field.field, field.description);
    let text = match lang {
        Lang::Zh => chinese.unwrap_or(&english),
        Lang::En => &english,
    };
    format!("{text} [{rule}]")
}
