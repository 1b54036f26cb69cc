//! Time that a process waits for another one in the middle of a transaction.
//!
//! Transactions take milliseconds unless their process stands still: stopped by Ctrl-Z or a
//! debugger, or starved of CPU time. A waiting process logs a warning after 5 s and continues as
//! soon as it can.

use core::time::Duration;

use rusqlite::Connection;

/// Pause between two attempts: 50 ms.
const PAUSE: Duration = Duration::from_millis(50);
/// Number of attempts before the warning: 5 s.
const TOLD_AFTER: i32 = 100;
/// Number of attempts of a long waiting time: 150 s, as long as a sync waits for a stream that
/// another process works on.
const LONG: i32 = 3000;
/// Number of attempts of a short waiting time: 1 s.
const SHORT: i32 = 20;

/// Length of the waiting time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BusyTimeout {
    /// Time for a person to notice and wake a process that stands still.
    Long,
    /// Time for a transaction of a working process.
    Short,
}

/// Decision about another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NextTry {
    /// Pause, then try again.
    Again,
    /// Log a warning first. Decided once per wait.
    TellAndAgain,
    /// Fail with "busy".
    GiveUp,
}

impl BusyTimeout {
    /// Sets the waiting time of the connection.
    pub(super) fn give(self, connection: &Connection) -> rusqlite::Result<()> {
        // The library takes a plain function without state, so each variant has its own.
        connection.busy_handler(Some(match self {
            Self::Long => |before| waits(Self::Long, before),
            Self::Short => |before| waits(Self::Short, before),
        }))
    }

    /// Decision after `before` attempts.
    const fn attempt(self, before: i32) -> NextTry {
        let most = match self {
            Self::Long => LONG,
            Self::Short => SHORT,
        };
        if before >= most {
            NextTry::GiveUp
        } else if before == TOLD_AFTER {
            NextTry::TellAndAgain
        } else {
            NextTry::Again
        }
    }
}

/// Callback of SQLite after `before` failed attempts: pauses, and returns whether to try again.
#[expect(clippy::disallowed_methods, reason = "on a thread of its own, for another process")]
fn waits(patience: BusyTimeout, before: i32) -> bool {
    match patience.attempt(before) {
        NextTry::GiveUp => return false,
        NextTry::TellAndAgain => tracing::warn!(
            "another process has kept the state of the lake for 5 s and is waited for; if it stands \
             still (Ctrl-Z, a debugger), let it go on or end it"
        ),
        NextTry::Again => {}
    }
    std::thread::sleep(PAUSE);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_wait_is_told_once_and_ends() {
        let all: Vec<NextTry> =
            (0..=LONG).map(|before| BusyTimeout::Long.attempt(before)).collect();
        let told = all.iter().filter(|attempt| **attempt == NextTry::TellAndAgain);
        assert_eq!(told.count(), 1);
        let given_up = all.iter().position(|attempt| *attempt == NextTry::GiveUp);
        assert_eq!(given_up, usize::try_from(LONG).ok());
        assert_eq!(BusyTimeout::Short.attempt(SHORT), NextTry::GiveUp);
        assert!((0..SHORT).all(|before| BusyTimeout::Short.attempt(before) == NextTry::Again));
    }
}
