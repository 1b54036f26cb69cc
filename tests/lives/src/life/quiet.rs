//! The quiet period at the end of a life, and its checks.

use delta::store::ObjectStore as _;
use engine::pass::Pass;
use engine::time::SignedDuration;
use rand::RngExt;
use runtime::run::RunReport;
use runtime::{Context, RunError};
use sha2::{Digest as _, Sha256};
use sim::Mutation;
use state::StateStore as _;

use super::{Life, LifeTotals};
use crate::declared::declared;
use crate::mishap::Mishap;
use crate::naive::value::PlainNumber;
use crate::oracle::{After, Contents};
use crate::trial;
use crate::world::{Synced, Wish, now, sync, sync_as};

/// Number of hours by which the servers' date is ahead at most, and one more.
const AHEAD: i64 = 11;

/// Whether a run reports answers that contradict each other or hold nothing usable.
fn doubts(report: &RunReport) -> bool {
    matches!(report.error(), Some(RunError::Contradictory { .. } | RunError::Unusable { .. }))
}

fn failure(synced: &Synced) -> Option<String> {
    synced.reports.iter().find_map(|report| report.error()).map(RunError::chain)
}

impl Life<'_> {
    /// Ends the life: after an incremental pass of every stream in which nothing goes wrong the
    /// tables have what it can see, and after a full pass they are equal to Harvest.
    pub(super) async fn end(&mut self) -> Result<LifeTotals, String> {
        self.chronicle.tell("quiet");
        self.watch.forget_removed();
        self.watch.permit(true);
        self.appear_late();
        self.world.stop_timers();
        // Rows that were read while the servers' date was ahead are not from the future any more.
        self.world.sleep(AHEAD).await;
        self.world.settings.accept_deletes = true;
        self.reset_the_rest().await?;
        self.erase_the_rest().await?;
        // The operator's work counts runs that have died as failures of this moment, and a stream that
        // failed since the sync was asked for is not tried again.
        self.world.clock_sleep(SignedDuration::from_secs(1)).await;
        let context = self.world.process(None);
        let mut incremental = sync(&context, None).await.map_err(|error| error.chain())?;
        self.tell_reports(&incremental);
        if incremental.reports.iter().any(doubts) {
            // A pass that met such answers before and is completed now reports them once.
            self.world.clock_sleep(SignedDuration::from_secs(1)).await;
            incremental = sync(&context, None).await.map_err(|error| error.chain())?;
            self.tell_reports(&incremental);
        }
        let wrong = self.differences_seen().await;
        if let Some(first) = wrong.first() {
            self.tell_commits(first).await;
            return Err(format!("{} differences after incremental passes: {first}", wrong.len()));
        }
        self.read_running_timers().await?;
        if self.chronicle.random.random_bool(0.3) {
            trial::trial(&self.world, self.chronicle).await?;
            self.world.sleep(1).await;
        }
        let full = self.full_passes(&context).await?;
        if self.world.is_out_of_patience() {
            return Err("requests without end at the end".to_owned());
        }
        for synced in [&incremental, &full] {
            if let Some(failure) = failure(synced) {
                return Err(failure);
            }
        }
        self.tell_reports(&full);
        let mut wrong = self.differences(After::FullPasses).await;
        self.watch.expect_all();
        wrong.extend(self.watch.wrong(&self.world).await);
        if let Some(first) = wrong.first() {
            return Err(format!("{} differences after full passes: {first}", wrong.len()));
        }
        if let Some(first) = self.secrets_kept().await.first() {
            return Err(format!("what must be nowhere is there: {first}"));
        }
        self.count_store_faults();
        self.totals.simulated = self.lived();
        for spec in &self.streams {
            let months = self.world.oracle().months();
            self.totals.records += self.world.oracle().true_rows(spec, &months).len() as u64;
        }
        let statistics = self.world.account.lock().unwrap().statistics().clone();
        self.totals.requests = statistics.general.requests + statistics.reports.requests;
        self.totals.trace = self.trace().await;
        Ok(self.totals.clone())
    }

    /// Runs a full pass of every stream, which may be interrupted again and again.
    async fn full_passes(&mut self, context: &Context) -> Result<Synced, String> {
        let stop_after = self.chronicle.random.random_range(100..3000);
        let is_interrupted = self.chronicle.befalls(Mishap::InterruptedEnd);
        self.chronicle.fired(Mishap::InterruptedEnd, u64::from(is_interrupted));
        let stop_after = is_interrupted.then_some(SignedDuration::from_millis(stop_after));
        let wish = Wish { pass: Some(Pass::Full), stop_after, impatient: false };
        sync_as(context, wish).await.map_err(|error| error.chain())
    }

    /// Reads a stream of time entries while a timer runs. Its hours grow without a new `updated_at`,
    /// and incremental passes read them nevertheless.
    async fn read_running_timers(&mut self) -> Result<(), String> {
        let spec = streams::find("time_entries").unwrap();
        let befalls = self.chronicle.befalls(Mishap::RunningTimers);
        if !befalls || !self.streams.iter().any(|stream| stream.name == spec.name) {
            return Ok(());
        }
        let place =
            declared(spec).compared.iter().position(|column| column.name == "hours").unwrap();
        let context = self.world.process(None);
        let start = Mutation::StartTimer;
        self.world.account.lock().unwrap().apply(now(&self.world), &start).unwrap();
        self.chronicle.fired(Mishap::RunningTimers, 1);
        let (mut before, mut least) = (Contents::new(), Contents::new());
        // The second sync finds nothing new but the hours.
        for _ in 0..2 {
            self.world.sleep(2).await;
            before = least;
            least = self.world.oracle().true_rows(spec, &self.world.oracle().months());
            let synced = sync(&context, None).await.map_err(|error| error.chain())?;
            if let Some(failure) = failure(&synced) {
                return Err(failure);
            }
        }
        let rows = self.world.oracle().table_rows(spec).await;
        let hours = |rows: &Contents, key: &String| {
            let number = rows.get(key).and_then(|row| PlainNumber::of(row[place].as_deref()?));
            number.and_then(|number| number.scaled(2))
        };
        for (key, _) in least.iter().filter(|(key, row)| before.get(*key) != Some(*row)) {
            let (ours, least) = (hours(&rows, key), hours(&least, key));
            if ours.is_some() && ours < least {
                return Err(format!("time_entries: {key} runs: {ours:?} hours, not {least:?}"));
            }
        }
        self.world.stop_timers();
        Ok(())
    }

    fn tell_reports(&mut self, synced: &Synced) {
        for report in &synced.reports {
            let (stream, pass, word) = (report.stream, report.pass, report.outcome.name());
            let (counts, parked, warning) = (&report.counts, report.parked, &report.warning);
            let told =
                format!("{stream} {pass:?}: {word}, {counts:?}, {parked} parked, {warning:?}");
            self.chronicle.tell(told);
        }
    }

    /// Returns the differences that an incremental pass can see.
    async fn differences_seen(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        for spec in &self.streams {
            if !self.watch.is_misled(&self.world, spec.name).await {
                let after = After::IncrementalPasses;
                wrong.extend(self.world.oracle().differences_of(spec.name, after).await);
            }
        }
        wrong
    }

    /// Returns the differences between the tables of the life and the account.
    async fn differences(&self, after: After) -> Vec<String> {
        let mut wrong = Vec::new();
        for spec in &self.streams {
            wrong.extend(self.world.oracle().differences_of(spec.name, after).await);
        }
        wrong
    }

    /// Returns a hash of all objects and items, the time, and the story.
    async fn trace(&self) -> u64 {
        let mut hash = Sha256::new();
        for object in self.world.store.list("", None).await.unwrap() {
            hash.update(&object.key);
            hash.update(self.world.store.get(&object.key).await.unwrap().unwrap());
        }
        for (key, item) in self.world.state.list(self.world.settings.account, "").await.unwrap() {
            hash.update(format!("{key:?} {item:?}"));
        }
        hash.update(now(&self.world).to_string());
        hash.update(self.chronicle.story());
        let bytes: [u8; 32] = hash.finalize().into();
        u64::from_be_bytes(bytes[..8].try_into().expect("eight bytes"))
    }
}
