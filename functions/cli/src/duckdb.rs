//! Ready-made shell commands that query a lake.
//!
//! They are printed after a sync, to be pasted into a shell. Each place of a lake goes through two
//! languages: it is a literal of SQL or Python inside one word of a shell. Both levels are escaped,
//! because a folder may be called `it's` or `$(touch x)`.

use std::collections::BTreeMap;

use crate::text;

/// Returns two or three shell commands on tables that have rows; none if no table has any. `rows`
/// has the number of rows of each table that the sync opened.
pub(crate) fn queries(lake: &str, rows: &BTreeMap<&str, u64>) -> Vec<String> {
    // A query on an empty table would look like a failure of the first try.
    let has = |stream: &str| rows.get(stream).is_some_and(|rows| *rows > 0);
    let mut queries = Vec::new();
    // The stream that most accounts are about, and two questions that most people have first: hours
    // by client, hours by month.
    if has("time_entries") {
        let table = scan(lake, "time_entries");
        queries.push(duckdb(&format!(
            "SELECT client_name, sum(hours) AS hours FROM {table} GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
        )));
        let (table, months) = (scan(lake, "time_entries"), "date_trunc('month', spent_date)::DATE");
        queries.push(duckdb(&format!(
            "SELECT {months} AS month, sum(hours) AS hours FROM {table} GROUP BY 1 ORDER BY 1"
        )));
    }
    // Without entries the largest table is shown, whatever it is.
    let most = rows.iter().filter(|(_, rows)| **rows > 0).max_by_key(|(_, rows)| **rows);
    if let Some((stream, _)) = most {
        if queries.is_empty() {
            queries.push(duckdb(&format!("SELECT * FROM {} LIMIT 10", scan(lake, stream))));
        }
        let script =
            format!("import polars; print(polars.read_delta({}))", python(&root(lake, stream)));
        queries.push(format!("python3 -c {}", text::word(&script)));
    }
    queries
}

/// Returns the shell command that runs `sql` in DuckDB. The extension is installed by each command,
/// which is fast if it is there already, so that every command works by itself.
fn duckdb(sql: &str) -> String {
    format!("duckdb -c {}", text::word(&format!("INSTALL delta; LOAD delta; {sql}")))
}

/// Returns the call of DuckDB's table function that reads the table of `stream`. SQL escapes a
/// quote by a second one.
pub(crate) fn scan(lake: &str, stream: &str) -> String {
    format!("delta_scan('{}')", root(lake, stream).replace('\'', "''"))
}

/// Returns the path of the table of `stream`, below a place with or without a slash at its end.
fn root(lake: &str, stream: &str) -> String {
    format!("{}/tables/{stream}", lake.trim_end_matches('/'))
}

/// Returns the Python literal of a text. Line breaks are escaped, because a literal in single
/// quotes ends with its line.
fn python(text: &str) -> String {
    let mut literal = String::from("'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => literal.extend(['\\', character]),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn lines(lake: &str) -> Vec<String> {
        queries(lake, &BTreeMap::from([("time_entries", 1)]))
    }

    #[test]
    fn plain_places_are_shown_in_double_quotes() {
        let [first, _, last] = &lines("./lake/")[..] else { panic!() };
        assert!(first.starts_with("duckdb -c \"INSTALL delta; LOAD delta; SELECT"), "{first}");
        assert!(first.contains("delta_scan('./lake/tables/time_entries')"), "{first}");
        assert!(last.contains("read_delta('./lake/tables/time_entries')"), "{last}");
    }

    /// Runs each line in a shell: the word after `-c` must name the place unchanged.
    #[test]
    fn whatever_the_place_is_called_the_shell_runs_nothing_of_it() {
        for name in [
            "a$(touch pwned)",
            "a`touch pwned`",
            "a\";touch pwned;\"",
            "it's",
            "a b",
            "a!b",
            "$HOME",
            "a\\b",
            "a\nb",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let lake = format!("/x/{name}");
            for line in lines(&lake) {
                let script = format!(
                    "duckdb() {{ printf %s \"$2\"; }}; python3() {{ printf %s \"$2\"; }}; {line}"
                );
                let run = Command::new("sh").args(["-c", &script]).current_dir(&folder).output();
                let output = run.unwrap();
                let word = String::from_utf8(output.stdout).unwrap();
                let named = if line.starts_with("duckdb") {
                    scan(&lake, "time_entries")
                } else {
                    python(&root(&lake, "time_entries"))
                };
                assert!(word.contains(&named), "{line}: {word}");
            }
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{name}");
        }
    }
}
