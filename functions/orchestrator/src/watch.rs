//! Mails about streams in trouble, and metrics, as a tick sends them.

use std::collections::BTreeMap;

use engine::item::{AccountItem, StreamItem};
use engine::trouble::{self, StreamsInTrouble, TroubleBounds, TroubleNews, TroubleReason, lag};
use runtime::announce::{Announcement, TroublePlace, TroubleReport};
use runtime::metrics::{self, Metric};

use crate::tick::OrchestratorTick;

impl OrchestratorTick<'_> {
    /// Returns the streams that need a person, with the reasons.
    pub(crate) fn in_trouble(
        &self,
        items: &BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) -> StreamsInTrouble {
        let blocked = account.refused.is_some().then_some(TroubleReason::TokenRefused);
        let open = self.open(items, account).into_iter().map(|(spec, item)| (spec.name, item));
        trouble::in_trouble(open, blocked, &self.item.value.told, (self.bounds(), self.now))
    }

    /// Bounds from which on a stream is in trouble.
    fn bounds(&self) -> TroubleBounds {
        TroubleBounds::deployed(self.context.settings.trouble_after)
    }

    /// Tells of streams that came into trouble or are out of it, and emits metrics. What the bus did
    /// not take is told by the next tick. `leave` writes the item.
    pub(crate) async fn watch(
        &mut self,
        items: &BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) {
        self.measure(items, account);
        let now = self.in_trouble(items, account);
        let Some(news) = TroubleNews::of(&self.item.value.told, &now) else { return };
        let report = TroubleReport {
            account: self.context.settings.account.0,
            place: TroublePlace::Function(self.context.function.as_deref().unwrap_or_default()),
            now: &now,
            news: &news,
            items,
            failure: None,
        };
        match self.announcer.announce(&Announcement::of_trouble(&report)).await {
            Ok(()) => self.item.value.told = now.into_keys().collect(),
            Err(error) => {
                let error = error.to_string();
                tracing::warn!(
                    error,
                    "nobody was told of the streams in trouble; the next tick tries again"
                );
            }
        }
    }

    /// Emits metrics about the streams that may run.
    ///
    /// A stream that Harvest refuses counts as refused and not as failing, and its lag does not
    /// count: only a person can change that, and an alarm on the lag would ring until then.
    pub(crate) fn measure(
        &self,
        items: &BTreeMap<&'static str, StreamItem>,
        account: &AccountItem,
    ) {
        let open = self.open(items, account);
        let count = |is: &dyn Fn(&StreamItem) -> bool| {
            open.iter().filter(|(_, item)| is(item)).count() as u64
        };
        // A refused token refuses every stream.
        let refused = count(&|item| item.health.refused || account.refused.is_some());
        let bounds = self.bounds();
        let in_trouble = count(&|item| {
            account.refused.is_some() || TroubleReason::of(item, bounds, self.now).is_some()
        });
        let failing = count(&|item| item.health.last_error.is_some() && !item.health.refused);
        let lags = open.iter().filter(|(_, item)| !item.health.refused);
        let oldest = lags.map(|(_, item)| lag(item, self.now).as_secs()).max().unwrap_or(0);
        let quarantined = open.iter().map(|(_, item)| item.health.quarantine.records).sum();
        metrics::emit(
            self.context,
            &[
                Metric::count("StreamsInTrouble", in_trouble),
                Metric::seconds("OldestStreamLagSeconds", u64::try_from(oldest).unwrap_or(0)),
                Metric::count("FailingStreams", failing),
                Metric::count("RefusedStreams", refused),
                Metric::count("QuarantinedRecords", quarantined),
            ],
        );
    }
}
