//! Checks folder and columns of a file before its rows are read.
//!
//! Columns are compared with the file's own schema. Reading would hide a difference: it makes up
//! missing columns and converts types.

use arrow::datatypes::{DataType, Schema};
use delta::table::FileEntry;

use super::finding::{TableCheck, VerifyFinding};
use super::rules::{FileRules, about};

/// Finding if the file is not in the folder of its partition. Delta readers take the partition from
/// the log and do not care; people and tools that read folders do. Other engines may choose any
/// folder.
pub(super) fn folder(rules: &FileRules, file: &FileEntry) -> Option<VerifyFinding> {
    file.keys.as_ref()?;
    let name = rules.schema.partition_column()?;
    let value = file.partition.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__");
    let expected = format!("{name}={value}");
    let found = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    (found != expected).then(|| {
        let what = "it is not in the folder of its partition";
        about(file, TableCheck::Partition, what, expected, found.to_owned())
    })
}

/// Findings about columns that differ from the declaration. Columns declared later may be missing,
/// unless they may not be null.
pub(super) fn columns(rules: &FileRules, file: &FileEntry, stored: &Schema) -> Vec<VerifyFinding> {
    let declared = &rules.layout.schema;
    let mut findings = Vec::new();
    let mut report = |what: String, expected: String, found: String| {
        findings.push(about(file, TableCheck::Schema, &what, expected, found));
    };
    for field in stored.fields() {
        let name = field.name();
        let Ok(wanted) = declared.field_with_name(name) else {
            let what = format!("column `{name}` is not declared");
            report(what, "no such column".to_owned(), field.data_type().to_string());
            continue;
        };
        // Other engines may use other types for the same values.
        if file.keys.is_some() && !same_type(field.data_type(), wanted.data_type()) {
            let types = (wanted.data_type().to_string(), field.data_type().to_string());
            report(format!("column `{name}` has another type"), types.0, types.1);
        }
        if rules.not_in_log.contains(name) {
            let what = format!("column `{name}` is in the file but not in the log");
            report(what, "a column that readers see".to_owned(), "a hidden one".to_owned());
        }
    }
    for field in declared.fields().iter().filter(|field| !field.is_nullable()) {
        if stored.field_with_name(field.name()).is_err() {
            let what = format!("column `{}` is missing", field.name());
            report(what, field.data_type().to_string(), "no such column".to_owned());
        }
    }
    findings
}

/// Whether the types are equal, apart from struct members declared later. Compares by name, since
/// members may have been added between others.
fn same_type(found: &DataType, declared: &DataType) -> bool {
    match (found, declared) {
        (DataType::List(found), DataType::List(declared)) => {
            same_type(found.data_type(), declared.data_type())
        }
        (DataType::Struct(found), DataType::Struct(declared)) => found.iter().all(|member| {
            declared
                .iter()
                .find(|other| other.name() == member.name())
                .is_some_and(|other| same_type(member.data_type(), other.data_type()))
        }),
        (found, declared) => found == declared,
    }
}
