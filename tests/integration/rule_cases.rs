//! Each rule of the catalogue has a case that it rejects and a near miss that it lets pass.
//!
//! The cases stand in `tests/rules/*.txt`; `tests/rules/README.md` says how to write them. Edits
//! are made to the JSON of a message, which is read by the descriptors that the server serves: so a
//! case can hold an enum number that does not exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use nianbao::archive::{broken_merger, broken_organ, broken_reason};
use nianbao::check::{Check, violations};
use nianbao::finding::{findings, findings_beside};
use nianbao::pb;
use nianbao::rules::catalogue;
use nianbao::years::{self, Figures};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::Value;

use crate::case_file::{Base, Case, Edit, Figures as Told, Verdict, apply, read};
use crate::support::{housing, housing_years, office, office_years};

/// What a message was found to break: rule, path, and the figures of a finding.
struct Broken {
    rule: String,
    path: String,
    figures: Option<Told>,
}

#[test]
fn rejects_and_passes_as_the_cases_say() {
    let failed: Vec<String> = cases()
        .iter()
        .filter_map(|case| verdict(case).err().map(|why| format!("{}: {why}", case.place)))
        .collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_rule_has_a_case_that_it_rejects_and_a_near_miss() {
    let mut by_rule: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases() {
        by_rule.entry(case.rule.clone()).or_default().push(case);
    }
    let lacking: Vec<&str> = catalogue()
        .iter()
        .map(|rule| rule.id.as_str())
        // They speak of many reports at once: `outliers` has them, with near misses.
        .filter(|id| !id.starts_with("outlier."))
        .filter(|id| !by_rule.get(*id).is_some_and(|cases| has_near_miss(cases)))
        .collect();
    assert!(lacking.is_empty(), "no rejected case with a near miss in tests/rules: {lacking:?}");
}

#[test]
fn no_case_is_of_a_rule_that_does_not_exist() {
    let known: BTreeSet<&str> = catalogue().iter().map(|rule| rule.id.as_str()).collect();
    for case in cases() {
        assert!(known.contains(case.rule.as_str()), "{}: no rule {}", case.place, case.rule);
    }
}

#[test]
fn tells_a_near_miss_from_a_far_one() {
    let cases = |text| read("near.txt", text).expect("the text is well formed");
    let one_unit = cases(
        "[applicants.total]\nhousing\nrequests.granted.total = 9\nrejects at requests.granted\n\
         housing\nrequests.granted.total = 8\npasses",
    );
    assert!(has_near_miss(&one_unit));
    let elsewhere = cases(
        "[applicants.total]\nhousing\nrequests.granted.total = 9\nrejects at requests.granted\n\
         office\nyear = 2019\npasses",
    );
    assert!(!has_near_miss(&elsewhere));
    let two_edits_apart = cases(
        "[applicants.total]\nhousing\nrequests.granted.total = 9\nrejects at requests.granted\n\
         housing\nyear = 2022\nscope = 2\npasses",
    );
    assert!(!has_near_miss(&two_edits_apart));
}

#[test]
fn refuses_case_files_that_cannot_be_read() {
    for (text, why) in [
        ("housing\npasses", "no rule"),
        ("[a.b]\npasses", "no base"),
        ("[a.b]\nhousing\nyear = 2020", "without a verdict"),
        ("[a.b]\nhousing\nyear 2020\npasses", "neither"),
        ("[a.b]\nGetReportRequest {\"name\"\npasses", "JSON"),
        ("[a.b]\nhousing\ntitle = \"a\" * b\npasses", "value"),
        ("[a.b]\nhousing\nrejects at year: about 7", "figures"),
    ] {
        let error = read("bad.txt", text).expect_err(text);
        assert!(error.contains(why), "{error} does not say {why}");
    }
}

/// A rejected and a passing case that start from the same base and differ in one edit.
pub fn has_near_miss(cases: &[Case]) -> bool {
    let passes = |case: &&Case| matches!(case.verdict, Verdict::Passes);
    let (passing, rejected): (Vec<&Case>, Vec<&Case>) = cases.iter().partition(passes);
    rejected.iter().any(|a| passing.iter().any(|b| a.base == b.base && differ_in_one(a, b)))
}

fn differ_in_one(a: &Case, b: &Case) -> bool {
    let only = |x: &Case, y: &Case| x.edits.iter().filter(|e| !y.edits.contains(e)).count();
    only(a, b) <= 1 && only(b, a) <= 1
}

/// All cases, in the order of the file names.
fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rules");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder of cases is there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|e| e == "txt"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&folder).unwrap_or(path).display().to_string();
            let text = fs::read_to_string(path).expect("a case file is UTF-8");
            read(&name, &text).unwrap_or_else(|error| panic!("tests/rules/{error}"))
        })
        .collect()
}

