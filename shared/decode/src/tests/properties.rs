//! Content of a record is found again in its columns and `extra_json`, complete and unchanged. The
//! expectation is made from the generated values, never by the decoder.

use engine::spec::{FieldSpec, FieldType};
use proptest::prelude::*;

use super::*;

/// A JSON value whose numbers are their literal text.
#[derive(Clone, Debug)]
pub(super) enum Json {
    /// Text of `null`, `true`, a number, or half a surrogate pair.
    Literal(String),
    Text(String),
    List(Vec<Json>),
    /// Members in order; names may repeat.
    Object(Vec<(String, Json)>),
}

impl Json {
    pub(super) fn render(&self) -> String {
        match self {
            Self::Literal(text) => text.clone(),
            Self::Text(text) => serde_json::to_string(text).unwrap(),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::render).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Object(members) => {
                let members = members.iter().map(|(name, value)| {
                    format!("{} : {}", serde_json::to_string(name).unwrap(), value.render())
                });
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Literal(text) if text == "null")
    }
}

fn number() -> impl Strategy<Value = String> {
    let exponent = prop_oneof![
        3 => Just(String::new()),
        1 => ("[eE]", "[+-]?", "[0-9]{1,2}").prop_map(|(e, sign, digits)| e + &sign + &digits),
    ];
    let fraction = prop_oneof![Just(String::new()), "\\.[0-9]{1,8}"];
    ("-?", "0|[1-9][0-9]{0,20}", fraction, exponent)
        .prop_map(|(sign, whole, fraction, exponent)| sign + &whole + &fraction + &exponent)
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("2017-03-01".to_owned()),
        Just("2017-02-30".to_owned()),
        Just("2017-06-27T15:50:15Z".to_owned()),
        Just("2017-06-27T15:50:15.1234567Z".to_owned()),
        Just("2017-06-27 15:50:15 UTC".to_owned()),
        Just("2017/03/01".to_owned()),
        Just("true".to_owned()),
        number(),
        "[a-z\"\\\\\u{0}\n\u{e9}\u{1f600}]{0,6}",
    ]
}

fn leaf() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Literal("null".into())),
        prop_oneof!["true", "false"].prop_map(Json::Literal),
        Just(Json::Literal("\"\\ud800\"".into())),
        number().prop_map(Json::Literal),
        any_text().prop_map(Json::Text),
    ]
}

/// Names that are declared at some level, and undeclared ones.
fn name() -> impl Strategy<Value = String> {
    let declared = [
        "id",
        "day",
        "client",
        "notes",
        "ok",
        "fee",
        "rate",
        "roles",
        "numbers",
        "lines",
        "deep",
        "name",
        "amount",
        "kind",
        "project",
        "created_at",
        "updated_at",
    ];
    let strange =
        ["", "a.b", "lines[0]", "id#1", "id#json", "client.id", "\\", "\"", "\0", "\u{e9}"];
    prop_oneof![
        6 => proptest::sample::select(declared.to_vec()).prop_map(str::to_owned),
        1 => proptest::sample::select(strange.to_vec()).prop_map(str::to_owned),
    ]
}

fn any_json() -> impl Strategy<Value = Json> {
    leaf().prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
            proptest::collection::vec((name(), inner), 0..6).prop_map(Json::Object),
        ]
    })
}

/// Value of the declared type, now and then of another.
fn likely(ty: &FieldType) -> BoxedStrategy<Json> {
    let right: BoxedStrategy<Json> = match *ty {
        FieldType::Object(fields) => object_of(fields).boxed(),
        FieldType::Objects(fields) => {
            let item = prop_oneof![8 => object_of(fields), 1 => any_json()];
            proptest::collection::vec(item, 0..3).prop_map(Json::List).boxed()
        }
        FieldType::Texts | FieldType::Ints => {
            proptest::collection::vec(leaf(), 0..3).prop_map(Json::List).boxed()
        }
        FieldType::Int | FieldType::Money | FieldType::Decimal => {
            number().prop_map(Json::Literal).boxed()
        }
        FieldType::Text | FieldType::Date | FieldType::Instant => {
            any_text().prop_map(Json::Text).boxed()
        }
        FieldType::Bool => prop_oneof!["true", "false"].prop_map(Json::Literal).boxed(),
    };
    prop_oneof![6 => right, 1 => any_json()].boxed()
}

