//! Walks the table of streams: each declaration agrees with the facts of the API (`catalog.json`)
//! and with what tables and their readers need.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use arrow::array::{Array, ArrayRef, AsArray};
use decode::{DecodedPage, Decoder, MemberDeviations, ReadAt};
use engine::ids::AccountId;
use engine::item::StreamItem;
use engine::pass::Unit;
use engine::plan::{Demand, ripe};
use engine::present::Present;
use engine::schema::{Column, ColumnSource, ColumnType, columns};
use engine::spec::{
    FieldSpec, FieldType, Module, Paging, PartitionSpec, StreamKind, StreamReaders, StreamSpec,
    SweepCadence,
};
use engine::time::{Date, SignedDuration, Timestamp};
use engine::window::Period;
use serde::Deserialize;
use serde_json::Value;
use sim::{ADMINISTRATOR_TOKEN, Account, AccountScale, ServerRequest};
use streams::STREAMS;

/// The API's streams, one entry each.
#[derive(Deserialize)]
struct Entry {
    stream: String,
    path: String,
    records_key: Option<String>,
    paging: String,
    rate_class: String,
    primary_key: Vec<String>,
    module: Option<String>,
    parent: Option<String>,
    window: bool,
    updated_since: bool,
    readers: Readers,
    fields: Vec<Fact>,
}

/// Readers of a stream besides administrators.
#[derive(Deserialize)]
struct Readers {
    /// Access roles of which a manager needs one; empty if each may read, `None` if none may.
    managers: Option<Vec<String>>,
    members: bool,
}

/// One member of its records; `[]` in the path stands for the items of a list.
#[derive(Deserialize)]
struct Fact {
    path: String,
    #[serde(rename = "type")]
    ty: String,
    legacy: bool,
}

fn tests_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn catalog() -> Vec<Entry> {
    let text = std::fs::read_to_string(tests_folder().join("catalog.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Each declared stream with its entry of the catalog; their order agrees too.
fn pairs() -> Vec<(&'static StreamSpec, Entry)> {
    let entries = catalog();
    let declared: Vec<&str> = STREAMS.iter().map(|spec| spec.name).collect();
    let known: Vec<&str> = entries.iter().map(|entry| entry.stream.as_str()).collect();
    assert_eq!(declared, known);
    STREAMS.iter().copied().zip(entries).collect()
}

fn is_report_window(spec: &StreamSpec) -> bool {
    matches!(spec.kind, StreamKind::ReportWindow(_))
}

fn column(spec: &StreamSpec, name: &str) -> Column {
    let found = columns(spec).into_iter().find(|column| column.name == name);
    found.unwrap_or_else(|| panic!("{} has no column {name}", spec.name))
}

/// The same notation as in the catalog.
fn flat(prefix: &str, fields: &[FieldSpec], out: &mut Vec<(String, &'static str)>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        let (ty, inner): (_, Option<(&str, &[FieldSpec])>) = match field.ty {
            FieldType::Int => ("int", None),
            FieldType::Text => ("text", None),
            FieldType::Bool => ("bool", None),
            FieldType::Date => ("date", None),
            FieldType::Instant => ("instant", None),
            FieldType::Money => ("money", None),
            FieldType::Decimal => ("decimal", None),
            FieldType::Texts => ("texts", None),
            FieldType::Ints => ("ints", None),
            FieldType::Object(inner) => ("object", Some((".", inner))),
            FieldType::Objects(inner) => ("objects", Some(("[].", inner))),
        };
        out.push((path.clone(), ty));
        if let Some((joint, inner)) = inner {
            flat(&format!("{path}{joint}"), inner, out);
        }
    }
}

fn type_name(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Int => "int64".to_owned(),
        ColumnType::Text => "utf8".to_owned(),
        ColumnType::Bool => "bool".to_owned(),
        ColumnType::Date => "date32".to_owned(),
        ColumnType::Instant => "timestamp(us,UTC)".to_owned(),
        ColumnType::Decimal { scale } => format!("decimal(18,{scale})"),
        ColumnType::Texts => "list<utf8>".to_owned(),
        ColumnType::Ints => "list<int64>".to_owned(),
        ColumnType::Structs(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|member| format!("{}:{}", member.name, type_name(&member.ty)))
                .collect();
            format!("list<struct<{}>>", members.join(","))
        }
    }
}

