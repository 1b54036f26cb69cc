//! Answers one request to the account for one person.

mod cache;

pub(crate) use cache::ReportCache;

use crate::account::Account;
use crate::fault::Oddity;
use crate::filter::Filter;
use crate::json::Json;
use crate::paging::Page;
use crate::render::{Look, me};
use crate::report::Window;
use crate::request::{Request, Response};
use crate::route::Route;
use crate::stream::{Paging, Stream};
use crate::table::{Key, Record, Table};

/// Answers requests from the books, as of one instant, for one person.
#[derive(Debug)]
pub(crate) struct Answerer<'a> {
    pub(crate) look: Look<'a>,
    pub(crate) changes: u64,
    pub(crate) cache: &'a ReportCache,
    /// Most records of a page.
    pub(crate) page_cap: usize,
}

impl Answerer<'_> {
    /// Answers a request that has passed the checks of token and limits.
    pub(crate) fn answer(&self, request: &Request, oddity: Option<&Oddity>) -> Response {
        let route = request.path.strip_prefix("/v2/").and_then(Route::of);
        let Some(route) = route.filter(|_| request.method == "GET") else {
            return Response::html(404, "The page you were looking for doesn't exist (404)");
        };
        self.answer_route(request, route, oddity).unwrap_or_else(|refusal| refusal)
    }

    fn answer_route(
        &self,
        request: &Request,
        route: Route,
        oddity: Option<&Oddity>,
    ) -> Result<Response, Response> {
        match route {
            Route::Me => {
                let user = self.look.books.users.get(self.look.viewer.user);
                let user = user.ok_or_else(Response::not_found)?;
                let mut json = Json::with_capacity(1024);
                me(&self.look, &mut json, user);
                Ok(Response::json(200, json.finish()))
            }
            Route::MyAssignments => {
                let stream = Stream::UserProjectAssignments;
                let own = Some(self.look.viewer.user);
                let keys = Filter::of(request)?.keys(&self.look, stream, own)?;
                self.list(request, stream, own, &keys, Paging::Offset, oddity)
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
                if stream == Stream::Company {
                    return self.one(stream, None, 0);
                }
                if stream.is_report() {
                    return self.report(request, stream, oddity);
                }
                let keys = Filter::of(request)?.keys(&self.look, stream, parent)?;
                self.list(request, stream, parent, &keys, stream.paging(), oddity)
            }
        }
    }

    /// Refuses streams that the person may not see, or whose module is off.
    fn allow(&self, stream: Stream, parent: Option<i64>) -> Result<(), Response> {
        if !Account::is_on(self.look.books, stream) {
            return Err(Response::message(403, "This feature is disabled for your account"));
        }
        if !self.look.viewer.may_read(stream, parent) {
            return Err(Response::message(403, "Not authorized!"));
        }
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "all other streams are treated alike")]
    fn one(&self, stream: Stream, parent: Option<i64>, id: i64) -> Result<Response, Response> {
        let books = self.look.books;
        let viewer = self.look.viewer;
        let hidden = match stream {
            Stream::TimeEntries => {
                books.entries.get(id).is_some_and(|one| !viewer.sees_work(one.user, one.project))
            }
            Stream::Expenses => {
                books.expenses.get(id).is_some_and(|one| !viewer.sees_work(one.user, one.project))
            }
            Stream::Projects => !viewer.sees_project(id),
            Stream::Users => !viewer.sees_user(id),
            _ => false,
        };
        let mut json = Json::with_capacity(1024);
        if hidden || !self.look.record(&mut json, stream, parent, id) {
            return Err(Response::not_found());
        }
        Ok(Response::json(200, json.finish()))
    }

    fn of_project(
        &self,
        request: &Request,
        project: i64,
        stream: Stream,
        oddity: Option<&Oddity>,
        keys: impl Fn() -> Vec<Key>,
    ) -> Result<Response, Response> {
        self.allow(stream, None)?;
        self.look.books.projects.get(project).ok_or_else(Response::not_found)?;
        self.list(request, stream, None, &keys(), Paging::Offset, oddity)
    }

    /// Returns one page of records.
    fn list(
        &self,
        request: &Request,
        stream: Stream,
        parent: Option<i64>,
        keys: &[Key],
        paging: Paging,
        oddity: Option<&Oddity>,
    ) -> Result<Response, Response> {
        let keys = if oddity == Some(&Oddity::EmptyList) { &[] } else { keys };
        let mut page = self.cut(request, keys, paging, oddity)?;
        if oddity == Some(&Oddity::Reversed) {
            page.keys.reverse();
        }
        let mut json = Json::with_capacity(1024 + page.keys.len() * 1500);
        json.open();
        json.list(stream.records_key());
        for key in &page.keys {
            self.look.record(&mut json, stream, parent, key.1);
        }
        json.end_list();
        Ok(finish(json, request, page, paging, oddity))
    }

    /// Returns the page that the request asks for.
    fn cut(
        &self,
        request: &Request,
        keys: &[Key],
        paging: Paging,
        oddity: Option<&Oddity>,
    ) -> Result<Page, Response> {
        match oddity {
            Some(Oddity::Contradiction(contradiction)) => {
                contradiction.cut(request, keys, paging, self.page_cap)
            }
            Some(
                Oddity::ForeignNext(_)
                | Oddity::WrongTotal(_)
                | Oddity::DuplicateRow
                | Oddity::Reversed
                | Oddity::EmptyList,
            )
            | None => Page::cut(request, keys, paging, self.page_cap),
        }
    }

    /// Returns one page of a report.
    fn report(
        &self,
        request: &Request,
        stream: Stream,
        oddity: Option<&Oddity>,
    ) -> Result<Response, Response> {
        let rows = self.report_rows(stream, Window::of(request, stream)?);
        let count = if oddity == Some(&Oddity::EmptyList) { 0 } else { rows.len() };
        let length = i64::try_from(count).unwrap_or(0);
        // Lists are read backwards, so the first row takes the highest key.
        let keys: Vec<Key> = (0..length).map(|at| (at, length - 1 - at)).collect();
        let mut page = self.cut(request, &keys, Paging::Offset, oddity)?;
        if oddity == Some(&Oddity::Reversed) {
            page.keys.reverse();
        }
        let mut json = Json::with_capacity(1024 + page.keys.len() * 256);
        json.open();
        json.list(stream.records_key());
        let shown = page.keys.iter().filter_map(|key| rows.get(usize::try_from(key.1).ok()?));
        for (place, row) in shown.enumerate() {
            json.element(row);
            if place == 0 && oddity == Some(&Oddity::DuplicateRow) {
                json.element(&renamed(row));
            }
        }
        json.end_list();
        Ok(finish(json, request, page, Paging::Offset, oddity))
    }

    fn new_message(&self, invoice: i64) -> Result<Response, Response> {
        self.allow(Stream::InvoiceMessages, Some(invoice))?;
        let found = self.look.books.invoices.get(invoice).ok_or_else(Response::not_found)?;
        let number = &found.document.number;
        let mut json = Json::default();
        json.open();
        json.int("invoice_id", invoice);
        json.text("subject", &format!("Invoice #{number} from {}", self.look.books.company.name));
        json.text("body", &format!("Invoice {number} is attached.\r\n\r\nThank you!"));
        json.flag("reminder", false);
        json.flag("thank_you", false);
        json.close();
        Ok(Response::json(200, json.finish()))
    }
}

