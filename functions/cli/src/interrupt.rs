//! Requests to stop: the first one stops in good order, the second one at once.
//!
//! In good order means that runs take no more pages, commit the records that they have read, save
//! the position of the pass in the state and give their leases back, usually within seconds. The
//! next sync goes on from there.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::signals::{SignalListener, StopSignal};

/// Shared flag that asks a sync to stop. Clones share it: the loop of the sync waits for it, and
/// the display hands it on to the runs, which look at it between two steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterruptFlag(Arc<InterruptState>);

#[derive(Debug, Default)]
struct InterruptState {
    /// First signal that asked to stop; `None` until then. It is never taken back.
    asked: Mutex<Option<StopSignal>>,
    /// Wakes the tasks that wait for `asked`.
    notify: Notify,
}

impl InterruptFlag {
    /// Whether anything has asked to stop.
    pub(crate) fn is_asked(&self) -> bool {
        self.by().is_some()
    }

    /// Returns the first signal that asked to stop. It decides the exit code, because scripts
    /// expect the code of the signal that they sent.
    pub(crate) fn by(&self) -> Option<StopSignal> {
        // A panic elsewhere while the lock was held leaves the value whole: it is written in one
        // step.
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks to stop. Later requests do not replace the first one.
    pub(crate) fn ask(&self, stop: StopSignal) {
        self.0.asked.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(stop);
        self.0.notify.notify_waiters();
    }

    /// Waits for a request to stop; returns at once if there was one.
    pub(crate) async fn asked(&self) {
        let notified = self.0.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read, so that no request in between is missed.
        notified.as_mut().enable();
        if !self.is_asked() {
            notified.await;
        }
    }

    /// Listens to signals from now on. The first one asks to stop and calls `say`, which tells the
    /// person; the second one ends the process.
    pub(crate) fn listen(&self, say: impl Fn() + Send + 'static) {
        let interrupt = self.clone();
        // Outside of the task: a signal that comes before the task first runs is not missed.
        let mut signals = SignalListener::listen();
        tokio::spawn(async move {
            interrupt.ask(signals.next().await);
            say();
            // The person waited long enough, or a service manager lost its patience.
            let again = signals.next().await;
            // Allowed at any time: every step is crash safe, and the locks end with the process.
            std::process::exit(i32::from(again.exit().code()));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_hears_of_it_before_and_after() {
        let interrupt = InterruptFlag::default();
        assert!(!interrupt.is_asked());
        let waiting = tokio::spawn({
            let interrupt = interrupt.clone();
            async move { interrupt.asked().await }
        });
        tokio::task::yield_now().await;
        interrupt.ask(StopSignal::Terminate);
        waiting.await.unwrap();
        interrupt.asked().await;
        interrupt.ask(StopSignal::Interrupt);
        assert_eq!(interrupt.by(), Some(StopSignal::Terminate), "the first one counts");
    }
}
