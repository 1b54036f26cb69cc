//! Values of cells as the oracle reads them from the text of a record.

use engine::schema::ColumnType;
use lives::naive::value::{NaiveCell, PlainNumber, cell};

#[test]
fn numbers_keep_every_digit_and_lose_needless_zeros() {
    for (literal, text) in [
        ("0", "0"),
        ("-0.00", "0"),
        ("1.50", "1.5"),
        ("100", "100"),
        ("1e2", "100"),
        ("12.5e-3", "0.0125"),
        ("-0.000004", "-0.000004"),
        ("12345678901234.5678", "12345678901234.5678"),
        ("0e999999", "0"),
    ] {
        assert_eq!(PlainNumber::of(literal).unwrap().text(), text, "{literal}");
    }
    for other in ["007", "+5", "1,5", " 5", "", "-", ".5", "5.", "1e", "0x1"] {
        assert_eq!(PlainNumber::of(other), None, "{other}");
    }
    assert_eq!(PlainNumber::unscaled(15_000, 4).text(), "1.5");
    assert_eq!(PlainNumber::unscaled(-4, 6).text(), "-0.000004");
    assert_eq!(PlainNumber::of("1.25").unwrap().scaled(1), None);
    assert_eq!(PlainNumber::of("-1.25").unwrap().scaled(4), Some(-12_500));
}

#[test]
fn a_column_takes_what_the_documentation_says() {
    let held = |text: &str| NaiveCell::Held(Some(text.to_owned()));
    let money = ColumnType::Decimal { scale: 4 };
    for (raw, ty, expected) in [
        ("5.0", &ColumnType::Int, held("5")),
        (r#""1e3""#, &ColumnType::Int, held("1000")),
        ("5.5", &ColumnType::Int, NaiveCell::Misfit),
        ("9223372036854775808", &ColumnType::Int, NaiveCell::Misfit),
        ("1.23450", &money, held("1.2345")),
        ("1.23456", &money, NaiveCell::Misfit),
        ("99999999999999.9999", &money, held("99999999999999.9999")),
        ("100000000000000", &money, NaiveCell::Misfit),
        ("1.50", &ColumnType::Text, held("1.50")),
        ("[]", &ColumnType::Text, NaiveCell::Misfit),
        ("1", &ColumnType::Bool, NaiveCell::Misfit),
        (r#""true""#, &ColumnType::Bool, held("true")),
        (r#""2026/01/31""#, &ColumnType::Date, held("2026-01-31")),
        (r#""2026-01-31T00:00:00Z""#, &ColumnType::Date, held("2026-01-31")),
        (r#""2026-01-31T00:00:01Z""#, &ColumnType::Date, NaiveCell::Misfit),
        (r#""20260131""#, &ColumnType::Date, NaiveCell::Misfit),
        (r#""2026-01-31 12:00:00 +0100""#, &ColumnType::Instant, held("2026-01-31T11:00:00Z")),
        (r#""2026-01-31T12:00:00""#, &ColumnType::Instant, NaiveCell::Misfit),
        ("null", &ColumnType::Instant, NaiveCell::Held(None)),
    ] {
        assert_eq!(cell(raw, ty), expected, "{raw} as {ty:?}");
    }
}
