//! Objects in a bucket.
//!
//! S3's conditional writes carry the guarantees of `ObjectStore` (S3 User Guide, "Conditional
//! writes"):
//!
//! | request | answer | outcome |
//! | --- | --- | --- |
//! | put with `If-None-Match: *` | 200 | `Stored` |
//! | | 412 | `Exists` |
//! | | 409 | another put of the key is under way: the same put again, after a pause |
//! | put with `If-Match: <tag>` | 200 | `Replaced` |
//! | | 412, or 404 without the object | `Changed` |
//! | | 409 | the same put again, after a pause |
//!
//! A 409 must not count as lost: the other put may still fail, and the caller would look for an
//! object that is not there. The SDK repeats such a put as it repeats one that was throttled, after
//! random pauses ([`ConflictsPass`](crate::s3_rules::ConflictsPass)).

use core::ops::Range;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::Object;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use delta::store::{
    FileObject, ObjectMeta, ObjectStore, PutIfAbsent, ReplaceOutcome, StoreError, check_key,
};
use engine::time::Timestamp;

use crate::file_body::streamed;
use crate::told::told;

/// Object store in an S3 bucket, below a prefix.
///
/// S3 is strongly consistent, and each object is written in one request, so readers see it whole or
/// not at all. When the SDK repeats a conditional put after a lost answer, it may find its own
/// object: the caller sees `Exists` and compares names or contents.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    bucket: String,
    prefix: String,
}

/// Content type of an object that a browser is to show instead of saving it; `None` for any other.
fn content_type(key: &str) -> Option<&'static str> {
    let (_, ending) = key.rsplit_once('.')?;
    (ending == "html").then_some("text/html; charset=utf-8")
}

/// Object, or a part of it, as answered.
struct ObjectRead {
    bytes: Bytes,
    /// Entity tag, the condition of a replacement.
    tag: Option<String>,
}

impl S3Store {
    /// Store of the objects of `bucket` below `prefix`, which is empty or does not end in a slash.
    /// Sends no request.
    #[must_use]
    pub fn new(client: Client, bucket: impl Into<String>, prefix: impl Into<String>) -> Self {
        let mut prefix = prefix.into();
        if !prefix.is_empty() {
            prefix.push('/');
        }
        Self { client, bucket: bucket.into(), prefix }
    }