#[test]
fn every_stream_has_a_name_of_its_own() {
    let names: BTreeSet<&str> = STREAMS.iter().map(|spec| spec.name).collect();
    assert_eq!(names.len(), STREAMS.len());
    for name in names {
        assert!(is_legal(name), "{name}");
        assert!(!name.ends_with("_changes"), "{name} would share a folder with a changes table");
    }
}

#[test]
fn readers_are_those_of_the_api() {
    for (spec, entry) in pairs() {
        let name = spec.name;
        let (managers, members) = match spec.readers {
            StreamReaders::Administrators => (None, false),
            StreamReaders::Managers { with, .. } => (Some(with.to_vec()), false),
            StreamReaders::Everybody { .. } => (Some(Vec::new()), true),
        };
        let known = entry.readers.managers.as_ref();
        let known = known.map(|roles| roles.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!((managers, members), (known, entry.readers.members), "{name}");
    }
}

#[test]
fn paths_keys_and_rate_classes_are_those_of_the_api() {
    for (spec, entry) in pairs() {
        let path = ["invoice_id", "estimate_id", "user_id"]
            .iter()
            .fold(entry.path.clone(), |path, id| path.replace(&format!("{{{id}}}"), "{parent}"));
        assert_eq!(format!("/v2{}", spec.path), path, "{}", spec.name);
        assert_eq!(spec.records_key, entry.records_key.as_deref(), "{}", spec.name);
        assert_eq!(spec.rate_class.name(), entry.rate_class, "{}", spec.name);
        let mut key = entry.primary_key;
        if entry.window {
            key.splice(0..0, ["period_start".to_owned(), "period_end".to_owned()]);
        }
        assert_eq!(spec.primary_key, key, "{}", spec.name);
    }
}

#[test]
fn paging_and_kind_are_those_of_the_api() {
    for (spec, entry) in pairs() {
        let paging = match &spec.kind {
            StreamKind::Listing(listing) => Some(listing.paging),
            StreamKind::Snapshot(paging) => Some(*paging),
            StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => None,
        };
        let expected = match paging {
            Some(Paging::Single) => "none",
            Some(Paging::Offset | Paging::DateKeyset { .. }) => "page",
            None if is_report_window(spec) => "page",
            Some(Paging::Cursor) | None => "cursor",
        };
        assert_eq!(expected, entry.paging, "{}", spec.name);
        assert_eq!(is_report_window(spec), entry.window, "{}", spec.name);
        assert_eq!(
            matches!(spec.kind, StreamKind::PerParent(_)),
            entry.parent.is_some(),
            "{}",
            spec.name
        );
        assert_eq!(spec.records_key.is_none(), paging == Some(Paging::Single), "{}", spec.name);
        match &spec.kind {
            StreamKind::Listing(listing) => {
                assert!(entry.updated_since, "{}", spec.name);
                assert_ne!(listing.paging, Paging::Offset, "{} shifts while it is read", spec.name);
            }
            StreamKind::Snapshot(paging) => {
                assert!(!entry.updated_since, "{}", spec.name);
                assert!(!matches!(paging, Paging::DateKeyset { .. }), "{}", spec.name);
            }
            StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => {}
        }
    }
}

#[test]
fn what_incremental_passes_cannot_see_is_swept_daily() {
    for (spec, entry) in pairs() {
        let (sweep, windows) = match &spec.kind {
            StreamKind::Listing(_) => (SweepCadence::ByCost, None),
            StreamKind::Snapshot(_) => (SweepCadence::Always, None),
            // Children without `updated_since` change without moving their parent.
            StreamKind::PerParent(_) if entry.updated_since => (SweepCadence::ByCost, None),
            StreamKind::PerParent(_) => (SweepCadence::Daily, None),
            // An invoice changes what is left to bill in months long gone.
            StreamKind::ReportWindow(windows) if spec.module == Some(Module::Invoice) => {
                (SweepCadence::Daily, Some((windows, true)))
            }
            StreamKind::ReportWindow(windows) => (SweepCadence::ByCost, Some((windows, false))),
        };
        assert_eq!(spec.sweep, sweep, "{}", spec.name);
        if let Some((windows, all)) = windows {
            assert_eq!(windows.includes_issue_date, all, "{}", spec.name);
        }
        if let StreamKind::Listing(listing) = &spec.kind {
            let has_timer = columns(spec).iter().any(|column| column.name == "is_running");
            assert_eq!(
                listing.reread,
                has_timer.then_some(("is_running", "true")),
                "{}",
                spec.name
            );
        }
    }
}

#[test]
fn sweeps_are_spread_over_the_day() {
    let begun: Timestamp = "2026-03-10T09:00:00Z".parse().unwrap();
    let mut item = StreamItem::default();
    item.position.full.last_begun = Some(begun);
    let schedule = Demand::Schedule { interval: SignedDuration::from_hours(1) };
    let mut hours = [0; 24];
    for spec in STREAMS.iter().filter(|spec| spec.sweep != SweepCadence::Always) {
        let at = ripe(spec, &item, schedule, Present::ours(begun)).full.unwrap();
        let hour = at.as_second().rem_euclid(86_400) / 3_600;
        hours[usize::try_from(hour).unwrap()] += 1;
    }
    let (most, quiet) = (hours.iter().max().unwrap(), hours.iter().filter(|n| **n == 0).count());
    assert!(*most <= 4 && quiet <= 10, "sweeps by the hour of the day: {hours:?}");
}

#[test]
fn modules_are_those_of_the_api() {
    for (spec, entry) in pairs() {
        let module = spec.module.map(|module| match module {
            Module::Expense => "expense",
            Module::Invoice => "invoice",
            Module::Estimate => "estimate",
        });
        assert_eq!(module, entry.module.as_deref(), "{}", spec.name);
        if let StreamKind::PerParent(parent) = &spec.kind {
            assert_eq!(spec.module, parent.trigger.module, "{}", spec.name);
        }
    }
}

#[test]
fn every_member_of_the_api_is_declared_in_order_with_its_type_and_no_other() {
    for (spec, entry) in pairs() {
        let mut declared = Vec::new();
        flat("", spec.fields, &mut declared);
        let declared: Vec<(&str, &str)> =
            declared.iter().map(|(p, ty)| (p.as_str(), *ty)).collect();
        let known: Vec<(&str, &str)> = entry
            .fields
            .iter()
            .filter(|fact| !fact.legacy)
            .map(|fact| (fact.path.as_str(), fact.ty.as_str()))
            .collect();
        assert_eq!(declared, known, "{}", spec.name);
        for fact in entry.fields.iter().filter(|fact| fact.legacy) {
            assert!(
                !declared.iter().any(|(path, _)| *path == fact.path),
                "{}: {} belongs into extra_json",
                spec.name,
                fact.path
            );
        }
    }
}

#[test]
fn keys_are_columns_and_required_but_for_those_of_reports() {
    for spec in STREAMS {
        assert!(!spec.primary_key.is_empty(), "{}", spec.name);
        let report = spec.records_key == Some("results");
        for name in spec.primary_key {
            let column = column(spec, name);
            let period =
                matches!(column.source, ColumnSource::PeriodStart | ColumnSource::PeriodEnd);
            assert_eq!(column.required, !report || period, "{}.{name}", spec.name);
            assert!(
                matches!(column.ty, ColumnType::Int | ColumnType::Text | ColumnType::Date),
                "{}.{name}",
                spec.name
            );
        }
        for column in columns(spec) {
            let own = matches!(column.source, ColumnSource::Record(_));
            let is_key = spec.primary_key.contains(&column.name.as_str());
            assert!(!(own && column.required && !is_key), "{}.{}", spec.name, column.name);
            let expected = spec.name == "expenses" && column.name == "receipt_url";
            assert_eq!(column.volatile, expected, "{}.{}", spec.name, column.name);
        }
    }
}

#[test]
fn cursor_fields_are_instants_and_keyset_fields_are_days() {
    for spec in STREAMS {
        if let Some(name) = spec.cursor_field() {
            assert_eq!(column(spec, name).ty, ColumnType::Instant, "{}", spec.name);
        }
        if let StreamKind::Listing(listing) = &spec.kind {
            assert!(spec.cursor_field().is_some(), "{}", spec.name);
            if let Paging::DateKeyset { field, nullable } = listing.paging {
                assert_eq!(column(spec, field).ty, ColumnType::Date, "{}", spec.name);
                // Drafts of invoices and estimates may have no date.
                assert!(matches!(field, "spent_date" | "issue_date"), "{}", spec.name);
                assert_eq!(nullable, field == "issue_date", "{}", spec.name);
            }
            if let Some((name, _)) = listing.reread {
                assert_eq!(column(spec, name).ty, ColumnType::Bool, "{}", spec.name);
            }
        }
    }
}

/// Whether Athena takes the name without quotes: lower case, letters, digits, `_`, a letter first.
fn is_legal(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn column_names_are_unique_and_legal_for_every_reader() {
    for spec in STREAMS {
        let mut seen = BTreeSet::new();
        for column in columns(spec) {
            assert!(is_legal(&column.name), "{}.{}", spec.name, column.name);
            assert!(seen.insert(column.name.clone()), "{}.{} twice", spec.name, column.name);
            if let ColumnType::Structs(members) = &column.ty {
                let mut inside = BTreeSet::new();
                for member in members {
                    let place = format!("{}.{}.{}", spec.name, column.name, member.name);
                    assert!(is_legal(&member.name), "{place}");
                    assert!(inside.insert(member.name.clone()), "{place} twice");
                    let is_list = matches!(
                        member.ty,
                        ColumnType::Structs(_) | ColumnType::Texts | ColumnType::Ints
                    );
                    assert!(!is_list, "{place} is a list in a list");
                }
            }
        }
    }
}

#[test]
fn partitions_hang_on_what_never_changes() {
    for spec in STREAMS {
        match spec.partition {
            PartitionSpec::None => {
                if let StreamKind::PerParent(parent) = &spec.kind {
                    assert_eq!(parent.trigger.partition, PartitionSpec::None, "{}", spec.name);
                }
            }
            PartitionSpec::StartedMonth => panic!("{}: only the ledger has it", spec.name),
            PartitionSpec::CreatedMonth | PartitionSpec::CreatedYear => {
                let created_at = column(spec, "created_at");
                assert_eq!(created_at.ty, ColumnType::Instant, "{}", spec.name);
                assert_eq!(
                    created_at.source,
                    ColumnSource::Record(vec!["created_at"]),
                    "{}",
                    spec.name
                );
            }
            PartitionSpec::ParentCreatedYear => {
                let StreamKind::PerParent(parent) = &spec.kind else { panic!("{}", spec.name) };
                let created_at = column(parent.trigger, "created_at");
                assert_eq!(created_at.ty, ColumnType::Instant, "{}", spec.name);
                assert_eq!(parent.parent_id, "id", "{}: the trigger is the parent", spec.name);
            }
            PartitionSpec::PeriodYear => assert!(is_report_window(spec), "{}", spec.name),
        }
        assert_eq!(
            is_report_window(spec),
            spec.partition == PartitionSpec::PeriodYear,
            "{}",
            spec.name
        );
    }
}

#[test]
fn triggers_are_declared_listings_that_name_the_parent() {
    for (spec, entry) in pairs() {
        let StreamKind::PerParent(parent) = &spec.kind else {
            assert!(!spec.path.contains('{'), "{}", spec.name);
            continue;
        };
        let trigger = parent.trigger;
        assert!(STREAMS.iter().any(|other| core::ptr::eq(*other, trigger)), "{}", spec.name);
        assert!(matches!(trigger.kind, StreamKind::Listing(_)), "{}", spec.name);
        let id = column(trigger, &parent.parent_id.replace('.', "_"));
        assert_eq!(id.ty, ColumnType::Int, "{}", spec.name);
        assert_eq!(
            column(spec, parent.parent_column).source,
            ColumnSource::Parent,
            "{}",
            spec.name
        );
        let real_parent = entry.parent.unwrap();
        assert_eq!(parent.parent_path, format!("/{real_parent}/{{parent}}"), "{}", spec.name);
        assert!(spec.path.starts_with(&format!("{}/", parent.parent_path)), "{}", spec.name);
        let singular = real_parent.trim_end_matches('s');
        assert_eq!(parent.parent_column, format!("{singular}_id"), "{}", spec.name);
        if parent.only_role.is_some() {
            assert_eq!(column(trigger, "access_roles").ty, ColumnType::Texts, "{}", spec.name);
        }
    }
}

#[test]
fn documentation_is_one_line_per_stream_and_a_phrase_per_column() {
    for spec in STREAMS {
        assert!(spec.doc.ends_with('.') && !spec.doc.contains('\n'), "{}", spec.name);
        for column in columns(spec) {
            let doc = &column.doc;
            assert!(!doc.ends_with('.') && doc.trim() == doc, "{}.{}", spec.name, column.name);
            assert!(doc.len() <= 100, "{}.{}", spec.name, column.name);
        }
    }
}

/// One line `stream column type` per column, in the order of the tables.
fn golden() -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(tests_folder().join("fixtures/columns.txt")).unwrap();
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let columns = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        assert_eq!(words.next(), None, "{line}");
        columns
    };
    text.lines().map(line).collect()
}

