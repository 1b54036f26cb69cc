//! Cache of report rows, valid until the account changes.
//!
//! The rows of a window are sums over all its entries, and a client asks for them page by page, and
//! for the same windows again in each run. A report is therefore computed once for all of these
//! requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Answerer;
use crate::report::{self, ReportDays};
use crate::spelling::Spelling;
use crate::stream::Stream;

/// Conditions on which the rows of a report depend, besides the records: the stream, its window,
/// the user of the request, the second (0 where time changes nothing), and the spelling of values.
type ReportKey = (Stream, ReportDays, i64, i64, Spelling);

/// Rows of the reports that were asked for since the last change of the account. The lock is there
/// because answers only borrow the account.
#[derive(Debug, Default)]
pub(crate) struct ReportCache(Mutex<CachedReports>);

impl Clone for ReportCache {
    /// Returns an empty cache, because a copy of an account changes independently.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// Report rows after a certain number of changes.
#[derive(Debug, Default)]
struct CachedReports {
    /// Number of changes after which the rows were computed.
    changes: u64,
    rows: BTreeMap<ReportKey, Arc<Vec<Vec<u8>>>>,
}

impl Answerer<'_> {
    /// Returns the rows of a report, computed at most once between two changes of the account.
    ///
    /// Hours of a running timer and the month of a monthly budget change with time alone, so such
    /// rows are valid for one second only. The cache is emptied at 5000 windows, which bounds its
    /// memory in long tests: a window costs little to compute again.
    pub(crate) fn report_rows(&self, stream: Stream, window: ReportDays) -> Arc<Vec<Vec<u8>>> {
        let ticking = !self.look.books.running.is_empty() || stream == Stream::ProjectBudgetReport;
        let second = if ticking { self.look.now.0 } else { 0 };
        let key = (stream, window, self.look.viewer.user, second, self.look.spelling);
        let mut cached = self.cache.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cached.changes != self.changes || cached.rows.len() > 5000 {
            *cached = CachedReports { changes: self.changes, rows: BTreeMap::new() };
        }
        let rows = cached.rows.entry(key);
        rows.or_insert_with(|| Arc::new(report::rows(&self.look, stream, window))).clone()
    }
}