/// Closes a page with its envelope.
fn finish(
    mut json: Json,
    request: &Request,
    mut page: Page,
    paging: Paging,
    oddity: Option<&Oddity>,
) -> Response {
    match oddity {
        Some(Oddity::WrongTotal(by)) => {
            let off = i64::try_from(page.total).unwrap_or(0) + by;
            page.total = usize::try_from(off).unwrap_or(0);
        }
        Some(Oddity::ForeignNext(origin)) => {
            let own = page.next.take().unwrap_or_else(|| "/v2/clients?page=2".to_owned());
            let path = own.find("/v2").and_then(|at| own.get(at..)).unwrap_or_default();
            page.next = Some(format!("{origin}{path}"));
        }
        Some(Oddity::DuplicateRow) => page.total += usize::from(page.total > 0),
        Some(Oddity::Contradiction(contradiction)) => {
            contradiction.spoil(request, &mut page, paging);
        }
        Some(Oddity::Reversed | Oddity::EmptyList) | None => {}
    }
    page.write(&mut json);
    json.close();
    Response::json(200, json.finish())
}

/// Returns the row with another name.
fn renamed(row: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(row).replacen("_name\":\"", "_name\":\"Other ", 1).into_bytes()
}

fn ranked<T: Record>(table: &Table<T>, ids: impl Iterator<Item = i64>) -> Vec<Key> {
    let mut keys: Vec<Key> =
        ids.filter_map(|id| table.get(id)).map(|one| (one.rank(), one.id())).collect();
    keys.sort_unstable();
    keys
}
