//! Rules of the client of S3: which puts are repeated, and what the signature of one covers.

use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sigv4::http_request::SignableBody;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// Rule by which the SDK repeats a put that was refused because another one was under way (409): it
/// passes within milliseconds, and repetitions without a random pause would meet again.
#[derive(Debug)]
pub(crate) struct ConflictsPass;

impl ClassifyRetry for ConflictsPass {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response().map(|response| response.status().as_u16()) {
            Some(409) => RetryAction::transient_error(),
            Some(_) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "puts that conflict"
    }
}

/// Rule by which the signature of a request covers a body whose SHA-256 the request names.
///
/// The SDK would sign the words `UNSIGNED-PAYLOAD` instead of a body that is not in memory, which a bucket's
/// policy can refuse (condition key `s3:x-amz-content-sha256`).
#[derive(Debug)]
pub(crate) struct ChecksumsSigned;

impl Intercept for ChecksumsSigned {
    fn name(&self) -> &'static str {
        "checksums in signatures"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        settings: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(named) = context.request().headers().get("x-amz-checksum-sha256") else {
            return Ok(());
        };
        let sha256 = hex::encode(BASE64_STANDARD.decode(named)?);
        // Absent where requests are not signed at all.
        if let Some(mut signing) = settings.load::<SigV4OperationSigningConfig>().cloned() {
            signing.signing_options.payload_override = Some(SignableBody::Precomputed(sha256));
            settings.interceptor_state().store_put(signing);
        }
        Ok(())
    }
}
