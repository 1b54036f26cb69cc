//! What a command says in the end: the same as text and as JSON.

use std::io::{self, Write};

use serde_json::Value;

use crate::exit::Exit;

/// The result of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// For people, lines that end with a line break.
    pub text: String,
    /// For machines.
    pub json: Value,
    /// How the command ends.
    pub exit: Exit,
}

impl Said {
    /// Writes it in the form that was asked for.
    ///
    /// # Errors
    /// Where nobody reads.
    pub fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if !json {
            return out.write_all(self.text.as_bytes());
        }
        serde_json::to_writer_pretty(&mut *out, &self.json)?;
        out.write_all(b"\n")
    }
}

/// Puts colours around text, on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// With colours.
    Colours,
    /// Without.
    Plain,
}

impl Paint {
    pub(crate) const fn when(colours: bool) -> Self {
        if colours { Self::Colours } else { Self::Plain }
    }

    fn code(self, code: &str, text: &str) -> String {
        match self {
            Self::Colours => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    /// For what went wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    /// For what to look at.
    pub(crate) fn warn(self, text: &str) -> String {
        self.code("33", text)
    }

    /// For headings.
    pub(crate) fn strong(self, text: &str) -> String {
        self.code("1", text)
    }

    /// For what may be skipped.
    pub(crate) fn faint(self, text: &str) -> String {
        self.code("2", text)
    }
}
