//! What finds: the compiled rules in this process, or a server.

use std::collections::HashSet;
use std::error::Error;

use nianbao::pb::format_service_client::FormatServiceClient;
use nianbao::pb::report_service_client::ReportServiceClient;
use nianbao::pb::rule::Engine as RunsIn;
use nianbao::pb::{Finding, ListRulesRequest, Report, ValidateReportRequest};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::expected::{BrokenRule, Expected, sorted, told};

/// What finds.
pub(crate) enum Engine {
    /// The compiled rules.
    Compiled,
    /// A server, asked over the network.
    Server(Box<Server>),
}

/// A connection to a server.
pub(crate) struct Server {
    runtime: Runtime,
    reports: ReportServiceClient<Channel>,
    /// The rules that are no part of the schema: protovalidate cannot find them.
    native: HashSet<String>,
}

impl Engine {
    /// Connects to a server at `host:port` and asks it for its rules.
    pub(crate) fn server(address: &str) -> Result<Self, Box<dyn Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (reports, native) = runtime.block_on(connect(address))?;
        Ok(Engine::Server(Box::new(Server { runtime, reports, native })))
    }

    /// What the rules find in a report.
    pub(crate) fn find(&self, report: &Report) -> Result<Expected, Box<dyn Error>> {
        match self {
            Engine::Compiled => Ok(Expected::of(report)),
            Engine::Server(server) => server.find(report),
        }
    }
}

async fn connect(
    address: &str,
) -> Result<(ReportServiceClient<Channel>, HashSet<String>), Box<dyn Error>> {
    let channel = Channel::from_shared(format!("http://{address}"))?.connect().await?;
    let request = ListRulesRequest::default();
    let answer = FormatServiceClient::new(channel.clone()).list_rules(request).await?;
    let rules = answer.into_inner().rules.into_iter();
    let native = rules.filter(|rule| rule.engine() == RunsIn::Native).map(|rule| rule.id);
    Ok((ReportServiceClient::new(channel), native.collect()))
}

impl Server {
    /// One call of ValidateReport.
    pub(crate) fn call(&self, report: &Report) -> Result<Vec<Finding>, Box<dyn Error>> {
        let request = ValidateReportRequest { report: Some(Box::new(report.clone())) };
        let answer = self.runtime.block_on(self.reports.clone().validate_report(request))?;
        Ok(answer.into_inner().findings)
    }

    fn find(&self, report: &Report) -> Result<Expected, Box<dyn Error>> {
        let findings = told(self.call(report)?);
        let of_schema = findings.iter().filter(|found| !self.native.contains(&found.rule));
        let violations =
            sorted(of_schema.map(|found| BrokenRule {
                path: found.rule_path.clone(),
                rule: found.rule.clone(),
            }));
        Ok(Expected { violations, findings })
    }
}