    /// Key in the bucket.
    fn full(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    async fn read(&self, key: &str, range: Option<String>) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read_part(key, range).await?.map(|read| read.bytes))
    }

    async fn read_whole(&self, key: &str) -> Result<Option<ObjectRead>, StoreError> {
        self.read_part(key, None).await
    }

    /// Reads the object, or the range of a `Range` header; `None` if there is no object.
    async fn read_part(
        &self,
        key: &str,
        range: Option<String>,
    ) -> Result<Option<ObjectRead>, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket).key(self.full(key));
        let answer = match get.set_range(range).send().await {
            Ok(answer) => answer,
            Err(error) => {
                return match (status(&error), error.code()) {
                    // A wrong bucket name must not look like an empty lake.
                    (Some(404), Some("NoSuchBucket")) => Err(self.failed(key, &error)),
                    (Some(404), _) => Ok(None),
                    // The range begins at or after the object's end.
                    (Some(416), _) => Ok(Some(ObjectRead { bytes: Bytes::new(), tag: None })),
                    _ => Err(self.failed(key, &error)),
                };
            }
        };
        let tag = answer.e_tag;
        // The SDK does not repeat a request whose body breaks off.
        let body = answer.body.collect().await.map_err(|source| {
            let source = Box::new(source);
            StoreError::Failed { key: key.to_owned(), source }
        })?;
        Ok(Some(ObjectRead { bytes: body.into_bytes(), tag }))
    }

    /// Put without a body.
    fn put_at(&self, key: &str) -> PutObjectFluentBuilder {
        let put = self.client.put_object().bucket(&self.bucket).key(self.full(key));
        put.set_content_type(content_type(key).map(str::to_owned))
    }

    /// Put of a file.
    ///
    /// S3 compares the checksum with what it has received ("Checking object integrity"). Without it
    /// the SDK would compute another one, and send the body in chunks with that at the end. The signature
    /// covers it ([`ChecksumsSigned`](crate::s3_rules::ChecksumsSigned)).
    fn put_of(&self, key: &str, file: &FileObject) -> PutObjectFluentBuilder {
        self.put_at(key).checksum_sha256(BASE64_STANDARD.encode(file.sha256())).body(streamed(file))
    }

    /// Sends a put on the condition that there is no such object.
    async fn absent_put(
        &self,
        key: &str,
        put: PutObjectFluentBuilder,
    ) -> Result<PutIfAbsent, StoreError> {
        match put.if_none_match("*").send().await {
            Ok(_) => Ok(PutIfAbsent::Stored),
            Err(error) if status(&error) == Some(412) => Ok(PutIfAbsent::Exists),
            Err(error) => Err(self.failed(key, &error)),
        }
    }

    /// Error of a call on `key`, by the status and the code of S3's answer.
    fn failed<E>(&self, key: &str, error: &SdkError<E>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let key = key.to_owned();
        let code = error.code().map(str::to_owned);
        let status = status(error);
        let source = told(error).into();
        match (status, code.as_deref()) {
            (_, Some("NoSuchBucket")) => {
                StoreError::NoBucket { bucket: self.bucket.clone(), source }
            }
            // The clock of this machine is wrong, which is no matter of permissions.
            (Some(401 | 403), Some("RequestTimeTooSkewed")) => StoreError::Failed { key, source },
            (Some(401 | 403), _) => StoreError::Denied { key, source },
            _ => StoreError::Failed { key, source },
        }
    }

    /// Listed object, with its key below the prefix of the lake.
    fn meta(&self, object: &Object) -> Option<ObjectMeta> {
        let key = object.key()?.strip_prefix(&self.prefix)?;
        Some(ObjectMeta {
            key: key.to_owned(),
            size: object.size().and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
            modified: object.last_modified().and_then(instant).unwrap_or_default(),
        })
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    async fn put_if_absent(&self, key: &str, bytes: Bytes) -> Result<PutIfAbsent, StoreError> {
        check_key(key)?;
        self.absent_put(key, self.put_at(key).body(ByteStream::from(bytes))).await
    }

    async fn put_file_if_absent(
        &self,
        key: &str,
        file: &FileObject,
    ) -> Result<PutIfAbsent, StoreError> {
        check_key(key)?;
        self.absent_put(key, self.put_of(key, file)).await
    }

    async fn put(&self, key: &str, bytes: Bytes) -> Result<(), StoreError> {
        check_key(key)?;
        let put = self.put_at(key).body(ByteStream::from(bytes)).send().await;
        put.map(drop).map_err(|error| self.failed(key, &error))
    }

    async fn put_file(&self, key: &str, file: &FileObject) -> Result<(), StoreError> {
        check_key(key)?;
        let put = self.put_of(key, file).send().await;
        put.map(drop).map_err(|error| self.failed(key, &error))
    }

    async fn replace(
        &self,
        key: &str,
        old: &Bytes,
        new: Bytes,
    ) -> Result<ReplaceOutcome, StoreError> {
        check_key(key)?;
        // The comparison is by content, because the caller knows the content and not the tag: an
        // object that another writer replaced by equal bytes may be replaced. The tag belongs to the
        // bytes that are compared; both come from one answer.
        let Some(ObjectRead { bytes, tag: Some(tag) }) = self.read_whole(key).await? else {
            return Ok(ReplaceOutcome::Changed);
        };
        if bytes != *old {
            return Ok(ReplaceOutcome::Changed);
        }
        let Err(error) = self.put_at(key).if_match(tag).body(ByteStream::from(new)).send().await
        else {
            return Ok(ReplaceOutcome::Replaced);
        };
        match (status(&error), error.code()) {
            (Some(404), Some("NoSuchBucket")) => Err(self.failed(key, &error)),
            (Some(404 | 412), _) => Ok(ReplaceOutcome::Changed),
            _ => Err(self.failed(key, &error)),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        self.read(key, None).await
    }

    async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        check_key(key)?;
        let Some(last) = range.end.checked_sub(1).filter(|last| *last >= range.start) else {
            // HTTP has no empty range; one byte tells whether the object exists.
            let found = self.read(key, Some("bytes=0-0".to_owned())).await?;
            return Ok(found.map(|_| Bytes::new()));
        };
        self.read(key, Some(format!("bytes={}-{last}", range.start))).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectMeta>, StoreError> {
        let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(self.full(prefix));
        let start_after = after.filter(|after| !after.is_empty()).map(|after| self.full(after));
        // Pages of at most 1,000 objects.
        let mut pages = list.set_start_after(start_after).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.failed(prefix, &error))?;
            found.extend(page.contents().iter().filter_map(|object| self.meta(object)));
        }
        // AWS lists in key order; servers that keep folders list folder by folder.
        found.sort_by(|a, b| a.key.cmp(&b.key));
        found.retain(|object| after.is_none_or(|after| object.key.as_str() > after));
        Ok(found)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        check_key(key)?;
        // S3 answers 204 for a missing object, too.
        match self.client.delete_object().bucket(&self.bucket).key(self.full(key)).send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.failed(key, &error)),
        }
    }
}

/// HTTP status of the answer; `None` if there was no answer.
fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

/// Time of an object, to the millisecond.
fn instant(at: &DateTime) -> Option<Timestamp> {
    at.to_millis().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())
}
