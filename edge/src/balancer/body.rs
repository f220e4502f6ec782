//! Bodies on their way through the balancer: looked into at the front, counted, bound to a time
//! without data, and ended when what they belong to is gone.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

/// What travels.
pub(super) type Stream = BoxBody<Bytes, std::io::Error>;

type Ended = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

pub(super) fn empty() -> Stream {
    Full::new(Bytes::new()).map_err(|never| match never {}).boxed()
}

/// The first bytes of a body.
pub(super) struct Start {
    /// At most the limit.
    pub(super) bytes: Bytes,
    /// There is more than `bytes` shows.
    pub(super) more: bool,
}

/// Why the start of a body could not be read.
pub(super) enum Broken {
    /// The client sent nothing for too long.
    Late,
    Lost,
}

/// Reads up to `limit` bytes of a body; gives them, and a body that is still whole.
pub(super) async fn start<B>(mut body: B, limit: usize, patience: Duration) -> Result<(Start, Stream), Broken>
where
    B: Body<Data = Bytes> + Send + Sync + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let hint = body.size_hint();
    if body.is_end_stream() {
        return Ok((Start { bytes: Bytes::new(), more: false }, empty()));
    }
    let mut read = BytesMut::new();
    let mut trailers = None;
    let mut over = false;
    while read.len() <= limit {
        let frame = tokio::time::timeout(patience, body.frame()).await.map_err(|_| Broken::Late)?;
        match frame {
            None => {
                over = true;
                break;
            }
            Some(Err(_)) => return Err(Broken::Lost),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => read.extend_from_slice(&data),
                Err(frame) => {
                    trailers = frame.into_trailers().ok();
                    over = true;
                    break;
                }
            },
        }
    }
    let read = read.freeze();
    let shown = read.slice(..read.len().min(limit));
    let more = !over || read.len() > limit;
    let rest = (!over).then(|| body.map_err(std::io::Error::other).boxed());
    let whole = Replayed { read: Some(read).filter(|r| !r.is_empty()), rest, trailers, hint };
    Ok((Start { bytes: shown, more }, whole.boxed()))
}

/// What was read already, then the rest.
struct Replayed {
    read: Option<Bytes>,
    rest: Option<Stream>,
    trailers: Option<http::HeaderMap>,
    /// Of the whole body.
    hint: SizeHint,
}

impl Body for Replayed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(read) = self.read.take() {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(rest) = self.rest.as_mut() {
            return Pin::new(rest).poll_frame(context);
        }
        Poll::Ready(self.trailers.take().map(|t| Ok(Frame::trailers(t))))
    }

    fn is_end_stream(&self) -> bool {
        self.read.is_none() && self.trailers.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// Counts what passes, ends when nothing passes for a time or when `ended` says so.
pub(super) struct Watched {
    inner: Stream,
    count: Arc<AtomicU64>,
    patience: Duration,
    clock: Pin<Box<Sleep>>,
    ended: Option<Ended>,
    /// Held until the body is over, and dropped with it.
    _held: Vec<Box<dyn Send + Sync>>,
}

impl Watched {
    pub(super) fn new(inner: Stream, patience: Duration) -> Watched {
        Watched {
            inner,
            count: Arc::default(),
            patience,
            clock: Box::pin(tokio::time::sleep(patience)),
            ended: None,
            _held: Vec::new(),
        }
    }

    pub(super) fn counting(mut self, count: Arc<AtomicU64>) -> Watched {
        self.count = count;
        self
    }

    pub(super) fn until(mut self, ended: impl Future<Output = ()> + Send + Sync + 'static) -> Watched {
        self.ended = Some(Box::pin(ended));
        self
    }

    pub(super) fn holding(mut self, held: impl Send + Sync + 'static) -> Watched {
        self._held.push(Box::new(held));
        self
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(ended) = self.ended.as_mut()
            && ended.as_mut().poll(context).is_ready()
        {
            self.ended = None;
            return Poll::Ready(Some(Err(std::io::Error::other("what this belongs to is gone"))));
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.clock.as_mut().poll(context));
            return Poll::Ready(Some(Err(std::io::ErrorKind::TimedOut.into())));
        };
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.count.fetch_add(length as u64, Ordering::Relaxed);
            let next = Instant::now() + self.patience;
            self.clock.as_mut().reset(next);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
