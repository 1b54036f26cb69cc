//! Streams by the names that people type.

use engine::spec::StreamSpec;

/// Largest number of edits between a given name and a suggested one.
const NEAR: usize = 4;
/// Largest number of suggested names.
const SUGGESTIONS: usize = 3;

/// There is no stream of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no stream `{name}`; {}", advice(near))]
pub struct UnknownStream {
    /// The given name.
    pub name: String,
    /// Names that were perhaps meant, nearest first.
    pub near: Vec<&'static str>,
}

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
/// Where there is none, with names that are near.
pub fn find_stream(name: &str) -> Result<&'static StreamSpec, UnknownStream> {
    streams::find(name).ok_or_else(|| UnknownStream { name: name.to_owned(), near: near(name) })
}

/// Returns names that differ by a few letters; where there are none, those that contain the name.
fn near(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace(['-', ' '], "_");
    let names = || streams::STREAMS.iter().map(|spec| spec.name);
    let allowed = NEAR.min(name.len().div_ceil(3));
    let mut found: Vec<(usize, &'static str)> = names()
        .map(|other| (edits(&name, other), other))
        .filter(|(edits, _)| *edits <= allowed)
        .collect();
    if found.is_empty() && name.len() >= NEAR {
        let holds = |other: &&str| other.contains(&name) || name.contains(*other);
        found = names().filter(holds).map(|other| (other.len(), other)).collect();
    }
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).take(SUGGESTIONS).collect()
}

/// The least number of letters to insert, delete or replace to make one out of the other.
fn edits(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (b, above) in to.chars().zip(row.windows(2)) {
            let &[diagonal, up] = above else { continue };
            left = (up + 1).min(left + 1).min(diagonal + usize::from(a != b));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
