//! Links between the pages of a list.

use std::collections::BTreeMap;

use super::base64::encode;
use crate::request::ServerRequest;
use crate::table::RankKey;

/// Builder of links, which keep the filters of the request and lead to its origin.
pub(super) struct LinkBuilder<'a> {
    pub(super) request: &'a ServerRequest,
    pub(super) per_page: usize,
}

impl LinkBuilder<'_> {
    /// Returns the link to the page with this number.
    pub(super) fn page(&self, number: usize) -> String {
        self.with(&[("page", number.to_string())])
    }

    /// Returns the link to the page after (`a`) or before (`b`) the place of this record. Harvest's
    /// cursor links have a parameter `ref`, which the fake writes and ignores.
    pub(super) fn cursor(&self, direction: char, key: RankKey, name: &str) -> String {
        let text = format!("{{\"{direction}\":[{},{}]}}", key.0, key.1);
        self.with(&[("cursor", encode(text.as_bytes())), ("ref", name.to_owned())])
    }

    /// Returns a link with the parameters of the request and these. A page's own parameters are
    /// replaced, and a token in the query is never repeated in a link. Parameters are sorted, so
    /// that one request has one form of link.
    fn with(&self, extra: &[(&str, String)]) -> String {
        let mut params: BTreeMap<&str, &str> =
            self.request.query.iter().map(|(name, value)| (&**name, &**value)).collect();
        for own in ["page", "cursor", "ref", "access_token"] {
            params.remove(own);
        }
        let size = self.per_page.to_string();
        params.insert("per_page", &size);
        params.extend(extra.iter().map(|(name, value)| (*name, value.as_str())));
        let query =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        format!("{}{}?{query}", self.request.origin, self.request.path)
    }
}
