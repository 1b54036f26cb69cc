//! Pages of a list, and the links between them.
//!
//! Harvest has two kinds of paging, by endpoint:
//!
//! | | by number | by cursor |
//! | --- | --- | --- |
//! | lists | entries, expenses, invoices, estimates, reports | most others |
//! | parameter | `page=N` | `cursor=…`; `page` is deprecated |
//! | `page`, `next_page` | numbers | null between the first and the last page |
//! | new and deleted records | shift others to other pages | shift nothing |
//!
//! A page by number is a stretch of positions in the list as it is now, so it inherits all
//! weaknesses of offsets. A cursor names a record, and the page begins behind the place of that
//! record even if the record is gone. Cursors are opaque to clients: base64 of `{"a":[rank,id]}`
//! for the records after this place, or `{"b":…}` for those before.
//!
//! `links` are whole URLs that keep the filters of the request. A client follows `links.next` until
//! it is null; `next_page` would end a cursor list after two pages.

mod base64;
mod link;

use core::ops::Range;
use std::collections::BTreeMap;

use crate::json::JsonWriter;
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::ListPaging;
use crate::table::RankKey;
use base64::decode;
use link::LinkBuilder;

/// Most records of a page, and the number of records without `per_page`.
pub(crate) const MOST_PER_PAGE: usize = 2000;

/// Form of the member `links` in the envelope. Harvest always sends all four links; the other forms
/// are for faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkForm {
    /// Object with all four links.
    Given,
    /// Envelope without a member `links`.
    Absent,
    /// Null instead of an object.
    Null,
    /// Object without members.
    Empty,
}

/// One page of a list, newest record first, and its envelope. Faults change it before it is
/// written.
#[derive(Debug)]
pub(crate) struct ListPage {
    /// Keys of the records, in the order of the answer.
    pub(crate) keys: Vec<RankKey>,
    /// Number of records of the whole list, which `total_pages` follows, too.
    pub(crate) total: usize,
    /// Form of `links`; everything but `Given` is a fault.
    pub(crate) links: LinkForm,
    /// Most records of a page, as asked for and capped: `per_page` of the answer.
    size: usize,
    /// Member `page`, from 1; null on the inner pages of cursor lists.
    number: Option<usize>,
    /// Member `next_page`.
    next_number: Option<usize>,
    /// Member `previous_page`.
    previous_number: Option<usize>,
    /// Link to the first page, which is there even if the list is empty.
    pub(crate) first: String,
    /// Link to the next page; null on the last one.
    pub(crate) next: Option<String>,
    /// Link to the previous page; null on the first one.
    previous: Option<String>,
    /// Link to the last page.
    last: String,
}

/// Beginning of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PageStart {
    /// Number of the page, from 1.
    Number(usize),
    /// Place of a record, which the records of the page follow in the list: they are older.
    After(RankKey),
    /// Place of a record, which the records of the page precede in the list: they are newer.
    Before(RankKey),
}

impl PageStart {
    /// Returns the positions of the page in the ascending `keys`; the page is read backwards, so
    /// page 1 is at the end. A page beyond the list is empty.
    fn positions(self, keys: &[RankKey], per_page: usize) -> Range<usize> {
        match self {
            Self::Number(number) => {
                let end = keys.len().saturating_sub((number - 1).saturating_mul(per_page));
                end.saturating_sub(per_page)..end
            }
            Self::After(key) => {
                // The record of the cursor need not exist any more: its place in the order still
                // does.
                let end = keys.partition_point(|other| *other < key);
                end.saturating_sub(per_page)..end
            }
            Self::Before(key) => {
                let start = keys.partition_point(|other| *other <= key);
                start..(start + per_page).min(keys.len())
            }
        }
    }
}

