//! Work of the operator between ticks, by processes that may die like others.

use std::sync::Arc;

use delta::store::{MemoryStore, ObjectStore};
use delta::table::Table;
use engine::spec::StreamSpec;
use rand::RngExt;
use runtime::Context;
use runtime::compare::ComparedPortion;
use runtime::operate::reset::{reset, reset_changes};
use runtime::operate::upgrade::upgrade;

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
            if mishap == Mishap::Reset {
                self.watch.excuse(spec.name);
            }
            let process = self.world.start(its.conduct);
            let work = Box::pin(work(&process, mishap, spec, changes));
            let done = process.until(its.moments, work).await;
            match done {
                None => {
                    self.chronicle.fired(Mishap::Killed, 1);
                    *self.totals.killed_at.entry(process.phase()).or_default() += 1;
                }
                Some(found) => {
                    self.chronicle.fired(mishap, u64::from(found.done));
                    let sound = conduct::is_sound(&its.conduct);
                    if let (Some(first), true) = (found.findings.first(), sound) {
                        return Err(format!("verify of {} finds: {first}", spec.name));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Result of an operator's work.
#[derive(Debug, Default)]
struct OperatorWork {
    done: bool,
    findings: Vec<String>,
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
        result.done = lake::export::export(&table, None, &*target).await.is_ok();
    } else if mishap == Mishap::Verification {
        if let Ok(verified) = lake::verify::verify(&mut table).await {
            result.done = true;
            let findings = verified.findings.iter();
            result.findings = findings.map(|finding| format!("{finding:?}")).collect();
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
