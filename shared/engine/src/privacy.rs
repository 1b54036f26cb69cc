//! Fields of records that the operator keeps out of the lake, or keeps only as a hash.

use std::collections::BTreeMap;

use crate::spec::{FieldSpec, FieldType, Paging, StreamKind, StreamSpec};

/// Treatment of a field before a record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldTreatment {
    /// The field is stored nowhere.
    Exclude,
    /// The field's text is replaced by a hash.
    Hash,
}

/// Fields of one stream and their treatment, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrivacyRules(BTreeMap<Vec<String>, FieldTreatment>);

/// Reason for which a field cannot be treated so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivacyRefusal {
    /// The field is not declared.
    #[error("`{stream}` has no member `{path}`; {}", advice(near))]
    Unknown {
        /// The stream.
        stream: &'static str,
        /// Path that was asked for.
        path: String,
        /// Fields with a similar path.
        near: Vec<String>,
    },
    /// The stream cannot be kept without the field.
    #[error("`{stream}.{path}` must stay as it is: {why}")]
    Needed {
        /// The stream.
        stream: &'static str,
        /// The member.
        path: String,
        /// Purpose of the field.
        why: &'static str,
    },
    /// The field is no text, and a hash is.
    #[error("`{stream}.{path}` is no text, and only text can be hashed; exclude it instead")]
    NoText {
        /// The stream.
        stream: &'static str,
        /// The member.
        path: String,
    },
    /// The text is another one in each answer, and so would its hash be.
    #[error(
        "`{stream}.{path}` is another one in each answer, so that its hash says nothing; exclude it instead"
    )]
    Volatile {
        /// The stream.
        stream: &'static str,
        /// The member.
        path: String,
    },
    /// Two treatments at once.
    #[error("`{stream}.{path}` cannot be both excluded and hashed")]
    Twice {
        /// The stream.
        stream: &'static str,
        /// The member.
        path: String,
    },
    /// A member and a part of it.
    #[error("`{stream}.{inner}` is a part of `{stream}.{outer}`: name only one of them")]
    Nested {
        /// The stream.
        stream: &'static str,
        /// The part.
        inner: String,
        /// The member that contains it.
        outer: String,
    },
}

fn advice(near: &[String]) -> String {
    if near.is_empty() {
        return "`harvest-lake schema STREAM` lists them".to_owned();
    }
    format!("did you mean `{}`?", near.join("` or `"))
}

impl PrivacyRules {
    /// Adds a rule for the field `path` of `spec`, nested fields joined by dots as they are
    /// declared, such as `line_items.description`.
    ///
    /// # Errors
    /// The field is not declared, or may not be treated so.
    pub fn add(
        &mut self,
        spec: &'static StreamSpec,
        path: &str,
        treatment: FieldTreatment,
    ) -> Result<(), PrivacyRefusal> {
        let (stream, path) = (spec.name, path.to_owned());
        let steps: Vec<String> = path.split('.').map(str::to_owned).collect();
        let Some(field) = find(spec.fields, &steps) else {
            let near = near(spec, &path);
            return Err(PrivacyRefusal::Unknown { stream, path, near });
        };
        if let Some(why) = needed(spec, &steps, field) {
            return Err(PrivacyRefusal::Needed { stream, path, why });
        }
        if treatment == FieldTreatment::Hash && !matches!(field.ty, FieldType::Text) {
            return Err(PrivacyRefusal::NoText { stream, path });
        }
        if treatment == FieldTreatment::Hash && field.volatile {
            return Err(PrivacyRefusal::Volatile { stream, path });
        }
        for (other, treated) in &self.0 {
            if *other == steps {
                if *treated != treatment {
                    return Err(PrivacyRefusal::Twice { stream, path });
                }
            } else if other.starts_with(&steps) {
                return Err(PrivacyRefusal::Nested { stream, inner: other.join("."), outer: path });
            } else if steps.starts_with(other) {
                return Err(PrivacyRefusal::Nested { stream, inner: path, outer: other.join(".") });
            }
        }
        self.0.insert(steps, treatment);
        Ok(())
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the rules by path.
    pub fn iter(&self) -> impl Iterator<Item = (&[String], FieldTreatment)> {
        self.0.iter().map(|(path, treatment)| (&path[..], *treatment))
    }

    /// Whether the field at `path` (list indices as `[]`) or one that it lies in is excluded.
    #[must_use]
    pub fn excludes(&self, path: &str) -> bool {
        let steps: Vec<&str> = path.split('.').map(|step| step.trim_end_matches("[]")).collect();
        self.iter().any(|(excluded, treatment)| {
            treatment == FieldTreatment::Exclude
                && excluded.len() <= steps.len()
                && excluded.iter().zip(&steps).all(|(a, b)| a == b)
        })
    }
}

fn find<'a>(fields: &'a [FieldSpec], steps: &[String]) -> Option<&'a FieldSpec> {
    let (first, rest) = steps.split_first()?;
    let field = fields.iter().find(|field| field.name == first)?;
    match (&field.ty, rest.is_empty()) {
        (_, true) => Some(field),
        (FieldType::Object(inner) | FieldType::Objects(inner), false) => find(inner, rest),
        (_, false) => None,
    }
}

/// Returns the purpose for which the field, or one inside it, is needed.
fn needed(spec: &StreamSpec, steps: &[String], field: &FieldSpec) -> Option<&'static str> {
    let column = steps.join("_");
    let inside = |name: &str| name == column || name.starts_with(&format!("{column}_"));
    let is_object = matches!(field.ty, FieldType::Object(_) | FieldType::Objects(_));
    let is = |name: &str| name == column || (is_object && inside(name));
    if field.required || spec.primary_key.iter().any(|key| is(key)) {
        return Some("it says which row it is");
    }
    if spec.cursor_field().is_some_and(is) {
        return Some("it says which version of a record is the newest");
    }
    if spec.partition.instant().is_some_and(is) {
        return Some("the table is divided by it");
    }
    let paging = match &spec.kind {
        StreamKind::Listing(listing) => Some(listing.paging),
        StreamKind::Snapshot(paging) => Some(*paging),
        StreamKind::PerParent(_) | StreamKind::ReportWindow(_) => None,
    };
    if let Some(Paging::DateKeyset { field, .. }) = paging
        && is(field)
    {
        return Some("the list is read by it");
    }
    if let StreamKind::Listing(listing) = &spec.kind
        && listing.goes_with.is_some_and(|along| is(along.column))
    {
        return Some("deletions are found by it");
    }
    None
}

/// Returns the declared fields whose path contains the last name of `path`, or is contained in it.
fn near(spec: &StreamSpec, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    paths("", spec.fields, &mut all);
    let wanted = path.to_lowercase().replace(['_', '.', ' '], "");
    let close = |other: &String| {
        let other = other.replace(['_', '.'], "");
        let shared = other.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count();
        other.contains(&wanted)
            || wanted.contains(&other)
            || 2 * shared > wanted.len().max(other.len())
    };
    all.retain(close);
    all.truncate(3);
    all
}

fn paths(prefix: &str, fields: &[FieldSpec], all: &mut Vec<String>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        if let FieldType::Object(inner) | FieldType::Objects(inner) = field.ty {
            paths(&format!("{path}."), inner, all);
        }
        all.push(path);
    }
}

#[cfg(test)]
mod tests;