impl ListPage {
    /// Returns the page of `keys` (ascending, and listed backwards) that the request asks for, with
    /// at most `cap` records. The error is the answer to `per_page` or `page` out of range (422),
    /// or to a cursor that cannot be read (400).
    pub(crate) fn cut(
        request: &ServerRequest,
        keys: &[RankKey],
        paging: ListPaging,
        cap: usize,
    ) -> Result<Self, ServerResponse> {
        let per_page = per_page(request)?.min(cap.max(1));
        let total = keys.len();
        // An empty list has one page, which is empty.
        let pages = total.div_ceil(per_page).max(1);
        let start = start(request, paging)?;
        let Range { start: low, end: high } = start.positions(keys, per_page);
        let cut: Vec<RankKey> =
            keys.get(low..high).unwrap_or_default().iter().rev().copied().collect();
        let link = LinkBuilder { request, per_page };
        let (is_first, is_last) = (high == total, low == 0);
        let mut page = Self {
            total,
            links: LinkForm::Given,
            size: per_page,
            number: None,
            next_number: None,
            previous_number: None,
            first: link.page(1),
            next: None,
            previous: None,
            last: link.page(pages),
            keys: cut,
        };
        match (paging, start) {
            (ListPaging::Offset, PageStart::Number(number)) => {
                page.number = Some(number);
                page.next_number = (number < pages).then(|| number + 1);
                page.previous_number = (number > 1).then(|| number - 1);
                page.next = page.next_number.map(|number| link.page(number));
                page.previous = page.previous_number.map(|number| link.page(number));
            }
            (
                ListPaging::Cursor | ListPaging::Offset,
                PageStart::Number(_) | PageStart::After(_) | PageStart::Before(_),
            ) => {
                // Numbers only at both ends, as Harvest documents: in between, a cursor does not
                // tell which page it is.
                if is_first {
                    page.number = Some(1);
                    page.next_number = (!is_last).then_some(2);
                } else if is_last {
                    page.number = Some(pages);
                    page.previous_number = pages.checked_sub(1).filter(|number| *number > 0);
                }
                // The cursor is the last record that the client has seen, not a position: whatever
                // is added or removed before it, the next page begins behind this record.
                let end = page.keys.last().filter(|_| !is_last);
                page.next = end.map(|key| link.cursor('a', *key, "next_cursor"));
                let begin = page.keys.first().filter(|_| !is_first);
                page.previous = begin.map(|key| link.cursor('b', *key, "previous_cursor"));
            }
        }
        Ok(page)
    }

    /// Adds a link to a next page that does not exist, and is served as an empty one. For faults
    /// alone.
    pub(crate) fn go_on(&mut self, request: &ServerRequest, paging: ListPaging) {
        let link = LinkBuilder { request, per_page: self.size };
        let here = start(request, paging).unwrap_or(PageStart::Number(1));
        match (paging, here) {
            (ListPaging::Offset, PageStart::Number(number)) => {
                self.next_number = Some(number + 1);
                self.next = Some(link.page(number + 1));
            }
            (
                ListPaging::Cursor | ListPaging::Offset,
                PageStart::Number(_) | PageStart::After(_) | PageStart::Before(_),
            ) => {
                // Records were created after 1970 and rank by that, so no record follows these
                // places. Rates rank below zero, by their negated day: those with a start would
                // come again.
                let place = if let PageStart::After(key) = here { key.0.min(0) - 1 } else { -1 };
                self.next = Some(link.cursor('a', (place, 0), "next_cursor"));
            }
        }
    }

    /// Appends the members of the envelope. They follow the records, as in Harvest's answers, so a
    /// reader knows the total of a page only after its records.
    pub(crate) fn write(&self, json: &mut JsonWriter) {
        let total = self.total;
        let int = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        json.int("per_page", int(self.size));
        json.int("total_pages", int(total.div_ceil(self.size).max(1)));
        json.int("total_entries", int(total));
        json.maybe_int("next_page", self.next_number.map(int));
        json.maybe_int("previous_page", self.previous_number.map(int));
        json.maybe_int("page", self.number.map(int));
        match self.links {
            LinkForm::Given => {}
            LinkForm::Absent => return,
            LinkForm::Null => return json.null("links"),
            LinkForm::Empty => {
                json.object("links");
                return json.close();
            }
        }
        json.object("links");
        json.text("first", &self.first);
        json.maybe_text("next", self.next.as_deref());
        json.maybe_text("previous", self.previous.as_deref());
        json.text("last", &self.last);
        json.close();
    }
}

/// Returns the number of records that the request asks for. Harvest refuses more than 2000 with 422
/// instead of sending fewer.
fn per_page(request: &ServerRequest) -> Result<usize, ServerResponse> {
    let refusal = "Per page must be between 1 and 2000";
    match request.param("per_page") {
        None => Ok(MOST_PER_PAGE),
        Some(text) => match text.parse() {
            Ok(size) if (1..=MOST_PER_PAGE).contains(&size) => Ok(size),
            Ok(_) | Err(_) => Err(ServerResponse::message(422, refusal)),
        },
    }
}

