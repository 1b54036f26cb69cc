//! The model: views over the tables, from which the answers are made.
//!
//! `infra/model` has a text for each view and `infra/queries` one for each answer. A text begins
//! with a comment that describes its rows. In the model, each column has a comment before it, with
//! the type and the meaning: they become the comments of the columns in each engine.

use std::collections::BTreeSet;

use engine::schema::ColumnType;

use crate::dialect::{self, SqlEngine};

/// Text of a view or of an answer, for all engines.
#[derive(Clone, Copy, Debug)]
pub struct ModelText {
    /// Name of the view or the answer.
    pub name: &'static str,
    /// Text of its file: a comment that describes it, then the statement.
    pub text: &'static str,
}

/// Column of a view of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelColumn {
    /// Name of the column.
    pub name: String,
    /// Type of the column.
    pub ty: ColumnType,
    /// Meaning of the column, with its unit or currency.
    pub doc: String,
}

// The file is part of the program, so a name without a file does not compile.
macro_rules! texts {
    ($folder:literal: $($name:literal),*) => {
        &[$(ModelText {
            name: $name,
            text: include_str!(concat!("../../../infra/", $folder, "/", $name, ".sql")),
        }),*]
    };
}

/// Views of the model. Each needs only tables, views of lists, and views before it.
pub const MODEL: &[ModelText] = texts![
    "model": "report_day",
    "dim_days",
    "dim_people",
    "dim_clients",
    "dim_projects",
    "dim_tasks",
    "fact_time",
    "fact_expenses",
    "fact_invoices",
    "fact_invoice_lines",
    "fact_payments",
    "fact_estimates",
    "fact_revenue_and_cost",
    "fact_capacity"
];

/// Answers: saved queries in Athena, views elsewhere.
pub const ANSWERS: &[ModelText] = texts![
    "queries": "approvals",
    "billable_split_by_client",
    "budget_by_month",
    "budget_by_task_and_person",
    "days_to_pay",
    "estimates_won_and_lost",
    "hours_by_person_and_week",
    "hours_by_role",
    "invoice_ageing",
    "margin_by_client",
    "margin_by_person",
    "margin_by_project",
    "missing_timesheets",
    "people_and_capacity",
    "project_budget_burn",
    "rates_over_time",
    "realisation",
    "reconcile_expenses",
    "reconcile_time",
    "reconcile_uninvoiced",
    "revenue_and_cash_by_month",
    "unbilled_work",
    "utilisation"
];

impl ModelText {
    /// Description, from the comment at the beginning of the text.
    #[must_use]
    pub fn doc(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("--"));
        lines.map(str::trim).collect::<Vec<_>>().join(" ")
    }

    /// Statement for an engine, without comments.
    #[must_use]
    pub fn sql(&self, engine: SqlEngine) -> String {
        let lines = self.text.lines().filter(|line| !line.trim_start().starts_with("--"));
        dialect::render(&lines.collect::<Vec<_>>().join("\n"), engine)
    }

    /// Whole text for an engine, with the description as its head.
    #[must_use]
    pub fn commented(&self, engine: SqlEngine) -> String {
        dialect::render(self.text, engine)
    }

    /// Columns with their types and meanings, from the comments before them: two spaces, two
    /// dashes, a type, a colon, the meaning; longer ones go on in the next lines. The column is
    /// named at the end of the first later line that is not within a deeper part of the statement.
    #[must_use]
    pub fn columns(&self) -> Vec<ModelColumn> {
        let mut found = Vec::new();
        let mut open: Option<(ColumnType, String)> = None;
        for line in self.text.lines() {
            let Some(line) = line.strip_prefix("  ") else { continue };
            if let Some(comment) = line.strip_prefix("--") {
                let told = comment.trim().split_once(": ");
                match (told.and_then(|(ty, doc)| Some((type_named(ty)?, doc))), &mut open) {
                    (Some((ty, doc)), None) => open = Some((ty, doc.to_owned())),
                    (_, Some((_, doc))) => {
                        doc.push(' ');
                        doc.push_str(comment.trim());
                    }
                    (None, None) => {}
                }
            } else if !line.starts_with(' ')
                && let Some((_, name)) = line.trim_end_matches(',').rsplit_once(" AS ")
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
                && let Some((ty, doc)) = open.take()
            {
                found.push(ModelColumn { name: name.to_owned(), ty, doc });
            }
        }
        found
    }

    /// Tables and views of these names that the statement reads: those named after `FROM` and
    /// `JOIN`, but not the aliases that may have the same names.
    pub(crate) fn reads<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        let read = self.sources();
        names.into_iter().filter(|name| read.contains(*name)).collect()
    }

    /// Words after `FROM` and `JOIN`.
    fn sources(&self) -> BTreeSet<String> {
        let sql = self.sql(SqlEngine::Athena);
        let words: Vec<&str> = sql.split_whitespace().collect();
        let pairs = words.iter().zip(words.iter().skip(1));
        let sources = pairs.filter(|(before, _)| matches!(**before, "FROM" | "JOIN"));
        sources.map(|(_, name)| name.trim_end_matches(')').to_owned()).collect()
    }
}

