//! The conformance pack is what `tests/conformance/cases.tsv` says, and holds every rule to both
//! sides. What the pack is for is told in `tests/conformance/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::{env, fs};

use nianbao::pb::Report;
use prost::Message as _;
use prost_reflect::DescriptorPool;

use crate::coverage::Coverage;
use crate::pack::expected::Expected;
use crate::pack::{Case, Digests, VERSION, cases, descriptors, json};
use crate::{case_file, rule_cases};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/cases.tsv");
/// The first line of the table of cases, before the version.
const TITLE: &str = "# nianbao conformance pack ";
/// Native rules that look at one report alone.
const NATIVE: [&str; 3] = ["blanks.path", "blanks.repeated", "blanks.valued"];

fn all() -> Vec<Case> {
    cases::all().unwrap()
}

/// The table of cases: a line for the version, one for each case.
fn table(cases: &[Case]) -> String {
    let mut out = format!("{TITLE}{VERSION}\n");
    for case in cases {
        let Digests { binpb, json, expected } = case.files().unwrap().digests();
        writeln!(out, "{}\t{binpb}\t{json}\t{expected}", case.name).unwrap();
    }
    out
}

// --- the golden table -----------------------------------------------------------------------

#[test]
fn pack_is_as_committed() {
    let actual = table(&all());
    let golden = fs::read_to_string(GOLDEN).unwrap_or_default();
    if golden == actual {
        return;
    }
    let verdict = if golden.is_empty() { Ok(()) } else { may_follow(&golden, &actual) };
    if let Err(why) = verdict {
        panic!("the conformance pack is not that of tests/conformance/cases.tsv: {why}");
    }
    if env::var_os("UPDATE_GOLDEN").is_none() {
        panic!(
            "the conformance pack is not that of tests/conformance/cases.tsv. If that is what you \
             mean, run `UPDATE_GOLDEN=1 cargo test conformance` and read the diff."
        );
    }
    fs::write(GOLDEN, &actual).unwrap();
}

/// A table as its version and its lines by case.
fn parts(table: &str) -> ([u32; 3], BTreeMap<&str, &str>) {
    let (first, rest) = table.split_once('\n').unwrap();
    let version = first.strip_prefix(TITLE).unwrap();
    let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
    let lines = rest.lines().map(|line| line.split_once('\t').unwrap());
    (numbers.try_into().unwrap(), lines.collect())
}

/// Whether the version has moved by what has changed.
fn may_follow(golden: &str, actual: &str) -> Result<(), String> {
    let ((was, before), (is, after)) = (parts(golden), parts(actual));
    let changed: Vec<&str> = before
        .iter()
        .filter(|(name, digests)| after.get(*name) != Some(digests))
        .map(|(name, _)| *name)
        .collect();
    let added: Vec<&str> = after.keys().copied().filter(|n| !before.contains_key(n)).collect();
    // Of each level the least version that may follow.
    let [major, minor, patch] = was;
    let (what, names, least) = match (changed.is_empty(), added.is_empty()) {
        (false, _) => ("changed or gone, which is a major version", changed, [major + 1, 0, 0]),
        (true, false) => ("new, which is a minor version", added, [major, minor + 1, 0]),
        (true, true) => ("the same, and the version went back", Vec::new(), [major, minor, patch]),
    };
    if is >= least {
        return Ok(());
    }
    let [major, minor, patch] = least;
    let shown = names.iter().take(5).copied().collect::<Vec<_>>().join(", ");
    let count = names.len();
    Err(format!("{count} cases are {what}: VERSION is to be {major}.{minor}.{patch} ({shown} …)"))
}

#[test]
fn wants_the_version_to_move_by_what_has_changed() {
    let table = |version: &str, lines: &str| format!("{TITLE}{version}\n{lines}");
    let check = |was: (&str, &str), is: (&str, &str)| {
        may_follow(&table(was.0, was.1), &table(is.0, is.1)).is_ok()
    };
    let (one, two, other) = ("a\t1\n", "a\t1\nb\t2\n", "a\t9\n");
    for (version, added, changed, gone) in [
        ("1.2.3", false, false, false),
        ("1.2.4", false, false, false),
        ("1.3.0", true, false, false),
        ("2.0.0", true, true, true),
        ("0.9.9", false, false, false),
    ] {
        assert_eq!(check(("1.2.3", one), (version, two)), added, "added, {version}");
        assert_eq!(check(("1.2.3", one), (version, other)), changed, "changed, {version}");
        assert_eq!(check(("1.2.3", two), (version, one)), gone, "gone, {version}");
    }
    assert!(check(("1.2.3", one), ("1.2.4", one)));
    assert!(!check(("1.2.3", one), ("1.2.2", one)));
}

