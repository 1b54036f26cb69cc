//! Bad input, end to end through the built command: a message that names the fault and the remedy,
//! the right exit code, nothing lost, no partial table visible.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a surprise ends the test")]

mod answers;
mod disk;
mod lakes;
mod output;
mod settings;
