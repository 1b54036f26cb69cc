//! One SQL text for three engines.
//!
//! The texts of model and answers use the SQL that Athena, DuckDB and Spark share. What differs is
//! a macro in double braces, whose arguments are separated by semicolons and may contain macros:
//! `{{days(due_date; today)}}`. Each engine has its own text for each macro, and no other place
//! knows of their differences, except lists of records (`view`) and names of types (`types`).

/// SQL engine that runs a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SqlEngine {
    /// Athena and Trino.
    Athena,
    /// `DuckDB`, with its extension for Delta.
    DuckDb,
    /// Spark SQL from version 4, with the extension of Delta.
    Spark,
}

impl SqlEngine {
    /// All engines.
    pub const ALL: [Self; 3] = [Self::Athena, Self::DuckDb, Self::Spark];

    /// Name in commands and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Athena => "athena",
            Self::DuckDb => "duckdb",
            Self::Spark => "spark",
        }
    }

    /// Engine of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

/// Returns the text with its macros as the engine takes them. A macro that does not exist stays as
/// it is, and a test finds it.
#[must_use]
pub fn render(text: &str, engine: SqlEngine) -> String {
    let mut text = text.to_owned();
    // The last opening has no macro within it, so its closing is the next one.
    let mut end = text.len();
    while let Some(start) = text.get(..end).and_then(|before| before.rfind("{{")) {
        end = start;
        let Some(inner) = text.get(start + 2..).and_then(|rest| rest.split("}}").next()) else {
            continue;
        };
        if let Some(sql) = expanded(inner, engine) {
            let whole = start..start + inner.len() + 4;
            text.replace_range(whole, &sql);
        }
    }
    text
}

/// Returns the SQL of a macro and its arguments, such as `days(a; b)`.
fn expanded(call: &str, engine: SqlEngine) -> Option<String> {
    let (name, arguments) = call.strip_suffix(')')?.split_once('(')?;
    let arguments: Vec<&str> = arguments.split(';').map(str::trim).collect();
    match (name, arguments.as_slice()) {
        ("days", [from, to]) => Some(days(from, to, engine)),
        ("plus_days", [day, days]) => Some(plus_days(day, days, engine)),
        ("plus_months", [day, months]) => Some(plus_months(day, months, engine)),
        ("percent", [part, whole]) => Some(quotient("100 * ", part, whole)),
        ("ratio", [part, whole]) => Some(quotient("", part, whole)),
        ("instant", [at]) => Some(format!("CAST({at} AS {})", instant(engine))),
        ("time_of_day", [text]) => Some(time_of_day(text, engine)),
        _ => None,
    }
}

/// Number of days from one to another.
fn days(from: &str, to: &str, engine: SqlEngine) -> String {
    match engine {
        SqlEngine::Athena | SqlEngine::DuckDb => format!("DATE_DIFF('day', {from}, {to})"),
        SqlEngine::Spark => format!("DATEDIFF({to}, {from})"),
    }
}

/// Day so many days later.
fn plus_days(day: &str, days: &str, engine: SqlEngine) -> String {
    match engine {
        SqlEngine::Athena => format!("DATE_ADD('day', {days}, {day})"),
        SqlEngine::DuckDb => format!("({day} + CAST({days} AS INTEGER))"),
        SqlEngine::Spark => format!("DATE_ADD({day}, CAST({days} AS INT))"),
    }
}

/// Day so many months later, or the last one of a shorter month.
fn plus_months(day: &str, months: &str, engine: SqlEngine) -> String {
    match engine {
        SqlEngine::Athena => format!("DATE_ADD('month', {months}, {day})"),
        SqlEngine::DuckDb => format!("CAST({day} + {months} * INTERVAL '1' MONTH AS DATE)"),
        SqlEngine::Spark => format!("ADD_MONTHS({day}, {months})"),
    }
}

/// Quotient with two decimal places, null where the divisor is 0. Quotients of decimals have as
/// many places as an engine likes, so both become floating point numbers first: a quotient is a
/// figure to look at, and no amount.
fn quotient(factor: &str, part: &str, whole: &str) -> String {
    format!("ROUND({factor}CAST({part} AS DOUBLE) / NULLIF(CAST({whole} AS DOUBLE), 0), 2)")
}

/// Type of an instant without a zone.
pub(crate) const fn instant(engine: SqlEngine) -> &'static str {
    match engine {
        SqlEngine::Athena => "timestamp(3)",
        SqlEngine::DuckDb => "TIMESTAMP_MS",
        SqlEngine::Spark => "TIMESTAMP",
    }
}

/// Harvest's time of day, `8:05am` or `14:59`, as `08:05` or `14:59`, which can be sorted. Which of
/// both it is depends on the clock of the account; null where it is neither.
fn time_of_day(text: &str, engine: SqlEngine) -> String {
    let kind = match engine {
        SqlEngine::Athena | SqlEngine::DuckDb => "VARCHAR",
        SqlEngine::Spark => "STRING",
    };
    let hour = format!("TRY_CAST(SPLIT_PART({text}, ':', 1) AS BIGINT)");
    let hour = format!(
        "CASE WHEN LOWER({text}) LIKE '%pm' THEN MOD({hour}, 12) + 12 \
         WHEN LOWER({text}) LIKE '%am' THEN MOD({hour}, 12) ELSE {hour} END"
    );
    let minute = format!("SUBSTR(SPLIT_PART({text}, ':', 2), 1, 2)");
    // DuckDB's CONCAT takes null as an empty text; this operator is null in all engines.
    format!("SUBSTR(CAST(100 + {hour} AS {kind}), 2, 2) || ':' || {minute}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_macro_is_in_the_words_of_each_engine() {
        let of = |text: &str| SqlEngine::ALL.map(|engine| render(text, engine));
        assert_eq!(
            of("{{days(a; b)}} > 3"),
            ["DATE_DIFF('day', a, b) > 3", "DATE_DIFF('day', a, b) > 3", "DATEDIFF(b, a) > 3"]
        );
        assert_eq!(
            of("{{plus_days(a; -7)}}"),
            ["DATE_ADD('day', -7, a)", "(a + CAST(-7 AS INTEGER))", "DATE_ADD(a, CAST(-7 AS INT))"]
        );
        assert_eq!(
            of("{{instant(a)}}"),
            ["CAST(a AS timestamp(3))", "CAST(a AS TIMESTAMP_MS)", "CAST(a AS TIMESTAMP)"]
        );
    }

    #[test]
    fn a_macro_may_be_in_another_and_an_unknown_one_stays() {
        let told = render("{{ratio(SUM({{days(a; b)}}); COUNT(*))}}", SqlEngine::Spark);
        let wanted =
            "ROUND(CAST(SUM(DATEDIFF(b, a)) AS DOUBLE) / NULLIF(CAST(COUNT(*) AS DOUBLE), 0), 2)";
        assert_eq!(told, wanted);
        let odd = "{{other(a)}} {{days(a)}} {{days(a; b)}}";
        let wanted = "{{other(a)}} {{days(a)}} DATEDIFF(b, a)";
        assert_eq!(render(odd, SqlEngine::Spark), wanted);
        assert_eq!(render("{{ {{", SqlEngine::Spark), "{{ {{");
    }
}