/// Same type, or a list of structs that only gained members at its end.
fn only_appended(old: &str, new: &str) -> bool {
    let gained = || {
        let members = old.strip_prefix("list<struct<")?.strip_suffix(">>")?;
        let rest = new.strip_prefix("list<struct<")?.strip_prefix(members)?;
        Some(rest.starts_with(','))
    };
    old == new || gained().unwrap_or(false)
}

#[test]
fn columns_of_released_tables_only_grow_at_the_end() {
    let golden = golden();
    for spec in STREAMS {
        let old = golden.iter().filter(|(stream, ..)| stream == spec.name);
        let mut new = columns(spec).into_iter();
        for (_, name, ty) in old {
            let column = new.next().unwrap_or_else(|| panic!("{}.{name} is gone", spec.name));
            assert_eq!(&column.name, name, "{}: columns may only be appended", spec.name);
            let now = type_name(&column.ty);
            assert!(only_appended(ty, &now), "{}.{name} was {ty} and is {now}", spec.name);
        }
    }
    for (stream, ..) in &golden {
        assert!(streams::find(stream).is_some(), "the table of {stream} lost its declaration");
    }
}

/// Variable that makes the test write the golden file anew, to be reviewed.
const UPDATE: &str = "UPDATE_GOLDEN";

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting")]
fn the_golden_file_names_every_column() {
    let mut now = String::new();
    for spec in STREAMS {
        for column in columns(spec) {
            writeln!(now, "{} {} {}", spec.name, column.name, type_name(&column.ty)).unwrap();
        }
    }
    let file = tests_folder().join("fixtures/columns.txt");
    if std::env::var(UPDATE).is_ok() {
        // Replaced at once, because tests that run at the same time read it.
        let new = file.with_extension("new");
        std::fs::write(&new, &now).unwrap();
        std::fs::rename(&new, &file).unwrap();
    }
    let text = std::fs::read_to_string(file).unwrap();
    let missing: Vec<&str> =
        now.lines().filter(|new| !text.lines().any(|old| old == *new)).collect();
    assert!(missing.is_empty(), "`make snap` adds to the golden file:\n{}", missing.join("\n"));
}

