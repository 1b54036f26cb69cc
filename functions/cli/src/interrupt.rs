//! Ctrl-C: the first ends in good order, the second at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Whether somebody wants to stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    asked: AtomicBool,
    notify: Notify,
}

impl Interrupt {
    pub(crate) fn is_asked(&self) -> bool {
        self.0.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn ask(&self) {
        self.0.asked.store(true, Ordering::Relaxed);
        self.0.notify.notify_waiters();
    }

    /// Returns when somebody wants to stop.
    pub(crate) async fn asked(&self) {
        let notified = self.0.notify.notified();
        tokio::pin!(notified);
        // Registered before the flag is read: nothing is missed in between.
        notified.as_mut().enable();
        if !self.is_asked() {
            notified.await;
        }
    }

    /// Listens to Ctrl-C from now on; `say` tells the person what the first one does.
    pub(crate) fn listen(&self, say: impl Fn() + Send + 'static) {
        let interrupt = self.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            interrupt.ask();
            say();
            if tokio::signal::ctrl_c().await.is_ok() {
                // Every step is crash safe; the locks go with the process.
                std::process::exit(i32::from(crate::exit::Exit::Interrupted.code()));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_waits_hears_of_it_before_and_after() {
        let interrupt = Interrupt::default();
        assert!(!interrupt.is_asked());
        let waiting = tokio::spawn({
            let interrupt = interrupt.clone();
            async move { interrupt.asked().await }
        });
        tokio::task::yield_now().await;
        interrupt.ask();
        waiting.await.unwrap();
        interrupt.asked().await;
        assert!(interrupt.is_asked());
    }
}
