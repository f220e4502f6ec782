//! The `aws-chunked` transport: `hex-size;chunk-signature=...\r\n data \r\n`, ended by an
//! empty chunk and, where announced, trailing headers with a signature of their own.

use bytes::{Bytes, BytesMut};

/// A chunk no longer than this is held in memory at once.
const LONGEST_CHUNK: usize = 64 << 20;
const LONGEST_LINE: usize = 16 << 10;

#[derive(Debug, PartialEq)]
pub enum Step {
    Chunk { data: Bytes, signature: String },
    Trailer { canonical: String, signature: String, pairs: Vec<(String, String)> },
}

/// Decodes as bytes arrive.
pub struct Decoder {
    buffer: BytesMut,
    signed: bool,
    ended: bool,
    done: bool,
    pairs: Vec<(String, String)>,
    signature: String,
}

impl Decoder {
    /// `signed`: each chunk carries a signature.
    pub fn new(signed: bool) -> Decoder {
        Decoder {
            buffer: BytesMut::new(),
            signed,
            ended: false,
            done: false,
            pairs: Vec::new(),
            signature: String::new(),
        }
    }

    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// Whether the last chunk has been seen; a trailer's end may be the end of the body.
    pub fn finished(&self) -> bool {
        self.ended
    }

    /// The next step, or nothing until more has arrived.
    pub fn step(&mut self) -> Result<Option<Step>, String> {
        if self.done {
            return Ok(None);
        }
        if self.ended {
            return self.trailer();
        }
        let Some(end) = line_end(&self.buffer) else {
            return if self.buffer.len() > LONGEST_LINE {
                Err("a chunk's header is too long".to_owned())
            } else {
                Ok(None)
            };
        };
        let line = self.buffer.get(..end).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
        let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
        let size = usize::from_str_radix(size.trim(), 16)
            .map_err(|_| "a chunk's size is no hexadecimal number".to_owned())?;
        if size > LONGEST_CHUNK {
            return Err("a chunk is too long".to_owned());
        }
        let signature = extension.trim().strip_prefix("chunk-signature=").unwrap_or_default().to_owned();
        if self.signed && signature.is_empty() {
            return Err("a chunk has no signature".to_owned());
        }
        if size == 0 {
            let _ = self.buffer.split_to(end + 2);
            self.ended = true;
            // The empty chunk is signed like the others.
            return Ok(Some(Step::Chunk { data: Bytes::new(), signature }));
        }
        if self.buffer.len() < end + 2 + size + 2 {
            return Ok(None);
        }
        let _ = self.buffer.split_to(end + 2);
        let data = self.buffer.split_to(size).freeze();
        if self.buffer.split_to(2).as_ref() != b"\r\n" {
            return Err("a chunk does not end where its size says".to_owned());
        }
        Ok(Some(Step::Chunk { data, signature }))
    }

    fn trailer(&mut self) -> Result<Option<Step>, String> {
        while let Some(end) = line_end(&self.buffer) {
            let line = self.buffer.split_to(end + 2);
            let line = line.get(..end).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
            if line.is_empty() {
                if self.pairs.is_empty() && self.signature.is_empty() {
                    self.done = true;
                    return Ok(None);
                }
                continue;
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| "a trailing header has no colon".to_owned())?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            match name.as_str() {
                "x-amz-trailer-signature" => self.signature = value,
                _ => self.pairs.push((name, value)),
            }
            if !self.signed || !self.signature.is_empty() {
                self.done = true;
                let canonical = self.pairs.iter().map(|(n, v)| format!("{n}:{v}\n")).collect();
                let (signature, pairs) =
                    (std::mem::take(&mut self.signature), std::mem::take(&mut self.pairs));
                return Ok(Some(Step::Trailer { canonical, signature, pairs }));
            }
        }
        if self.buffer.len() > LONGEST_LINE {
            return Err("the trailer is too long".to_owned());
        }
        Ok(None)
    }
}

fn line_end(buffer: &[u8]) -> Option<usize> {
    buffer.windows(2).take(LONGEST_LINE).position(|w| w == b"\r\n")
}
