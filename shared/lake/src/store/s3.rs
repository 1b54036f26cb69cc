//! Objects in a bucket.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use bytes::Bytes;
use core::ops::Range;

use super::{ObjectMeta, ObjectStore, PutIfAbsent, StoreError};

/// The objects below a prefix of an S3 bucket.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
}

impl S3Store {
    /// The objects of `bucket` below `prefix`, which is empty or does not end in a slash. Nothing
    /// is asked yet.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self { client, bucket: bucket.into(), prefix: prefix.into() }
    }

    fn unsupported(&self, key: &str) -> StoreError {
        let why = format!("{:?} {} {}", self.client, self.bucket, self.prefix);
        StoreError::Failed { key: key.to_owned(), source: why.into() }
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_if_absent(&self, key: &str, _bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        Err(self.unsupported(key))
    }

    async fn put(&self, key: &str, _bytes: Bytes) -> Result<(), StoreError> {
        Err(self.unsupported(key))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Err(self.unsupported(key))
    }

    async fn get_range(&self, key: &str, _range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        Err(self.unsupported(key))
    }

    async fn list(
        &self,
        prefix: &str,
        _after: Option<&str>,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        Err(self.unsupported(prefix))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        Err(self.unsupported(key))
    }
}
