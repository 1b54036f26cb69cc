//! Ticks with nothing to do: they take no lease, and most of them read one item.

use engine::account::{Admission, admission};
use engine::dispatch::{OrchestratorItem, running};
use engine::quiet::{QuietTerms, QuietTime};
use engine::time::Timestamp;
use engine::trouble::TroubleNews;
use runtime::credentials::LoadedSecret;
use runtime::records;
use runtime::settings::MetricDetail;
use runtime::{Context, RunError};

use crate::answer::{TickAnswer, TickEnd};
use crate::tick::{OrchestratorTick, state_error};
use crate::{StoredStreams, stored_streams};

impl OrchestratorTick<'_> {
    /// Returns the answer of a tick that finds nothing to do, which needs no lease; `None` if there
    /// may be something. Writes down until when there will be nothing, if that saves later ticks from
    /// looking.
    pub(crate) async fn idle(&mut self) -> Result<Option<TickAnswer>, RunError> {
        let context = self.context;
        if !may_be_idle(&self.item.value, self.now) {
            return Ok(None);
        }
        let terms = terms(context);
        // With metrics each tick has something to tell.
        let may_rest = context.settings.metrics == MetricDetail::None;
        if let Some(quiet) = self.item.value.quiet.as_ref().filter(|_| may_rest)
            && quiet.holds(&terms, self.now)
        {
            let waits_until = Some(quiet.until);
            return Ok(Some(TickAnswer {
                waits_until,
                ..TickAnswer::without_plan(TickEnd::Quiet)
            }));
        }
        let LoadedSecret::Ready(version) = context.tokens.load(context).await? else {
            return Ok(None);
        };
        let state = &*context.state;
        let account = records::account(state, context.settings.account, &context.present()).await;
        let account = account.map_err(state_error)?.value;
        let admitted = admission(&account, version.as_ref(), self.now);
        if admitted != Admission::Open || !account.tables_created {
            return Ok(None);
        }
        let StoredStreams { items, filed } = stored_streams(context, &account).await?;
        let in_trouble = self.in_trouble(&items, &account);
        let is_news = TroubleNews::of(&self.item.value.told, &in_trouble).is_some();
        let files = self.may_file(&items, &filed);
        if is_news || files || !self.due(&items, &account).is_empty() {
            return Ok(None);
        }
        self.measure(&items, &account);
        let open = self.open(&items, &account);
        let quiet = QuietTime::of(&open, &self.item.value.invoked, &terms, context.present());
        if let Some(quiet) = quiet.filter(|_| may_rest) {
            self.item.value.quiet = Some(quiet);
            // Another tick that was faster knows better.
            let written = records::write(&*context.state, &self.key, &mut self.item).await;
            written.map_err(state_error)?;
        }
        Ok(Some(self.planned(Vec::new(), running(&items, self.now), &account)))
    }
}

/// Terms on which this deployment finds that nothing is due.
fn terms(context: &Context) -> QuietTerms {
    let settings = &context.settings;
    let included = streams::STREAMS.iter().filter(|spec| settings.includes(spec.name));
    QuietTerms {
        interval: settings.sync_interval.as_secs(),
        trouble_after: settings.trouble_after.as_secs(),
        streams: included.map(|spec| spec.name.to_owned()).collect(),
        start_date: settings.start_date,
        release: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// Whether a tick at `now` can be one with nothing to do, as far as this item tells: there is no
/// request to carry out, and no other tick at work.
fn may_be_idle(item: &OrchestratorItem, now: Timestamp) -> bool {
    item.asked.is_none() && !item.lease.as_ref().is_some_and(|lease| lease.is_held(now))
}
