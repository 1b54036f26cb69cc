//! Documents for other programs, checked against the schemas in `docs/schemas`.

pub mod page;

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;

use jsonschema::{Retrieve, Uri};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schemas")
}

/// Names of all schemas.
#[must_use]
pub fn names() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name());
    files
        .map(|name| name.into_string().unwrap().strip_suffix(".json").unwrap().to_owned())
        .collect()
}

/// Returns the schema `docs/schemas/<name>.json`.
#[must_use]
pub fn schema(name: &str) -> Value {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Finds the schemas that other schemas name.
struct SchemaFolder;

impl Retrieve for SchemaFolder {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn Error + Send + Sync>> {
        let file = uri.as_str().rsplit('/').next().unwrap_or_default();
        Ok(schema(file.strip_suffix(".json").ok_or("no schema")?))
    }
}

/// Checks a document.
///
/// # Panics
/// Where the document does not follow the schema `docs/schemas/<name>.json`.
pub fn check(name: &str, document: &Value) {
    let options = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_retriever(SchemaFolder);
    let validator = options.build(&schema(name)).expect("a valid schema");
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{name}: {faults:?} in {document}");
}

/// Returns the name of the schema of `document`, which the command of the words `line` printed.
#[must_use]
pub fn answered<'l>(line: &[&'l str], document: &Value) -> &'l str {
    // No answer has a code of an error at its top; only the document of a failed command has.
    if document.get("error_type").is_some() {
        return "error";
    }
    match line {
        ["sweep", ..] => "sync",
        ["init", rest @ ..] if rest.contains(&"--schedule") => "schedule",
        ["schema", rest @ ..] if rest.contains(&"--ddl") => "statement",
        ["quarantine", "retry", ..] => "quarantine_retry",
        [command, ..] => command,
        [] => panic!("no command"),
    }
}

/// Checks what the command of the words `line` printed with `--json` before it ended with `code`.
///
/// # Panics
/// Where the document does not follow the schema of the command, or tells another end.
pub fn check_answer(line: &[&str], document: &Value, code: i32) {
    check(answered(line, document), document);
    assert_eq!(document["exit_code"], code, "{line:?}: {document}");
    let complete = document["complete"].as_bool().unwrap();
    assert!(code == 0 || !complete, "{line:?}: {document}");
}
