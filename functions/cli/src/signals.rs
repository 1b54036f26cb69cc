//! Signals that ask a process to stop: by a person, a service manager, or a closing terminal.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::CliExit;

/// Signal that asks to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: `kill`, a service manager, a machine that shuts down.
    Terminate,
    /// SIGHUP: the terminal or the connection is gone.
    HangUp,
}

impl StopSignal {
    const ALL: [Self; 3] = [Self::Interrupt, Self::Terminate, Self::HangUp];

    fn kind(self) -> SignalKind {
        match self {
            Self::Interrupt => SignalKind::interrupt(),
            Self::Terminate => SignalKind::terminate(),
            Self::HangUp => SignalKind::hangup(),
        }
    }

    /// Returns the exit code of a command that this signal stopped.
    pub(crate) const fn exit(self) -> CliExit {
        match self {
            Self::Interrupt => CliExit::Interrupted,
            Self::Terminate => CliExit::Terminated,
            Self::HangUp => CliExit::HungUp,
        }
    }
}

/// Streams of the signals that the process handles.
#[derive(Debug)]
pub(crate) struct SignalListener([(StopSignal, Option<Signal>); 3]);

impl SignalListener {
    /// Handles the signals from now on, so that they do not end the process. Signals that the
    /// process was started to ignore stay ignored, such as SIGHUP under `nohup`.
    pub(crate) fn listen() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self(StopSignal::ALL.map(|stop| {
            let kind = stop.kind();
            let ignored = ignores(&status, kind.as_raw_value());
            (stop, if ignored { None } else { signal(kind).ok() })
        }))
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> StopSignal {
        let [(first, a), (second, b), (third, c)] = &mut self.0;
        tokio::select! {
            () = heard(a) => *first,
            () = heard(b) => *second,
            () = heard(c) => *third,
        }
    }
}

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the process ignores the signal, according to `/proc/self/status` of Linux. Other systems
/// have no such file: there all signals are handled.
fn ignores(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    let bit = number.checked_sub(1).and_then(|bit| u32::try_from(bit).ok());
    bit.and_then(|bit| mask.checked_shr(bit)).is_some_and(|rest| rest & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_those_of_the_mask() {
        let status = "Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\nSigCgt:\t0\n";
        for (number, ignored) in [(1, true), (2, false), (13, true), (15, false), (0, false)] {
            assert_eq!(ignores(status, number), ignored, "{number}");
        }
        assert!(!ignores("", 1) && !ignores("SigIgn:\tx", 1));
    }
}
