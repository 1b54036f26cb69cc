//! Requests to stop: the first one stops in good order, the second one at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::signals::{SignalListener, StopSignal};

/// Shared flag that asks a sync to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct InterruptFlag(Arc<InterruptState>);

#[derive(Debug, Default)]
struct InterruptState {
    asked: Mutex<Option<StopSignal>>,
    notify: Notify,
}

impl InterruptFlag {
    pub(crate) fn is_asked(&self) -> bool {
        self.by().is_some()
    }

    /// Returns the first signal that asked to stop.
    pub(crate) fn by(&self) -> Option<StopSignal> {
        *self.0.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        let mut signals = SignalListener::listen();
        tokio::spawn(async move {
            interrupt.ask(signals.next().await);
            say();
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
