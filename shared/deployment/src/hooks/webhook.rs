//! A webhook that hears of news: the document is posted to it. Its member `text` is what the incoming
//! webhooks of chats show.

use core::fmt;
use core::time::Duration;

use async_trait::async_trait;
use engine::time::SignedDuration;
use reqwest::{Client, Response, redirect, retry};
use runtime::announce::{AnnounceError, Announcement, Announcer};
use url::Url;

use crate::config::{HookOccasion, HookTarget};

/// Announcer that posts each message to a URL. It follows no redirects and repeats nothing.
pub struct WebhookAnnouncer {
    occasion: HookOccasion,
    url: Url,
    patience: SignedDuration,
}

impl WebhookAnnouncer {
    /// Returns the announcer that posts to `url`, for `patience` at most.
    #[must_use]
    pub const fn new(occasion: HookOccasion, url: Url, patience: SignedDuration) -> Self {
        Self { occasion, url, patience }
    }

    async fn post(&self, announcement: &Announcement) -> Result<Response, String> {
        let tls = harvest_api::trusted_roots().map_err(|error| error.to_string())?;
        let patience = Duration::try_from(self.patience).unwrap_or_default();
        let mut http = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(retry::never())
            .user_agent(concat!("harvest-lake/", env!("CARGO_PKG_VERSION")))
            .timeout(patience);
        // A proxy of the environment cannot reach this machine's own loopback address.
        if harvest_api::is_loopback(&self.url) {
            http = http.no_proxy();
        }
        // The URL is a secret.
        let told = |error: reqwest::Error| first_cause(&error.without_url());
        let http = http.build().map_err(told)?;
        http.post(self.url.clone()).json(&announcement.detail).send().await.map_err(told)
    }
}

#[async_trait]
impl Announcer for WebhookAnnouncer {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let host = HookTarget::Webhook(self.url.clone());
        let failed = |what| {
            let place = format!("{host} of `{}`", self.occasion.key());
            AnnounceError { place, what }
        };
        match self.post(announcement).await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => {
                let status = answer.status().as_u16();
                Err(failed(format!("answered {status}: compare the URL with that of the service")))
            }
            Err(error) => Err(failed(format!("did not answer: {error}"))),
        }
    }
}

/// Returns the first cause of an error. The layers of the HTTP library say nothing to people.
fn first_cause(error: &dyn core::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), first_cause)
}

impl fmt::Debug for WebhookAnnouncer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookAnnouncer").field("occasion", &self.occasion).finish_non_exhaustive()
    }
}
