//! Parts of a deployment that are in AWS. The feature `aws` decides whether this build has them:
//! without it, the SDKs of AWS are not compiled, and each part is an error that tells how to get it.

#[cfg(not(feature = "aws"))]
mod absent;
#[cfg(feature = "aws")]
mod clients;

/// AWS, as far as this build has it. Nothing is read or sent before the first part is used.
#[derive(Clone, Debug, Default)]
pub struct CloudClients {
    #[cfg(feature = "aws")]
    aws: aws::AwsClients,
}

/// Names or ARNs of the functions that work on one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerNames {
    /// Function with little memory.
    pub small: String,
    /// Function with much memory.
    pub large: String,
}
