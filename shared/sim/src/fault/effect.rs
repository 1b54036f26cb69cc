//! Effects of faults on a request, on the making of its list, or on the finished answer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::contradiction::Contradiction;
use crate::request::{DeliveryFault, ServerResponse, refusal};
use crate::rewrite::ValueRewrite;

/// Effect on a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultEffect {
    /// Refuses with this status, in the shape that Harvest gives it.
    Status {
        /// Status, such as 400, 401, 403, 404, 422, 429, 500, 502 or 520.
        status: u16,
        /// Value of the header `Retry-After`, sent unchanged.
        #[serde(default)]
        retry_after: Option<String>,
        /// Whether the body is an HTML page instead of Harvest's JSON.
        #[serde(default)]
        html: bool,
    },
    /// Announces the length of the whole body in `Content-Length`, sends half of it, and closes the
    /// connection.
    CutBody,
    /// Sends status 200 and half of the JSON, up to a whole character, with a `Content-Length` that
    /// fits the half. Nothing but the text itself shows that it is not whole.
    TruncatedJson,
    /// Sends status 200 and plain text with the content type of JSON, as a proxy with an error may.
    NotJson,
    /// Sends status 200 and an HTML page, as during maintenance.
    HtmlPage,
    /// Sends the right body with a content type other than JSON.
    WrongContentType,
    /// Redirects to this address. A client that follows would send its token there.
    Redirect(String),
    /// Lets `links.next` lead to this origin, a scheme with a host. A client that follows would
    /// send its token there.
    ForeignNext(String),
    /// Delays the answer by this many milliseconds.
    Slow(u64),
    /// Closes the connection before the first byte of the answer.
    Drop,
    /// Keeps the connection open and never answers.
    Hang,
    /// Adds this number to `total_entries`.
    WrongTotal(i64),
    /// Sends the first row of a report twice, the second time with another name, and counts both. A
    /// reader must find out by the key.
    DuplicateRow,
    /// Sends the records of the page in the opposite order: oldest first.
    Reversed,
    /// Sends a complete list without any record, in a correct envelope. A reader cannot detect this
    /// from the answer, and must not delete all rows because of it.
    EmptyList,
    /// Leaves out the header `Date`, from which a reader takes its cursor.
    WithoutDate,
    /// Lets the list contradict itself, or have no last page.
    Contradiction(Contradiction),
    /// Writes the values of the records in another way, which a schema may not accept.
    Rewritten(ValueRewrite),
}

/// Effect that changes the making of the list, not the finished answer. Its variants are those of
/// `FaultEffect` with the same names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListOddity {
    ForeignNext(String),
    WrongTotal(i64),
    DuplicateRow,
    Reversed,
    EmptyList,
    Contradiction(Contradiction),
}

impl FaultEffect {
    /// Returns the answer of effects that replace the account's; `None` for all others.
    ///
    /// A dropped or hung answer gets a status and body, too, for statistics and for tests without
    /// sockets.
    pub(crate) fn instead(&self) -> Option<ServerResponse> {
        match self {
            Self::Status { status, retry_after, html } => {
                let mut response = refusal(*status, *html);
                if let Some(after) = retry_after {
                    response.set_header("retry-after", after);
                }
                Some(response)
            }
            Self::NotJson => {
                let mut response = ServerResponse::json(200, Vec::new());
                response.body = Bytes::from_static(b"upstream connect error or disconnect");
                Some(response)
            }
            Self::HtmlPage => Some(ServerResponse::html(200, "We'll be back soon")),
            Self::Redirect(location) => {
                let mut response = ServerResponse::html(302, "Found");
                response.set_header("location", location);
                Some(response)
            }
            Self::Drop | Self::Hang => {
                let mut response = ServerResponse::html(500, "never sent");
                response.delivery.breach =
                    if *self == Self::Drop { DeliveryFault::Dropped } else { DeliveryFault::Hung };
                Some(response)
            }
            Self::CutBody
            | Self::TruncatedJson
            | Self::WrongContentType
            | Self::ForeignNext(_)
            | Self::Slow(_)
            | Self::WrongTotal(_)
            | Self::DuplicateRow
            | Self::Reversed
            | Self::EmptyList
            | Self::WithoutDate
            | Self::Contradiction(_)
            | Self::Rewritten(_) => None,
        }
    }

    /// Returns the effect on the making of the list; `None` if it has none.
    pub(crate) fn oddity(&self) -> Option<ListOddity> {
        match self {
            Self::ForeignNext(origin) => Some(ListOddity::ForeignNext(origin.clone())),
            Self::WrongTotal(by) => Some(ListOddity::WrongTotal(*by)),
            Self::DuplicateRow => Some(ListOddity::DuplicateRow),
            Self::Reversed => Some(ListOddity::Reversed),
            Self::EmptyList => Some(ListOddity::EmptyList),
            Self::Contradiction(contradiction) => Some(ListOddity::Contradiction(*contradiction)),
            Self::Status { .. }
            | Self::CutBody
            | Self::TruncatedJson
            | Self::NotJson
            | Self::HtmlPage
            | Self::WrongContentType
            | Self::Redirect(_)
            | Self::Slow(_)
            | Self::Drop
            | Self::Hang
            | Self::WithoutDate
            | Self::Rewritten(_) => None,
        }
    }

    /// Spoils a finished answer. Effects that were carried out before change nothing here.
    pub(crate) fn spoil(&self, response: &mut ServerResponse) {
        match self {
            Self::CutBody => response.delivery.breach = DeliveryFault::CutBody,
            // The length that the client is told is that of the shortened body, so only the JSON is
            // wrong.
            Self::TruncatedJson => {
                let middle = response.body.len() / 2;
                let half = String::from_utf8_lossy(&response.body).floor_char_boundary(middle);
                response.body.truncate(half);
            }
            Self::WrongContentType => {
                response.set_header("content-type", "application/octet-stream");
            }
            Self::Rewritten(how) => {
                let body = String::from_utf8_lossy(&response.body).into_owned();
                response.body = Bytes::from(how.of(&body));
            }
            Self::Slow(ms) => response.delivery.delay_ms = *ms,
            Self::WithoutDate => response.headers.retain(|(name, _)| name != "date"),
            Self::Status { .. }
            | Self::NotJson
            | Self::HtmlPage
            | Self::Redirect(_)
            | Self::ForeignNext(_)
            | Self::Drop
            | Self::Hang
            | Self::WrongTotal(_)
            | Self::DuplicateRow
            | Self::Reversed
            | Self::EmptyList
            | Self::Contradiction(_) => {}
        }
    }
}