fn object_of(fields: &'static [FieldSpec]) -> impl Strategy<Value = Json> {
    let members: Vec<_> = fields
        .iter()
        .map(|field| likely(&field.ty).prop_map(|value| (field.name.to_owned(), value)))
        .collect();
    let more = proptest::collection::vec((name(), any_json()), 0..3);
    let mask = proptest::collection::vec(any::<u8>(), fields.len());
    (members, mask, more).prop_map(|(members, mask, more)| {
        let kept = members.into_iter().zip(mask).filter(|(_, mask)| mask % 8 > 0);
        let kept = kept.map(|(member, _)| member);
        let mut members: Vec<(String, Json)> = kept.collect();
        for (at, member) in more.into_iter().enumerate() {
            members.insert((at * 3).min(members.len()), member);
        }
        Json::Object(members)
    })
}

pub(super) fn record() -> impl Strategy<Value = Json> {
    prop_oneof![
        12 => (object_of(THINGS.fields), 0_i64..1000).prop_map(|(record, id)| {
            let Json::Object(mut members) = record else { unreachable!() };
            members.retain(|(name, _)| name != "id" || id % 10 == 0);
            if id % 10 != 0 {
                members.push(("id".to_owned(), Json::Literal(id.to_string())));
            }
            Json::Object(members)
        }),
        1 => any_json(),
    ]
}

/// Record in which a declared member is repeated, before or after the other one.
pub(super) fn repeating() -> impl Strategy<Value = Json> {
    let fields: Vec<_> = THINGS.fields.iter().filter(|field| field.name != "id").collect();
    let again = proptest::sample::select(fields)
        .prop_flat_map(|field| likely(&field.ty).prop_map(|json| (field.name.to_owned(), json)));
    (record(), again, any::<prop::sample::Index>()).prop_map(|(record, again, at)| {
        let Json::Object(mut members) = record else { return record };
        members.insert(at.index(members.len() + 1), again);
        Json::Object(members)
    })
}

/// Expected or actual content of a record: by path, the value in its column (`=...`) or the raw
/// text.
type Content = BTreeMap<String, String>;

fn expect(prefix: &str, fields: &[FieldSpec], members: &[(String, Json)], content: &mut Content) {
    let escaped = |name: &str| {
        let mut path = prefix.to_owned();
        for letter in name.chars() {
            if ".[]#\\".contains(letter) {
                path.push('\\');
            }
            path.push(letter);
        }
        path
    };
    for (at, (name, json)) in members.iter().enumerate() {
        let path = escaped(name);
        if members[at + 1..].iter().any(|(later, _)| later == name) {
            let nth = members[..=at].iter().filter(|(earlier, _)| earlier == name).count();
            keep(format!("{path}#{nth}"), json, content);
            continue;
        }
        match fields.iter().find(|field| field.name == name) {
            None => keep(path, json, content),
            Some(_) if json.is_null() => {}
            Some(field) => expect_declared(path, &field.ty, json, content),
        }
    }
}

fn expect_declared(path: String, ty: &FieldType, json: &Json, content: &mut Content) {
    match (ty, json) {
        (FieldType::Object(fields), Json::Object(members)) => {
            expect(&format!("{path}."), fields, members, content);
        }
        (FieldType::Objects(_) | FieldType::Texts | FieldType::Ints, Json::List(items)) => {
            content.insert(path.clone(), format!("={} items", items.len()));
            for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.is_null()) {
                let path = format!("{path}[{index}]");
                match (ty, item) {
                    (FieldType::Objects(fields), Json::Object(members)) => {
                        content.insert(path.clone(), "=struct".to_owned());
                        expect(&format!("{path}."), fields, members, content);
                    }
                    (FieldType::Texts, _) => expect_declared(path, &FieldType::Text, item, content),
                    (FieldType::Ints, _) => expect_declared(path, &FieldType::Int, item, content),
                    _ => keep(path, item, content),
                }
            }
        }
        _ => {
            // A number may come as text, and a text as a number or flag.
            let text = match json {
                Json::Literal(text) if text.starts_with('"') => return keep(path, json, content),
                Json::Literal(text) | Json::Text(text) => Some(text),
                Json::List(_) | Json::Object(_) => None,
            };
            let stored = text.and_then(|text| match ty {
                FieldType::Int => shifted(text, 0).filter(|v| v.parse::<i64>().is_ok()),
                FieldType::Money => shifted(text, 4).filter(|v| short(v)),
                FieldType::Decimal => shifted(text, 6).filter(|v| short(v)),
                FieldType::Bool => ["true", "false"].contains(&text.as_str()).then(|| text.clone()),
                FieldType::Text => Some(text.clone()),
                FieldType::Date => ["2017-03-01", "2017/03/01"]
                    .contains(&text.as_str())
                    .then(|| "2017-03-01".to_owned()),
                FieldType::Instant => ["2017-06-27T15:50:15Z", "2017-06-27 15:50:15 UTC"]
                    .contains(&text.as_str())
                    .then(|| "2017-06-27T15:50:15Z".to_owned()),
                FieldType::Object(_)
                | FieldType::Objects(_)
                | FieldType::Texts
                | FieldType::Ints => None,
            });
            match stored {
                Some(stored) => {
                    content.insert(path, format!("={stored}"));
                }
                None => keep(path, json, content),
            }
        }
    }
}

