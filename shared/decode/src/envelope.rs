//! Members of a page beside its records: the total number of records and the links to other pages.
//!
//! A list of Harvest answers `{"clients": [..], "per_page", "total_pages", "total_entries",
//! "next_page", "previous_page", "page", "links": {"first", "next", "previous", "last"}}` (Harvest
//! API v2, Pagination). Here they are only read; `engine::pass` decides whether they agree and
//! which page comes next. Lists with a cursor leave `page` and `next_page` null on most pages, so
//! null is no error.

use engine::key::first_id;
use engine::pass::PageFacts;

use super::QuarantinedRecord;
use super::error::PageError;
use super::literal;
use super::raw::{self, RawMember};

/// Size in bytes of the largest body that is decoded. Keeps the texts of a column below 2 GB, the
/// end of Arrow's offsets of 32 bits. Pages of 2,000 records have a few megabytes, and the caller
/// asks for fewer records after `TooLarge`.
const MAX_BYTES: usize = 128 * 1024 * 1024;

/// Names of the members of a page beside its records that are read. `previous_page` proves nothing
/// about what comes next.
pub(super) const MEMBERS: [&str; 6] =
    ["total_entries", "links", "page", "next_page", "total_pages", "per_page"];

/// Members of a page beside its records. A number that is missing, null or not a count is `None`:
/// one sign less, which is no reason to refuse the records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PageEnvelope {
    /// Value of `total_entries`.
    pub(super) total_entries: Option<u64>,
    /// Value of `links.next`; `None` if empty.
    pub(super) next: Option<String>,
    /// Value of `page`, the number of the page.
    pub(super) page: Option<u64>,
    /// Value of `next_page`.
    pub(super) next_page: Option<u64>,
    /// Value of `total_pages`.
    pub(super) total_pages: Option<u64>,
    /// Value of `per_page`.
    pub(super) per_page: Option<u64>,
}

/// Raw values of the members of a page beside its records, in the order of [`MEMBERS`].
pub(super) type RawEnvelope<'de> = [Option<&'de str>; MEMBERS.len()];

impl PageEnvelope {
    /// Parses the raw members that are present.
    ///
    /// Only `links` may fail. It alone says where a list with a cursor goes on; an unreadable one,
    /// taken for the end, would drop the rest of the list without a trace.
    pub(super) fn of(raw: RawEnvelope<'_>) -> Result<Self, PageError> {
        let [total, links, page, next_page, total_pages, per_page] = raw;
        let count = |raw: Option<&str>| raw.and_then(literal::count);
        let next = match links {
            None | Some("null") => None,
            Some(links) => next(links)?,
        };
        Ok(Self {
            total_entries: count(total),
            next: next.filter(|link| !link.is_empty()),
            page: count(page),
            next_page: count(next_page),
            total_pages: count(total_pages),
            per_page: count(per_page),
        })
    }

    /// Parses the members of a page.
    pub(super) fn of_members(members: &[RawMember<'_>]) -> Result<Self, PageError> {
        Self::of(MEMBERS.map(|name| raw::member(members, name)))
    }
}

impl From<PageEnvelope> for PageFacts {
    fn from(envelope: PageEnvelope) -> Self {
        let PageEnvelope { total_entries, next, page, next_page, total_pages, per_page } = envelope;
        Self { total_entries, next, page, next_page, total_pages, per_page, ..Self::default() }
    }
}

/// Value of `links.next`; `None` if missing or null, which means the last page.
fn next(links: &str) -> Result<Option<String>, PageError> {
    let bad = |member, value| PageError::BadLinks { member, found: raw::kind(value) };
    let members = raw::members(links).map_err(|_| bad("links", links))?;
    match raw::member(&members, "next") {
        None | Some("null") => Ok(None),
        Some(next) => match literal::text(next) {
            Some(text) => Ok(Some(without_token(&text))),
            None => Err(bad("links.next", next)),
        },
    }
}

/// Link without the parameter `access_token`. Harvest takes the token there, too, and a server or
/// proxy that repeats the parameters of a request would bring it into positions and logs. Requests
/// have it in a header.
fn without_token(link: &str) -> String {
    let Some((path, query)) = link.split_once('?') else { return link.to_owned() };
    let pairs = query.split('&').filter(|pair| !pair.starts_with("access_token="));
    let pairs: Vec<&str> = pairs.collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

/// Refuses a body that is too large for a page.
pub(super) fn check_size(body: &str) -> Result<(), PageError> {
    let bytes = body.len();
    if bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(PageError::TooLarge { bytes, most: MAX_BYTES, record: first_id(body.as_bytes()) })
}

/// Whole body as one raw value.
pub(super) fn body_value(body: &str) -> Result<&str, PageError> {
    check_size(body)?;
    raw::value(body).map_err(|error| not_json(body, &error))
}

/// Members of a page. Fails if the body is not an object; `careful` and the readers of counts and
/// parents begin with this.
pub(super) fn page_members(body: &str) -> Result<Vec<RawMember<'_>>, PageError> {
    let value = body_value(body)?;
    let found = raw::kind(value);
    if !value.starts_with('{') {
        return Err(PageError::NotAnObject { found });
    }
    raw::members(value).map_err(|error| not_json(value, &error))
}

/// Raw records of a page, those of all lists with the name of the records.
pub(super) struct RawRecords<'de> {
    /// Records of the last such list, which counts.
    pub(super) last: Vec<&'de str>,
    /// Records of earlier lists with the same name; of repeated members the last counts. An earlier
    /// value that is no list is one record here.
    pub(super) earlier: Vec<&'de str>,
}

impl RawRecords<'_> {
    /// Quarantine entries for the earlier records. They must not vanish: which of two lists Harvest
    /// meant is unknown.
    pub(super) fn superseded(&self, key: &str) -> Vec<QuarantinedRecord> {
        let reason = format!("`{key}` came again in the same answer, and the last one counts");
        let raws = self.earlier.iter();
        raws.map(|raw| QuarantinedRecord { raw: (*raw).to_owned(), reason: reason.clone() })
            .collect()
    }
}

/// Raw records of a page, from the member `key`. Fails if there is none, or if the last one is not
/// a list.
pub(super) fn records<'de>(
    members: &[RawMember<'de>],
    key: &'static str,
) -> Result<RawRecords<'de>, PageError> {
    let mut lists = members.iter().filter(|(name, _)| name == key).map(|(_, list)| *list);
    let Some(last) = lists.next_back() else {
        return Err(PageError::NoRecords { key });
    };
    let found = raw::kind(last);
    let last = raw::items(last).map_err(|_| PageError::RecordsNotAList { key, found })?;
    let earlier = lists.flat_map(|list| raw::items(list).unwrap_or_else(|_| vec![list])).collect();
    Ok(RawRecords { last, earlier })
}

/// Error for a body that is not JSON. The appearance tells common causes apart: markup is a page of
/// a proxy, or Harvest's own 429, whose body is HTML; JSON cut short is a broken connection.
fn not_json(body: &str, error: &serde_json::Error) -> PageError {
    let found = match body.trim_start().bytes().next() {
        None => "nothing",
        Some(b'<') => "markup",
        Some(b'{' | b'[') if error.is_eof() => "JSON cut short",
        Some(b'{' | b'[') => "broken JSON",
        Some(_) => "other text",
    };
    PageError::NotJson { found, line: error.line(), column: error.column() }
}
