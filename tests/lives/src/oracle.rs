//! Comparison of the tables with the current records of the account.
//!
//! Neither side of it comes from the product: `crate::reader` reads the tables, `crate::naive`
//! makes the rows that they should have, and `crate::legal` checks every version of their logs.

mod comparison;
mod truth;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use delta::store::ObjectStore;
use engine::ids::AccountId;
use engine::privacy::PrivacyRules;
use engine::schema::ColumnSource;
use engine::spec::{StreamKind, StreamSpec};
use engine::time::{Date, Timestamp};
use engine::window::Period;
use runtime::settings::Settings;
use sim::Account;

use crate::declared::declared;
use crate::naive::record::{NaiveReader, Row};
use crate::reader::LakeTable;
use crate::reader::cell::OrderedValue;
use crate::reader::lake::{LakeReading, same_objects};
use crate::reader::memory::OracleMemory;
pub(crate) use comparison::is_same_row;
use comparison::{Compared, compare, joined};

/// Rows by key.
pub type Contents = BTreeMap<String, Row>;

/// Instant of the newest change of each record, by its id.
pub type Versions = BTreeMap<i64, Timestamp>;

/// Passes that ran last, on which the allowed differences from the account depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Full passes: the tables have the rows of all records that Harvest returns, and no others.
    FullPasses,
    /// Incremental passes: the tables of listings have every record with its own fields; changes
    /// without a new `updated_at` follow with the next full pass.
    IncrementalPasses,
}

/// An account, and the lake that should be its copy.
#[derive(Debug)]
pub struct Oracle<'a> {
    /// The account.
    pub account: &'a Mutex<Account>,
    /// Id of the account.
    pub id: AccountId,
    /// Time as of which the account is read.
    pub now: Timestamp,
    /// The lake.
    pub store: Arc<dyn ObjectStore>,
    /// Settings that say which streams are read; `None` for all of them.
    pub settings: Option<&'a Settings>,
    /// Objects and truths that were read before.
    pub memory: Arc<OracleMemory>,
}

