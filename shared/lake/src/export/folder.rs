//! Folder names of a snapshot, as Hive-style readers understand them.
//!
//! A folder is `<column>=<value>`, with the value percent-encoded. Readers decode it and compare it
//! with the value of a query, so every value must come back exactly, and no two may share a folder.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::division::PartitionBy;

/// Folder value that Hive-style readers take for null.
const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Length in bytes of the longest folder name that file systems allow.
const MOST_BYTES: usize = 255;

/// Reasons why a value cannot have a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderError {
    /// File systems would not take the name. It cannot be cut, as the value would not come back.
    #[error(
        "a value of `{column}` would make a folder's name of {bytes} bytes, and file systems take \
         at most {MOST_BYTES}: divide by another column"
    )]
    TooLong {
        /// The partition column.
        column: String,
        /// Length of the name in bytes.
        bytes: usize,
    },
    /// Two values would share a folder on macOS and Windows.
    #[error(
        "two values of `{column}` differ only in the case of letters that a folder's name cannot \
         escape, and macOS and Windows would take their folders for one: divide by another column"
    )]
    CaseOnly {
        /// The partition column.
        column: String,
    },
}

/// Folders of one snapshot so far. No two values share one, not even where names ignore case.
///
/// `ABC` and `abc` would be one folder on macOS and Windows, so the second one is escaped in full:
/// `%61%62%63`. Other letters than ASCII cannot be escaped, so `É` and `é` cannot both have one.
#[derive(Debug, Default)]
pub(super) struct ExportFolders {
    /// Value of each lower-case folder name; `None` is null.
    taken: BTreeMap<String, Option<String>>,
}

/// Set of characters to escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EscapeSet {
    /// Characters with another meaning in a folder name: for the file system, for readers, or for
    /// the encoding itself.
    Needed,
    /// All characters that can be escaped.
    All,
}

impl ExportFolders {
    /// Folder of `value`, ending with a slash. The same value always gets the same folder within a
    /// snapshot.
    ///
    /// # Errors
    /// When file systems would not take the name, or some would take it for that of another value.
    pub(super) fn of(
        &mut self,
        by: &PartitionBy,
        value: Option<&str>,
    ) -> Result<String, FolderError> {
        let plain = value
            .map_or_else(|| NULL_PARTITION.to_owned(), |value| encoded(value, EscapeSet::Needed));
        let name = match value {
            Some(value) if !self.take(&plain, Some(value)) => {
                let escaped = encoded(value, EscapeSet::All);
                if !self.take(&escaped, Some(value)) {
                    return Err(FolderError::CaseOnly { column: by.name.clone() });
                }
                escaped
            }
            _ => plain,
        };
        let name = format!("{}={name}", by.name);
        if name.len() > MOST_BYTES {
            return Err(FolderError::TooLong { column: by.name.clone(), bytes: name.len() });
        }
        Ok(name + "/")
    }

    /// Claims the name for the value. Returns whether it belongs to this value: it was free, or the
    /// value has claimed it before.
    fn take(&mut self, name: &str, value: Option<&str>) -> bool {
        let owner = self.taken.entry(name.to_lowercase());
        owner.or_insert_with(|| value.map(str::to_owned)).as_deref() == value
    }
}

