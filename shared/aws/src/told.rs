//! Errors of the SDKs in words for people: what the service has answered, or why there is no answer.
//! The SDKs' own text ends with a dump of all their fields.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use engine::causes::chained;

/// Returns the error in one line.
pub(crate) fn told<E>(error: &SdkError<E>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let message = error.message().map(str::trim).filter(|message| !message.is_empty());
    match (error.code(), message, error.raw_response()) {
        (Some(code), Some(message), _) => format!("{code}: {message}"),
        (Some(code), None, _) => code.to_owned(),
        // An answer without a body, as to a question for a mere head.
        (None, _, Some(answer)) => format!("status {}", answer.status().as_u16()),
        (None, _, None) => chained(error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::SdkBody;
    use aws_sdk_secretsmanager::error::ErrorMetadata;
    use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

    use super::*;

    fn answered(code: Option<&str>, message: Option<&str>) -> String {
        let mut meta = ErrorMetadata::builder();
        if let Some(code) = code {
            meta = meta.code(code);
        }
        if let Some(message) = message {
            meta = meta.message(message);
        }
        let error = GetSecretValueError::generic(meta.build());
        let answer = HttpResponse::new(403.try_into().unwrap(), SdkBody::from("{\"secret\": 1}"));
        told(&SdkError::service_error(error, answer))
    }

    #[test]
    fn the_answer_of_a_service_is_told_without_the_fields_of_the_sdk() {
        assert_eq!(answered(Some("AccessDenied"), Some("not you\n")), "AccessDenied: not you");
        assert_eq!(answered(Some("AccessDenied"), None), "AccessDenied");
        assert_eq!(answered(None, None), "status 403");
    }

    #[test]
    fn without_an_answer_the_causes_are_told() {
        let cause = std::io::Error::other("no route to host");
        let error: SdkError<GetSecretValueError> = SdkError::timeout_error(cause);
        assert_eq!(told(&error), "request has timed out: no route to host");
    }
}