/// Holds a case against the rules.
fn verdict(case: &Case) -> Result<(), String> {
    let found: Vec<Broken> =
        broken(case)?.into_iter().filter(|broken| broken.rule == case.rule).collect();
    let mut paths: Vec<&str> = found.iter().map(|broken| broken.path.as_str()).collect();
    paths.sort_unstable();
    let Verdict::Rejects { at, figures } = &case.verdict else {
        return if found.is_empty() {
            Ok(())
        } else {
            Err(format!("{} rejects at {paths:?} what should pass", case.rule))
        };
    };
    let mut expected: Vec<&str> = at.iter().map(String::as_str).collect();
    expected.sort_unstable();
    if paths != expected {
        return Err(format!("{} should reject at {expected:?}, rejects at {paths:?}", case.rule));
    }
    let first = found.iter().find(|broken| broken.path == at[0]);
    let told = first.and_then(|broken| broken.figures.as_ref());
    if figures.is_some() && told != figures.as_ref() {
        return Err(format!("{} should tell {figures:?}, tells {told:?}", case.rule));
    }
    Ok(())
}

/// Everything that the message of a case breaks.
fn broken(case: &Case) -> Result<Vec<Broken>, String> {
    let (name, mut json) = match &case.base {
        Base::HousingYears | Base::OfficeYears => return broken_years(case),
        Base::Housing => ("Report", json_of(&housing())),
        Base::Office => ("Report", json_of(&office())),
        Base::Message { name, json } => (name.as_str(), json.clone()),
    };
    for edit in &case.edits {
        apply(&mut json, edit)?;
    }
    let bytes = encode(name, json)?;
    let bytes = bytes.as_slice();
    match name {
        "Report" => Ok(of_findings(findings(&decode(bytes)?))),
        "Organ" => Ok(of_findings(broken_organ(&decode(bytes)?))),
        "AggregateReportsRequest" => of_message::<pb::AggregateReportsRequest>(bytes),
        "CompareYearsRequest" => of_message::<pb::CompareYearsRequest>(bytes),
        "CreateOrganRequest" => of_message::<pb::CreateOrganRequest>(bytes),
        "Deadline" => of_message::<pb::Deadline>(bytes),
        "ExportReportsRequest" => of_message::<pb::ExportReportsRequest>(bytes),
        "GetCoverageRequest" => of_message::<pb::GetCoverageRequest>(bytes),
        "GetFormatRequest" => of_message::<pb::GetFormatRequest>(bytes),
        "GetOrganRequest" => of_message::<pb::GetOrganRequest>(bytes),
        "GetReportRequest" => of_message::<pb::GetReportRequest>(bytes),
        "ListContributionsRequest" => of_message::<pb::ListContributionsRequest>(bytes),
        "ListOrgansRequest" => of_message::<pb::ListOrgansRequest>(bytes),
        "ListReportsRequest" => of_message::<pb::ListReportsRequest>(bytes),
        "ListRulesRequest" => of_message::<pb::ListRulesRequest>(bytes),
        "MergeOrgansRequest" => {
            let request: pb::MergeOrgansRequest = decode(bytes)?;
            Ok(of_findings(broken_merger(&request.sources, &request.successor)))
        }
        "MoveOrganRequest" => of_message::<pb::MoveOrganRequest>(bytes),
        "ParseDocumentRequest" => of_message::<pb::ParseDocumentRequest>(bytes),
        "ReconcileReportRequest" => of_message::<pb::ReconcileReportRequest>(bytes),
        "ReturnReason" => {
            let broken = broken_reason(&decode(bytes)?, String::new());
            Ok(of_findings(nianbao::finding::describe(broken)))
        }
        "SaveDraftRequest" => of_message::<pb::SaveDraftRequest>(bytes),
        "SubmitReportRequest" => of_message::<pb::SubmitReportRequest>(bytes),
        "UpdateOrganRequest" => of_message::<pb::UpdateOrganRequest>(bytes),
        "ValidateReportRequest" => of_message::<pb::ValidateReportRequest>(bytes),
        "ValidateReportsRequest" => of_message::<pb::ValidateReportsRequest>(bytes),
        "WatchChangesRequest" => of_message::<pb::WatchChangesRequest>(bytes),
        other => Err(format!("add {other} to `broken` in rule_cases.rs")),
    }
}

