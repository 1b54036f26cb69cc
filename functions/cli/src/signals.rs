//! Signals that ask a process to stop: by a person, a service manager, or a closing terminal.
//!
//! | signal | sent by | exit code |
//! | --- | --- | --- |
//! | SIGINT | Ctrl-C | 130 |
//! | SIGTERM | `kill`, systemd, a machine that shuts down | 143 |
//! | SIGHUP | a closed terminal, a lost connection | 129 |
//!
//! SIGKILL cannot be handled and needs no handler: every step of a run is safe against the death of
//! the process. SIGXFSZ asks for nothing: it ends a process that writes past its limit of file sizes
//! (`ulimit -f`), unless it is handled; then the write fails, and the command can say which file it was.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::CliExit;

/// Number of SIGXFSZ (signal(7)), of which Tokio has no name. The same on x86, Arm and macOS.
const SIGXFSZ: i32 = 25;

/// Turns writes past the limit of file sizes (`ulimit -f`) into errors, which name the file. Without
/// this the process ends without a word at the first of them.
///
/// # Panics
/// Panics outside of a Tokio runtime that handles signals.
pub fn outlive_file_limits() {
    // Tokio keeps the handler when this listener is dropped. Without a handler the limit ends the process
    // as usual, which loses no row.
    drop(signal(SignalKind::from_raw(SIGXFSZ)));
}

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
    /// Every handled signal, each once.
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

/// Receivers of the handled signals. `None`: the signal is ignored, or its handler could not be
/// installed; in the second case the signal ends the process as usual, which loses no row.
#[derive(Debug)]
pub(crate) struct SignalListener([(StopSignal, Option<Signal>); 3]);

impl SignalListener {
    /// Handles the signals from now on, so that they do not end the process. Signals that the
    /// process was started to ignore stay ignored, such as SIGHUP under `nohup`: installing a
    /// handler would undo what `nohup` is for, and the sync would stop with its terminal.
    pub(crate) fn listen() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self(StopSignal::ALL.map(|stop| {
            let kind = stop.kind();
            let ignored = ignores(&status, kind.as_raw_value());
            (stop, if ignored { None } else { signal(kind).ok() })
        }))
    }

    /// Waits for the next signal. Signals of one kind that come before the call count as one, as
    /// POSIX has it.
    pub(crate) async fn next(&mut self) -> StopSignal {
        let [(first, a), (second, b), (third, c)] = &mut self.0;
        tokio::select! {
            () = heard(a) => *first,
            () = heard(b) => *second,
            () = heard(c) => *third,
        }
    }
}

/// Waits for one kind of signal; for ever if it is not handled.
async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether the process ignores the signal, according to `/proc/self/status` of Linux. Other systems
/// have no such file: there all signals are handled.
///
/// The line `SigIgn:` holds a mask in hexadecimal digits, in which bit `n - 1` stands for signal
/// `n` (proc(5)): `0000000000000001` means that signal 1, SIGHUP, is ignored.
fn ignores(status: &str, number: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    // A number without a bit in the mask, such as 0, counts as not ignored.
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
