//! Days that the table of a list proves, before Harvest is asked.

use std::sync::Arc;

use delta::table::Table;
use engine::extent::ReportReach;
use engine::item::StreamPosition;
use engine::spec::{EntryDate, StreamSpec};
use engine::testimony::Testimony;
use engine::time::{Date, utc_day};
use lake::partition::days_of;

use crate::context::Context;
use crate::records;

/// Days that are known of a list before Harvest is asked.
pub(super) struct KnownDays {
    /// Days within the reach that its table holds for certain.
    pub(super) table: Option<(Date, Date)>,
    /// Days of its table beyond the reach, as far as the log tells them.
    pub(super) beyond: Vec<Date>,
    /// Days outside of which the table has none within the reach; `None`: it does not hold all
    /// history.
    pub(super) proven: Option<(Date, Date)>,
    /// Whether it may have more days beyond the reach than the log tells: only the ends of each file.
    pub(super) hides_far_days: bool,
}

impl KnownDays {
    /// Returns the days that the table of `spec` proves. A table that cannot be used proves none; the
    /// run on its stream reports why.
    pub(super) async fn of(
        context: &Context,
        spec: &'static StreamSpec,
        dated: EntryDate,
        reach: ReportReach,
    ) -> Self {
        let mut known =
            Self { table: None, beyond: Vec::new(), proven: None, hides_far_days: false };
        let account = context.settings.account;
        let opened = Table::open(Arc::clone(&context.store), spec, account).await;
        let Some(table) = opened.ok().flatten() else {
            return known;
        };
        // After a flush without a commit the complete pass is in the item alone; without the state it
        // is in the log alone.
        let noted = table.note().and_then(|note| serde_json::from_value(note.state.clone()).ok());
        let item = records::stream(&*context.state, account, spec.name, &context.present()).await;
        // An item that describes another table, or another version, proves nothing about this one: a
        // new table in the place of a lost one is empty, and would prove that there is no history.
        let of_item = item.map(|item| item.value).unwrap_or_default();
        let describes = of_item.testimony(table.version(), &table.mark()) == Testimony::True;
        let position: StreamPosition = noted.unwrap_or_default();
        // Read whole, or from the same first day on that reports begin with.
        let is_whole = |position: &StreamPosition| {
            position.full.last_begun.is_some()
                && (position.start_date.is_none()
                    || position.start_date == context.settings.start_date)
        };
        let days = days_of(table.files(), dated.field());
        let all = days.ranges.iter().flat_map(|(first, last)| [*first, *last]);
        let (near, far): (Vec<Date>, Vec<Date>) = all.partition(|day| reach.holds(*day));
        known.table = near.iter().min().zip(near.iter().max()).map(|(first, last)| (*first, *last));
        if (describes && is_whole(&of_item.position)) || is_whole(&position) {
            // A day far away hides the next one.
            known.hides_far_days = !days.complete || !far.is_empty();
            let whole = (reach.first, reach.last);
            // An empty table proves that there is nothing: any day within the reach stands for that.
            let today = utc_day(context.clock.now());
            known.proven = Some(if known.hides_far_days {
                whole
            } else {
                known.table.unwrap_or((today, today))
            });
        }
        known.beyond = far;
        known
    }
}