/// Adds a value that is kept raw, as text if strict readers would refuse it.
fn keep(path: String, json: &Json, content: &mut Content) {
    let mark = if is_strict(json) { "" } else { "#json" };
    content.insert(path + mark, json.render());
}

/// Whether the value contains neither half a surrogate pair nor a repeated member.
fn is_strict(json: &Json) -> bool {
    match json {
        Json::Literal(text) => !text.starts_with('"'),
        Json::Text(_) => true,
        Json::List(items) => items.iter().all(is_strict),
        Json::Object(members) => {
            let names: BTreeSet<&String> = members.iter().map(|(name, _)| name).collect();
            names.len() == members.len() && members.iter().all(|(_, json)| is_strict(json))
        }
    }
}

/// Digits of the number times ten to the power of `scale`, found by moving its point in the text.
/// `None` if it is not an integer.
fn shifted(text: &str, scale: i64) -> Option<String> {
    serde_json::from_str::<f64>(text).ok()?;
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    rest.starts_with(|first: char| first.is_ascii_digit()).then_some(())?;
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let exponent: i64 = exponent.trim_start_matches('+').parse().unwrap();
    let mut places = i64::try_from(fraction.len()).unwrap() - exponent - scale;
    while places > 0 {
        if digits.pop().is_some_and(|last| last != '0') {
            return None;
        }
        places -= 1;
    }
    if digits.trim_start_matches('0').is_empty() {
        return Some("0".to_owned());
    }
    digits.push_str(&"0".repeat(usize::try_from(-places).unwrap()));
    Some(format!("{sign}{}", digits.trim_start_matches('0')))
}

fn short(digits: &str) -> bool {
    digits.trim_start_matches('-').len() <= 18
}

/// Content of a row, including its `extra_json`.
fn found(page: &DecodedPage, row: usize) -> Content {
    let mut content = Content::new();
    let arrays: Vec<arrow::array::ArrayRef> = page.rows.columns().to_vec();
    let mut columns = arrays.iter();
    find("", THINGS.fields, &mut columns, row, &mut content);
    let extra = cell(page, "extra_json", row);
    if extra != "-" {
        let extra: BTreeMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_str(&extra).unwrap();
        for (path, raw) in extra {
            let _: serde_json::Value = serde_json::from_str(raw.get()).unwrap();
            let raw = match path.strip_suffix("#json") {
                // After an odd number of `\\` the mark is escaped and part of the name.
                Some(path) if (path.len() - path.trim_end_matches('\\').len()) % 2 == 0 => {
                    serde_json::from_str(raw.get()).unwrap()
                }
                _ => raw.get().to_owned(),
            };
            let doubled = content.insert(path.clone(), raw);
            assert!(doubled.is_none(), "`{path}` is in a column too");
        }
    }
    content
}

