//! A request's body, read no further than it is needed: the web ACL sees its beginning, and
//! only what passed every check is read to its end.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

/// The longest payload of either kind of API.
pub(super) const LONGEST: usize = 10 << 20;
/// A client has this long between two pieces.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) struct Body {
    rest: Option<Incoming>,
    read: BytesMut,
}

/// Why a body cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    TooLong,
    Broken,
}

impl Body {
    pub(super) fn new(incoming: Incoming) -> Body {
        Body { rest: Some(incoming), read: BytesMut::new() }
    }

    /// Reads on until there is more than `enough`, or nothing more.
    async fn until(&mut self, enough: usize) -> Result<(), Problem> {
        while self.read.len() <= enough
            && let Some(rest) = &mut self.rest
        {
            let frame = tokio::time::timeout(PATIENCE, rest.frame()).await.map_err(|_| Problem::Broken)?;
            match frame {
                None => self.rest = None,
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
                Some(Err(_)) => return Err(Problem::Broken),
            }
        }
        Ok(())
    }

    /// The first `length` bytes, and whether there is more.
    pub(super) async fn beginning(&mut self, length: usize) -> Result<(&[u8], bool), Problem> {
        self.until(length).await?;
        let (head, rest) = self.read.split_at_checked(length).unwrap_or((&self.read, &[]));
        Ok((head, !rest.is_empty()))
    }

    /// All of it.
    pub(super) async fn whole(&mut self) -> Result<Bytes, Problem> {
        self.until(LONGEST).await?;
        match self.read.len() > LONGEST {
            true => Err(Problem::TooLong),
            false => Ok(Bytes::copy_from_slice(&self.read)),
        }
    }
}
