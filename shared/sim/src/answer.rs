//! Answers one request to the account for one person.
//!
//! The request has passed the checks of token and limits. An answer is made in this order, and the
//! first refusal decides:
//!
//! 1. The path: anything but a GET of a known path is a 404 as an HTML page.
//! 2. The module: 403 if the stream's module is off. Harvest does not document its answer; a client
//!    must ask `/company` first, and 403 also stands for a missing role.
//! 3. The role: 403 `Not authorized!` if the person may not read the stream at all.
//! 4. The filters, then the page: 400 or 422 for parameters without sense.
//! 5. The records. Those that the person may not see are left out without a word: the answer is 200
//!    with fewer rows, and the totals count only those that are shown.

mod cache;
mod envelope;

pub(crate) use cache::ReportCache;

use crate::fault::ListOddity;
use crate::filter::ListFilter;
use crate::json::JsonWriter;
use crate::paging::ListPage;
use crate::render::{RenderContext, me};
use crate::report::ReportDays;
use crate::request::{ServerRequest, ServerResponse};
use crate::route::Route;
use crate::stream::{ListPaging, Stream};
use crate::table::{RankKey, Record, RecordTable};
use envelope::finish;

/// Answers requests from the books, as of one instant, for one person. It changes nothing.
#[derive(Debug)]
pub(crate) struct Answerer<'a> {
    /// Books, person and time.
    pub(crate) look: RenderContext<'a>,
    /// Number of mutations so far, by which cached rows of reports are judged.
    pub(crate) changes: u64,
    pub(crate) cache: &'a ReportCache,
    /// Most records of a page, whatever the request asks for; 2000 unless a test sets less.
    pub(crate) page_cap: usize,
}

