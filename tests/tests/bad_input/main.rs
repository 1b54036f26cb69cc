//! Bad input, end to end through the built command: a message that names the thing and says what to
//! do, the right exit code, nothing lost, no half table visible.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a surprise ends the test")]

mod answers;
mod disk;
mod lakes;
mod output;
mod settings;
