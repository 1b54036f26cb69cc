//! The declared settings agree with their documentation and with the template of the stack.
#![expect(clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use deployment::config::{SETTINGS, SettingDefault, SettingForm, SettingName, StackSource};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");

/// Variable that makes the test write the documentation anew, to be reviewed.
const UPDATE: &str = "UPDATE_GOLDEN";
/// First cell of the table of settings.
const HEAD: &str = "| flag |";

/// Row of the table in `docs/settings.md`.
fn row(setting: SettingName) -> String {
    let flag = match setting.form {
        SettingForm::Value { flag, placeholder, alone: None } => format!("`{flag} {placeholder}`"),
        SettingForm::Value { flag, placeholder, alone: Some(_) } => {
            format!("`{flag} [{placeholder}]`")
        }
        SettingForm::Switch { flag } => format!("`{flag}`"),
        SettingForm::Variable { why } => format!("({why})"),
    };
    let default = match (setting.form, setting.default) {
        (SettingForm::Switch { .. }, SettingDefault::Text("false")) => "off".to_owned(),
        (_, SettingDefault::Text(text)) => format!("`{text}`"),
        (_, SettingDefault::Described(text) | SettingDefault::Found(text)) => text.to_owned(),
        (_, SettingDefault::Unset) => "none".to_owned(),
        (_, SettingDefault::Required) => "required".to_owned(),
    };
    let stack = match setting.stack {
        StackSource::Parameter { name } => format!("`{name}`"),
        StackSource::Resources { of } => of.to_owned(),
        StackSource::Nothing { why } => format!("({why})"),
    };
    format!("| {flag} | `{}` | {default} | {} | {stack} |\n", setting.variable, setting.help)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting")]
fn the_documentation_has_every_setting_as_it_is_declared() {
    let mut table = format!("{HEAD} variable | default | meaning | in a stack |\n");
    table.push_str("| --- | --- | --- | --- | --- |\n");
    for setting in SETTINGS {
        write!(table, "{}", row(*setting)).unwrap();
    }
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(HEAD).unwrap();
    let (old, after) = rest.split_once("\n\n").unwrap();
    if format!("{HEAD}{old}\n") == table {
        return;
    }
    if std::env::var(UPDATE).is_ok() {
        std::fs::write(&file, format!("{before}{table}\n{after}")).unwrap();
        return;
    }
    panic!("the table of docs/settings.md, which `make snap` writes, should be:\n{table}");
}

#[test]
fn documentation_and_template_name_no_setting_that_is_not_declared() {
    let declared: BTreeSet<&str> = SETTINGS.iter().map(|setting| setting.variable).collect();
    for text in [include_str!("../../../docs/settings.md"), TEMPLATE] {
        let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        let named: BTreeSet<&str> = words.filter(|word| word.starts_with("HARVEST_")).collect();
        assert_eq!(named.difference(&declared).collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}

/// Returns the lines of the template's section `name`, without those of comments.
fn section(name: &str) -> impl Iterator<Item = &'static str> {
    let found = TEMPLATE.split_once(&format!("\n{name}:\n"));
    let (_, rest) = found.unwrap_or_else(|| panic!("no section {name}"));
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
    lines.filter(|line| !line.trim().starts_with('#'))
}

/// Returns name and default of each parameter; `None`: it has no default.
fn parameters() -> BTreeMap<&'static str, Option<&'static str>> {
    let mut parameters = BTreeMap::new();
    let mut name = "";
    for line in section("Parameters") {
        match line.strip_prefix("    ") {
            None => {
                name = line.trim().trim_end_matches(':');
                parameters.insert(name, None);
            }
            Some(member) => {
                if let Some(text) = member.strip_prefix("Default: ") {
                    parameters.insert(name, Some(text.trim_matches('"')));
                }
            }
        }
    }
    parameters
}

/// Returns name and value of each variable of the environment that all functions get. A value that
/// goes over several lines is that of its first line.
fn variables() -> BTreeMap<&'static str, &'static str> {
    let lines = section("Globals").skip_while(|line| line.trim() != "Variables:").skip(1);
    let lines = lines.filter_map(|line| line.strip_prefix("        "));
    lines.filter(|line| !line.starts_with(' ')).filter_map(|line| line.split_once(": ")).collect()
}

#[test]
fn the_template_gives_the_functions_every_setting_as_it_is_declared() {
    let (parameters, variables) = (parameters(), variables());
    for setting in SETTINGS {
        let variable = setting.variable;
        let value = variables.get(variable).copied();
        match setting.stack {
            StackSource::Parameter { name } => {
                assert_eq!(value, Some(format!("!Ref {name}").as_str()), "{variable}");
                let found = parameters.get(name).unwrap_or_else(|| panic!("no parameter {name}"));
                let expected = match setting.default {
                    SettingDefault::Required | SettingDefault::Found(_) => None,
                    SettingDefault::Text(default) => Some(default),
                    SettingDefault::Described(_) | SettingDefault::Unset => Some(""),
                };
                // An empty variable of a function counts as one that is not set.
                let is_default = *found == Some("");
                assert!(*found == expected || is_default, "{name}: {found:?}, not {expected:?}");
            }
            // The orchestrator tells of trouble by the default bus if no other is named.
            StackSource::Resources { .. } if *setting == SettingName::EVENT_BUS => {
                assert_eq!(value, None, "{variable}");
                let own = format!("          {variable}: !Ref EventBusName\n");
                assert_eq!(TEMPLATE.matches(&own).count(), 2, "of both workers");
                let told = format!("          {variable}: !If [HasBus, !Ref EventBusName, ");
                assert!(TEMPLATE.contains(&told), "{variable}");
            }
            // The orchestrator alone has workers.
            StackSource::Resources { .. }
                if [SettingName::WORKER, SettingName::SMALL_WORKER].contains(setting) =>
            {
                assert_eq!(value, None, "{variable}");
                let function =
                    if *setting == SettingName::WORKER { "Worker" } else { "SmallWorker" };
                assert!(TEMPLATE.contains(&format!("          {variable}: !Ref {function}\n")));
            }
            StackSource::Resources { .. } => {
                let made = value.is_some_and(|value| value.starts_with('!'));
                assert!(made, "{variable}: {value:?}");
            }
            StackSource::Nothing { why } => {
                assert!(!TEMPLATE.contains(variable), "{variable}: {why}");
            }
        }
    }
}
