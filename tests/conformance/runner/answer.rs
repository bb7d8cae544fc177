//! One case asked, one answered.

use std::error::Error;

use nianbao::pb::Report;
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::base64;
use super::engine::Engine;
use crate::expected::{BrokenRule, Expected, Found};
use crate::json;

/// What the driver asks.
#[derive(Deserialize)]
pub(crate) struct Request {
    name: String,
    binary: String,
    json: String,
}

/// What the runner answers.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// All that was asked for.
    Done {
        name: String,
        violations: Vec<BrokenRule>,
        findings: Vec<Found>,
        json: String,
        binary: String,
        json_findings: bool,
    },
    /// Why not.
    Failed { name: String, error: String },
}

/// Answers one case. Whatever fails is told, and the next case is answered again.
pub(crate) fn answer(engine: &Engine, request: &Request) -> Answer {
    let name = request.name.clone();
    attempt(engine, request).unwrap_or_else(|e| Answer::Failed { name, error: e.to_string() })
}

fn attempt(engine: &Engine, request: &Request) -> Result<Answer, Box<dyn Error>> {
    let report = Report::decode(base64::read(&request.binary)?.as_slice())?;
    let Expected { violations, findings } = engine.find(&report)?;
    let from_json = json::read(&request.json)?;
    Ok(Answer::Done {
        name: request.name.clone(),
        json_findings: engine.find(&from_json)?.findings == findings,
        violations,
        findings,
        json: json::write(&report)?,
        binary: base64::write(from_json.encode_to_vec())?,
    })
}
