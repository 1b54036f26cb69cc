//! Bars of text for people, as wide as their terminal allows.

use unicode_width::UnicodeWidthStr as _;

use crate::said::TextStyle;
use crate::text;

/// Width in columns of a chart in a pipe or a file, and the greatest on a terminal.
const WIDEST: usize = 80;
/// Most columns of a label; longer ones are cut.
const LABEL: usize = 28;
/// Parts of one column, from an eighth to seven eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// One bar of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChartBar {
    /// Name at its left.
    pub(crate) label: String,
    /// Length, in any unit; below zero is shown as zero.
    pub(crate) length: i128,
    /// Text of the value at its right.
    pub(crate) value: String,
}

/// Returns the chart, a line for each bar. The longest bar fills the width.
pub(crate) fn chart(bars: &[ChartBar], style: TextStyle) -> String {
    let width = style.width.map_or(WIDEST, usize::from).min(WIDEST);
    let label = |bar: &ChartBar| text::cut(&text::line(&bar.label), LABEL);
    let labels = bars.iter().map(|bar| label(bar).width()).max().unwrap_or(0);
    let values = bars.iter().map(|bar| bar.value.width()).max().unwrap_or(0);
    let room = width.saturating_sub(labels + values + 4).max(8);
    let longest = bars.iter().map(|bar| bar.length).max().unwrap_or(0);
    let mut text = String::new();
    for bar in bars {
        let label = label(bar);
        let blocks = blocks(bar.length, longest, room);
        // Some characters take two columns, which the padding of `format` does not count.
        let blank = " ".repeat(labels.saturating_sub(label.width()));
        let line = format!("{label}{blank}  {:>values$}  {blocks}", bar.value);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Returns a bar whose share of `room` columns is that of `length` in `longest`.
fn blocks(length: i128, longest: i128, room: usize) -> String {
    if length <= 0 || longest <= 0 {
        return String::new();
    }
    let all = i128::try_from(room * EIGHTHS.len()).unwrap_or(0);
    // At least an eighth: nothing would say zero.
    let eighths = (length.saturating_mul(all) / longest).max(1);
    let eighths = usize::try_from(eighths).unwrap_or(0);
    let rest = EIGHTHS.get(eighths % EIGHTHS.len()).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / EIGHTHS.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, length: i128) -> ChartBar {
        ChartBar { label: label.to_owned(), length, value: length.to_string() }
    }

    #[test]
    fn the_longest_bar_fills_the_width_and_the_others_are_in_proportion() {
        let bars = [bar("Acme", 1000), bar("東京 & Söhne", 500), bar("x", 1), bar("none", 0)];
        let text = chart(&bars, TextStyle { width: Some(60), ..TextStyle::PLAIN });
        let lines: Vec<&str> = text.lines().collect();
        let full = |line: &str| line.matches('█').count();
        assert_eq!(lines[0].width(), 60, "{text}");
        assert_eq!(full(lines[1]), full(lines[0]) / 2, "{text}");
        assert!(lines[2].ends_with('▏') && lines[3].ends_with('0'), "{text}");
    }

    #[test]
    fn no_width_and_no_label_breaks_a_line() {
        let long = "a".repeat(200);
        for width in [None, Some(20), Some(200)] {
            let text =
                chart(&[bar(&long, 5), bar("", -3)], TextStyle { width, ..TextStyle::PLAIN });
            assert!(text.lines().all(|line| line.width() <= 80), "{text}");
            assert!(text.contains('…'), "{text}");
        }
        assert_eq!(chart(&[], TextStyle::PLAIN), "");
    }
}
