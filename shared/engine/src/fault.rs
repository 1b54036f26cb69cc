//! Faults of stores that fail on demand, to test how callers handle failures.
//!
//! The faults are wrappers, so the real stores contain no code for tests. A script sees each call
//! with its number and decides. Replaying a test with "fail at call 0", "at call 1" and so on finds
//! every step at which a crash could do harm.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};

/// Treatment of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFault {
    /// Passes the call on.
    None,
    /// Fails without an effect, as a refused connection does.
    Before,
    /// Passes the call on, then loses the answer, as a connection that breaks too early does. The
    /// caller sees the same error as for `Before` and cannot tell which one happened.
    After,
}

/// A call as the script sees it. `O` is the enum of the trait's operations.
#[derive(Clone, Copy, Debug)]
pub struct ScriptedCall<'a, O> {
    /// Number of earlier calls on this store.
    pub number: u64,
    /// Operation of the call.
    pub operation: O,
    /// Key of the object or item, the prefix of a listing, or nothing.
    pub key: &'a str,
}

type FaultScript<O> = dyn Fn(ScriptedCall<'_, O>) -> CallFault + Send + Sync;

/// Counter of calls, and the script that decides about each of them. A crash is a script that
/// answers [`CallFault::Before`] from some call on.
pub struct CallScript<O> {
    script: Box<FaultScript<O>>,
    calls: AtomicU64,
}

impl<O> CallScript<O> {
    /// Starts counting at 0.
    pub fn new(script: impl Fn(ScriptedCall<'_, O>) -> CallFault + Send + Sync + 'static) -> Self {
        Self { script: Box::new(script), calls: AtomicU64::new(0) }
    }

    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// Counts a call and returns its treatment.
    pub fn next(&self, operation: O, key: &str) -> CallFault {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        (self.script)(ScriptedCall { number, operation, key })
    }
}

impl<O> fmt::Debug for CallScript<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallScript").field("calls", &self.calls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn calls_are_numbered_from_0_and_counted() {
        let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
        let told = std::sync::Arc::clone(&seen);
        let script = CallScript::new(move |call: ScriptedCall<'_, char>| {
            told.lock().unwrap().push((call.number, call.operation, call.key.to_owned()));
            if call.number == 1 { CallFault::After } else { CallFault::None }
        });
        assert_eq!(script.calls(), 0);
        let effects = [script.next('g', "a"), script.next('p', "b"), script.next('g', "")];
        assert_eq!(effects, [CallFault::None, CallFault::After, CallFault::None]);
        assert_eq!(script.calls(), 3);
        let wanted = [(0, 'g', "a"), (1, 'p', "b"), (2, 'g', "")];
        let wanted = wanted.map(|(number, operation, key)| (number, operation, key.to_owned()));
        assert_eq!(*seen.lock().unwrap(), wanted);
    }
}
