//! Meaning of the paths of requests.
//!
//! Harvest serves several things under paths that the streams do not use. Some are here, so that a
//! reader that mistakes one for another gets the answer that Harvest would give:
//!
//! | path | answer |
//! | --- | --- |
//! | `/users/me` | the person of the token, not a user with the id `me` |
//! | `/users/me/project_assignments` | the person's own, paged by number and not by cursor |
//! | `/projects/{id}/user_assignments` | those of one project, paged by number |
//! | `/projects/{id}/user_assignments/{id}` | one assignment; no shorter path has it |
//! | `/invoices/{id}/messages/new` | a proposed text, not a message with the id `new` |

use crate::stream::Stream;

/// Request that the server understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// List of a stream; for a stream with parents, that of one parent.
    List(Stream, Option<i64>),
    /// Record of a stream under its own URL.
    One(Stream, i64),
    /// Record whose URL is below a parent: the parent's id, then its own.
    Child(Stream, i64, i64),
    /// Person that the token belongs to.
    Me,
    /// Assignments of that person, by number of page.
    MyAssignments,
    /// Users of a project, by number of page.
    ProjectUsers(i64),
    /// Tasks of a project, by number of page.
    ProjectTasks(i64),
    /// Text that a new message about an invoice would have.
    NewMessage(i64),
}

impl Route {
    /// Parses a path below `/v2`; `None` for one that Harvest does not know, such as an id that is
    /// no number.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match segments.as_slice() {
            ["users", "me"] => return Some(Self::Me),
            ["users", "me", "project_assignments"] => return Some(Self::MyAssignments),
            ["invoices", id, "messages", "new"] => return Some(Self::NewMessage(number(id)?)),
            ["projects", id, "user_assignments"] => return Some(Self::ProjectUsers(number(id)?)),
            ["projects", id, "task_assignments"] => return Some(Self::ProjectTasks(number(id)?)),
            [above, parent, below, id] => {
                let stream = match (*above, *below) {
                    ("projects", "user_assignments") => Some(Stream::UserAssignments),
                    ("projects", "task_assignments") => Some(Stream::TaskAssignments),
                    ("users", "billable_rates") => Some(Stream::UserBillableRates),
                    ("users", "cost_rates") => Some(Stream::UserCostRates),
                    _ => None,
                };
                if let Some(stream) = stream {
                    return Some(Self::Child(stream, number(parent)?, number(id)?));
                }
            }
            _ => {}
        }
        Stream::ALL.iter().find_map(|stream| Self::of_stream(*stream, &segments))
    }

    /// Returns the route if it is the list of `stream` or one of its records. Some streams have no
    /// URL for single records: children, reports, `/company`, and assignments, whose URLs are below
    /// their project.
    fn of_stream(stream: Stream, segments: &[&str]) -> Option<Self> {
        let pattern: Vec<&str> = stream.path().trim_start_matches('/').split('/').collect();
        let mut parent = None;
        for (expected, given) in pattern.iter().zip(segments) {
            if *expected == "{parent}" {
                parent = Some(number(given)?);
            } else if expected != given {
                return None;
            }
        }
        let after = segments.get(pattern.len()..)?;
        // Not the declared path of a record, so that a wrong one there is noticed.
        let alone = stream.listing().is_none()
            || matches!(stream, Stream::UserAssignments | Stream::TaskAssignments);
        match after {
            [] => Some(Self::List(stream, parent)),
            [id] if !alone => Some(Self::One(stream, number(id)?)),
            _ => None,
        }
    }

    /// Returns the path with ids as `{id}`, under which requests are counted, so that the
    /// statistics have one number for the messages of all invoices.
    pub(crate) fn pattern(path: &str) -> String {
        path.split('/')
            .map(|segment| if number(segment).is_some() { "{id}" } else { segment })
            .collect::<Vec<_>>()
            .join("/")
    }
}

/// Parses an id; `None` if it has anything but digits. A sign is no part of an id.
fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_understood() {
        assert_eq!(Route::of("/clients"), Some(Route::List(Stream::Clients, None)));
        assert_eq!(Route::of("/clients/5"), Some(Route::One(Stream::Clients, 5)));
        assert_eq!(
            Route::of("/invoices/7/payments"),
            Some(Route::List(Stream::InvoicePayments, Some(7)))
        );
        assert_eq!(Route::of("/users/me"), Some(Route::Me));
        assert_eq!(
            Route::of("/reports/time/team"),
            Some(Route::List(Stream::TimeReportTeam, None))
        );
        assert_eq!(
            Route::of("/users/4/cost_rates/9"),
            Some(Route::Child(Stream::UserCostRates, 4, 9))
        );
        for odd in ["/clients/abc", "/client", "/", "/company/1", "/user_assignments/4", "/a/b/c"] {
            assert_eq!(Route::of(odd), None, "{odd}");
        }
    }

    #[test]
    fn every_stream_is_reached_by_its_path() {
        for stream in Stream::ALL {
            let parent = stream.has_parent().then_some(12);
            assert_eq!(
                Route::of(&stream.path().replace("{parent}", "12")),
                Some(Route::List(*stream, parent))
            );
        }
    }
}
