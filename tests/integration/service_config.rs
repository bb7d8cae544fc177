//! The published service config against the schema: what may be retried, and that nothing is left
//! out.

use std::collections::BTreeMap;

use nianbao::pb::FILE_DESCRIPTOR_SET;
use prost_reflect::{DescriptorPool, MethodDescriptor};
use serde_json::Value;

const CONFIG: &str = include_str!("../../clients/service_config.json");

/// Each method of the package by its path, with its entry.
fn entries() -> BTreeMap<String, Value> {
    let config: Value = serde_json::from_str(CONFIG).unwrap();
    let mut entries = BTreeMap::new();
    for entry in config["methodConfig"].as_array().unwrap() {
        for name in entry["name"].as_array().unwrap() {
            let path = format!(
                "{}.{}",
                name["service"].as_str().unwrap(),
                name["method"].as_str().unwrap()
            );
            assert!(entries.insert(path.clone(), entry.clone()).is_none(), "{path} stands twice");
        }
    }
    entries
}

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    pool.services()
        .filter(|service| service.package_name() == "nianbao.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

#[test]
fn names_each_method_once_and_no_other() {
    let named: Vec<String> = entries().into_keys().collect();
    let mut all: Vec<String> = methods().iter().map(|m| m.full_name().to_owned()).collect();
    all.sort();
    assert_eq!(named, all);
}

#[test]
fn retries_no_write_without_a_request_id_and_no_stream_of_requests() {
    let entries = entries();
    for method in methods() {
        let retried = entries[method.full_name()].get("retryPolicy").is_some();
        let reads = ["Validate", "Get", "BatchGet", "List", "Diff", "Watch", "Aggregate"]
            .into_iter()
            .chain(["Reconcile", "Compare", "Export", "Verify", "Render"])
            .any(|verb| method.name().starts_with(verb));
        let safe = reads || method.input().get_field_by_name("request_id").is_some();
        assert_eq!(retried, safe && !method.is_client_streaming(), "{}", method.full_name());
    }
}

#[test]
fn retries_only_what_says_that_nothing_was_done() {
    for (path, entry) in entries() {
        if let Some(policy) = entry.get("retryPolicy") {
            assert_eq!(
                policy["retryableStatusCodes"],
                serde_json::json!(["UNAVAILABLE"]),
                "{path}"
            );
        }
    }
}

#[test]
fn ends_every_call_that_is_no_stream() {
    let entries = entries();
    for method in methods() {
        let streams = method.is_client_streaming() || method.is_server_streaming();
        // It reads the whole journal.
        let long = streams || method.name() == "VerifyJournal";
        let ends = entries[method.full_name()].get("timeout").is_some();
        assert_eq!(ends, !long, "{}", method.full_name());
    }
}
