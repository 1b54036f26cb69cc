//! Starts workers.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

/// A worker could not be started; the next tick tries again.
#[derive(Debug, thiserror::Error)]
#[error("the worker `{function}` could not be invoked")]
pub struct InvokeError {
    /// Its name or ARN.
    pub function: String,
    /// What AWS said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Starts a worker and does not wait for it.
#[async_trait]
pub trait Invoker: Send + Sync + core::fmt::Debug {
    /// Hands `event` over; it may be delivered more than once.
    async fn invoke(&self, event: &worker::Event) -> Result<(), InvokeError>;
}

/// The worker's function.
#[derive(Clone, Debug)]
pub struct LambdaInvoker {
    client: Client,
    function: String,
}

impl LambdaInvoker {
    /// The function of this name or ARN. Nothing is asked yet.
    #[must_use]
    pub fn new(client: Client, function: impl Into<String>) -> Self {
        Self { client, function: function.into() }
    }

    fn failed(&self, source: Box<dyn std::error::Error + Send + Sync>) -> InvokeError {
        InvokeError { function: self.function.clone(), source }
    }
}

#[async_trait]
impl Invoker for LambdaInvoker {
    async fn invoke(&self, event: &worker::Event) -> Result<(), InvokeError> {
        let payload = serde_json::to_vec(event).map_err(|error| self.failed(error.into()))?;
        let call = self.client.invoke().function_name(&self.function);
        let call = call.invocation_type(InvocationType::Event).payload(Blob::new(payload));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(DisplayErrorContext(error).to_string().into())),
        }
    }
}

/// Remembers whom it was to start.
#[derive(Debug, Default)]
pub struct MemoryInvoker {
    events: Mutex<Vec<worker::Event>>,
    refuses: Mutex<Option<String>>,
}

impl MemoryInvoker {
    /// The events since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<worker::Event> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on the worker of `stream` cannot be started.
    pub fn refuse(&self, stream: Option<&str>) {
        *self.refuses.lock().unwrap_or_else(PoisonError::into_inner) = stream.map(str::to_owned);
    }
}

#[async_trait]
impl Invoker for MemoryInvoker {
    async fn invoke(&self, event: &worker::Event) -> Result<(), InvokeError> {
        let refuses = self.refuses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if refuses.as_ref() == Some(&event.stream) {
            let source = Value::from("throttled").to_string().into();
            return Err(InvokeError { function: "memory".to_owned(), source });
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
        Ok(())
    }
}
