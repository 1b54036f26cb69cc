//! Names in a table's folder: log files, and data files as the log spells them.
//!
//! | name | meaning |
//! | --- | --- |
//! | `_delta_log/00000000000000000012.json` | commit of version 12 |
//! | `_delta_log/00000000000000000010.checkpoint.parquet` | checkpoint of version 10 |
//! | `_delta_log/00000000000000000010.checkpoint.0000000002.0000000003.parquet` | its part 2 of 3 |
//! | `created_month=2024-01/3-7-ab12-0.parquet` | epoch 3, sequence 7, attempt `ab12`, file 0 |
//!
//! Versions have 20 digits, so that the order of names is the order of versions.

use core::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The hint that names the newest checkpoint. Each checkpoint overwrites it; commit files are never
/// overwritten.
pub(crate) const LAST_CHECKPOINT: &str = "_delta_log/_last_checkpoint";

/// Characters that a path in the log must escape. Delta's protocol wants paths encoded as URIs; the
/// names that this software gives need no escape.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'_').remove(b'=').remove(b'-').remove(b'~');

/// Kind of a log file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogName {
    /// `<version>.json`
    Commit(u64),
    /// `<version>.checkpoint.parquet`, or part `part` of `parts` of one.
    Checkpoint { version: u64, part: u32, parts: u32 },
}

/// Path of a commit file, below the table's folder.
pub(crate) fn commit(version: u64) -> String {
    format!("_delta_log/{version:020}.json")
}

/// Path of a checkpoint file, below the table's folder.
pub(crate) fn checkpoint(version: u64) -> String {
    format!("_delta_log/{version:020}.checkpoint.parquet")
}

/// Paths of the files of a checkpoint, below the table's folder; `parts` is 0 for a single file.
pub(crate) fn checkpoint_parts(version: u64, parts: u32) -> Vec<String> {
    if parts == 0 {
        return vec![checkpoint(version)];
    }
    let part = |part| format!("_delta_log/{version:020}.checkpoint.{part:010}.{parts:010}.parquet");
    (1..=parts).map(part).collect()
}

/// Kind of the log file `name` (without folder); `None` for files that are not read: checksums,
/// compacted logs, temporary files.
pub(crate) fn parse_log(name: &str) -> Option<LogName> {
    let (version, rest) = name.split_at_checked(20)?;
    // Delta's versions are signed numbers of 64 bits.
    let version = digits(version).filter(|version: &u64| *version <= i64::MAX.unsigned_abs())?;
    match rest {
        ".json" => return Some(LogName::Commit(version)),
        ".checkpoint.parquet" => {
            return Some(LogName::Checkpoint { version, part: 0, parts: 0 });
        }
        _ => {}
    }
    let (part, parts) =
        rest.strip_prefix(".checkpoint.")?.strip_suffix(".parquet")?.split_once('.')?;
    let both_long = part.len() == 10 && parts.len() == 10;
    let (part, parts) = (digits(part)?, digits(parts)?);
    (both_long && part > 0 && part <= parts).then_some(LogName::Checkpoint { version, part, parts })
}

/// Epoch and sequence in the name of one of our data files,
/// `<epoch>-<sequence>-<attempt>-<n>.parquet`; `None` for other names.
#[must_use]
pub fn parse_data_file(path: &str) -> Option<(u64, u64)> {
    let name = path.rsplit('/').next()?.strip_suffix(".parquet")?;
    let mut parts = name.split('-');
    let (epoch, sequence) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let attempt = parts.next()?;
    digits::<u64>(parts.next()?)?;
    let ours = !attempt.is_empty()
        && attempt.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && parts.next().is_none();
    ours.then_some((epoch, sequence))
}

/// Spelling of `path` in the log: `a b/1.parquet` as `a%20b/1.parquet`.
pub(crate) fn encode(path: &str) -> String {
    utf8_percent_encode(path, ENCODED).to_string()
}

/// Path in the store for a path of the log; `None` if it leads out of the table.
pub(crate) fn decode(path: &str) -> Option<String> {
    let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
    let inside = !path.contains("://")
        && !path.contains(['\\', '\0'])
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.starts_with("_delta_log/");
    inside.then_some(path)
}

/// Number of digits only. `parse` alone would accept a sign: `+12` is no version.
fn digits<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_files_are_told_apart() {
        let v = "00000000000000000012";
        let one = Some(LogName::Checkpoint { version: 12, part: 0, parts: 0 });
        let part = Some(LogName::Checkpoint { version: 12, part: 2, parts: 3 });
        let check = |rest: &str, expected| assert_eq!(parse_log(&format!("{v}{rest}")), expected);
        check(".json", Some(LogName::Commit(12)));
        check(".checkpoint.parquet", one);
        check(".checkpoint.0000000002.0000000003.parquet", part);
        check(".checkpoint.0000000004.0000000003.parquet", None);
        check(".checkpoint.2.3.parquet", None);
        check(".checkpoint.0000000002.3.parquet", None);
        check(".checkpoint.2.0000000003.parquet", None);
        check(".checkpoint.0000000000.0000000003.parquet", None);
        check(".checkpoint.3a0fa4c0-5a2b-4c1e.parquet", None);
        check(".json.tmp", None);
        check(".crc", None);
        check(".00000000000000000014.compacted.json", None);
        assert_eq!(parse_log("_last_checkpoint"), None);
        let greatest = Some(LogName::Commit(i64::MAX.unsigned_abs()));
        assert_eq!(parse_log("09223372036854775807.json"), greatest);
        assert_eq!(parse_log("18446744073709551615.json"), None);
        assert_eq!(parse_log("0000000000000000001é.json"), None);
        assert_eq!(parse_log("+0000000000000000012.json"), None);
        assert_eq!(commit(12), format!("_delta_log/{v}.json"));
        let parts = checkpoint_parts(12, 2);
        assert_eq!(parts[1], format!("_delta_log/{v}.checkpoint.0000000002.0000000002.parquet"));
    }

    #[test]
    fn only_data_files_of_ours_have_an_epoch() {
        let check = |name: &str, expected| assert_eq!(parse_data_file(name), expected, "{name}");
        check("3-7-ab12-0.parquet", Some((3, 7)));
        check("created_month=2024-01/3-7-ab_12-10.parquet", Some((3, 7)));
        check("part-00001-3a0fa4c0-5a2b-4c1e-9c1e-000000000000-c000.snappy.parquet", None);
        check("3-7-ab12-0.parquet.tmp", None);
        check("3-7--0.parquet", None);
        check("3-7-ab12.parquet", None);
        check("3-7-ab12-0-1.parquet", None);
        check("-7-ab12-0.parquet", None);
    }

    #[test]
    fn paths_survive_the_log() {
        for path in ["created_month=2024-01/1-2-ab-0.parquet", "a b/ü%41.parquet", "x:y.parquet"] {
            let encoded = encode(path);
            assert!(encoded.is_ascii() && !encoded.contains(' '), "{encoded}");
            assert_eq!(decode(&encoded).as_deref(), Some(path));
        }
        assert_eq!(encode("a=b/1-2-ab-0.parquet"), "a=b/1-2-ab-0.parquet");
        for path in [
            "s3://b/x.parquet",
            "s3:%2F%2Fb",
            "a\\b",
            "a%00b",
            "/x",
            "../x",
            "a/../../x",
            "a//b",
            "%2Fx",
            "_delta_log/x",
        ] {
            assert_eq!(decode(path), None, "{path}");
        }
    }
}
