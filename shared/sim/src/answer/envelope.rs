//! Envelope of a page.

use crate::fault::ListOddity;
use crate::json::JsonWriter;
use crate::paging::ListPage;
use crate::request::{ServerRequest, ServerResponse};
use crate::stream::ListPaging;

/// Closes a page with its envelope, after the oddity has spoilt the envelope.
pub(super) fn finish(
    mut json: JsonWriter,
    request: &ServerRequest,
    mut page: ListPage,
    paging: ListPaging,
    oddity: Option<&ListOddity>,
) -> ServerResponse {
    match oddity {
        Some(ListOddity::WrongTotal(by)) => {
            let off = i64::try_from(page.total).unwrap_or(0) + by;
            page.total = usize::try_from(off).unwrap_or(0);
        }
        Some(ListOddity::ForeignNext(origin)) => {
            // The last page gets a link, too: a client must look at the origin of each link, not
            // only of those that it would follow.
            let own = page.next.take().unwrap_or_else(|| "/v2/clients?page=2".to_owned());
            let path = own.find("/v2").and_then(|at| own.get(at..)).unwrap_or_default();
            page.next = Some(format!("{origin}{path}"));
        }
        // The total counts the copy, so that only the key of the row shows that it is one.
        Some(ListOddity::DuplicateRow) => page.total += usize::from(page.total > 0),
        Some(ListOddity::Contradiction(contradiction)) => {
            contradiction.spoil(request, &mut page, paging);
        }
        Some(ListOddity::Reversed | ListOddity::EmptyList) | None => {}
    }
    page.write(&mut json);
    json.close();
    ServerResponse::json(200, json.finish())
}
