//! Bad input, end to end through the built command: a message that names the thing and says what to
//! do, the right exit code, nothing lost, no half table visible.

mod answers;
mod disk;
mod lakes;
mod settings;
