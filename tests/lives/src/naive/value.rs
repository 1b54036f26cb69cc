//! Canonical texts of single values, from JSON and from columns.

use engine::schema::ColumnType;
use jiff::Timestamp;
use jiff::civil::Date;

use super::json::{JsonKind, kind, quoted};

/// Digits of a decimal column.
const DECIMAL_DIGITS: i64 = 18;

/// Whether a value has a place in its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NaiveCell {
    /// The value as canonical text; `None` for null.
    Held(Option<String>),
    /// The column cannot hold the value, which belongs to `extra_json`.
    Misfit,
}

/// A decimal number: `digits` without zeros at either end, times ten to the power of `exponent`.
/// Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainNumber {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl PlainNumber {
    /// Reads the literal of a JSON number; `None` for any other text.
    #[must_use]
    pub fn of(literal: &str) -> Option<Self> {
        let (negative, rest) = match literal.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let (mantissa, power) = match rest.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, whole(power)?),
            None => (rest, 0),
        };
        let (before, after) = match mantissa.split_once('.') {
            Some((_, "")) => return None,
            Some(parts) => parts,
            None => (mantissa, ""),
        };
        let numeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let leading_zero = before.len() > 1 && before.starts_with('0');
        if before.is_empty() || leading_zero || !numeric(before) || !numeric(after) {
            return None;
        }
        let all = format!("{before}{after}");
        let digits = all.trim_end_matches('0');
        let zeros = i64::try_from(all.len() - digits.len()).expect("a short text");
        let places = i64::try_from(after.len()).expect("a short text");
        let digits = digits.trim_start_matches('0').to_owned();
        let exponent = if digits.is_empty() { 0 } else { power - places + zeros };
        Some(Self { negative: negative && !digits.is_empty(), digits, exponent })
    }

    /// Returns the number with this integer before `scale` decimal places.
    #[must_use]
    pub fn unscaled(unscaled: i128, scale: i8) -> Self {
        let mut digits = unscaled.unsigned_abs().to_string();
        let places = digits.len();
        digits.truncate(digits.trim_end_matches('0').len());
        let zeros = i64::try_from(places - digits.len()).expect("a short text");
        let exponent = if digits.is_empty() { 0 } else { zeros - i64::from(scale) };
        Self { negative: unscaled < 0, digits, exponent }
    }

    /// Power of ten of the first digit; 0 for zero.
    #[must_use]
    pub fn order(&self) -> i64 {
        if self.digits.is_empty() { 0 } else { self.length() + self.exponent - 1 }
    }

    fn length(&self) -> i64 {
        i64::try_from(self.digits.len()).expect("a short text")
    }

    /// Whether a decimal column with `scale` places holds the number without loss.
    #[must_use]
    pub fn fits(&self, scale: i8) -> bool {
        let scale = i64::from(scale);
        self.exponent >= -scale && self.length() + self.exponent + scale <= DECIMAL_DIGITS
    }

    /// Returns the number times ten to the power of `scale`; `None` if that is no integer, or one
    /// of more than 30 digits.
    #[must_use]
    pub fn scaled(&self, scale: i8) -> Option<i128> {
        let zeros = usize::try_from(self.exponent + i64::from(scale)).ok()?;
        if self.digits.is_empty() {
            return Some(0);
        }
        let digits = (zeros <= 30).then(|| format!("{}{}", self.digits, "0".repeat(zeros)))?;
        let magnitude: i128 = digits.parse().ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// Returns the number without exponent and needless zeros. Call for numbers that fit a column.
    #[must_use]
    pub fn text(&self) -> String {
        if self.digits.is_empty() {
            return "0".to_owned();
        }
        let sign = if self.negative { "-" } else { "" };
        if let Ok(zeros) = usize::try_from(self.exponent) {
            return format!("{sign}{}{}", self.digits, "0".repeat(zeros));
        }
        let places = usize::try_from(-self.exponent).expect("a short number");
        let padded = format!("{:0>width$}", self.digits, width = places + 1);
        let (before, after) = padded.split_at(padded.len() - places);
        format!("{sign}{before}.{after}")
    }
}

/// Returns the exponent of a number, at most 10 digits long.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bounded: i64 = digits.parse().unwrap_or(i64::MAX).min(9_999_999_999);
    Some(if text.starts_with('-') { -bounded } else { bounded })
}

