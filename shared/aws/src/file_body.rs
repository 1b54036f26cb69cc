//! Bodies of requests that are read from a file, part by part.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use bytes::Bytes;
use delta::offload::offload;
use delta::store::FileObject;
use http_body::{Body, Frame, SizeHint};

/// Part that is being read, on a thread that may block.
type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send + Sync>>;

/// Body with the bytes of a file. Two parts are in memory at most: one that is sent, and the next.
struct FileBody {
    file: FileObject,
    /// Number of bytes that were read.
    position: u64,
    reading: Option<Reading>,
}

/// Body of a request with the bytes of `file`. The SDK begins anew when it repeats the request.
pub(crate) fn streamed(file: &FileObject) -> ByteStream {
    let file = file.clone();
    ByteStream::new(SdkBody::retryable(move || {
        SdkBody::from_body_1_x(FileBody { file: file.clone(), position: 0, reading: None })
    }))
}

impl FileBody {
    /// Reads the next part.
    fn part(&self) -> Reading {
        let (file, position) = (self.file.clone(), self.position);
        Box::pin(async move {
            let read = offload(move || file.part(position)).await;
            read.map_err(io::Error::other)?
        })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let mut reading = match self.reading.take() {
            Some(reading) => reading,
            None => self.part(),
        };
        let read = reading.as_mut().poll(context);
        if read.is_pending() {
            self.reading = Some(reading);
        }
        let part = ready!(read)?;
        self.position += part.len() as u64;
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.position >= self.file.size()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.file.size().saturating_sub(self.position))
    }
}
