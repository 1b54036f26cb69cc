//! `docs/streams.md` says what is declared.

use std::fmt::Write as _;
use std::path::PathBuf;

use engine::schema::{Column, ColumnType, columns};
use engine::spec::{Module, StreamKind, StreamReaders, StreamSpec, SweepCadence};

/// Variable that makes the test write the documentation anew, to be reviewed.
const UPDATE: &str = "UPDATE_GOLDEN";

const HEAD: &str = "# Streams and their tables

`make snap` writes this page from the declarations in `shared/streams`, and a test compares it.

Each stream is a Delta table `tables/<stream>`, with a table `tables/<stream>_changes` beside it ([changes.md](changes.md)).
[reading.md](reading.md) says how the tables belong together. A module that is off in the account has no streams.

";

const READERS: &str = "
## Readers

A token of an administrator reads all of every stream. Harvest refuses some streams to other people (403), and of others shows them
a part, without a word about the rest; money is then null or absent, too. A dot means refused. The names of roles are those of `access_roles` in
[users](#users). `harvest-lake check` shows the roles of a token, and which streams are refused to it.

| stream | a manager reads | a member reads |
| --- | --- | --- |
";

/// Returns the type of a column in words.
fn type_of(ty: &ColumnType) -> String {
    match ty {
        ColumnType::Int => "bigint".to_owned(),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Bool => "boolean".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Instant => "timestamp (UTC)".to_owned(),
        ColumnType::Decimal { scale } => format!("decimal(18, {scale})"),
        ColumnType::Texts => "list of text".to_owned(),
        ColumnType::Ints => "list of bigint".to_owned(),
        ColumnType::Structs(members) => {
            let members = members.iter().map(|one| format!("{} {}", one.name, type_of(&one.ty)));
            format!("list of ({})", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns how the stream is read, and how deletions are seen.
fn reading_of(spec: &StreamSpec) -> (String, String) {
    match &spec.kind {
        StreamKind::Listing(listing) => {
            let own = listing.own_path;
            let mut deletions = format!("a sweep misses the record, and `{own}` answers 404");
            if let Some(with) = listing.goes_with {
                write!(deletions, ", or `{}` does", with.path).unwrap_or_default();
            }
            ("a list, then what changed since the last run (`updated_since`)".to_owned(), deletions)
        }
        StreamKind::Snapshot(_) => (
            "a list or record that is read whole each time".to_owned(),
            "the record is not in a complete reading".to_owned(),
        ),
        StreamKind::PerParent(parent) => (
            format!("a list for each record of `{}` that changed", parent.trigger.name),
            format!(
                "the record is not in a complete list of its parent, or `{}` answers 404",
                parent.parent_path
            ),
        ),
        StreamKind::ReportWindow(_) => (
            "a report for each window of days".to_owned(),
            "the row is not in a complete reading of its window".to_owned(),
        ),
    }
}

/// Returns how often the stream is read whole.
const fn sweep_of(spec: &StreamSpec) -> &'static str {
    match spec.sweep {
        SweepCadence::ByCost => "daily if that takes fewer than 100 requests, otherwise weekly",
        SweepCadence::Daily => "daily",
        SweepCadence::Always => "with every run",
    }
}

/// Returns what a manager and a member read of the stream.
fn readers_of(spec: &StreamSpec) -> [String; 2] {
    let refused = || "·".to_owned();
    match spec.readers {
        StreamReaders::Administrators => [refused(), refused()],
        StreamReaders::Managers { with: [], read } => [read.to_owned(), refused()],
        StreamReaders::Managers { with, read } => {
            let roles: Vec<String> = with.iter().map(|role| format!("`{role}`")).collect();
            [format!("with {}: {read}", roles.join(" or ")), refused()]
        }
        StreamReaders::Everybody { managers_read, members_read } => {
            [managers_read.to_owned(), members_read.to_owned()]
        }
    }
}

/// Returns the line of a column.
fn line_of(column: &Column) -> String {
    let required = if column.required { " not null" } else { "" };
    let doc = column.doc.replace('|', "\\|");
    format!("| `{}` | {}{required} | {doc} |\n", column.name, type_of(&column.ty))
}

/// Returns the section of a stream.
fn section(spec: &'static StreamSpec) -> String {
    let (reading, deletions) = reading_of(spec);
    let module = spec.module.map_or("always on", Module::feature);
    let keys: Vec<String> = spec.primary_key.iter().map(|key| format!("`{key}`")).collect();
    let partition =
        spec.partition.column().map_or("none".to_owned(), |column| format!("`{column}`"));
    let mut text = format!("## {}\n\n{}\n\n", spec.name, spec.doc);
    text.push_str("| | |\n| --- | --- |\n");
    for (name, value) in [
        (
            "endpoint",
            format!("`GET /v2{}`, limit of {} requests", spec.path, spec.rate_class.name()),
        ),
        ("module", module.to_owned()),
        ("read as", reading),
        ("read whole", sweep_of(spec).to_owned()),
        ("deleted when", deletions),
        ("primary key", keys.join(", ")),
        ("partition", partition),
    ] {
        writeln!(text, "| {name} | {value} |").unwrap_or_default();
    }
    text.push_str("\n| column | type | meaning |\n| --- | --- | --- |\n");
    text.extend(columns(spec).iter().map(line_of));
    text.push('\n');
    text
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a switch for people, not a setting")]
fn the_page_of_streams_says_what_is_declared() {
    let mut page = HEAD.to_owned();
    for spec in streams::STREAMS {
        let name = spec.name;
        writeln!(page, "* [{name}](#{name}): {}", spec.doc).unwrap();
    }
    page.push_str(READERS);
    for spec in streams::STREAMS {
        let [manager, member] = readers_of(spec);
        writeln!(page, "| [{0}](#{0}) | {manager} | {member} |", spec.name).unwrap();
    }
    page.push('\n');
    page.extend(streams::STREAMS.into_iter().map(section));
    let page = format!("{}\n", page.trim_end());
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/streams.md");
    if std::env::var(UPDATE).is_ok() {
        std::fs::write(&file, page).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = page.lines().zip(found.lines()).find(|(wanted, found)| wanted != found);
    assert!(
        page == found,
        "`make snap` writes docs/streams.md anew; first difference: {differs:?}"
    );
}
