//! Ready-made lines that query a lake.

use crate::summary::Line;

/// Two or three lines for a shell, about tables that have rows.
pub(crate) fn queries(lake: &str, lines: &[Line]) -> Vec<String> {
    let has = |stream: &str| lines.iter().any(|line| line.stream == stream && line.rows > 0);
    let mut queries = Vec::new();
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
    let most = lines.iter().filter(|line| line.rows > 0).max_by_key(|line| line.rows);
    if let Some(stream) = most.map(|line| line.stream.as_str()) {
        if queries.is_empty() {
            queries.push(duckdb(&format!("SELECT * FROM {} LIMIT 10", scan(lake, stream))));
        }
        let root = root(lake, stream);
        queries.push(format!("python3 -c \"import polars; print(polars.read_delta('{root}'))\""));
    }
    queries
}

fn duckdb(sql: &str) -> String {
    format!("duckdb -c \"INSTALL delta; LOAD delta; {sql}\"")
}

/// The table function for the table of `stream`.
pub(crate) fn scan(lake: &str, stream: &str) -> String {
    format!("delta_scan('{}')", root(lake, stream))
}

/// Where the table of `stream` is, within single quotes.
fn root(lake: &str, stream: &str) -> String {
    let lake = lake.trim_end_matches('/').replace('\'', "''");
    format!("{lake}/tables/{stream}")
}
