//! Records that a run adds to the quarantine, and files there that it makes obsolete.
//!
//! A run writes one file, `quarantine/<stream>/<run id>.jsonl`, a line for each record. The name
//! tells when the run began. That is all that is needed to know which files a complete full pass
//! supersedes: it read every record that Harvest returns, so records that are still bad are in a
//! file of its own runs.

use engine::ids::RunId;
use engine::item::ResumablePass;
use engine::pass::{ListProof, Pass};
use engine::quarantine::QuarantineAddition;
use engine::time::Timestamp;

use super::Run;
use crate::hold::RunBuffer;

/// Returns the folder of `stream` in the quarantine.
pub(crate) fn folder(stream: &str) -> String {
    format!("quarantine/{stream}/")
}

/// Returns the start of the run that wrote the file `key`, by its name.
pub(crate) fn begun(key: &str) -> Option<Timestamp> {
    RunId::began(key.rsplit_once('/')?.1)
}

impl Run {
    /// Counts the records that the run added to the quarantine.
    pub(super) fn count_quarantined(&mut self, records: u64, unfinished: Option<&ResumablePass>) {
        let health = &mut self.item.value.health;
        health.quarantine = health.quarantine.after(QuarantineAddition {
            pass: self.order.pass,
            begins: unfinished.is_none(),
            records,
            supersedes: self.superseded,
        });
    }

    /// Removes the files of the quarantine from before `pass_began`, if the complete pass that
    /// began then read all that Harvest returns: without a start date, a parent that could not be
    /// read, or a window that contradicts itself. A failure to remove them does not fail the run.
    pub(super) async fn supersede_quarantine(
        &mut self,
        pass_began: Timestamp,
        proof: &ListProof,
        parked: usize,
        hold: &RunBuffer,
    ) {
        let whole = self.order.pass == Pass::Full
            && *proof == ListProof::Proven
            && parked == 0
            && hold.contradictions == 0
            && self.context.settings.start_date.is_none();
        if !whole {
            return;
        }
        let stream = self.stream();
        let listed = match self.context.store.list(&folder(stream), None).await {
            Ok(listed) => listed,
            Err(error) => {
                tracing::warn!(stream, %error, "superseded records stay in the quarantine");
                return;
            }
        };
        let present = self.context.present();
        for object in listed {
            // File names have milliseconds, so both are compared at that precision.
            let older = begun(&object.key).is_some_and(|at| {
                at.as_millisecond() < pass_began.as_millisecond() || present.is_future(at)
            });
            if older {
                self.discard(&object.key).await;
            }
        }
        self.superseded = true;
    }
}
