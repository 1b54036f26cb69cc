//! Tables as text for people, no wider than their terminal.
//!
//! In a pipe or a file a table has all its columns, each row on one line, so that it can be cut with
//! `awk` and `grep`. On a terminal that is too narrow the columns that tell least are left out, and
//! if that is not enough, cells are wrapped at blanks.

use core::ops::Range;
use std::collections::BTreeSet;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Row, Table, TableStyle};
use unicode_width::UnicodeWidthStr;

use crate::said::TextStyle;

/// Style of tables: a line below the header and no other border.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A table that is to be shown.
#[derive(Debug)]
pub(crate) struct TextTable<'t> {
    /// Titles of the columns.
    pub(crate) header: &'t [&'t str],
    /// Columns that are aligned to the right.
    pub(crate) numbers: Range<usize>,
    /// Columns that may be left out on a narrow terminal, the first one first.
    pub(crate) spare: &'t [usize],
    /// Cells of each row. A row may have fewer cells than there are columns.
    pub(crate) rows: Vec<Vec<String>>,
}

impl TextTable<'_> {
    /// Returns the table as text. Each row ends with a line break and has no blanks at its end.
    pub(crate) fn text(&self, style: TextStyle) -> String {
        let mut gone = BTreeSet::new();
        let Some(width) = style.width else {
            return lines(&self.drawn(&gone, None));
        };
        for column in self.spare {
            if self.natural_width(&gone) <= usize::from(width) {
                break;
            }
            gone.insert(*column);
        }
        let wrapped = self.natural_width(&gone) > usize::from(width);
        lines(&self.drawn(&gone, wrapped.then_some(width)))
    }

    /// Width of the widest row, if no cell is wrapped.
    fn natural_width(&self, gone: &BTreeSet<usize>) -> usize {
        lines(&self.drawn(gone, None)).lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    /// Lays the table out without the columns in `gone`; with `width`, cells are wrapped.
    fn drawn(&self, gone: &BTreeSet<usize>, width: Option<u16>) -> Table {
        let stays = |(at, _): &(usize, _)| !gone.contains(at);
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        let header = self.header.iter().enumerate().filter(|(at, _)| !gone.contains(at));
        table.set_header(Row::from(header.map(|(_, title)| *title).collect::<Vec<_>>()));
        for row in &self.rows {
            let cells = row.iter().enumerate().filter(stays).map(|(_, cell)| cell);
            table.add_row(Row::from(cells.collect::<Vec<_>>()));
        }
        let columns = (0..self.header.len()).filter(|at| !gone.contains(at));
        for (column, at) in table.column_iter_mut().zip(columns) {
            // No blank before the first column, so that lines begin with the name.
            column.set_padding((u16::from(at > 0), 1));
            if self.numbers.contains(&at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Lines of the table, without the blanks at their ends.
fn lines(table: &Table) -> String {
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(width: Option<u16>, spare: &[usize]) -> String {
        let row =
            |name: &str, rows: &str, remark: &str| [name, rows, remark].map(str::to_owned).to_vec();
        let rows = vec![row("clients", "20,020", "nothing of note here"), row("tasks", "1", "")];
        let header = ["stream", "rows", "remarks"];
        let table = TextTable { header: &header, numbers: 1..2, spare, rows };
        table.text(TextStyle { width, ..TextStyle::PLAIN })
    }

    #[test]
    fn a_table_is_as_wide_as_it_needs_to_be_where_nothing_limits_it() {
        let text = shown(None, &[1]);
        assert!(text.contains("clients   20,020   nothing of note here\n"), "{text}");
        assert!(text.contains("tasks          1\n"), "{text}");
        assert_eq!(shown(Some(200), &[1]), text);
    }

    #[test]
    fn a_narrow_terminal_loses_the_columns_that_tell_least_and_then_wraps() {
        for width in 30..60 {
            for spare in [&[][..], &[1], &[1, 2]] {
                let text = shown(Some(width), spare);
                let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= usize::from(width), "{width} {spare:?}:\n{text}");
                assert!(text.contains("clients"), "{text}");
            }
        }
        let text = shown(Some(34), &[1]);
        assert!(text.contains("nothing of note here") && !text.contains("20,020"), "{text}");
    }

    #[test]
    fn wide_characters_count_as_the_columns_that_they_take() {
        let rows = vec![vec!["東京設計東京設計".to_owned(), "1".to_owned()]];
        let table = TextTable { header: &["name", "n"], numbers: 1..2, spare: &[1], rows };
        for width in 16..30 {
            let text = table.text(TextStyle { width: Some(width), ..TextStyle::PLAIN });
            assert!(
                text.lines().all(|line| line.width() <= usize::from(width)),
                "{width}:\n{text}"
            );
            // Sixteen columns for eight characters, one, and four for what is between and after them.
            assert_eq!(text.contains('1'), width >= 21, "{width}:\n{text}");
        }
    }
}