#[test]
fn growth_at_the_end_is_told_from_any_other_change() {
    let old = "list<struct<id:int64,name:utf8>>";
    assert!(only_appended(old, old));
    assert!(only_appended(old, "list<struct<id:int64,name:utf8,code:utf8>>"));
    assert!(!only_appended(old, "list<struct<id:int64>>"));
    assert!(!only_appended(old, "list<struct<code:utf8,id:int64,name:utf8>>"));
    assert!(!only_appended(old, "list<struct<id:int64,name:utf8s>>"));
    assert!(!only_appended("int64", "utf8"));
}

/// The page of a stream that is in a file, or the one that the fake account serves.
fn fixture(spec: &StreamSpec) -> String {
    let file = tests_folder().join("fixtures").join(spec.name).join("list.json");
    std::fs::read_to_string(&file).unwrap_or_else(|_| served(spec))
}

/// The first page of a list of the fake account, whose records must be those that are declared.
fn served(spec: &StreamSpec) -> String {
    let now = "2026-04-01T00:00:00Z".parse::<Timestamp>().unwrap();
    let mut account = Account::generate(&AccountScale::tiny(), 1, now);
    let target = format!("/v2{}", spec.path);
    let request = ServerRequest::new("GET", "https://api.harvestapp.com", &target)
        .header("User-Agent", "tests (tests@example.com)")
        .header("Authorization", &format!("Bearer {ADMINISTRATOR_TOKEN}"))
        .header("Harvest-Account-Id", &account.account_id().to_string());
    let answer = account.handle(now, &request);
    assert_eq!(answer.status, 200, "{}", spec.name);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

fn records(spec: &StreamSpec, page: &Value) -> Vec<Value> {
    match spec.records_key {
        Some(key) => page[key].as_array().unwrap().clone(),
        None => vec![page.clone()],
    }
}

#[test]
fn every_stream_has_a_fixture_in_the_shape_of_its_answers() {
    for spec in STREAMS {
        let page: Value = serde_json::from_str(&fixture(spec)).unwrap();
        let records = records(spec, &page);
        assert!(!records.is_empty(), "{}", spec.name);
        if spec.records_key.is_some() {
            assert_eq!(page["total_entries"], records.len(), "{}", spec.name);
            assert_eq!(page["links"]["next"], Value::Null, "{}", spec.name);
            let first = page["links"]["first"].as_str().unwrap();
            let path =
                first.split('?').next().unwrap().strip_prefix("https://api.harvestapp.com/v2");
            let places = spec.path.split("{parent}").collect::<Vec<_>>();
            let path = path.unwrap();
            assert!(path.starts_with(places[0]), "{}: {first}", spec.name);
            assert!(path.ends_with(places.last().unwrap()), "{}: {first}", spec.name);
        }
    }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// The fixture of a stream in the form that the decoder reads.
fn decoded(spec: &'static StreamSpec) -> DecodedPage {
    let parent = engine::pass::Parent { id: 7, created_year: Some(2025) };
    let period = Period { start: day("2026-01-01"), end: day("2026-01-31") };
    let at = ReadAt {
        account: AccountId(77),
        synced_at: "2026-04-01T00:00:00Z".parse::<Timestamp>().unwrap(),
        unit: match spec.kind {
            StreamKind::PerParent(_) => Unit::Parent(parent),
            StreamKind::ReportWindow(_) => Unit::Window(period),
            StreamKind::Listing(_) | StreamKind::Snapshot(_) => Unit::Stream,
        },
    };
    let page = Decoder::new(spec).page(&fixture(spec), &at);
    page.unwrap_or_else(|error| panic!("{}: {error}", spec.name))
}

fn at_path<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, step| &value[*step])
}

