//! Result of a command, as text and as JSON.

use std::io::{self, Write};

use serde_json::Value;

use crate::exit::CliExit;

/// The result of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandAnswer {
    /// Text for people; each line ends with a line break.
    pub text: String,
    /// Document for machines.
    pub json: Value,
    /// Exit code of the command.
    pub exit: CliExit,
}

impl CommandAnswer {
    /// Writes the result to `out`, as JSON or as text.
    ///
    /// # Errors
    /// Fails if `out` cannot be written.
    pub fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if !json {
            return out.write_all(self.text.as_bytes());
        }
        serde_json::to_writer_pretty(&mut *out, &self.json)?;
        out.write_all(b"\n")
    }
}

/// Choice of colours in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextStyle {
    /// With colours.
    Colours,
    /// Without.
    Plain,
}

impl TextStyle {
    pub(crate) const fn when(colours: bool) -> Self {
        if colours { Self::Colours } else { Self::Plain }
    }

    fn code(self, code: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    /// Paints a failure.
    pub(crate) fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    /// Paints a warning.
    pub(crate) fn warn(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Paints a heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.code("1", text)
    }

    /// Paints a detail.
    pub(crate) fn faint(self, text: &str) -> String {
        self.code("2", text)
    }
}
