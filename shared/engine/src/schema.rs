//! The columns of a stream's table, derived from its declaration.

use crate::spec::{FieldSpec, FieldType, PartitionSpec, StreamKind, StreamSpec};

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Name in the table: lower case, nested objects joined with `_`.
    pub name: String,
    /// Type in the table.
    pub ty: ColumnType,
    /// Origin of its value.
    pub source: ColumnSource,
    /// Whether every row has a value.
    pub required: bool,
    /// Whether a new value alone is no change of the row.
    pub volatile: bool,
    /// Column comment; may be empty.
    pub doc: String,
}

/// Type of a column or of a member of a list's structs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// `int64`
    Int,
    /// `utf8`
    Text,
    /// `bool`
    Bool,
    /// `date32`
    Date,
    /// `timestamp(us, UTC)`
    Instant,
    /// `decimal(18, scale)`
    Decimal {
        /// Digits after the point: 4 for money, 6 for the rest.
        scale: i8,
    },
    /// `list<utf8>`
    Texts,
    /// `list<int64>`
    Ints,
    /// `list<struct<..>>`
    Structs(Vec<Member>),
}

/// One member of the structs of a list column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name in the struct, nested objects joined with `_`.
    pub name: String,
    /// Path in the JSON object of the list's element.
    pub path: Vec<&'static str>,
    /// Type; never a list.
    pub ty: ColumnType,
}

/// Origin of a column's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnSource {
    /// The record's field at this path.
    Record(Vec<&'static str>),
    /// The id of the parent whose list held the record.
    Parent,
    /// First day of the report window.
    PeriodStart,
    /// Last day of the report window, inclusive.
    PeriodEnd,
    /// The account that the lake belongs to.
    Account,
    /// Time at which the page with the row's content was requested.
    SyncedAt,
    /// JSON object of the members that no column holds.
    Extra,
    /// The partition's value.
    Partition,
    /// Only in the table of changes: kind and time of the change, and the values of the row's
    /// partition column.
    Change,
}

/// Returns the columns of `spec`'s table in the order of the table log: declared fields, parent or
/// period columns, `account_id`, `synced_at`, `extra_json`, partition column.
#[must_use]
pub fn columns(spec: &StreamSpec) -> Vec<Column> {
    let mut columns = Vec::new();
    flatten("", &[], spec.fields, &mut columns);
    let added = |name: &str, ty, source, required, doc: &str| Column {
        name: name.to_owned(),
        ty,
        source,
        required,
        volatile: false,
        doc: doc.to_owned(),
    };
    match &spec.kind {
        StreamKind::Listing(_) | StreamKind::Snapshot(_) => {}
        StreamKind::PerParent(parent) => columns.push(added(
            parent.parent_column,
            ColumnType::Int,
            ColumnSource::Parent,
            true,
            "id of the parent whose list this record was in",
        )),
        StreamKind::ReportWindow(_) => {
            let day = ColumnType::Date;
            let doc = "first day of the report window";
            columns.push(added("period_start", day.clone(), ColumnSource::PeriodStart, true, doc));
            let doc = "last day of the report window, inclusive";
            columns.push(added("period_end", day, ColumnSource::PeriodEnd, true, doc));
        }
    }
    let doc = "Harvest account";
    columns.push(added("account_id", ColumnType::Int, ColumnSource::Account, true, doc));
    let doc = "when the page that brought this row's content was requested";
    columns.push(added(SYNCED_AT, ColumnType::Instant, ColumnSource::SyncedAt, true, doc));
    let doc = "JSON object of members that no column holds, by path; null where there are none";
    columns.push(added("extra_json", ColumnType::Text, ColumnSource::Extra, false, doc));
    let partition = match spec.partition {
        PartitionSpec::None => None,
        PartitionSpec::CreatedMonth => {
            Some((ColumnType::Text, "month of created_at, YYYY-MM, UTC"))
        }
        PartitionSpec::CreatedYear => Some((ColumnType::Int, "year of created_at, UTC")),
        PartitionSpec::ParentCreatedYear => {
            Some((ColumnType::Int, "year of the parent's created_at, UTC"))
        }
        PartitionSpec::PeriodYear => Some((ColumnType::Int, "year of period_start")),
        PartitionSpec::StartedMonth => {
            Some((ColumnType::Text, "month of started_at, YYYY-MM, UTC"))
        }
    };
    if let (Some((ty, doc)), Some(name)) = (partition, spec.partition.column()) {
        columns.push(added(name, ty, ColumnSource::Partition, false, doc));
    }
    columns
}