/// Encodes a value as part of a folder name. Hive-style readers decode `%XX` to one character, so
/// only ASCII can be escaped: the two bytes of `é` would come back as two characters.
fn encoded(value: &str, escape: EscapeSet) -> String {
    // DuckDB reads `NULL` in any case as null.
    let is_null = [NULL_PARTITION, "NULL"].iter().any(|name| value.eq_ignore_ascii_case(name));
    // Windows drops dots at the end of a name.
    let dots_from = value.trim_end_matches('.').len();
    let mut name = String::with_capacity(value.len());
    for (at, letter) in value.char_indices() {
        let stands_for_itself = match letter {
            '-' | '_' => true,
            '.' => at < dots_from,
            letter => letter.is_ascii_alphanumeric() || !letter.is_ascii(),
        };
        let escapes = escape == EscapeSet::All || !stands_for_itself || (is_null && at == 0);
        if escapes && letter.is_ascii() {
            // Writing to a text cannot fail.
            write!(name, "%{:02X}", u32::from(letter)).unwrap_or_default();
        } else {
            name.push(letter);
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    use super::*;
    use crate::export::ExportPart;

    fn by(name: &str) -> PartitionBy {
        PartitionBy { name: name.to_owned(), source: name.to_owned(), part: ExportPart::Whole }
    }

    fn folders(values: &[Option<&str>]) -> Vec<String> {
        let mut folders = ExportFolders::default();
        values.iter().map(|value| folders.of(&by("code"), *value).unwrap()).collect()
    }

    #[test]
    fn names_are_those_that_readers_of_hives_kind_take_back() {
        for (value, name) in [
            (None, "code=__HIVE_DEFAULT_PARTITION__/"),
            (Some("__HIVE_DEFAULT_PARTITION__"), "code=%5F_HIVE_DEFAULT_PARTITION__/"),
            (Some("__hive_default_partition__"), "code=%5F_hive_default_partition__/"),
            (Some("NULL"), "code=%4EULL/"),
            (Some("null"), "code=%6Eull/"),
            (Some("nullable"), "code=nullable/"),
            (Some("007"), "code=007/"),
            (Some("a-b_c.d"), "code=a-b_c.d/"),
            (Some("a. ."), "code=a.%20%2E/"),
            (Some("..."), "code=%2E%2E%2E/"),
            (Some("a/b=c%d\\e:f*"), "code=a%2Fb%3Dc%25d%5Ce%3Af%2A/"),
            (Some("\0\n"), "code=%00%0A/"),
            (Some("\u{e9}t\u{e9} 1"), "code=\u{e9}t\u{e9}%201/"),
        ] {
            assert_eq!(folders(&[value]), [name], "{value:?}");
        }
    }

    #[test]
    fn values_that_differ_in_the_case_of_letters_have_folders_that_differ_in_more() {
        let values = ["ABC", "abc", "Abc", "abc", "ABC", "\u{c9}t\u{e9}", "\u{e9}t\u{e9}"];
        assert_eq!(
            folders(&values.map(Some)),
            [
                "code=ABC/",
                "code=%61%62%63/",
                "code=%41%62%63/",
                "code=%61%62%63/",
                "code=ABC/",
                "code=\u{c9}t\u{e9}/",
                "code=\u{e9}%74\u{e9}/",
            ]
        );
    }

    #[test]
    fn a_name_that_no_file_system_takes_is_refused() {
        let long = "\u{e9}".repeat(125);
        assert_eq!(folders(&[Some(&long)])[0].len(), 256);
        let error =
            ExportFolders::default().of(&by("code"), Some(&format!("{long}x"))).unwrap_err();
        assert_eq!(error, FolderError::TooLong { column: "code".to_owned(), bytes: 256 });
        assert!(error.to_string().contains("divide by another column"), "{error}");
        assert!(!error.to_string().contains('\u{e9}'), "{error}");
    }

    #[test]
    fn values_that_no_name_tells_apart_everywhere_are_refused() {
        let mut folders = ExportFolders::default();
        let mut of = |value| folders.of(&by("code"), Some(value));
        assert_eq!(of("\u{c9}").unwrap(), "code=\u{c9}/");
        let error = of("\u{e9}").unwrap_err();
        assert_eq!(error, FolderError::CaseOnly { column: "code".to_owned() });
        assert!(!error.to_string().contains('\u{e9}'), "{error}");
        assert_eq!(of("\u{c9}").unwrap(), "code=\u{c9}/");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn two_values_never_share_a_folder_and_each_comes_back_from_its_own(
            values in proptest::collection::vec(
                prop_oneof![
                    "[aAbBnNuUlL./=% _\u{e9}\u{c9}]{1,5}",
                    "(?i)__hive_default_partition__|null",
                    "\\PC{1,20}",
                ],
                1..30,
            ),
        ) {
            let mut folders = ExportFolders::default();
            let mut whose = BTreeMap::new();
            for value in &values {
                let Ok(name) = folders.of(&by("code"), Some(value)) else {
                    prop_assert!(!value.is_ascii(), "{value} is refused");
                    continue;
                };
                let owner = whose.entry(name.to_lowercase()).or_insert(value);
                prop_assert_eq!(*owner, value);
                let shown = name.strip_prefix("code=").unwrap().strip_suffix('/').unwrap();
                prop_assert!(!shown.eq_ignore_ascii_case(NULL_PARTITION) && !shown.contains('/'));
                let back = percent_decode_str(shown).decode_utf8().unwrap();
                prop_assert_eq!(&*back, value);
            }
        }
    }
}
