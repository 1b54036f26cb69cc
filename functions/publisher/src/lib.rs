//! Publisher: each invocation writes the page of the report into the lake.
//!
//! The page is that of `harvest-lake report --publish`, from the same code. A failed invocation
//! leaves the page before in its place, and Lambda tries it again: a page is made from what the
//! tables have, so it may be written any number of times.

mod event;

pub use event::PublisherEvent;

use deployment::config::GivenSettings;
use runtime::invoke::InvocationFailure;
use serde_json::{Value, json};

/// Handler of invocations.
#[derive(Clone, Debug)]
pub struct Publisher {
    /// Settings of the deployment.
    pub given: GivenSettings,
}

impl Publisher {
    /// Writes the page, and returns its place and size.
    ///
    /// # Errors
    /// Fails if the event is not one for the publisher, a table cannot be read, or the page cannot
    /// be written.
    pub async fn answer(&self, event: Value) -> Result<Value, InvocationFailure> {
        let event = PublisherEvent::read(event)?;
        match cli::publish(&self.given, event.today.as_deref()).await {
            Ok(published) => {
                tracing::info!(page = published.page, bytes = published.bytes, "page written");
                Ok(json!(published))
            }
            Err(error) => {
                let (error_type, message) = (error.error_type(), error.chain());
                tracing::error!(error_type, error = message, "no page written");
                Err(InvocationFailure { error_type, message })
            }
        }
    }
}
