//! Tables of `docs/json.md`, made from the schemas.

use std::fmt::Write as _;

use serde_json::Value;

/// First line of a table of members. From the first one on, a section is made from its schema.
pub const HEAD: &str = "| member | type | unit | meaning |\n";

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(title: &str) -> String {
    let kept = title.to_lowercase();
    let kept = kept.chars().filter(|it| it.is_alphanumeric() || " -_".contains(*it));
    kept.collect::<String>().replace(' ', "-")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

/// Returns the schema that a property refers to; null if it is none.
fn reference(property: &Value) -> &Value {
    let either = property["anyOf"].as_array().and_then(|any| any.first());
    let items = property.get("items");
    [Some(property), either, items]
        .into_iter()
        .flatten()
        .find_map(|it| it.get("$ref"))
        .unwrap_or(&Value::Null)
}

/// Returns the object that a property, or each of its items, is; `None` if it has no members.
fn inner(property: &Value) -> Option<&Value> {
    [Some(property), property.get("items")]
        .into_iter()
        .flatten()
        .find(|it| it["properties"].is_object())
}

/// Returns the type of a property, in the words of the page.
fn kind(property: &Value) -> String {
    let of = |inner: &Value| format!("{}s", kind(inner));
    let one = |name: &str| match (name, text(property, "format")) {
        ("string", "date-time") => "time".to_owned(),
        ("string", "date") => "day".to_owned(),
        ("string", _) => "text".to_owned(),
        ("boolean", _) => "flag".to_owned(),
        ("array", _) => format!("list of {}", of(&property["items"])),
        ("object", _) if property["additionalProperties"].is_object() => {
            format!("map of {}", of(&property["additionalProperties"]))
        }
        (other, _) => other.to_owned(),
    };
    match (&property["type"], &property["enum"]) {
        (_, Value::Array(words)) if words.contains(&Value::Null) => "text or null".to_owned(),
        (_, Value::Array(_)) => "text".to_owned(),
        (Value::String(name), _) => one(name),
        (Value::Array(names), _) => {
            let names: Vec<String> = names.iter().map(|it| one(it.as_str().unwrap())).collect();
            names.join(" or ")
        }
        _ if property["anyOf"].is_array() => "object or null".to_owned(),
        _ => "object".to_owned(),
    }
}

/// Returns the meaning of a property: its description, its words, and where its members are.
fn meaning(property: &Value) -> String {
    let mut meaning = text(property, "description").replace("../json.md", "").replace("../", "");
    let items = [property, &property["items"], &property["items"]["items"]];
    if let Some(words) = items.iter().find_map(|it| it["enum"].as_array()) {
        let words: Vec<String> =
            words.iter().filter_map(|it| it.as_str()).map(|it| format!("`{it}`")).collect();
        write!(meaning, " One of {}.", words.join(", ")).unwrap();
    }
    if let Some(reference) = reference(property).as_str() {
        let name = reference.split(".json").next().unwrap();
        let title = super::schema(name)["title"].as_str().unwrap().to_owned();
        write!(meaning, " See [{}](#{}).", title.to_lowercase(), anchor(&title)).unwrap();
    }
    meaning
}

/// Adds the tables of the object at `path` of a document, without the members of `known`.
fn table(object: &Value, path: &str, known: &Value, out: &mut String) {
    writeln!(out, "{HEAD}| --- | --- | --- | --- |").unwrap();
    let of = |value: &Value| value["properties"].as_object().cloned().unwrap_or_default();
    // The order of `required` is that of the schema; optional members follow.
    let properties = of(object);
    let required = object["required"].as_array().into_iter().flatten();
    let mut names: Vec<&str> = required.filter_map(Value::as_str).collect();
    names.extend(
        properties.keys().map(String::as_str).filter(|it| !names.contains(it)).collect::<Vec<_>>(),
    );
    let shown = |name: &&&str| of(known).get(**name) != properties.get(**name);
    for name in names.iter().filter(shown) {
        let property = &properties[*name];
        let unit = property["x-unit"].as_str().unwrap_or("·");
        writeln!(out, "| `{name}` | {} | {unit} | {} |", kind(property), meaning(property))
            .unwrap();
    }
    if known.is_object() {
        let title = text(known, "title");
        writeln!(out, "| all members of a [run](#{}) | | | |", anchor(title)).unwrap();
    }
    for name in names.iter().filter(shown) {
        let property = &properties[*name];
        let Some(inner) = inner(property) else { continue };
        let list = property["items"].is_object();
        let (each, mark) = if list { ("Each ", "[]") } else { ("", "") };
        let path = format!("{path}{name}{mark}");
        write!(out, "\n{each}`{path}`:\n\n").unwrap();
        table(inner, &format!("{path}."), &Value::Null, out);
    }
}

/// Returns the tables of the document `name`.
#[must_use]
pub fn tables(name: &str) -> String {
    let mut out = String::new();
    // An event is a run with its account: its members are not told twice.
    let known = if name == "event" { super::schema("run") } else { Value::Null };
    table(&super::schema(name), "", &known, &mut out);
    out
}
