//! Names of members in paths.
//!
//! A path joins names by `.`. Without escapes, a member `a.b` and the member `b` of an object `a`
//! would have the same path, and one value in `extra_json` would hide the other.

/// Appends a name to a path. Characters with a meaning in paths are preceded by `\`; `path::steps`
/// reads them back.
pub(super) fn push_name(path: &mut String, is_first: bool, name: &str) {
    if !is_first {
        path.push('.');
    }
    for letter in name.chars() {
        if matches!(letter, '.' | '[' | ']' | '#' | '\\') {
            path.push('\\');
        }
        path.push(letter);
    }
}
