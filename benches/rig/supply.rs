//! Reports to send, each another one.

use nianbao::pb::{
    Affiliation, CreateOrganRequest, Organ, Report, SubmitReportRequest, SubmitReportsRequest,
    organ,
};
use prost::Message;
use prost::bytes::Bytes;

use super::Result;

/// The first year of the edition that is sent.
const YEAR_MIN: i32 = 2021;

/// A prime: steps of it lead all over the organs, and to each of them once.
const STRIDE: usize = 982_451_653;

/// The parent of all organs but itself.
const TOP: &str = "a0";

/// A valid report of the size that is common on the wire.
pub(crate) fn report() -> Result<Report> {
    let json = include_str!("../../tests/fixtures/housing-2023.json");
    let mut report: Report = serde_json::from_str(json)?;
    // The prose of the fixture is short; that of a report is not.
    let overview = report.overview.get_or_insert_default();
    overview.text = overview.text.repeat(8);
    Ok(report)
}

/// Reports of a number of organs, year after year, in no order within the year: as they come in
/// over a decade.
pub(crate) struct Supply {
    organs: usize,
    next: usize,
    report: Report,
}

impl Supply {
    /// Of so many organs, beginning with the first year.
    pub(crate) fn new(organs: usize) -> Result<Self> {
        Ok(Supply { organs, next: 0, report: report()? })
    }

    /// The requests that register the organs: the first is the parent of all others.
    pub(crate) fn registrations(&self) -> Vec<CreateOrganRequest> {
        (0..self.organs).map(register).collect()
    }

    /// The report of that number.
    pub(crate) fn report(&self, number: usize) -> Result<Report> {
        let mut report = self.report.clone();
        let organ = (number % self.organs).wrapping_mul(STRIDE) % self.organs;
        report.organ = format!("organs/{}", organ_id(organ));
        report.year = YEAR_MIN + i32::try_from(number / self.organs)?;
        // A report with just the figures of last year would have to be explained.
        if let Some(disclosure) = &mut report.disclosure {
            disclosure.compulsion_decisions = Some((report.year % 10).into());
        }
        Ok(report)
    }

    /// The next reports.
    pub(crate) fn next(&mut self, count: usize) -> Result<Vec<Report>> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        numbers.map(|number| self.report(number)).collect()
    }

    /// The next reports, each as an encoded request.
    pub(crate) fn submissions(&mut self, count: usize) -> Result<Vec<Bytes>> {
        let encoded = |report| submission(report).encode_to_vec().into();
        Ok(self.next(count)?.into_iter().map(encoded).collect())
    }

    /// The next reports, each as an encoded item of a stream.
    pub(crate) fn items(&mut self, count: usize) -> Result<Vec<Bytes>> {
        let item = |report| SubmitReportsRequest { submission: Some(submission(report).into()) };
        Ok(self
            .next(count)?
            .into_iter()
            .map(|report| item(report).encode_to_vec().into())
            .collect())
    }
}

/// The request that submits a report.
pub(crate) fn submission(report: Report) -> SubmitReportRequest {
    SubmitReportRequest { report: Some(report.into()), ..SubmitReportRequest::default() }
}

fn organ_id(number: usize) -> String {
    // As long as the ids of a country would be.
    if number == 0 { TOP.to_owned() } else { format!("organ-{number:07}") }
}

fn register(number: usize) -> CreateOrganRequest {
    let parent = (number > 0).then(|| format!("organs/{TOP}"));
    let affiliation =
        |parent| Affiliation { parent, from_year: YEAR_MIN, ..Affiliation::default() };
    let organ = Organ {
        display_name: format!("第{number}机关"),
        affiliations: parent.into_iter().map(affiliation).collect(),
        level: organ::Level::County as i32,
        ..Organ::default()
    };
    let (organ_id, organ) = (organ_id(number), Some(organ));
    CreateOrganRequest { organ_id, organ, ..CreateOrganRequest::default() }
}