/// Returns where the page begins. `cursor` counts in cursor lists alone, where it wins over `page`.
fn start(request: &ServerRequest, paging: ListPaging) -> Result<PageStart, ServerResponse> {
    if let (Some(cursor), ListPaging::Cursor) = (request.param("cursor"), paging) {
        return read_cursor(cursor).ok_or_else(|| ServerResponse::message(400, "Invalid cursor"));
    }
    match request.param("page").unwrap_or("1").parse() {
        Ok(number) if number > 0 => Ok(PageStart::Number(number)),
        Ok(_) | Err(_) => Err(ServerResponse::message(422, "Page must be a positive number")),
    }
}

/// Decodes a cursor; `None` for a text that no link had.
fn read_cursor(text: &str) -> Option<PageStart> {
    let bytes = decode(text)?;
    let found: BTreeMap<String, RankKey> = serde_json::from_slice(&bytes).ok()?;
    match (found.get("a"), found.get("b")) {
        (Some(key), _) => Some(PageStart::After(*key)),
        (None, Some(key)) => Some(PageStart::Before(*key)),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(count: i64) -> Vec<RankKey> {
        (0..count).map(|at| (at / 2, at)).collect()
    }

    fn cut(target: &str, keys: &[RankKey], paging: ListPaging) -> ListPage {
        ListPage::cut(&ServerRequest::new("GET", "http://h", target), keys, paging, MOST_PER_PAGE)
            .unwrap()
    }

    fn target(link: &str) -> String {
        link.strip_prefix("http://h").unwrap().to_owned()
    }

    #[test]
    fn middle_pages_of_a_cursor_listing_have_no_numbers() {
        let keys = keys(25);
        let first = cut("/v2/clients?per_page=10&updated_since=a%3Ab", &keys, ListPaging::Cursor);
        assert_eq!(
            (first.number, first.next_number, first.previous_number),
            (Some(1), Some(2), None)
        );
        let next = first.next.unwrap();
        assert!(next.contains("updated_since=a%3Ab") && next.contains("ref=next_cursor"), "{next}");
        let middle = cut(&target(&next), &keys, ListPaging::Cursor);
        assert_eq!((middle.number, middle.next_number, middle.previous_number), (None, None, None));
        let last = cut(&target(middle.next.as_deref().unwrap()), &keys, ListPaging::Cursor);
        assert_eq!((last.number, last.next_number, last.previous_number), (Some(3), None, Some(2)));
        assert_eq!((last.keys.len(), last.next), (5, None));
        let back = cut(&target(middle.previous.as_deref().unwrap()), &keys, ListPaging::Cursor);
        assert_eq!(back.keys, first.keys);
    }

    #[test]
    fn numbered_pages_count_from_the_newest() {
        let keys = keys(25);
        let second =
            cut("/v2/invoices?page=2&per_page=10&from=2026-01-01", &keys, ListPaging::Offset);
        assert_eq!(
            (second.number, second.next_number, second.previous_number),
            (Some(2), Some(3), Some(1))
        );
        assert_eq!(second.keys.first(), Some(&(7, 14)));
        assert_eq!(
            second.next.as_deref(),
            Some("http://h/v2/invoices?from=2026-01-01&page=3&per_page=10")
        );
        assert!(cut("/v2/invoices?page=9", &keys, ListPaging::Offset).keys.is_empty());
    }

    #[test]
    fn sizes_and_cursors_that_make_no_sense_are_refused() {
        for (target, status) in [
            ("/v2/clients?per_page=2001", 422),
            ("/v2/clients?per_page=0", 422),
            ("/v2/clients?per_page=x", 422),
            ("/v2/clients?page=0", 422),
            ("/v2/clients?cursor=%21%21", 400),
            ("/v2/clients?cursor=abcd", 400),
        ] {
            let request = ServerRequest::new("GET", "http://h", target);
            let refusal = ListPage::cut(&request, &keys(3), ListPaging::Cursor, 2000).unwrap_err();
            assert_eq!(refusal.status, status, "{target}");
        }
    }

    proptest! {
        #[test]
        fn any_cursor_text_is_harmless(text in ".*") {
            let _ = read_cursor(&text);
        }
    }
}