impl Answerer<'_> {
    /// Answers a request that has passed the checks of token and limits. `oddity` is a fault that
    /// changes the making of a list; it has no effect on single records.
    pub(crate) fn answer(
        &self,
        request: &ServerRequest,
        oddity: Option<&ListOddity>,
    ) -> ServerResponse {
        let route = request.path.strip_prefix("/v2/").and_then(Route::of);
        let Some(route) = route.filter(|_| request.method == "GET") else {
            return ServerResponse::html(404, "The page you were looking for doesn't exist (404)");
        };
        self.answer_route(request, route, oddity).unwrap_or_else(|refusal| refusal)
    }

    /// Answers a request whose path is understood; the error is a refusal, which is an answer as
    /// well.
    fn answer_route(
        &self,
        request: &ServerRequest,
        route: Route,
        oddity: Option<&ListOddity>,
    ) -> Result<ServerResponse, ServerResponse> {
        match route {
            Route::Me => {
                let user = self.look.books.users.get(self.look.viewer.user);
                let user = user.ok_or_else(ServerResponse::not_found)?;
                let mut json = JsonWriter::with_capacity(1024);
                me(&self.look, &mut json, user);
                Ok(ServerResponse::json(200, json.finish()))
            }
            // Each person may read these, whatever the role, so no role is checked.
            Route::MyAssignments => {
                let stream = Stream::UserProjectAssignments;
                let own = Some(self.look.viewer.user);
                let keys = ListFilter::of(request)?.keys(&self.look, stream, own)?;
                self.list(request, stream, own, &keys, ListPaging::Offset, oddity)
            }
            Route::ProjectUsers(project) => {
                let table = &self.look.books.user_assignments;
                self.of_project(request, project, Stream::UserAssignments, oddity, || {
                    ranked(table, self.look.books.crew(project).map(Record::id))
                })
            }
            Route::ProjectTasks(project) => {
                let table = &self.look.books.task_assignments;
                self.of_project(request, project, Stream::TaskAssignments, oddity, || {
                    ranked(table, self.look.books.tasks(project).map(Record::id))
                })
            }
            Route::NewMessage(invoice) => self.new_message(invoice),
            Route::One(stream, id) => {
                self.allow(stream, None)?;
                self.one(stream, None, id)
            }
            Route::Child(stream, parent, id) => {
                self.allow(stream, Some(parent))?;
                self.one(stream, Some(parent), id)
            }
            Route::List(stream, parent) => {
                self.allow(stream, parent)?;
                let is_on = self.look.books.is_on(stream);
                let oddity = if is_on { oddity } else { Some(&ListOddity::EmptyList) };
                // One object without paging and id.
                if stream == Stream::Company {
                    return self.one(stream, None, 0);
                }
                if stream.is_report() {
                    return self.report(request, stream, oddity);
                }
                let keys = ListFilter::of(request)?.keys(&self.look, stream, parent)?;
                self.list(request, stream, parent, &keys, stream.paging(), oddity)
            }
        }
    }

    /// Refuses a stream whose module is off, or that the person may not read at all.
    fn allow(&self, stream: Stream, parent: Option<i64>) -> Result<(), ServerResponse> {
        if !self.look.books.is_on(stream) && !self.look.books.is_silent {
            return Err(ServerResponse::message(403, "This feature is disabled for your account"));
        }
        if !self.look.viewer.may_read(stream, parent) {
            return Err(ServerResponse::message(403, "Not authorized!"));
        }
        Ok(())
    }

    /// Returns one record under its own URL. A record that the person may not see answers 404 like
    /// one that does not exist: a client cannot distinguish a lost permission from a deletion, and
    /// must look at the person's roles before it takes 404 for a deletion.
    fn one(
        &self,
        stream: Stream,
        parent: Option<i64>,
        id: i64,
    ) -> Result<ServerResponse, ServerResponse> {
        let hidden = !self.look.books.is_on(stream)
            || stream.listing().is_some_and(|it| !(it.is_shown)(&self.look, id));
        let mut json = JsonWriter::with_capacity(1024);
        if hidden || !self.look.record(&mut json, stream, parent, id) {
            return Err(ServerResponse::not_found());
        }
        Ok(ServerResponse::json(200, json.finish()))
    }

    /// Returns one page of the assignments of a project. Harvest pages these by number, but the
    /// lists of all assignments by cursor.
    fn of_project(
        &self,
        request: &ServerRequest,
        project: i64,
        stream: Stream,
        oddity: Option<&ListOddity>,
        keys: impl Fn() -> Vec<RankKey>,
    ) -> Result<ServerResponse, ServerResponse> {
        self.allow(stream, None)?;
        self.look.books.projects.get(project).ok_or_else(ServerResponse::not_found)?;
        self.list(request, stream, None, &keys(), ListPaging::Offset, oddity)
    }

    /// Returns one page of the records with these keys.
    ///
    /// Each record is rendered for its page only. An oddity changes the choice of keys before, or
    /// the envelope after it, and never the records themselves.
    fn list(
        &self,
        request: &ServerRequest,
        stream: Stream,
        parent: Option<i64>,
        keys: &[RankKey],
        paging: ListPaging,
        oddity: Option<&ListOddity>,
    ) -> Result<ServerResponse, ServerResponse> {
        // Emptied before the page is cut, so that totals and links agree with the missing records.
        let keys = if oddity == Some(&ListOddity::EmptyList) { &[] } else { keys };
        let mut page = self.cut(request, keys, paging, oddity)?;
        if oddity == Some(&ListOddity::Reversed) {
            page.keys.reverse();
        }
        let mut json = JsonWriter::with_capacity(1024 + page.keys.len() * 1500);
        json.open();
        json.list(stream.spec().records_key.unwrap_or_default());
        for key in &page.keys {
            self.look.record(&mut json, stream, parent, key.1);
        }
        json.end_list();
        Ok(finish(json, request, page, paging, oddity))
    }

    /// Returns the page that the request asks for. A contradiction may choose another page than the
    /// request; all other oddities are applied to the page that is chosen here.
    fn cut(
        &self,
        request: &ServerRequest,
        keys: &[RankKey],
        paging: ListPaging,
        oddity: Option<&ListOddity>,
    ) -> Result<ListPage, ServerResponse> {
        match oddity {
            Some(ListOddity::Contradiction(contradiction)) => {
                contradiction.cut(request, keys, paging, self.page_cap)
            }
            Some(
                ListOddity::ForeignNext(_)
                | ListOddity::WrongTotal(_)
                | ListOddity::DuplicateRow
                | ListOddity::Reversed
                | ListOddity::EmptyList,
            )
            | None => ListPage::cut(request, keys, paging, self.page_cap),
        }
    }

    /// Returns one page of a report. All rows are computed at once, because each is a sum over the
    /// whole window, and a page of them is cut as from a list of records.
    fn report(
        &self,
        request: &ServerRequest,
        stream: Stream,
        oddity: Option<&ListOddity>,
    ) -> Result<ServerResponse, ServerResponse> {
        let rows = self.report_rows(stream, ReportDays::of(request, stream)?);
        let count = if oddity == Some(&ListOddity::EmptyList) { 0 } else { rows.len() };
        let length = i64::try_from(count).unwrap_or(0);
        // Lists are read backwards, so the first row takes the highest key.
        let keys: Vec<RankKey> = (0..length).map(|at| (at, length - 1 - at)).collect();
        let mut page = self.cut(request, &keys, ListPaging::Offset, oddity)?;
        if oddity == Some(&ListOddity::Reversed) {
            page.keys.reverse();
        }
        let mut json = JsonWriter::with_capacity(1024 + page.keys.len() * 256);
        json.open();
        json.list(stream.spec().records_key.unwrap_or_default());
        let shown = page.keys.iter().filter_map(|key| rows.get(usize::try_from(key.1).ok()?));
        for (place, row) in shown.enumerate() {
            json.element(row);
            if place == 0 && oddity == Some(&ListOddity::DuplicateRow) {
                json.element(&renamed(row));
            }
        }
        json.end_list();
        Ok(finish(json, request, page, ListPaging::Offset, oddity))
    }

    /// Returns the text that Harvest proposes for a new message about an invoice.
    fn new_message(&self, invoice: i64) -> Result<ServerResponse, ServerResponse> {
        self.allow(Stream::InvoiceMessages, Some(invoice))?;
        let found = self.look.books.invoices.get(invoice).ok_or_else(ServerResponse::not_found)?;
        let number = &found.document.number;
        let mut json = JsonWriter::default();
        json.open();
        json.int("invoice_id", invoice);
        json.text("subject", &format!("Invoice #{number} from {}", self.look.books.company.name));
        json.text("body", &format!("Invoice {number} is attached.\r\n\r\nThank you!"));
        json.flag("reminder", false);
        json.flag("thank_you", false);
        json.close();
        Ok(ServerResponse::json(200, json.finish()))
    }
}

/// Returns the row with another name and the same key. The first name in a row is that of its
/// subject or of its client; neither is part of the key.
fn renamed(row: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(row).replacen("_name\":\"", "_name\":\"Other ", 1).into_bytes()
}

/// Returns the keys of records in the ascending order that pages are cut from.
fn ranked<T: Record>(table: &RecordTable<T>, ids: impl Iterator<Item = i64>) -> Vec<RankKey> {
    let mut keys: Vec<RankKey> =
        ids.filter_map(|id| table.get(id)).map(|one| (one.rank(), one.id())).collect();
    keys.sort_unstable();
    keys
}