/// Column of the table of changes with the kind of change: `I`, `U` or `D`.
pub const OP: &str = "op";
/// Column of the table of changes with the time of the change.
pub const CHANGED_AT: &str = "changed_at";
/// Column of the table of changes with the sequence of the stream's commit.
pub const SEQUENCE: &str = "sequence";
/// Name of the column with the time at which the page with the row's content was requested.
pub const SYNCED_AT: &str = "synced_at";
/// Partition column of the table of changes.
pub const CHANGED_MONTH: &str = "changed_month";

/// Returns the name of the table of changes beside `spec`'s table.
#[must_use]
pub fn changes_name(spec: &StreamSpec) -> String {
    format!("{}_changes", spec.name)
}

/// Returns the meaning of a row of the table of changes, as the table's description.
#[must_use]
pub fn changes_doc(spec: &StreamSpec) -> String {
    format!("Every insert, update and delete of {}, as full rows", spec.name)
}

/// Returns the columns of the table of changes beside `spec`'s table: the change, all columns of
/// that table, the partition column.
#[must_use]
pub fn change_columns(spec: &StreamSpec) -> Vec<Column> {
    let added = |name: &str, ty, source, doc: &str| Column {
        name: name.to_owned(),
        ty,
        source,
        required: true,
        volatile: false,
        doc: doc.to_owned(),
    };
    let doc = "what happened to the row: I inserted, U updated, D deleted (the row as it last was)";
    let mut all = vec![added(OP, ColumnType::Text, ColumnSource::Change, doc)];
    let doc = "when it was merged into the table; order by sequence";
    all.push(added(CHANGED_AT, ColumnType::Instant, ColumnSource::Change, doc));
    let doc = "number of the commit that changed the table; a later one is higher";
    all.push(added(SEQUENCE, ColumnType::Int, ColumnSource::Change, doc));
    all.extend(columns(spec).into_iter().map(|column| match column.source {
        // The table's partition column is an ordinary column here.
        ColumnSource::Partition => Column { source: ColumnSource::Change, ..column },
        ColumnSource::Record(_)
        | ColumnSource::Parent
        | ColumnSource::PeriodStart
        | ColumnSource::PeriodEnd
        | ColumnSource::Account
        | ColumnSource::SyncedAt
        | ColumnSource::Extra
        | ColumnSource::Change => column,
    }));
    let doc = "month of changed_at, YYYY-MM, UTC";
    let month = added(CHANGED_MONTH, ColumnType::Text, ColumnSource::Partition, doc);
    all.push(Column { required: false, ..month });
    all
}

fn flatten(
    prefix: &str,
    path: &[&'static str],
    fields: &'static [FieldSpec],
    columns: &mut Vec<Column>,
) {
    for field in fields {
        let name = format!("{prefix}{}", field.name);
        let mut path = path.to_vec();
        path.push(field.name);
        if let FieldType::Object(inner) = field.ty {
            flatten(&format!("{name}_"), &path, inner, columns);
            continue;
        }
        columns.push(Column {
            name,
            ty: column_type(field.ty),
            source: ColumnSource::Record(path),
            required: field.required,
            volatile: field.volatile,
            doc: field.doc.to_owned(),
        });
    }
}

fn column_type(ty: FieldType) -> ColumnType {
    match ty {
        FieldType::Int => ColumnType::Int,
        FieldType::Text => ColumnType::Text,
        FieldType::Bool => ColumnType::Bool,
        FieldType::Date => ColumnType::Date,
        FieldType::Instant => ColumnType::Instant,
        FieldType::Money => ColumnType::Decimal { scale: 4 },
        FieldType::Decimal => ColumnType::Decimal { scale: 6 },
        FieldType::Texts => ColumnType::Texts,
        FieldType::Ints => ColumnType::Ints,
        // Callers flatten plain objects; in a list, `flatten` does so for the objects of its
        // elements.
        FieldType::Object(fields) | FieldType::Objects(fields) => {
            let mut members = Vec::new();
            flatten("", &[], fields, &mut members);
            ColumnType::Structs(
                members
                    .into_iter()
                    .map(|column| Member {
                        name: column.name,
                        path: match column.source {
                            ColumnSource::Record(path) => path,
                            ColumnSource::Parent
                            | ColumnSource::PeriodStart
                            | ColumnSource::PeriodEnd
                            | ColumnSource::Account
                            | ColumnSource::SyncedAt
                            | ColumnSource::Extra
                            | ColumnSource::Partition
                            | ColumnSource::Change => Vec::new(),
                        },
                        ty: column.ty,
                    })
                    .collect(),
            )
        }
    }
}
