//! Lists whose answers contradict themselves, or whose pages never end.
//!
//! A page says in four ways whether more pages follow: `links.next`, `next_page`, `total_pages` and
//! `total_entries`. A proxy that cuts answers, or a defect of the API, makes them disagree. A
//! reader that relies on one of them takes a part for the whole list, and then deletes records that
//! are there. Each variant breaks as few of these signs as it can, so that a test shows which one
//! the reader missed.
//!
//! A contradiction works at two places: `cut` chooses the page, for faults of the choice; `spoil`
//! changes the envelope, for faults of totals and links. An answer may come out unchanged, such as
//! that of a list with one page, which has no link that could be missing. Such answers are not
//! counted as spoilt.

use serde::{Deserialize, Serialize};

use crate::paging::{LinkForm, ListPage};
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::ListPaging;
use crate::table::RankKey;

/// Contradiction within a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// Wrong totals: `total_entries` and `total_pages` count the records of the page alone.
    TotalOfPage,
    /// Missing end: the list lacks this number of its last records; the totals count them.
    EndsEarly(usize),
    /// Leaves out this number of the oldest records, and counts only the others. Nothing in the
    /// answer shows it: only the records' own URLs do.
    Hidden(usize),
    /// Second record of each page replaced by a copy of the first. The totals count both.
    Doubled,
    /// Missing `links` on each page that is not the last.
    NoLinks,
    /// Null as `links` on each page that is not the last.
    NullLinks,
    /// Object without members as `links` on each page that is not the last.
    EmptyLinks,
    /// Empty text as `links.next` on each page that is not the last.
    EmptyNext,
    /// Link from the last page of a list of several back to the first.
    Circle,
    /// Link from each page that has a next one to itself.
    OwnPage,
    /// Link from the last page to an empty one, from there to another empty one, and so on.
    EmptyPages,
    /// First page as the answer to every request, with a link to a next one. Only lists that are
    /// paged by number do this.
    PageIgnored,
    /// Wrong `total_entries`, by this number, where `per_page=1` asks for a single record. Readers
    /// ask so for the size of a list.
    CountsOff(i64),
    /// Full page as the answer to a request with `per_page=1`.
    CountsIgnored,
    /// Refusal of all pages beyond this one, as by a server that gives up at high offsets.
    TooDeep {
        /// Number of the last page that is served.
        beyond: usize,
        /// Status of the refusal, such as 404, 422 or 500.
        status: u16,
    },
}

impl Contradiction {
    /// Returns the page that the request asks for, or a refusal.
    pub(crate) fn cut(
        self,
        request: &ServerRequest,
        keys: &[RankKey],
        paging: ListPaging,
        cap: usize,
    ) -> Result<ListPage, ServerResponse> {
        let asked = || request.param("page").and_then(|text| text.parse::<usize>().ok());
        match self {
            Self::EndsEarly(short) => {
                // Keys ascend and are listed backwards: without the first ones, the end is missing.
                let mut page =
                    ListPage::cut(request, keys.get(short..).unwrap_or(&[]), paging, cap)?;
                page.total = keys.len();
                Ok(page)
            }
            Self::Hidden(number) => {
                ListPage::cut(request, keys.get(number..).unwrap_or(&[]), paging, cap)
            }
            Self::Doubled => {
                let mut page = ListPage::cut(request, keys, paging, cap)?;
                if let [first, second, ..] = page.keys.as_mut_slice() {
                    *second = *first;
                }
                Ok(page)
            }
            Self::PageIgnored if paging == ListPaging::Offset => {
                let mut page = ListPage::cut(&without(request, "page"), keys, paging, cap)?;
                page.go_on(request, paging);
                Ok(page)
            }
            Self::CountsIgnored if request.param("per_page") == Some("1") => {
                ListPage::cut(&without(request, "per_page"), keys, paging, cap)
            }
            Self::TooDeep { beyond, status } if asked().is_some_and(|page| page > beyond) => {
                Err(crate::request::refusal(status, false))
            }
            Self::TotalOfPage
            | Self::NoLinks
            | Self::NullLinks
            | Self::EmptyLinks
            | Self::EmptyNext
            | Self::Circle
            | Self::OwnPage
            | Self::EmptyPages
            | Self::PageIgnored
            | Self::CountsOff(_)
            | Self::CountsIgnored
            | Self::TooDeep { .. } => ListPage::cut(request, keys, paging, cap),
        }
    }

    /// Spoils the envelope of a page. A contradiction that `cut` has carried out changes nothing
    /// here.
    pub(crate) fn spoil(self, request: &ServerRequest, page: &mut ListPage, paging: ListPaging) {
        // Whether the page is the last one, before its links are spoilt.
        let goes_on = page.next.is_some();
        match self {
            Self::TotalOfPage => page.total = page.keys.len(),
            Self::NoLinks if goes_on => page.links = LinkForm::Absent,
            Self::NullLinks if goes_on => page.links = LinkForm::Null,
            Self::EmptyLinks if goes_on => page.links = LinkForm::Empty,
            Self::EmptyNext if goes_on => page.next = Some(String::new()),
            Self::Circle if !goes_on && page.total > page.keys.len() => {
                page.next = Some(page.first.clone());
            }
            Self::OwnPage if goes_on => {
                page.next = Some(format!("{}{}", request.origin, request.target()));
            }
            Self::EmptyPages if !goes_on => page.go_on(request, paging),
            Self::CountsOff(by) if request.param("per_page") == Some("1") => {
                let off = i64::try_from(page.total).unwrap_or(0) + by;
                page.total = usize::try_from(off).unwrap_or(0);
            }
            Self::NoLinks
            | Self::NullLinks
            | Self::EmptyLinks
            | Self::EmptyNext
            | Self::Circle
            | Self::OwnPage
            | Self::EmptyPages
            | Self::CountsOff(_)
            | Self::EndsEarly(_)
            | Self::Hidden(_)
            | Self::Doubled
            | Self::PageIgnored
            | Self::CountsIgnored
            | Self::TooDeep { .. } => {}
        }
    }
}

/// Returns the request without this query parameter.
fn without(request: &ServerRequest, name: &str) -> ServerRequest {
    let mut other = request.clone();
    other.query.retain(|(given, _)| given != name);
    other
}
