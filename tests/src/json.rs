//! Documents for other programs, checked against the schemas in `docs/schemas`.

use std::path::Path;

use serde_json::Value;

/// Checks a document.
///
/// # Panics
/// Where the document does not follow the schema `docs/schemas/<name>.json`.
pub fn check(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
    let schema = std::fs::read_to_string(&path).expect("a schema");
    let schema: Value = serde_json::from_str(&schema).expect("a schema in JSON");
    let options = jsonschema::draft202012::options().should_validate_formats(true);
    let validator = options.build(&schema).expect("a valid schema");
    let faults: Vec<String> =
        validator.iter_errors(document).map(|fault| fault.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:?} in {document}");
}
