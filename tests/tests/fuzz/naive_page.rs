//! Reading of a whole page by the rules of the documentation, without the product's decoder.

use engine::pass::PageFacts;
use lives::naive::json::{JsonKind, kind};
use lives::naive::record::{NaiveReader, Row, RowOrigin};
use lives::naive::value::PlainNumber;
use serde_json::value::RawValue;

/// A page that was read.
#[derive(Debug)]
pub(crate) struct NaivePage {
    /// Keys and rows, in the order of the records.
    pub rows: Vec<(String, Row)>,
    /// Records that are no rows, as they are written.
    pub quarantined: Vec<String>,
    /// Members beside the records.
    pub envelope: NaiveEnvelope,
}

/// Members of a page beside its records.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct NaiveEnvelope {
    /// `links.next`; `None` if it is empty, null or missing.
    pub next: Option<String>,
    /// `total_entries`, `page`, `next_page`, `total_pages` and `per_page`.
    pub counts: [Option<u64>; 5],
}

impl NaiveEnvelope {
    /// Returns the same members as the decoder told them.
    pub(crate) fn told(facts: &PageFacts) -> Self {
        let PageFacts { total_entries, page, next_page, total_pages, per_page, .. } = facts;
        let counts = [*total_entries, *page, *next_page, *total_pages, *per_page];
        Self { next: facts.next.clone(), counts }
    }

    /// Reads the members beside the records; `None` if `links` has another form.
    pub(crate) fn read(members: &[(String, &str)]) -> Option<Self> {
        let next = match last(members, "links").map(kind) {
            None | Some(JsonKind::Null) => None,
            Some(JsonKind::Object(links)) => match last(&links?, "next").map(kind) {
                None | Some(JsonKind::Null) => None,
                Some(JsonKind::Text(next)) => Some(next?),
                Some(_) => return None,
            },
            Some(_) => return None,
        };
        let names = ["total_entries", "page", "next_page", "total_pages", "per_page"];
        let counts = names.map(|name| last(members, name).and_then(count));
        Some(Self { next: next.filter(|next| !next.is_empty()), counts })
    }
}

impl NaivePage {
    /// Reads a body; `None` if it proves nothing.
    pub(crate) fn read(
        reader: &NaiveReader<'_>,
        body: &str,
        origin: &RowOrigin<'_>,
    ) -> Option<Self> {
        let body: &RawValue = serde_json::from_str(body).ok()?;
        let JsonKind::Object(Some(members)) = kind(body.get()) else { return None };
        let Some(key) = reader.spec.records_key else {
            let mut page = Self::empty(NaiveEnvelope::default());
            page.record(reader, body.get(), origin);
            return Some(page);
        };
        let mut lists: Vec<&str> =
            members.iter().filter(|(name, _)| name == key).map(|(_, raw)| *raw).collect();
        let JsonKind::List(records) = kind(lists.pop()?) else { return None };
        let mut page = Self::empty(NaiveEnvelope::read(&members)?);
        for earlier in lists {
            if let JsonKind::List(items) = kind(earlier) {
                page.quarantined.extend(items.into_iter().map(str::to_owned));
            } else {
                page.quarantined.push(earlier.to_owned());
            }
        }
        for raw in records {
            page.record(reader, raw, origin);
        }
        Some(page)
    }

    const fn empty(envelope: NaiveEnvelope) -> Self {
        Self { rows: Vec::new(), quarantined: Vec::new(), envelope }
    }

    fn record(&mut self, reader: &NaiveReader<'_>, raw: &str, origin: &RowOrigin<'_>) {
        match reader.row(raw, origin) {
            Some(row) => self.rows.push(row),
            None => self.quarantined.push(raw.to_owned()),
        }
    }
}

/// Returns the last member of this name, which is the one that counts.
fn last<'a>(members: &[(String, &'a str)], name: &str) -> Option<&'a str> {
    members.iter().rev().find(|(member, _)| member == name).map(|(_, raw)| *raw)
}

/// Returns a count: an integer of any notation that is not negative, or a text of digits.
fn count(raw: &str) -> Option<u64> {
    let whole = match kind(raw) {
        JsonKind::Number(literal) => PlainNumber::of(literal)?.scaled(0)?,
        JsonKind::Text(Some(text)) if text.chars().all(|sign| sign.is_ascii_digit()) => {
            text.parse().ok()?
        }
        JsonKind::Null
        | JsonKind::Flag(_)
        | JsonKind::Text(_)
        | JsonKind::List(_)
        | JsonKind::Object(_) => return None,
    };
    i64::try_from(whole).ok().and_then(|whole| u64::try_from(whole).ok())
}
