//! Standard output: it carries the answer of a command, so a failed write is a failure of the
//! command.
//!
//! * All writes succeed: the command ends with its own exit code.
//! * The reader closes the pipe, as `head -1` does after the first line: it has what it wanted, and
//!   the command ends with its own exit code, too.
//! * A write fails for another reason, such as a full disk: the exit code is at least 1, and
//!   standard error has the reason.
//!
//! Without this, a script that stores the answer on a full disk would go on with half a document
//! and exit code 0.

use std::io::{self, ErrorKind, Write};

use crate::exit::CliExit;
use crate::said::CommandAnswer;

/// Writes the answer to standard output, as text or JSON.
pub(crate) struct AnswerWriter<'o> {
    out: &'o mut dyn Write,
    json: bool,
    state: WriterState,
}

/// Fate of the writes so far. The first failure decides; later answers are dropped.
enum WriterState {
    /// Every write so far succeeded.
    Open,
    /// The reader closed the pipe, because it has read enough.
    Left,
    /// A write failed for another reason; the error is reported at the end.
    Failed(io::Error),
}

impl<'o> AnswerWriter<'o> {
    pub(crate) fn new(out: &'o mut dyn Write, json: bool) -> Self {
        Self { out, json, state: WriterState::Open }
    }

    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Writes one answer; does nothing once the reader has left or a write has failed.
    pub(crate) fn say(&mut self, said: &CommandAnswer) {
        let json = self.json;
        self.takes(|out| said.write(json, out));
    }

    /// Writes a part of the answer as it is, such as exported rows.
    ///
    /// # Errors
    /// Fails once the reader has left, or a write has failed, which `end` reports.
    pub(crate) fn pass(&mut self, part: &[u8]) -> io::Result<()> {
        if self.takes(|out| out.write_all(part)) {
            Ok(())
        } else {
            Err(ErrorKind::BrokenPipe.into())
        }
    }

    /// Writes once; does nothing once the reader has left or a write has failed. Returns whether all
    /// writes have succeeded.
    fn takes(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> bool {
        if !matches!(self.state, WriterState::Open) {
            return false;
        }
        // Flushed each time: text that is still in a buffer when the process ends is written by
        // nobody who could report an error.
        let written = write(self.out).and_then(|()| self.out.flush());
        match written {
            Ok(()) => return true,
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.state = WriterState::Left,
            Err(error) => self.state = WriterState::Failed(error),
        }
        false
    }

    /// Returns how a command ends that would have ended with `exit`, and the error of the write, if
    /// one failed.
    pub(crate) fn end(self, exit: CliExit) -> (CliExit, Option<io::Error>) {
        match self.state {
            WriterState::Open | WriterState::Left => (exit, None),
            // Exit codes are ordered: a code above 1 says more than the failed write and stays.
            WriterState::Failed(error) => (exit.max(CliExit::SomeFailed), Some(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writer that takes some bytes, then fails.
    struct Full {
        left: usize,
        kind: ErrorKind,
    }

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.left);
            self.left -= taken;
            if taken == 0 { Err(self.kind.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_that_is_not_written_whole_is_a_failure_unless_its_reader_left() {
        let said = CommandAnswer::new("0123456789".to_owned(), 7.into(), CliExit::Done);
        for (left, kind, ends, exit, expected) in [
            (10, ErrorKind::StorageFull, false, CliExit::Done, CliExit::Done),
            (9, ErrorKind::StorageFull, true, CliExit::Done, CliExit::SomeFailed),
            (0, ErrorKind::PermissionDenied, true, CliExit::Done, CliExit::SomeFailed),
            (0, ErrorKind::StorageFull, true, CliExit::Usage, CliExit::Usage),
            (5, ErrorKind::BrokenPipe, false, CliExit::Done, CliExit::Done),
            (0, ErrorKind::BrokenPipe, false, CliExit::SomeFailed, CliExit::SomeFailed),
        ] {
            let mut full = Full { left, kind };
            let mut output = AnswerWriter::new(&mut full, false);
            output.say(&said);
            let (ended, error) = output.end(exit);
            assert_eq!((ended, error.is_some()), (expected, ends), "{left} {kind}");
        }
    }
}
