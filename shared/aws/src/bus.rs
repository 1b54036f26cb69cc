//! Events on a bus of `EventBridge`.
//!
//! Events are news for other programs and for people: no run depends on them. The loss of one about
//! a pass means that a subscriber misses that pass; one about trouble is sent again.

use async_trait::async_trait;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use runtime::announce::{AnnounceError, Announcement, Announcer, SOURCE};

use crate::told::told;

/// A bus of `EventBridge`.
#[derive(Clone, Debug)]
pub struct EventBus {
    client: Client,
    name: String,
}

impl EventBus {
    /// Returns the announcer of the bus of this name or ARN. Sends no request yet.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self { client, name: name.into() }
    }
}

#[async_trait]
impl Announcer for EventBus {
    async fn announce(&self, announcement: &Announcement) -> Result<(), AnnounceError> {
        let failed = |what| AnnounceError { place: format!("the event bus `{}`", self.name), what };
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(announcement.detail_type)
            .detail(announcement.detail.to_string())
            .build();
        let put = self.client.put_events().entries(entry).send().await;
        let put = put.map_err(|error| failed(format!("could not be told: {}", told(&error))))?;
        // The call succeeds even if the bus refuses entries; each entry has its own outcome.
        match put.entries().iter().find(|entry| entry.error_code().is_some()) {
            None => Ok(()),
            Some(refused) => {
                Err(failed(format!("refused it: {}", refused.error_message().unwrap_or_default())))
            }
        }
    }
}