impl Oracle<'_> {
    /// Returns the rows of `spec`'s table. Panics if a key occurs twice or a file cannot be read.
    pub async fn table_rows(&self, spec: &'static StreamSpec) -> Contents {
        let read = self.read(LakeTable::of(spec)).await.expect("the table exists");
        let (rows, wrong) = (read.contents(&self.memory), &read.unreadable);
        assert!(wrong.is_empty() && rows.1.is_empty(), "{wrong:?} {:?}", rows.1);
        (*rows.0).clone()
    }

    /// Returns the rows that `spec`'s table should have.
    #[must_use]
    pub fn true_rows(&self, spec: &'static StreamSpec, windows: &BTreeSet<Period>) -> Contents {
        joined(&self.truths(spec, windows, &BTreeSet::new()))
    }

    /// Returns the same, without the own data of the erased users that the lake lists.
    pub async fn kept_rows(
        &self,
        spec: &'static StreamSpec,
        windows: &BTreeSet<Period>,
    ) -> Contents {
        joined(&self.truths(spec, windows, &self.erased_users().await))
    }

    /// Returns the rows that the table would have if everything was kept, whatever the settings
    /// exclude or hash.
    #[must_use]
    pub fn plain_rows(&self, spec: &'static StreamSpec, windows: &BTreeSet<Period>) -> Contents {
        let nobody = BTreeSet::new();
        joined(
            &self.truths_by(
                &NaiveReader::new(spec, self.id, &nobody, PrivacyRules::default()),
                windows,
            ),
        )
    }

    /// Returns the `updated_at` of every record of a stream, by id.
    #[must_use]
    pub fn true_versions(&self, spec: &'static StreamSpec) -> BTreeMap<i64, Timestamp> {
        (*self.kept_versions(spec)).clone()
    }

    /// Returns the same, without a copy.
    pub(crate) fn kept_versions(&self, spec: &'static StreamSpec) -> Arc<Versions> {
        let truths = self.truths(spec, &BTreeSet::new(), &BTreeSet::new());
        truths.first().map(|truth| Arc::clone(&truth.versions)).unwrap_or_default()
    }

    /// Returns the rows that a table should have that is not divided into windows, without a copy.
    pub(crate) fn kept_truth(&self, spec: &'static StreamSpec) -> Arc<Contents> {
        let truths = self.truths(spec, &BTreeSet::new(), &BTreeSet::new());
        truths.first().map(|truth| Arc::clone(&truth.rows)).unwrap_or_default()
    }

    /// Returns all months that have entries, expenses or invoices, which reports can be about.
    #[must_use]
    pub fn months(&self) -> BTreeSet<Period> {
        #[derive(serde::Deserialize)]
        struct Months {
            months: Vec<Date>,
        }
        let months: Months = serde_json::from_slice(&self.ask("/_sim/months")).expect("months");
        let whole = |first: &Date| Period { start: *first, end: first.last_of_month() };
        months.months.iter().map(whole).collect()
    }

    /// Returns the keys of the rows that `spec`'s table should have for `parent`.
    #[must_use]
    pub fn true_children(&self, spec: &'static StreamSpec, parent: i64) -> BTreeSet<String> {
        let parent = Some(parent.to_string());
        let place = place(spec, |source| *source == ColumnSource::Parent);
        let rows = self.true_rows(spec, &BTreeSet::new()).into_iter();
        rows.filter(|(_, row)| place.is_some_and(|at| row[at] == parent))
            .map(|(key, _)| key)
            .collect()
    }

    /// Returns the differences between the tables and the account.
    pub async fn differences(&self, after: After) -> Vec<String> {
        let mut wrong = Vec::new();
        let included = |name: &str| self.settings.is_none_or(|settings| settings.includes(name));
        let months = self.months();
        for spec in streams::STREAMS.iter().filter(|spec| included(spec.name)) {
            wrong.extend(self.differences_in(spec, after, &months).await);
        }
        wrong
    }

    /// Returns the differences between the table of `stream` and the account, and what is illegal
    /// in its log or its files.
    pub async fn differences_of(&self, stream: &str, after: After) -> Vec<String> {
        let spec = streams::find(stream).expect("a stream");
        self.differences_in(spec, after, &self.months()).await
    }

    async fn differences_in(
        &self,
        spec: &'static StreamSpec,
        after: After,
        months: &BTreeSet<Period>,
    ) -> Vec<String> {
        let listing = matches!(spec.kind, StreamKind::Listing(_));
        let Some(table) = self.read(LakeTable::of(spec)).await else {
            return vec![format!("{}: there is no table", spec.name)];
        };
        let mut wrong = table.breaches();
        wrong.extend(self.changes_wrong_with(&table).await);
        if after == After::IncrementalPasses && !listing {
            return wrong;
        }
        let truths = self.truths(spec, months, &self.erased_users().await);
        let mut basis = table.basis();
        for truth in &truths {
            basis.extend([truth.body.clone(), truth.reading.clone().into()]);
        }
        let comparison = format!("{} {after:?}", spec.name);
        let agreed = self.memory.shelves().agreed.get(&comparison).cloned();
        if agreed.is_some_and(|agreed| same_objects(&agreed, &basis)) {
            return wrong;
        }
        let (rows, doubled) = table.contents(&self.memory);
        wrong.extend(doubled);
        let older = table.is_older();
        wrong.extend(compare(spec, after, Compared { older, rows: &rows, truths: &truths }));
        if wrong.is_empty() {
            self.memory.shelves().agreed.insert(comparison, basis);
        }
        wrong
    }

    /// Returns the files with rows that were read in the future. Call for lakes that no process with
    /// a wrong clock has written.
    pub async fn read_ahead(&self) -> Vec<String> {
        let now = OrderedValue::Number(self.now.as_microsecond().into());
        let mut ahead = Vec::new();
        for spec in streams::STREAMS {
            let Some(table) = self.read(LakeTable::of(spec)).await else { continue };
            for file in &table.files {
                let Ok(read) = &file.read else { continue };
                let range = read.ranges.get("synced_at").and_then(|it| it.range.as_ref());
                if range.is_some_and(|(_, last)| *last > now) {
                    ahead.push(format!("{}: {} was read ahead", spec.name, file.entry.path));
                }
            }
        }
        ahead
    }

    /// Returns the users whose own data was erased, as the lake lists them.
    async fn erased_users(&self) -> BTreeSet<i64> {
        let list = self.store.get("erased.json").await.expect("a store");
        list.map(|list| serde_json::from_slice(&list).expect("ids")).unwrap_or_default()
    }

    /// Reads a table; `None` if it has no log.
    pub async fn read(&self, table: LakeTable) -> Option<LakeReading> {
        LakeReading::of(&*self.store, &self.memory, table).await
    }
}

/// Position of the column with this origin among the compared ones.
fn place(spec: &StreamSpec, wanted: impl Fn(&ColumnSource) -> bool) -> Option<usize> {
    declared(spec).compared.iter().position(|column| wanted(&column.source))
}

/// Returns the `updated_at` of each row, by id.
#[must_use]
pub fn versions(spec: &StreamSpec, rows: &Contents) -> Versions {
    let updated = ColumnSource::Record(vec!["updated_at"]);
    let Some(at) = place(spec, |source| *source == updated) else { return BTreeMap::new() };
    let version =
        |(key, row): (&String, &Row)| Some((key.parse().ok()?, row[at].as_ref()?.parse().ok()?));
    rows.iter().filter_map(version).collect()
}
