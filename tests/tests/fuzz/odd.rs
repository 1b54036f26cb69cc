//! Values, texts and names that are seldom seen: they are where readers of JSON differ.

use bolero::TypeGenerator;

/// Values as they are written.
const VALUES: &str = include_str!("corpus/odd/values.txt");
/// Pieces of texts, as they are written within quotes.
const PIECES: &str = include_str!("corpus/odd/pieces.txt");
/// Names of members, as they are written.
const NAMES: &str = include_str!("corpus/odd/names.txt");

/// A value in place of another.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum OddValue {
    /// One that is known to be odd.
    Known(u8),
    /// A number.
    Number(OddNumber),
    /// A text.
    Text(OddText),
    /// Lists or objects in each other.
    Deep { levels: u16, objects: bool },
    /// A list of the same item many times.
    Many { times: u16, item: u8 },
    /// A number with many digits.
    Digits { before: u16, after: u16 },
}

/// A number of any form that JSON has.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct OddNumber {
    negative: bool,
    whole: u64,
    shift: u8,
    fraction: Option<(u32, u8)>,
    exponent: Option<i16>,
}

/// A text of pieces that readers look for, and of others.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct OddText(
    #[generator(bolero::produce::<Vec<TextPiece>>().with().len(0..=6usize))] Vec<TextPiece>,
);

/// A piece of a text.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum TextPiece {
    /// One that readers look for.
    Known(u8),
    /// Any character.
    Character(char),
    /// A number.
    Number(u16),
}

/// The name of a member.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) enum OddName {
    /// One that is known to be odd.
    Known(u8),
    /// That of another member of the document.
    Other(u16),
    /// Any text.
    Text(OddText),
}

impl OddValue {
    /// Returns the value as JSON.
    pub(crate) fn raw(&self) -> String {
        match self {
            Self::Known(which) => known(VALUES, *which).to_owned(),
            Self::Number(number) => number.raw(),
            Self::Text(text) => text.raw(),
            Self::Deep { levels, objects } => {
                let levels = usize::from(levels % 400);
                let (open, close) = if *objects { ("{\"a\":", "}") } else { ("[", "]") };
                format!("{}0{}", open.repeat(levels), close.repeat(levels))
            }
            Self::Many { times, item } => {
                let item = known(VALUES, *item);
                let items = vec![item; usize::from(times % 300)];
                format!("[{}]", items.join(","))
            }
            Self::Digits { before, after } => {
                let digits = |count: u16| "7".repeat(usize::from(count % 400) + 1);
                format!("{}.{}", digits(*before), digits(*after))
            }
        }
    }
}

impl OddNumber {
    fn raw(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let whole = self.whole.checked_shr(u32::from(self.shift % 64)).unwrap_or_default();
        let fraction = self.fraction.map_or_else(String::new, |(fraction, zeros)| {
            format!(".{}{fraction}", "0".repeat(usize::from(zeros % 8)))
        });
        let exponent = self.exponent.map_or_else(String::new, |exponent| format!("e{exponent}"));
        format!("{sign}{whole}{fraction}{exponent}")
    }
}

impl OddText {
    /// Returns the text as a JSON string.
    pub(crate) fn raw(&self) -> String {
        format!("\"{}\"", self.inner())
    }

    /// Returns the text itself, as far as it has a form in UTF-8.
    pub(crate) fn plain(&self) -> String {
        serde_json::from_str(&self.raw()).unwrap_or_else(|_| self.inner())
    }

    fn inner(&self) -> String {
        self.0.iter().map(TextPiece::inner).collect()
    }
}

impl TextPiece {
    fn inner(&self) -> String {
        match self {
            Self::Known(which) => known(PIECES, *which).to_owned(),
            Self::Character(character) => {
                let quoted = lives::naive::json::quoted(&character.to_string());
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Number(number) => number.to_string(),
        }
    }
}

impl OddName {
    /// Returns the name as a JSON string; `other` gives the name of another member.
    pub(crate) fn raw(&self, other: impl FnOnce(u16) -> String) -> String {
        match self {
            Self::Known(which) => known(NAMES, *which).to_owned(),
            Self::Other(which) => other(*which),
            Self::Text(text) => text.raw(),
        }
    }
}

/// Returns one of the lines of a table.
fn known(lines: &'static str, which: u8) -> &'static str {
    let count = lines.lines().count();
    lines.lines().nth(usize::from(which) % count).unwrap_or_default()
}