/// What a report breaks beside that of the year before.
fn broken_years(case: &Case) -> Result<Vec<Broken>, String> {
    let (report, last) = match case.base {
        Base::OfficeYears => office_years(),
        _ => housing_years(),
    };
    let mut both = serde_json::json!({ "report": json_of(&report), "last": json_of(&last) });
    for edit in &case.edits {
        let below = |path: &str| match path.starts_with("last.") {
            true => path.to_owned(),
            false => format!("report.{path}"),
        };
        let edit = match edit {
            Edit::Put(path, value) => Edit::Put(below(path), value.clone()),
            Edit::Take(path) => Edit::Take(below(path)),
        };
        apply(&mut both, &edit)?;
    }
    let read = |name: &str| decode::<pb::Report>(&encode("Report", both[name].clone())?);
    let (report, last) = (read("report")?, read("last")?);
    let mut beside = years::broken(&Figures::of(&report), &Figures::of(&last), true);
    beside.extend(years::copied_texts(&report, &last));
    Ok(of_findings(findings_beside(&report, beside, "last")))
}

/// Of reports and organs the findings, so that native rules and figures are held too.
fn of_findings(findings: Vec<pb::Finding>) -> Vec<Broken> {
    findings
        .into_iter()
        .map(|finding| Broken {
            rule: finding.rule_id,
            path: finding.rule_path,
            figures: Some(Told { expected: finding.expected, actual: finding.actual }),
        })
        .collect()
}

fn of_message<M: Message + Default + Check>(bytes: &[u8]) -> Result<Vec<Broken>, String> {
    let broken = violations(&decode::<M>(bytes)?).into_iter().map(|v| Broken {
        rule: v.rule.to_owned(),
        path: v.path,
        figures: None,
    });
    Ok(broken.collect())
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, String> {
    M::decode(bytes).map_err(|e| e.to_string())
}

fn json_of(report: &pb::Report) -> Value {
    serde_json::to_value(report).expect("a report has a JSON form")
}

/// The bytes of a message from its JSON.
fn encode(name: &str, json: Value) -> Result<Vec<u8>, String> {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(pb::FILE_DESCRIPTOR_SET).expect("the served descriptors are whole")
    });
    let descriptor = POOL
        .get_message_by_name(&format!("nianbao.v1.{name}"))
        .ok_or_else(|| format!("no message {name}"))?;
    let message = DynamicMessage::deserialize(descriptor, json).map_err(|e| e.to_string())?;
    Ok(message.encode_to_vec())
}