fn held(array: &ArrayRef) -> usize {
    array.len() - array.null_count()
}

/// Every value of the fixture is in its column, and none is made up.
fn check_column(place: &str, column: &Column, array: &ArrayRef, records: &[Value]) {
    let ColumnSource::Record(path) = &column.source else {
        assert_eq!(held(array) == 0, matches!(column.source, ColumnSource::Extra), "{place}");
        return;
    };
    let values: Vec<&Value> = records.iter().map(|record| at_path(record, path)).collect();
    let served = values.iter().filter(|value| !value.is_null()).count();
    assert!(served > 0, "{place}: the fixture has no value");
    assert_eq!(held(array), served, "{place}");
    let ColumnType::Structs(members) = &column.ty else {
        return;
    };
    let items: Vec<&Value> = values.iter().filter_map(|value| value.as_array()).flatten().collect();
    let structs = array.as_list::<i32>().values().as_struct();
    assert_eq!(structs.len(), items.len(), "{place}");
    for (member, array) in members.iter().zip(structs.columns()) {
        let value = |item: &&&Value| !at_path(item, &member.path).is_null();
        let served = items.iter().filter(value).count();
        assert!(served > 0, "{place}.{}: the fixture has no value", member.name);
        assert_eq!(held(array), served, "{place}.{}", member.name);
    }
}

