//! Work of the operator between ticks, by processes that may die like others.

use std::sync::Arc;

use delta::store::{MemoryStore, ObjectStore};
use delta::table::Table;
use engine::spec::StreamSpec;
use lake::progress::NoFileProgress;
use lake::verify::{TableCheck, VerifyFinding};
use rand::RngExt;
use rand::rngs::StdRng;
use runtime::Context;
use runtime::compare::ComparedPortion;
use runtime::operate::reset::{reset, reset_changes};
use runtime::operate::upgrade::upgrade;

use super::privacy::erase_user;
use super::{Life, conduct};
use crate::mishap::Mishap;
use crate::world::MortalProcess;

async fn table(context: &Context, spec: &'static StreamSpec) -> Option<Table> {
    let table = Table::open(Arc::clone(&context.store), spec, context.settings.account).await;
    table.ok().flatten()
}

impl Life<'_> {
    /// Lets the operator work.
    ///
    /// # Errors
    /// Fails if a verification finds something wrong.
    pub(super) async fn operate(&mut self) -> Result<(), String> {
        for mishap in [
            Mishap::Reset,
            Mishap::Upgrade,
            Mishap::Export,
            Mishap::Verification,
            Mishap::Comparison,
            Mishap::Erasure,
        ] {
            let which = self.chronicle.random.random_range(0..self.streams.len());
            if !self.chronicle.befalls(mishap) {
                continue;
            }
            let spec = self.streams[which];
            let mut random = self.random();
            let its = conduct::conduct(&mut random, sim::ADMINISTRATOR_TOKEN);
            let changes = random.random_bool(0.3);
            self.chronicle.tell(format!("{}: {}", mishap.declared().name, spec.name));
            if matches!(mishap, Mishap::Reset | Mishap::Upgrade | Mishap::Erasure) {
                self.watch.forget_removed();
            }
            if mishap == Mishap::Reset {
                self.watch.half_reset.insert(spec.name);
                self.watch.excuse(&self.world, spec.name).await;
            }
            let process = self.world.start(its.conduct);
            let done = if mishap == Mishap::Erasure {
                self.erase(&process, its.moments, &mut random).await
            } else {
                let work = Box::pin(work(&process, mishap, spec, changes));
                process.until(its.moments, work).await
            };
            match done {
                None => {
                    self.chronicle.fired(Mishap::Killed, 1);
                    *self.totals.killed_at.entry(process.phase()).or_default() += 1;
                }
                Some(found) => {
                    if found.done {
                        self.watch.half_reset.remove(spec.name);
                    }
                    self.chronicle.fired(mishap, u64::from(found.done));
                    let sound = its.conduct.is_sound_but_for_the_clock();
                    // Rows that another engine appended, until the stream is read again.
                    let repeats = self.watch.is_excused(&self.world, spec.name).await;
                    let mut findings = found.findings.into_iter();
                    let first = findings.find(|it| !repeats || it.check != TableCheck::Unique);
                    if let (Some(first), true) = (first, sound) {
                        return Err(format!("verify of {} finds: {first:?}", spec.name));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Life<'_> {
    /// Resets the tables anew that cannot be read because a reset has died and its mark was lost
    /// with the state.
    pub(super) async fn reset_the_rest(&mut self) -> Result<(), String> {
        let context = self.world.process(None);
        for name in core::mem::take(&mut self.watch.half_reset) {
            let spec = streams::find(name).unwrap();
            let (store, account) = (Arc::clone(&context.store), context.settings.account);
            let is_lost = Table::open(Arc::clone(&store), spec, account).await.is_err();
            let done = if is_lost {
                reset(&context, spec).await
            } else if Table::open_changes(store, spec, account).await.is_err() {
                reset_changes(&context, spec).await
            } else {
                continue;
            };
            self.chronicle.tell(format!("{name} is reset again"));
            let done = done.map_err(|error| error.chain())?;
            done.map_err(|busy| format!("{name} cannot be reset: {busy:?}"))?;
        }
        Ok(())
    }

    /// Erases one of the users. Tables that are half done are not checked until they are read again.
    async fn erase(
        &mut self,
        process: &MortalProcess,
        moments: u64,
        random: &mut StdRng,
    ) -> Option<OperatorWork> {
        let users = self.world.oracle().true_versions(streams::find("users").unwrap());
        let users: Vec<i64> = users.into_keys().collect();
        let user = users[random.random_range(0..users.len())];
        let work = Box::pin(erase_user(&process.context, &self.streams, user));
        let done = process.until(moments, work).await;
        let is_done = matches!(done, Some(Ok(true)));
        for spec in self.streams.iter().filter(|spec| spec.personal.is_some() && !is_done) {
            self.watch.excuse_half_erased(spec.name);
        }
        done.map(|_| OperatorWork { done: is_done, findings: Vec::new() })
    }
}

/// Result of an operator's work.
#[derive(Debug, Default)]
struct OperatorWork {
    done: bool,
    findings: Vec<VerifyFinding>,
}

async fn work(
    process: &MortalProcess,
    mishap: Mishap,
    spec: &'static StreamSpec,
    changes: bool,
) -> OperatorWork {
    let context = &process.context;
    let mut result = OperatorWork::default();
    if mishap == Mishap::Reset {
        let reset =
            if changes { reset_changes(context, spec).await } else { reset(context, spec).await };
        result.done = matches!(reset, Ok(Ok(())));
        return result;
    }
    if mishap == Mishap::Upgrade {
        result.done = matches!(upgrade(context, spec).await, Ok(Ok(_)));
        return result;
    }
    let Some(mut table) = table(context, spec).await else { return result };
    if mishap == Mishap::Export {
        let target: Arc<dyn ObjectStore> = Arc::new(MemoryStore::new());
        result.done = lake::export::export(&table, None, &*target, &NoFileProgress).await.is_ok();
    } else if mishap == Mishap::Verification {
        if let Ok(verified) = lake::verify::verify(&mut table, &NoFileProgress).await {
            result.done = true;
            result.findings = verified.findings;
        }
    } else {
        let (account, present) = (context.settings.account, context.present());
        let item = runtime::records::stream(&*context.state, account, spec.name, &present).await;
        if let Ok(item) = item {
            let (position, portion) = (&item.value.position, ComparedPortion::All);
            result.done = runtime::compare::read(context, &table, position, portion).await.is_ok();
        }
    }
    result
}
