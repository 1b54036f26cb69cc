//! Names of members in paths.

/// Appends a name to a path.
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