// --- what the pack holds --------------------------------------------------------------------

/// The rules that a report can break by itself.
fn breakable() -> BTreeSet<String> {
    let coverage = Coverage::new(json::pool()).unwrap();
    let of_schema = coverage.passed_broken().keys().cloned();
    of_schema.chain(NATIVE.map(str::to_owned)).collect()
}

#[test]
fn every_rule_of_a_report_is_rejected_and_nearly_missed() {
    let mut by_rule: BTreeMap<String, Vec<case_file::Case>> = BTreeMap::new();
    for case in all() {
        if let Some(source) = case.source {
            by_rule.entry(source.rule.clone()).or_default().push(source);
        }
    }
    let rules = breakable();
    assert!(rules.len() > 50, "{rules:?}");
    let lacking: Vec<&String> = rules
        .iter()
        .filter(|rule| !by_rule.get(*rule).is_some_and(|c| rule_cases::has_near_miss(c)))
        .collect();
    assert!(lacking.is_empty(), "no rejected case with a near miss in the pack: {lacking:?}");
}

#[test]
fn cases_of_rules_show_what_their_names_say() {
    for case in all() {
        let Some(source) = &case.source else { continue };
        let found = Expected::of(&case.report).findings.iter().any(|f| f.rule == source.rule);
        let rejects = case.name.starts_with(&format!("rule.{}.rejects.", source.rule));
        let passes = case.name.starts_with(&format!("rule.{}.passes.", source.rule));
        assert!(found == rejects && found != passes, "{}", case.name);
    }
}

#[test]
fn every_finding_of_the_pack_is_of_a_rule_that_a_report_can_break() {
    let rules = breakable();
    for case in all() {
        for finding in Expected::of(&case.report).findings {
            assert!(rules.contains(&finding.rule), "{}: {}", case.name, finding.rule);
        }
    }
}

#[test]
fn valid_reports_have_no_error() {
    for case in all().iter().filter(|case| case.name.starts_with("valid.")) {
        let errors = Expected::of(&case.report).findings;
        let errors = errors.iter().filter(|f| f.severity == "ERROR").count();
        assert_eq!(errors, 0, "{}", case.name);
    }
}

// --- its files ------------------------------------------------------------------------------

#[test]
fn json_of_the_pack_is_the_report() {
    for case in all() {
        let read = json::read(&json::write(&case.report).unwrap()).unwrap();
        assert_eq!(read, case.report, "{}", case.name);
    }
}

#[test]
fn json_of_the_library_is_that_of_the_pack_but_for_unknown_enums() {
    let mut unwritten = Vec::new();
    for case in all() {
        let Ok(ours) = serde_json::to_string(&case.report) else {
            unwritten.push(case.name);
            continue;
        };
        let ours: serde_json::Value = serde_json::from_str(&ours).unwrap();
        let canonical = json::write(&case.report).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(&canonical).unwrap());
        let read: Report = serde_json::from_str(&canonical).unwrap();
        assert_eq!(read, case.report, "{}", case.name);
    }
    let expected = |name: &String| name.contains("enum");
    assert!(!unwritten.is_empty() && unwritten.iter().all(expected), "{unwritten:?}");
}

#[test]
fn descriptors_of_the_pack_stand_alone_and_hold_no_comments() {
    let bytes = descriptors().unwrap();
    let pool = DescriptorPool::decode(bytes.as_slice()).unwrap();
    assert!(pool.get_message_by_name("nianbao.v1.Report").is_some());
    assert!(pool.get_service_by_name("nianbao.v1.ReportService").is_none());
    assert!(pool.files().all(|file| file.file_descriptor_proto().source_code_info.is_none()));
    // The options are those of the whole schema.
    let option = |pool: &DescriptorPool| {
        let message = pool.get_message_by_name("nianbao.v1.Report").unwrap();
        message.options().encode_to_vec()
    };
    assert_eq!(option(&pool), option(json::pool()));
}