#[test]
fn every_fixture_decodes_whole_and_fills_every_column() {
    for spec in STREAMS {
        let page = decoded(spec);
        let MemberDeviations { misfits, finer, converted, unknown, .. } = &page.observed;
        assert!(misfits.is_empty() && finer.is_empty(), "{}: {misfits:?} {finer:?}", spec.name);
        assert!(converted.is_empty(), "{}: {converted:?}", spec.name);
        assert!(unknown.is_empty(), "{}: {unknown:?}", spec.name);
        assert!(page.quarantined.is_empty(), "{}: {:?}", spec.name, page.quarantined);
        let records = records(spec, &serde_json::from_str(&fixture(spec)).unwrap());
        assert_eq!(page.rows.num_rows(), records.len(), "{}", spec.name);
        assert_eq!(
            page.facts.keys.iter().collect::<BTreeSet<_>>().len(),
            records.len(),
            "{}",
            spec.name
        );
        let columns = columns(spec);
        assert_eq!(page.rows.num_columns(), columns.len(), "{}", spec.name);
        for (column, array) in columns.iter().zip(page.rows.columns()) {
            check_column(&format!("{}.{}", spec.name, column.name), column, array, &records);
        }
    }
}

#[test]
fn the_document_on_erasing_names_the_streams_with_personal_fields() {
    let rows = include_str!("../../../docs/privacy.md").lines().filter_map(|line| {
        let (streams, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        rest.starts_with("the user").then_some(streams)
    });
    let named: BTreeSet<&str> = rows.flat_map(|streams| streams.split(", ")).collect();
    let personal = STREAMS.iter().filter(|spec| spec.personal.is_some());
    assert_eq!(named, personal.map(|spec| spec.name).collect());
}
