//! Result of a command, as text and as JSON.
//!
//! Both forms are made from the same facts. The text may change with any release, so programs read
//! the document: its outcomes and codes of errors are those of `docs/json.md`.

use std::io::{self, Write};

use serde_json::Value;
use textwrap::WordSplitter;

use crate::exit::CliExit;

/// The result of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandAnswer {
    /// Text for people; each line ends with a line break. Empty if there is nothing to say, as
    /// `files --paths` of an empty table.
    pub text: String,
    /// Members of the document for machines that are the command's own. Null for an answer that is
    /// never asked for as JSON, such as the help.
    pub json: Value,
    /// Exit code of the command. A command can have a whole answer and still fail: `verify` that
    /// finds damage, `status` of a failing stream.
    pub exit: CliExit,
    /// Whether work is left for later, without a failure: it waits for the rate budget, or Harvest
    /// may not be asked yet.
    pub left: bool,
}

impl CommandAnswer {
    /// Returns an answer that leaves nothing for later.
    pub(crate) const fn new(text: String, json: Value, exit: CliExit) -> Self {
        Self { text, json, exit, left: false }
    }

    /// Returns the document for machines. `exit_code` and `complete` are added here, so that every
    /// command has them, with one meaning: `complete` is true if nothing failed and nothing is
    /// left.
    #[must_use]
    pub fn document(&self) -> Value {
        let mut document = self.json.clone();
        if let Some(members) = document.as_object_mut() {
            let complete = self.exit == CliExit::Done && !self.left;
            members.insert("complete".to_owned(), complete.into());
            members.insert("exit_code".to_owned(), self.exit.code().into());
        }
        document
    }

    /// Writes the result to `out`, as JSON or as text.
    ///
    /// # Errors
    /// Fails if `out` cannot be written.
    pub fn write(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if !json {
            return out.write_all(self.text.as_bytes());
        }
        // Text ends with a line break of its own; a document needs one, so that the next prompt
        // begins a line.
        serde_json::to_writer_pretty(&mut *out, &self.document())?;
        out.write_all(b"\n")
    }
}

/// Amount of text that a person has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextDetail {
    /// Failures alone (`--quiet`).
    Failures,
    /// Changes, and all that needs a person.
    News,
    /// All of it (`--verbose`).
    All,
}

/// Abilities of the terminal that the text is for, and the wish of its reader. Passed to each function that paints or draws a
/// table: what standard output is, is known in `main` alone, and tests want plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextStyle {
    /// Whether it takes colours.
    pub(crate) colours: bool,
    /// Its width in columns; `None` for a pipe or a file, which has room for any line.
    pub(crate) width: Option<u16>,
    pub(crate) detail: TextDetail,
}

impl TextStyle {
    /// The style for a pipe or a file, without a wish.
    pub(crate) const PLAIN: Self = Self { colours: false, width: None, detail: TextDetail::News };

    /// Whether a person reads the text while the command runs.
    pub(crate) const fn is_terminal(self) -> bool {
        self.width.is_some()
    }

    /// Returns a sentence whose lines fit the terminal, broken between words. A terminal itself would
    /// break within a word. Not for commands: a person copies them as one line.
    pub(crate) fn wrapped(self, sentence: &str) -> String {
        let Some(width) = self.width else { return sentence.to_owned() };
        let indent = sentence.len() - sentence.trim_start().len();
        let indent = sentence.get(..indent).unwrap_or_default();
        let options = textwrap::Options::new(usize::from(width)).subsequent_indent(indent);
        let options = options.word_splitter(WordSplitter::NoHyphenation).break_words(false);
        textwrap::fill(sentence, options)
    }

    /// Returns the text with the SGR code `code` of ANSI terminals before it, and the reset after
    /// it.
    fn code(self, code: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Paints a failure: red.
    pub(crate) fn bad(self, text: &str) -> String {
        self.code("31", text)
    }

    /// Paints a warning: yellow.
    pub(crate) fn warn(self, text: &str) -> String {
        self.code("33", text)
    }

    /// Paints a heading: bold.
    pub(crate) fn strong(self, text: &str) -> String {
        self.code("1", text)
    }

    /// Paints a detail that most readers may skip: dim.
    pub(crate) fn faint(self, text: &str) -> String {
        self.code("2", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_broken_between_words_and_keeps_its_indent() {
        let narrow = TextStyle { width: Some(20), ..TextStyle::PLAIN };
        for (sentence, lines) in [
            ("short", "short"),
            ("`harvest-lake status --all` shows it", "`harvest-lake status\n--all` shows it"),
            ("  ! a sentence of some words", "  ! a sentence of\n  some words"),
            ("https://id.example.com/developers x", "https://id.example.com/developers\nx"),
            ("東京設計 東京設計 東京設計", "東京設計 東京設計\n東京設計"),
        ] {
            assert_eq!(narrow.wrapped(sentence), lines);
            assert_eq!(TextStyle::PLAIN.wrapped(sentence), sentence);
        }
    }
}
