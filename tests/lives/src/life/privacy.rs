//! Fields that the operator does not keep, erased people, and the search for what must be nowhere.

use std::collections::BTreeSet;

use delta::store::ObjectStore as _;
use engine::privacy::FieldTreatment;
use engine::spec::{FieldType, StreamSpec};
use rand::RngExt;
use rand::rngs::StdRng;
use runtime::erased::{ERASED, erased_users, remember};
use runtime::operate::erase::erase;
use runtime::settings::{PrivacySettings, hash_key};
use runtime::{Context, RunError};

use serde_json::Value;

use super::Life;

/// Returns settings that exclude or hash some text fields of `streams`.
pub(super) fn privacy(random: &mut StdRng, streams: &[&'static StreamSpec]) -> PrivacySettings {
    let key = hash_key("0123456789abcdef").ok();
    let mut privacy = PrivacySettings { key, ..PrivacySettings::default() };
    for spec in streams {
        let texts = spec.fields.iter().filter(|field| matches!(field.ty, FieldType::Text));
        for field in texts {
            let treatment = match random.random_range(0..6) {
                0 => FieldTreatment::Exclude,
                1 => FieldTreatment::Hash,
                _ => continue,
            };
            // Fields that a table needs are refused, and stay.
            drop(privacy.rules.entry(spec.name).or_default().add(spec, field.name, treatment));
        }
    }
    privacy
}

/// Erases `user` from the tables of `streams`, as the command does. Returns whether it is done
/// everywhere.
pub(super) async fn erase_user(
    context: &Context,
    streams: &[&'static StreamSpec],
    user: i64,
) -> Result<bool, RunError> {
    remember(context, user).await?;
    let mut done = true;
    for spec in streams {
        if let Some(personal) = &spec.personal {
            done &= Box::pin(erase(context, spec, personal, user)).await?.is_ok();
        }
    }
    Ok(done)
}

impl Life<'_> {
    /// Completes all erasures, of which processes that died left parts undone.
    pub(super) async fn erase_the_rest(&mut self) -> Result<(), String> {
        let context = self.world.process(None);
        let users = erased_users(&*context.store, ERASED).await.map_err(|error| error.chain())?;
        for user in users {
            match erase_user(&context, &self.streams, user).await {
                Ok(true) => {}
                Ok(false) => return Err(format!("{user} cannot be erased: a stream is busy")),
                Err(error) => return Err(error.chain()),
            }
        }
        Ok(())
    }

    /// Returns the objects of streams that contain what must be nowhere in them: values of excluded or
    /// hashed fields, and own data of erased people.
    pub(super) async fn secrets_kept(&self) -> Vec<String> {
        let oracle = self.world.oracle();
        let months = oracle.months();
        let mut found = Vec::new();
        for spec in &self.streams {
            let rows = oracle.kept_rows(spec, &months).await;
            let mut secret = BTreeSet::new();
            for (key, plain) in oracle.plain_rows(spec, &months) {
                let ours = rows.get(&key);
                for (place, value) in plain.iter().enumerate() {
                    let ours = ours.and_then(|row| row[place].as_ref());
                    if ours != value.as_ref() {
                        secret.extend(value.clone().filter(|text| is_distinctive(text)));
                    }
                }
            }
            // The same text may be somebody else's, or a part of it.
            let kept = rows.values().flat_map(|row| row.iter().flatten());
            let kept: String = kept.flat_map(|text| [text, "\n"]).collect();
            secret.retain(|text| !kept.contains(text));
            let secret: Vec<&str> = secret.iter().map(String::as_str).collect();
            for place in ["tables", "quarantine"] {
                let prefix = format!("{place}/{}", spec.name);
                found.extend(oracle.erased_below(&prefix, &secret).await);
            }
        }
        found.extend(self.excluded_kept().await);
        found
    }

    /// Returns the excluded members that records of the quarantine have nevertheless.
    async fn excluded_kept(&self) -> Vec<String> {
        let store = &self.world.store;
        let mut found = Vec::new();
        for spec in &self.streams {
            let rules = self.world.settings.privacy.of(spec);
            let excluded: Vec<&str> = spec
                .fields
                .iter()
                .map(|field| field.name)
                .filter(|name| rules.excludes(name))
                .collect();
            let prefix = format!("quarantine/{}/", spec.name);
            for object in store.list(&prefix, None).await.unwrap() {
                let bytes = store.get(&object.key).await.unwrap().unwrap_or_default();
                for line in String::from_utf8_lossy(&bytes).lines() {
                    let record = serde_json::from_str::<Value>(line).unwrap_or_default();
                    let raw = record["raw"].as_str().unwrap_or_default();
                    let raw = serde_json::from_str::<Value>(raw).unwrap_or_default();
                    let kept = excluded.iter().filter(|name| raw.get(**name).is_some());
                    found.extend(kept.map(|name| format!("{} has {name}: {line}", object.key)));
                }
            }
        }
        found
    }
}

/// Whether a text is one person's, such as an address, which no other text contains by chance. The
/// pictures of services are the same for all entries.
fn is_distinctive(text: &str) -> bool {
    text.contains('@') || text.contains("://") && !text.contains("/assets/services/")
}
