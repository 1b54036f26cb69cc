//! Invocation of workers.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

/// Failed invocation of a worker; the next tick tries again.
#[derive(Debug, thiserror::Error)]
#[error("the worker `{function}` could not be invoked")]
pub struct InvokeError {
    /// Name or ARN of the function.
    pub function: String,
    /// Error of the AWS client.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Means to start a worker without waiting for its end.
#[async_trait]
pub trait Invoker: Send + Sync + core::fmt::Debug {
    /// Sends `event` to a worker; it may be delivered more than once.
    async fn invoke(&self, event: &worker::Event) -> Result<(), InvokeError>;
}

/// Invoker of a Lambda function.
#[derive(Clone, Debug)]
pub struct LambdaInvoker {
    client: Client,
    function: String,
}

impl LambdaInvoker {
    /// Names the function, by name or ARN. Sends no request yet.
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

/// Invoker for tests, which records the events.
#[derive(Debug, Default)]
pub struct MemoryInvoker {
    events: Mutex<Vec<worker::Event>>,
    refuses: Mutex<Option<String>>,
}

impl MemoryInvoker {
    /// Returns the events since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<worker::Event> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes invocations for `stream` fail from now on; `None` ends that.
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
