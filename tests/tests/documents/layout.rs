//! Crates of the workspace need each other as `ARCHITECTURE.md` says, in one direction.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const ARCHITECTURE: &str = include_str!("../../../ARCHITECTURE.md");

/// Crates without which the functions must build: the fake Harvest, and all tests.
const NEVER_SHIPPED: [&str; 3] = ["sim", "lives", "e2e"];

/// Needs of each crate, by its manifest; dependencies of tests do not count.
fn by_manifests() -> BTreeMap<String, BTreeSet<String>> {
    let told = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    let packages = told["packages"].as_array().unwrap();
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    let needs = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let shipped = all.filter(|one| one["kind"].is_null()).map(name);
        shipped.filter(|one| ours.contains(one)).collect()
    };
    packages.iter().map(|package| (name(package), needs(package))).collect()
}

/// Needs of each crate, by the table of the section `Crates`, in the table's order.
fn by_the_table() -> Vec<(String, BTreeSet<String>)> {
    let section = ARCHITECTURE.split("\n## Crates\n").nth(1).expect("a section `Crates`");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        let crates: Vec<String> = quoted(cells[1]);
        (crates[0].clone(), quoted(cells[2]).into_iter().collect())
    })
    .collect()
}

/// Product code that may name a stream: what it says is about that stream alone.
const NAMES_STREAMS: [&str; 6] = [
    // Changes of the demo's account.
    "functions/cli/src/demo.rs",
    // Rows and sums that it shows.
    "functions/cli/src/demo/shown.rs",
    // Questions to try.
    "functions/cli/src/duckdb.rs",
    // Tables of which the figures are made.
    "functions/cli/src/report/tables.rs",
    // Reports, and the records that they are about.
    "functions/cli/src/verify/reports.rs",
    // Views of lists within records.
    "shared/catalog/src/view.rs",
];

/// Files of product code, without those of tests.
fn product_files() -> Vec<PathBuf> {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut open = vec![workspace.join("shared"), workspace.join("functions")];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for found in std::fs::read_dir(folder).unwrap() {
            let path = found.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if ["tests", "benches", "tests.rs"].contains(&name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.iter().map(|path| path.strip_prefix(workspace).unwrap().to_owned()).collect()
}

/// Whether `code` has the name of a stream as a text (no member of a JSON object), or its constant.
fn names_a_stream(code: &str) -> bool {
    streams::STREAMS.into_iter().any(|spec| {
        let text = format!("\"{}\"", spec.name);
        let constant = format!("streams::{}", spec.name.to_uppercase());
        let is_text = |(at, _): (usize, &str)| !code[at + text.len()..].starts_with(':');
        code.match_indices(&text).any(is_text) || code.contains(&constant)
    })
}

#[test]
fn no_code_outside_the_declarations_asks_for_a_stream_by_its_name() {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut found = Vec::new();
    for path in product_files() {
        let name = path.to_str().unwrap();
        if name.starts_with("shared/streams/") || name.starts_with("shared/sim/") {
            continue;
        }
        let text = std::fs::read_to_string(workspace.join(&path)).unwrap();
        // A module of tests is the end of its file; `mod tests;` has a file of its own.
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
        if names_a_stream(&code.collect::<Vec<_>>().join("\n")) {
            found.push(name.to_owned());
        }
    }
    found.sort_unstable();
    assert_eq!(found, NAMES_STREAMS);
}

#[test]
fn each_crate_needs_what_the_architecture_says_and_only_crates_above_it() {
    let table = by_the_table();
    let mut manifests = by_manifests();
    manifests.remove("e2e");
    manifests.remove("lives");
    assert_eq!(table.iter().cloned().collect::<BTreeMap<_, _>>(), manifests);
    let mut above = BTreeSet::new();
    for (name, needs) in &table {
        let below: Vec<_> = needs.difference(&above).collect();
        assert!(below.is_empty(), "`{name}` needs {below:?}, which come after it");
        above.insert(name.clone());
    }
}

#[test]
fn nothing_of_a_function_needs_the_fake_or_the_tests() {
    let manifests = by_manifests();
    for function in ["orchestrator", "worker"] {
        let (mut needed, mut open) = (BTreeSet::new(), vec![function.to_owned()]);
        while let Some(name) = open.pop() {
            open.extend(manifests[&name].iter().filter(|one| !needed.contains(*one)).cloned());
            needed.insert(name);
        }
        for never in NEVER_SHIPPED {
            assert!(!needed.contains(never), "`{function}` needs `{never}`");
        }
    }
}

/// The publisher calls a part of `cli` that needs no fake, and a linker leaves out what nothing calls.
#[test]
fn no_program_of_a_function_has_the_fake_in_it() {
    let has_fake = |program: &str| {
        let bytes = std::fs::read(e2e::scene::binary(program)).unwrap();
        let text = sim::ADMINISTRATOR_TOKEN.as_bytes();
        bytes.windows(text.len()).any(|some| some == text)
    };
    assert!(has_fake("harvest-lake"), "nothing would be seen");
    for function in ["orchestrator", "publisher", "worker"] {
        assert!(!has_fake(function), "{function}");
    }
}

#[test]
fn only_one_crate_needs_an_sdk_of_aws() {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    for folder in ["shared", "functions"] {
        for found in std::fs::read_dir(format!("{workspace}/{folder}")).unwrap() {
            let manifest = found.unwrap().path().join("Cargo.toml");
            let text = std::fs::read_to_string(&manifest).unwrap();
            let shipped = text.split("\n[dev-dependencies]").next().unwrap();
            let is_aws = manifest.ends_with("shared/aws/Cargo.toml");
            assert_eq!(shipped.contains("\naws-sdk-"), is_aws, "{}", manifest.display());
        }
    }
}

/// cargo-lambda builds functions that abort if the workspace says nothing.
#[test]
fn a_function_survives_a_panic_as_the_tests_do() {
    let manifest = include_str!("../../../Cargo.toml");
    let release = manifest.split("\n[profile.release]\n").nth(1).expect("a profile");
    let release = release.split("\n[").next().unwrap();
    assert!(release.lines().any(|line| line == "panic = \"unwind\""), "{release}");
    assert!(!manifest.contains("panic = \"abort\""));
}