fn find<'a>(
    prefix: &str,
    fields: &[FieldSpec],
    columns: &mut impl Iterator<Item = &'a arrow::array::ArrayRef>,
    row: usize,
    content: &mut Content,
) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        if let FieldType::Object(inner) = field.ty {
            // A trait object keeps the iterator's type the same at every depth of the recursion.
            let columns: &mut dyn Iterator<Item = &'a arrow::array::ArrayRef> = columns;
            find(&format!("{path}."), inner, &mut { columns }, row, content);
            continue;
        }
        let array = columns.next().unwrap();
        if array.is_null(row) {
            continue;
        }
        let Some(list) = array.as_list_opt::<i32>() else {
            content.insert(path, format!("={}", plain(array, row)));
            continue;
        };
        let items = list.value(row);
        content.insert(path.clone(), format!("={} items", items.len()));
        for item in (0..items.len()).filter(|item| items.is_valid(*item)) {
            let path = format!("{path}[{item}]");
            if let FieldType::Objects(inner) = field.ty {
                content.insert(path.clone(), "=struct".to_owned());
                let mut members = items.as_struct().columns().iter();
                find(&format!("{path}."), inner, &mut members, item, content);
            } else {
                content.insert(path, format!("={}", plain(&items, item)));
            }
        }
    }
}

/// As [`value`], with decimals as unscaled digits.
fn plain(array: &arrow::array::ArrayRef, row: usize) -> String {
    match array.as_primitive_opt::<Decimal128Type>() {
        Some(decimals) => decimals.value(row).to_string(),
        None => value(array, row),
    }
}

/// Id from the last `id` of the record, if it is valid.
fn id_of(record: &Json) -> Option<i64> {
    let Json::Object(members) = record else {
        return None;
    };
    let (_, id) = members.iter().rev().find(|(name, _)| name == "id")?;
    let (Json::Literal(id) | Json::Text(id)) = id else { return None };
    shifted(id, 0)?.parse().ok()
}

fn check(records: &[Json]) {
    let texts: Vec<String> = records.iter().map(Json::render).collect();
    let page = things(&texts.join(" ,\n"));
    let (kept, refused): (Vec<&Json>, Vec<&Json>) =
        records.iter().partition(|record| id_of(record).is_some());
    let keys: Vec<Key> = kept.iter().filter_map(|record| id_of(record)).map(Key::id).collect();
    assert_eq!(page.facts.keys, keys);
    let raws: Vec<&str> = page.quarantined.iter().map(|one| one.raw.as_str()).collect();
    let expected: Vec<String> = refused.iter().map(|record| record.render()).collect();
    assert_eq!(raws, expected);
    for (row, record) in kept.iter().enumerate() {
        let Json::Object(members) = record else { unreachable!() };
        let mut expected = Content::new();
        expect("", THINGS.fields, members, &mut expected);
        assert_eq!(found(&page, row), expected, "{}", record.render());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_value_is_lost_or_changed(records in proptest::collection::vec(record(), 0..5)) {
        check(&records);
    }

    #[test]
    fn the_fast_way_and_the_careful_way_leave_the_same_rows(
        records in proptest::collection::vec(object_of(THINGS.fields), 0..4),
    ) {
        let texts: Vec<String> = records.iter().map(Json::render).collect();
        let body = format!("{{\"things\":[{}],\"total_entries\":3}}", texts.join(","));
        let decoder = Decoder::new(&THINGS);
        let (rows, envelope) = careful::page(&decoder.layout, &body).unwrap();
        let careful = decoder.assemble(rows, envelope, &at(decoder.schema().spec)).unwrap();
        let page = decoder.page(&body, &at(decoder.schema().spec)).unwrap();
        prop_assert_eq!(format!("{careful:?}"), format!("{page:?}"));
        prop_assert_eq!(careful.rows, page.rows);
    }

    #[test]
    fn no_body_panics(body in prop_oneof![
        any::<String>(),
        "[{}\\[\\]:,\"a0-9.enultrfs\\\\ ]{0,60}",
        any_json().prop_map(|json| json.render()),
        any_json().prop_map(|json| format!("{{\"things\":{}}}", json.render())),
        (record(), 0_usize..200).prop_map(|(record, cut)| {
            let body = format!("{{\"things\":[{}]}}", record.render());
            body.chars().take(cut).collect()
        }),
    ]) {
        let page = Decoder::new(&THINGS).page(&body, &at(&THINGS));
        let parents = parents::page(&body, &THINGS, "client.id");
        prop_assert_eq!(page.is_ok(), parents.is_ok());
        prop_assert!(count(&body, Some("things")).is_ok() || page.is_err());
    }
}
