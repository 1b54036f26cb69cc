//! The page of the JSON documents has a section for each schema, with its members.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;

use e2e::json::page::{HEAD, tables};
use e2e::json::{names, schema};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/json.md");
/// Variable that makes the test write the tables of the page anew, to be reviewed.
const UPDATE: &str = "UPDATE_GOLDEN";

/// A member that a schema does not name, or that a document lacks, is a fault; only those may be
/// absent whose description says so.
fn is_strict(path: &str, schema: &Value) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(Value::as_object) {
                assert_eq!(schema["additionalProperties"], false, "{path}");
                let required: Vec<&str> = schema["required"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                for (name, property) in properties {
                    let told = property["description"].as_str().unwrap_or_default();
                    assert!(told.ends_with(['.', ')']), "{path}: {name} is described");
                    let may_be_absent =
                        told.to_lowercase().contains("absent") || told.contains("Only");
                    assert!(required.contains(&&**name) || may_be_absent, "{path}: {name}");
                }
                assert!(required.iter().all(|name| properties.contains_key(*name)), "{path}");
            }
            members.iter().for_each(|(name, inner)| is_strict(&format!("{path}/{name}"), inner));
        }
        Value::Array(items) => items.iter().for_each(|inner| is_strict(path, inner)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn schemas_name_every_member_and_describe_it() {
    for name in names() {
        let schema = schema(&name);
        assert_eq!(schema["$id"], format!("{name}.json"));
        is_strict(&name, &schema);
    }
    let (run, event) = (schema("run"), schema("event"));
    let mut members = run["properties"].as_object().unwrap().clone();
    members.insert("account_id".to_owned(), event["properties"]["account_id"].clone());
    assert_eq!(event["properties"], Value::Object(members), "an event is a run with its account");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting")]
fn the_page_has_a_section_for_each_schema_with_its_members() {
    let mut page = String::new();
    let mut told = BTreeSet::new();
    for section in PAGE.split_inclusive("\n## ") {
        let (body, next) = match section.strip_suffix("\n## ") {
            Some(body) => (body, "\n## "),
            None => (section, ""),
        };
        let Some(rest) = body.split("Schema: [`").nth(1) else {
            page.push_str(section);
            continue;
        };
        let name = rest.split(".json").next().unwrap();
        let title = schema(name)["title"].as_str().unwrap().to_owned();
        assert_eq!(body.lines().next(), Some(&*title));
        assert!(told.insert(name.to_owned()), "{name} is told twice");
        let prose = body.split(HEAD).next().unwrap();
        page.push_str(prose);
        page.push_str(&tables(name));
        page.push_str(next);
        let examples =
            prose.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let examples: Vec<Value> =
            examples.map(|text| serde_json::from_str(text).unwrap()).collect();
        for example in &examples {
            e2e::json::check(name, example);
        }
        assert!(!examples.is_empty(), "{name} has an example");
    }
    assert_eq!(told, names());
    if page == PAGE {
        return;
    }
    if std::env::var(UPDATE).is_ok() {
        fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/json.md"), page).unwrap();
        return;
    }
    panic!("the tables of docs/json.md, which `make snap` writes, should be:\n{page}");
}
