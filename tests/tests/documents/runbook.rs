//! Whoever is woken finds the heading that the alarm names, and it is one of the runbook.

#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use e2e::json::schema;
use engine::runbook::{REMEDIES, Remedy, RunbookHeading};
use engine::trouble::TroubleReason;
use serde_json::json;

const RUNBOOK: &str = include_str!("../../../docs/runbook.md");
const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const RUN_ERRORS: &str = include_str!("../../../shared/runtime/src/error/class.rs");
const COMMAND_ERRORS: &str = include_str!("../../../functions/cli/src/error/class.rs");
/// Path of the page in links, with what stands between it and the heading.
const LINK: &str = "runbook.md#";

/// Headings of the page, as links have them.
fn anchors() -> BTreeSet<String> {
    let anchor = |heading: &str| -> String {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    RUNBOOK.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect()
}

/// Headings of the page that a text links to.
fn linked(text: &str) -> BTreeSet<String> {
    let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    text.split(LINK).skip(1).map(|rest| rest.chars().take_while(is_part).collect()).collect()
}

/// Codes of the function `error_type` in a source.
fn codes(file: &str) -> BTreeSet<&str> {
    let code = file.split("pub fn error_type(").nth(1).unwrap_or_else(|| panic!("no codes"));
    let code = code.split("\n    }\n").next().unwrap_or_default();
    code.lines().filter_map(|line| line.split("=> \"").nth(1)?.split('"').next()).collect()
}

#[test]
fn every_heading_that_the_program_names_is_one_of_the_runbook() {
    let anchors = anchors();
    let named: BTreeSet<String> =
        RunbookHeading::ALL.iter().map(|heading| heading.anchor().to_owned()).collect();
    assert_eq!(named.difference(&anchors).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(named.len(), RunbookHeading::ALL.len(), "a heading has two names");
    let used = REMEDIES.iter().map(|(_, remedy)| remedy.heading);
    let of_streams = TroubleReason::ALL.map(|reason| reason.remedy(None).heading);
    let others = [Remedy::UNKNOWN, Remedy::LOST].map(|remedy| remedy.heading);
    let used: BTreeSet<_> = used.chain(of_streams).chain(others).collect();
    assert_eq!(used, RunbookHeading::ALL.into_iter().collect(), "headings that nothing names");
}

#[test]
fn every_failure_of_a_run_has_its_remedy() {
    let known: BTreeSet<&str> = REMEDIES.iter().map(|(code, _)| *code).collect();
    let runs = codes(RUN_ERRORS);
    assert!(runs.contains("CredentialsRefused"), "{runs:?}");
    assert_eq!(runs.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new());
    let all: BTreeSet<&str> = runs.union(&codes(COMMAND_ERRORS)).copied().collect();
    assert_eq!(known.difference(&all).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn each_alarm_of_the_stack_names_its_heading() {
    let anchors = anchors();
    let alarms: Vec<&str> = TEMPLATE.split("Type: AWS::CloudWatch::Alarm\n").skip(1).collect();
    assert!(alarms.len() >= 3, "{}", alarms.len());
    for alarm in alarms {
        let text = alarm.lines().find_map(|line| line.trim().strip_prefix("AlarmDescription: "));
        let text = text.unwrap_or_else(|| panic!("an alarm without a text: {alarm:.300}"));
        let linked = linked(text);
        assert_eq!(linked.len(), 1, "{text}");
        assert!(linked.is_subset(&anchors), "{text}");
    }
}

#[test]
fn every_link_to_a_heading_of_the_runbook_leads_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.chain(["README.md", "SECURITY.md", "ARCHITECTURE.md"].map(|it| root.join(it)));
    let anchors = anchors();
    let mut found = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|end| end == "md")) {
        for link in linked(&fs::read_to_string(&page).unwrap()) {
            assert!(anchors.contains(&link), "{}: {link}", page.display());
            found += 1;
        }
    }
    assert!(found >= 2, "{found}");
}

#[test]
fn each_reason_of_trouble_has_its_word_in_the_schema() {
    let names = TroubleReason::ALL.map(|reason| serde_json::to_value(reason).unwrap());
    let schema = schema("trouble");
    let reasons = &schema["properties"]["in_trouble"]["items"]["properties"]["reason"];
    assert_eq!(reasons["enum"], json!(names));
}
