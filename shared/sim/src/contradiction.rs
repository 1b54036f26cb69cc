//! Lists whose answers contradict themselves, or whose pages never end.

use serde::{Deserialize, Serialize};

use crate::paging::{LinkForm, ListPage};
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::ListPaging;
use crate::table::RankKey;

/// Contradiction within a list. Some leave some answers unchanged, such as a missing link to a page
/// that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contradiction {
    /// `total_entries` and `total_pages` count the records of the page alone.
    TotalOfPage,
    /// The list ends this number of records too early; the totals count them.
    EndsEarly(usize),
    /// A page that is not the last has no member `links`.
    NoLinks,
    /// `links` of a page that is not the last is null.
    NullLinks,
    /// `links` of a page that is not the last is `{}`.
    EmptyLinks,
    /// `links.next` of a page that is not the last is an empty text.
    EmptyNext,
    /// The last page of a list of several leads to the first.
    Circle,
    /// Every page that has a next one leads to itself.
    OwnPage,
    /// The last page is followed by empty ones, each with a link to another.
    EmptyPages,
    /// Every request gets the first page, with a link to a next one.
    PageIgnored,
    /// `total_entries` is wrong by this number if a single record is asked for.
    CountsOff(i64),
    /// A request for a single record is answered with a full page.
    CountsIgnored,
    /// Pages beyond this one are refused with this status.
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

    /// Spoils the envelope of a page.
    pub(crate) fn spoil(self, request: &ServerRequest, page: &mut ListPage, paging: ListPaging) {
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
            | Self::PageIgnored
            | Self::CountsIgnored
            | Self::TooDeep { .. } => {}
        }
    }
}

/// Returns the request without this parameter.
fn without(request: &ServerRequest, name: &str) -> ServerRequest {
    let mut other = request.clone();
    other.query.retain(|(given, _)| given != name);
    other
}
