use super::*;

#[test]
fn numbers_may_come_as_text_if_they_are_numbers() {
    let cases: &[(&str, Option<i64>, Option<i128>)] = &[
        ("5", Some(5), Some(50_000)),
        ("5.0", Some(5), Some(50_000)),
        ("\"5\"", Some(5), Some(50_000)),
        ("\"\\u0035\"", Some(5), Some(50_000)),
        ("\"-5.00\"", Some(-5), Some(-50_000)),
        ("\"1e3\"", Some(1_000), Some(10_000_000)),
        ("\"0.535\"", None, Some(5_350)),
        ("\"0.15e1\"", None, Some(15_000)),
        ("\"9223372036854775807\"", Some(i64::MAX), None),
        ("\"9223372036854775808\"", None, None),
        ("\"99999999999999.9999\"", None, Some(999_999_999_999_999_999)),
        ("\"1.00005\"", None, None),
        // Text in another form than a JSON number may mean something else.
        ("\"007\"", None, None),
        ("\"+5\"", None, None),
        ("\" 5\"", None, None),
        ("\"5 \"", None, None),
        ("\"5\\n\"", None, None),
        ("\".5\"", None, None),
        ("\"5.\"", None, None),
        ("\"1,5\"", None, None),
        ("\"1_000\"", None, None),
        ("\"0x10\"", None, None),
        ("\"\u{665}\"", None, None),
        ("\"NaN\"", None, None),
        ("\"\"", None, None),
        ("\"-\"", None, None),
        ("\"5e\"", None, None),
        ("\"\\ud800\"", None, None),
        ("true", None, None),
        ("null", None, None),
        ("[5]", None, None),
    ];
    for (raw, whole, money) in cases {
        assert_eq!(integer(raw), *whole, "{raw}");
        assert_eq!(decimal(raw, 4), *money, "{raw}");
    }
}

#[test]
fn only_too_many_places_make_a_number_finer() {
    for finer in [
        "1.00005",
        "0.30000000000000004",
        "0.1000000000000000055511151231257827021181583404541015625",
        "-99999999999999.99999",
        "1e-400",
        "\"1.00005\"",
    ] {
        assert!(is_finer(finer, 4), "{finer}");
    }
    for other in ["1.5", "0", "100000000000000", "100000000000000.00005", "1e400", "\"x\"", "true"]
    {
        assert!(!is_finer(other, 4), "{other}");
    }
}

#[test]
fn flags_and_texts_are_taken_by_their_literal() {
    assert_eq!((flag("\"true\""), flag("\"false\"")), (Some(true), Some(false)));
    for other in ["1", "0", "\"1\"", "\"True\"", "\"t\"", "\"\"", "null", "[true]"] {
        assert_eq!(flag(other), None, "{other}");
    }
    for literal in ["5", "-0", "1.50", "1e2", "true", "false", "99999999999999999999999999"] {
        assert_eq!(text(literal).as_deref(), Some(literal));
    }
    for other in ["null", "{}", "[1]", "\"\\ud800\""] {
        assert_eq!(text(other), None, "{other}");
    }
}

#[test]
fn days_may_come_in_other_forms_that_name_the_same_day() {
    for form in [
        "2017-03-01",
        "2017/03/01",
        "2017-03-01T00:00:00Z",
        "2017-03-01T00:00:00.000Z",
        "2017-03-01T00:00:00",
        "2017-03-01 00:00:00 UTC",
        "2017-03-01 00:00:00 +0000",
        "2017-03-01T00:00+00:00",
    ] {
        assert_eq!(date(&format!("\"{form}\"")), Some(17_226), "{form}");
    }
    for other in [
        "2017-03-01T00:00:01Z",
        "2017-03-01T00:00:00.001Z",
        "2017-03-01T00:00:00+02:00",
        "2017-03-01T00:00:00.Z",
        "2017-03-01T",
        "2017-03",
        "2017-060",
        "01.03.2017",
        "03/01/2017",
        "2017/02/30",
        "20170301",
        "2017030\u{e9}",
        "2017-03/01Z",
        "",
    ] {
        assert_eq!(date(&format!("\"{other}\"")), None, "{other}");
    }
    assert_eq!(date("20170301"), None);
}

#[test]
fn instants_may_come_as_ruby_writes_them() {
    for form in [
        "2017-06-27T15:50:15Z",
        "2017-06-27 15:50:15 UTC",
        "2017-06-27 17:50:15 +0200",
        "2017/06/27 15:50:15 +0000",
        "2017-06-27 15:50:15 -00:00",
    ] {
        assert_eq!(instant(&format!("\"{form}\"")), Some(1_498_578_615_000_000), "{form}");
    }
    for other in [
        "2017-06-27 15:50:15",
        "2017-06-27",
        "2017-06-27 15:50:15 CEST",
        "2017-06-27 15:50:60 UTC",
        "2017-02-30 15:50:15 UTC",
        "2017-06-27 15:50:15.0000001 UTC",
        "Tue, 27 Jun 2017",
        "\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9} UTC",
        "",
    ] {
        assert_eq!(instant(&format!("\"{other}\"")), None, "{other}");
    }
    assert_eq!(instant("1498578615"), None);
}