/// Returns the place of a JSON value in a column that is no list.
#[must_use]
pub fn cell(raw: &str, ty: &ColumnType) -> NaiveCell {
    let kind = kind(raw);
    if matches!(kind, JsonKind::Null) {
        return NaiveCell::Held(None);
    }
    let number = match &kind {
        JsonKind::Number(literal) => PlainNumber::of(literal),
        JsonKind::Text(Some(text)) => PlainNumber::of(text),
        _ => None,
    };
    let text = match &kind {
        JsonKind::Text(Some(text)) => Some(text.as_str()),
        _ => None,
    };
    let held = match ty {
        ColumnType::Int => number
            .and_then(|number| number.scaled(0))
            .and_then(|whole| i64::try_from(whole).ok())
            .map(|whole| whole.to_string()),
        ColumnType::Decimal { scale } => {
            number.filter(|number| number.fits(*scale)).map(|number| number.text())
        }
        ColumnType::Text => match &kind {
            JsonKind::Text(text) => text.clone(),
            JsonKind::Number(_) | JsonKind::Flag(_) => Some(raw.to_owned()),
            _ => None,
        },
        ColumnType::Bool => match (&kind, text) {
            (JsonKind::Flag(flag), _) => Some(flag.to_string()),
            (_, Some("true" | "false")) => text.map(str::to_owned),
            _ => None,
        },
        ColumnType::Date => text.and_then(day).map(|day| day.to_string()),
        ColumnType::Instant => text.and_then(instant).map(|at| at.to_string()),
        ColumnType::Texts | ColumnType::Ints | ColumnType::Structs(_) => {
            unreachable!("lists are read by `record`")
        }
    };
    held.map_or(NaiveCell::Misfit, |text| NaiveCell::Held(Some(text)))
}

/// Returns a value inside a list as JSON.
#[must_use]
pub fn nested(value: Option<String>, ty: &ColumnType) -> String {
    match (value, ty) {
        (None, _) => "null".to_owned(),
        (Some(text), ColumnType::Text | ColumnType::Date | ColumnType::Instant) => quoted(&text),
        (Some(text), _) => text,
    }
}

/// Reads `YYYY-MM-DD`, `YYYY/MM/DD`, or midnight of a day without a zone or in UTC.
fn day(text: &str) -> Option<Date> {
    let (day, time) = text.split_at_checked(10)?;
    let day = day.replace('/', "-");
    let form: String =
        day.chars().map(|one| if one.is_ascii_digit() { '9' } else { one }).collect();
    if form != "9999-99-99" || !is_midnight(time) {
        return None;
    }
    day.parse().ok().filter(|day: &Date| day.year() > 0)
}

fn is_midnight(time: &str) -> bool {
    let Some(time) = time.strip_prefix(['T', 't', ' ']) else {
        return time.is_empty();
    };
    let zones = [" UTC", " GMT", " +0000", "+00:00", "+0000", "Z", "z"];
    let clock = zones.iter().find_map(|zone| time.strip_suffix(zone)).unwrap_or(time);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let zeros = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    zeros && (clock == "00:00" || clock == "00:00:00")
}

/// Reads RFC 3339 down to the microsecond, and the form of Ruby: `2026-01-31 12:00:00 +0100`.
fn instant(text: &str) -> Option<Timestamp> {
    let (day, time) = text.split_at_checked(10)?;
    if text.contains('[') || time.contains(":60") {
        return None;
    }
    let rfc = match time.trim_start().rsplit_once(' ') {
        Some((clock, "UTC" | "GMT" | "Z")) => format!("{}T{clock}Z", day.replace('/', "-")),
        Some((clock, zone)) if zone.starts_with(['+', '-']) => {
            format!("{}T{clock}{zone}", day.replace('/', "-"))
        }
        Some(_) => return None,
        None => text.to_owned(),
    };
    let at: Timestamp = rfc.parse().ok()?;
    let year = jiff::tz::Offset::UTC.to_datetime(at).year();
    let whole = at.subsec_nanosecond() % 1_000 == 0;
    (whole && (1..=9999).contains(&year)).then_some(at)
}