/// Names of views and answers that need tables of changes.
pub(crate) fn with_changes() -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for one in MODEL.iter().chain(ANSWERS) {
        let own = one.text.contains("_changes");
        if own || !one.reads(found.iter().copied()).is_empty() {
            found.insert(one.name);
        }
    }
    found
}

/// Type of this name in the comment of a column.
fn type_named(name: &str) -> Option<ColumnType> {
    Some(match name {
        "bigint" => ColumnType::Int,
        "varchar" => ColumnType::Text,
        "boolean" => ColumnType::Bool,
        "date" => ColumnType::Date,
        "timestamp" => ColumnType::Instant,
        "decimal(18,4)" => ColumnType::Decimal { scale: 4 },
        "decimal(18,6)" => ColumnType::Decimal { scale: 6 },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of tables, views of lists and views of the model that come before the one named.
    fn known(before: &str) -> BTreeSet<String> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        for spec in streams::STREAMS {
            known.insert(spec.name.to_owned());
            known.insert(engine::schema::changes_name(spec));
        }
        known.extend(crate::view::VIEWS.iter().map(|view| view.name.to_owned()));
        let earlier = MODEL.iter().take_while(|one| one.name != before);
        known.extend(earlier.map(|one| one.name.to_owned()));
        known
    }

    #[test]
    fn every_text_says_what_it_is_and_has_only_known_macros() {
        for one in MODEL.iter().chain(ANSWERS) {
            assert!(one.doc().len() > 20, "{}", one.name);
            for engine in SqlEngine::ALL {
                let sql = one.sql(engine);
                assert!(!sql.contains("{{") && !sql.contains(';'), "{}: {sql}", one.name);
            }
        }
        for answer in ANSWERS {
            let doc = answer.doc();
            assert!(doc.len() <= 1024, "{}: {}", answer.name, doc.len());
            for part in ["Question: ", " Assumptions: ", " Harvest cannot tell: "] {
                assert!(doc.contains(part), "{} lacks {part}", answer.name);
            }
        }
    }

    #[test]
    fn every_column_of_the_model_has_a_comment_and_every_folder_only_these_files() {
        for one in MODEL {
            let head = one.text.split("\nFROM ").next().unwrap();
            let named: Vec<&str> = head
                .lines()
                .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
                .filter(|line| !line.trim_start().starts_with("--"))
                .filter_map(|line| Some(line.trim_end_matches(',').rsplit_once(" AS ")?.1))
                .collect();
            let columns = one.columns();
            let told: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(told, named, "{}", one.name);
            assert!(!told.is_empty());
            for column in &columns {
                assert!(column.doc.len() <= 255 && column.doc.ends_with('.'), "{column:?}");
            }
        }
        for (folder, texts) in [("model", MODEL), ("queries", ANSWERS)] {
            let folder = format!("{}/../../infra/{folder}", env!("CARGO_MANIFEST_DIR"));
            assert_eq!(std::fs::read_dir(folder).unwrap().count(), texts.len());
        }
    }

    #[test]
    fn what_a_text_reads_exists_before_it() {
        for one in MODEL.iter().chain(ANSWERS) {
            let known = known(one.name);
            for source in one.sources() {
                // A part of a statement, or a part of `EXTRACT(YEAR FROM day)`.
                if !source.starts_with('(') && !source.contains('.') {
                    assert!(known.contains(&source), "{} reads {source}", one.name);
                }
            }
        }
        let changes = with_changes();
        assert!(changes.contains("dim_people") && changes.contains("utilisation"));
        assert!(!changes.contains("fact_time") && !changes.contains("invoice_ageing"));
    }
}
