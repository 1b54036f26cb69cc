//! Streams by the names that people type.
//!
//! A wrong name is a common mistake on the command line (`client`, `time-entries`). The error shows
//! the right one, so that nobody has to look it up.

use engine::spec::StreamSpec;

/// Largest number of edits between a given name and a suggested one. It also is the smallest length
/// in bytes of a name that is searched for within others.
const NEAR: usize = 4;
/// Largest number of suggested names.
const SUGGESTIONS: usize = 3;

/// Failure to find a stream of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stream `{name}`; {}", advice(near))]
pub struct UnknownStream {
    /// The given name.
    pub name: String,
    /// Names that were perhaps meant, nearest first.
    pub near: Vec<&'static str>,
}

/// Advice that ends the message: near names if there are any, and the command that lists all.
fn advice(near: &[&str]) -> String {
    let list = "`harvest-lake streams` lists them all";
    if near.is_empty() {
        return list.to_owned();
    }
    format!("did you mean `{}`? ({list})", near.join("` or `"))
}

/// Returns the stream of this name.
///
/// # Errors
/// When there is no such stream; the error has names that are near.
pub fn find_stream(name: &str) -> Result<&'static StreamSpec, UnknownStream> {
    crate::find(name).ok_or_else(|| UnknownStream { name: name.to_owned(), near: near(name) })
}

/// Returns the declaration of the table of this name: that of a stream, or the ledger of runs.
///
/// # Errors
/// Fails as [`find_stream`] does.
pub fn find_table(name: &str) -> Result<&'static StreamSpec, UnknownStream> {
    if name == crate::RUNS.name { Ok(&crate::RUNS) } else { find_stream(name) }
}

/// Returns names that differ by a few letters. If there are none, returns those that contain the
/// given name or are contained in it, shortest first: `budget` gives `project_budget_report`.
fn near(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    let names = || crate::STREAMS.iter().map(|spec| spec.name);
    // At most a third of the name's length: with 4 edits, `rate` would be near to `roles`.
    let allowed = NEAR.min(name.len().div_ceil(3));
    let mut found: Vec<(usize, &'static str)> = names()
        .map(|other| (strsim::levenshtein(&name, other), other))
        .filter(|(edits, _)| *edits <= allowed)
        .collect();
    if found.is_empty() && name.len() >= NEAR {
        let holds = |other: &&str| other.contains(&name) || name.contains(*other);
        found = names().filter(holds).map(|other| (other.len(), other)).collect();
    }
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(SUGGESTIONS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_stream_names_those_that_were_perhaps_meant() {
        let near = |name: &str| find_stream(name).unwrap_err().near;
        assert_eq!(near("client").first(), Some(&"clients"));
        assert_eq!(near("time-entries").first(), Some(&"time_entries"));
        assert_eq!(near("tiem_entries").first(), Some(&"time_entries"));
        assert_eq!(near("Users").first(), Some(&"users"));
        assert!(near("invoice").contains(&"invoices"));
        assert!(near("budget").contains(&"project_budget_report"));
        assert_eq!(near("zzz"), Vec::<&str>::new());
        let message = find_stream("client").unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no stream `client`; did you mean `clients`? (`harvest-lake streams` lists them all)"
        );
        for spec in crate::STREAMS {
            assert!(find_stream(spec.name).is_ok());
        }
    }
}
