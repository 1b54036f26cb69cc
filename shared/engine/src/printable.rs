//! Texts of others in messages: names and members come from Harvest, and a terminal would obey what
//! is in them.

/// Whether a terminal obeys the character, or shows nothing for it: controls, line breaks, marks
/// that turn the direction of writing, and those without width.
#[must_use]
pub fn steers_terminal(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{200b}'..='\u{200f}'
                | '\u{61c}'
                | '\u{feff}'
        )
}

/// Replaces characters that steer a terminal by spaces.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|letter| if steers_terminal(letter) { ' ' } else { letter }).collect()
}

/// Replaces characters that steer a terminal by their number, and cuts the text after `most`
/// characters.
#[must_use]
pub fn escaped(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    for (place, letter) in text.chars().enumerate() {
        if place == most {
            shown.push('…');
            break;
        }
        if steers_terminal(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_others_wrote() {
        let odd = "a\u{1b}[31m\u{202e}b\u{2066}\u{feff}\u{200b}é\n";
        assert_eq!(printable(odd), "a [31m b   é ");
        assert_eq!(escaped("a\u{202e}b", 9), r"a\u{202e}b");
        assert_eq!(escaped("abcdef", 3), "abc…");
        assert_eq!(escaped("abc", 3), "abc");
    }
}
