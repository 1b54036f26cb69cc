//! Declaration of a stream, from which schema, paths, paging and tables follow.

mod field;
mod listing;
mod readers;

pub use field::{
    FieldSpec, FieldType, date, decimal, flag, instant, int, ints, money, object, objects, text,
    texts,
};
pub use listing::{GoesWith, Listing, Paging};
pub use readers::StreamReaders;
use serde::{Deserialize, Serialize};

/// One Harvest resource that we extract, declared once.
#[derive(Debug)]
pub struct StreamSpec {
    /// Name of the stream, of its table and of its folder in the lake.
    pub name: &'static str,
    /// One line for people: the meaning of a row.
    pub doc: &'static str,
    /// Path below the base URL. `{parent}` stands for the parent's id.
    pub path: &'static str,
    /// Member of the answer that holds the records; `None`: the answer itself is the one record.
    pub records_key: Option<&'static str>,
    /// Way of reading, and hence the coverage of a pass.
    pub kind: StreamKind,
    /// The rate limit of Harvest that its requests count against.
    pub rate_class: RateClass,
    /// The module that must be on in the account; `None`: always available.
    pub module: Option<Module>,
    /// Columns of the primary key, in the order in which a table is sorted.
    pub primary_key: &'static [&'static str],
    /// Partitions of the table.
    pub partition: PartitionSpec,
    /// Frequency of full passes after the first one.
    pub sweep: SweepCadence,
    /// Readers besides administrators.
    pub readers: StreamReaders,
    /// The fields that are a person's own and go when the person is erased; `None`: there are none.
    pub personal: Option<PersonalFields>,
    /// The date of its records that tells for which days there are reports; `None`: none does.
    pub dated: Option<EntryDate>,
    /// The fields of a record, in column order.
    pub fields: &'static [FieldSpec],
}

impl StreamSpec {
    /// Values that most streams have in common; a declaration states what differs, and all that names the
    /// stream. Readers, and whether records have personal fields, are stated by each.
    pub const USUAL: Self = Self {
        name: "",
        doc: "",
        path: "",
        records_key: None,
        kind: StreamKind::Snapshot(Paging::Single),
        rate_class: RateClass::General,
        module: None,
        primary_key: &["id"],
        partition: PartitionSpec::None,
        sweep: SweepCadence::ByCost,
        readers: StreamReaders::Administrators,
        personal: None,
        dated: None,
        fields: &[],
    };

    /// Returns the field that `updated_since` filters by, if the stream has one.
    #[must_use]
    pub fn cursor_field(&self) -> Option<&'static str> {
        self.fields.iter().any(|field| field.name == "updated_at").then_some("updated_at")
    }

    /// Returns how the pages of one of its lists follow each other.
    #[must_use]
    pub const fn paging(&self) -> Paging {
        match &self.kind {
            StreamKind::Listing(listing) => listing.paging,
            StreamKind::Snapshot(paging) => *paging,
            StreamKind::PerParent(_) => Paging::Cursor,
            StreamKind::ReportWindow(_) => Paging::Offset,
        }
    }

    /// Whether its cursor moves: it can be asked for records changed since an instant.
    #[must_use]
    pub const fn follows_changes(&self) -> bool {
        matches!(self.kind, StreamKind::Listing(_) | StreamKind::PerParent(_))
    }
}

/// The fields of a stream's records that are a person's own: names, addresses, free text. Hours,
/// days and amounts of their work are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonalFields {
    /// The field with the id of the person of a record, by path.
    pub person: &'static str,
    /// The fields that are removed when the person is erased, by path.
    pub members: &'static [&'static str],
}

/// The date of an entry that counts for reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum EntryDate {
    /// The day on which time or money was spent.
    #[serde(rename = "spent_date")]
    Spent,
    /// The day of issue.
    #[serde(rename = "issue_date")]
    Issued,
}

impl EntryDate {
    /// Returns the field of a record that holds the date.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Spent => "spent_date",
            Self::Issued => "issue_date",
        }
    }
}

/// Way in which a stream is read.
#[derive(Debug)]
pub enum StreamKind {
    /// A list with `updated_since`.
    Listing(Listing),
    /// A list that is read whole each time.
    Snapshot(Paging),
    /// One list per record of another stream.
    PerParent(PerParent),
    /// One list per calendar window.
    ReportWindow(ReportWindow),
}

/// Way from a parent to its children.
#[derive(Debug)]
pub struct PerParent {
    /// The listing whose changed records tell which parents to read.
    pub trigger: &'static StreamSpec,
    /// Path of the parent's id in a record of the trigger: `id`, or `user.id`.
    pub parent_id: &'static str,
    /// Path of the parent itself, `{parent}` for its id. 404 there proves that it is gone, once a
    /// parent that exists has answered there.
    pub parent_path: &'static str,
    /// Column that holds the parent's id.
    pub parent_column: &'static str,
    /// Role in `access_roles` without which a parent has no children. A parent without the field
    /// `access_roles` is read, and 422 for it is a complete empty answer.
    pub only_role: Option<&'static str>,
}

impl PerParent {
    /// Returns the name of the stream whose records are the parents: `users` for `/users/{parent}`.
    #[must_use]
    pub fn parents(&self) -> &'static str {
        let path = self.parent_path.trim_start_matches('/');
        path.split_once('/').map_or(path, |(parents, _)| parents)
    }
}

/// Way in which a report is read.
#[derive(Debug)]
pub struct ReportWindow {
    /// Whether the `issue_date` of invoices counts for the first and last window, too.
    pub includes_issue_date: bool,
    /// Whether the report values hours of a fixed fee at their rates if it is asked to
    /// (`include_fixed_fee`).
    pub values_fixed_fees: bool,
}

/// The one of Harvest's two limits that a request counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RateClass {
    /// 100 requests per 15 seconds.
    General,
    /// 100 requests per 15 minutes, for everything below `/reports`.
    Reports,
}

impl RateClass {
    /// Returns `general` or `reports`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Reports => "reports",
        }
    }
}

/// A part of Harvest that an account can switch off (`<module>_feature` of `/company`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Module {
    /// `expense_feature`
    Expense,
    /// `invoice_feature`
    Invoice,
    /// `estimate_feature`
    Estimate,
}

impl Module {
    /// Returns the member of `/company` that tells whether the module is on.
    #[must_use]
    pub const fn feature(self) -> &'static str {
        match self {
            Self::Expense => "expense_feature",
            Self::Invoice => "invoice_feature",
            Self::Estimate => "estimate_feature",
        }
    }
}

/// Partitions of a table; each an immutable function of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionSpec {
    /// One partition.
    None,
    /// Column `created_month`, text `YYYY-MM`, from the record's `created_at` (UTC).
    CreatedMonth,
    /// Column `created_year`, integer, from the record's `created_at` (UTC).
    CreatedYear,
    /// Column `created_year`, integer, from the `created_at` of the parent (UTC).
    ParentCreatedYear,
    /// Column `period_year`, integer, from `period_start`.
    PeriodYear,
    /// Column `started_month`, text `YYYY-MM`, from the record's `started_at` (UTC).
    StartedMonth,
}

impl PartitionSpec {
    /// Returns the name of the partition column, if there is one.
    #[must_use]
    pub const fn column(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::CreatedMonth => Some("created_month"),
            Self::CreatedYear | Self::ParentCreatedYear => Some("created_year"),
            Self::PeriodYear => Some("period_year"),
            Self::StartedMonth => Some("started_month"),
        }
    }

    /// Returns the name of the record's own instant that the partition follows from, if it follows
    /// from one.
    #[must_use]
    pub const fn instant(self) -> Option<&'static str> {
        match self {
            Self::CreatedMonth | Self::CreatedYear => Some("created_at"),
            Self::StartedMonth => Some("started_at"),
            Self::None | Self::ParentCreatedYear | Self::PeriodYear => None,
        }
    }
}

/// Frequency of full passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepCadence {
    /// Daily if the last one took fewer than 100 requests, otherwise weekly.
    ByCost,
    /// Daily: the stream changes in ways that incremental passes cannot see.
    Daily,
    /// With every incremental pass: the stream is read whole each time.
    Always,
}
