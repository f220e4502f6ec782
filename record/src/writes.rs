//! Changes of the store as they stand in a log entry.

use bytes::Bytes;

/// One change of the store; no value removes the key.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub table: String,
    pub key: Vec<u8>,
    pub value: Option<Bytes>,
}

const VERSION: u8 = 1;

fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(bytes);
}

pub fn encode_writes(writes: &[Write]) -> Vec<u8> {
    let size: usize = writes
        .iter()
        .map(|w| 16 + w.table.len() + w.key.len() + w.value.as_ref().map_or(0, Bytes::len))
        .sum();
    let mut out = Vec::with_capacity(size + 1);
    out.push(VERSION);
    for write in writes {
        push(&mut out, write.table.as_bytes());
        push(&mut out, &write.key);
        match &write.value {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                push(&mut out, value);
            }
        }
    }
    out
}

/// Fails, with what is wrong, on bytes that `encode_writes` did not make.
pub fn decode_writes(bytes: &Bytes) -> Result<Vec<Write>, String> {
    let mut at = 1;
    let mut take = |length: usize| -> Result<Bytes, String> {
        let end = at + length;
        if end > bytes.len() {
            return Err(format!("a write is cut short at byte {at}"));
        }
        let taken = bytes.slice(at..end);
        at = end;
        Ok(taken)
    };
    match bytes.first() {
        Some(&VERSION) => {}
        other => return Err(format!("writes of version {other:?} are not known")),
    }
    let mut left = bytes.len() - 1;
    let mut writes = Vec::new();
    while left > 0 {
        let mut field = || -> Result<Bytes, String> {
            let length = take(4)?;
            let length = u32::from_le_bytes(length.as_ref().try_into().map_err(|_| "no length")?) as usize;
            left = left.saturating_sub(4 + length);
            take(length)
        };
        let table =
            String::from_utf8(field()?.to_vec()).map_err(|_| "a table's name is not text".to_owned())?;
        let key = field()?.to_vec();
        let present = take(1)?;
        left = left.saturating_sub(1);
        let value = match present.first() {
            Some(0) => None,
            _ => {
                let length = take(4)?;
                let length =
                    u32::from_le_bytes(length.as_ref().try_into().map_err(|_| "no length")?) as usize;
                left = left.saturating_sub(4 + length);
                Some(take(length)?)
            }
        };
        writes.push(Write { table, key, value });
    }
    Ok(writes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_read_back() {
        let writes = vec![
            Write { table: "a".into(), key: vec![1, 0, 2], value: Some(Bytes::from_static(b"x")) },
            Write { table: "b/c".into(), key: vec![], value: None },
            Write { table: "a".into(), key: vec![9; 300], value: Some(Bytes::new()) },
        ];
        let bytes = Bytes::from(encode_writes(&writes));
        assert_eq!(decode_writes(&bytes).unwrap(), writes);
        for cut in 1..bytes.len() {
            // Every prefix is either a shorter list or an error, never a panic.
            let _ = decode_writes(&bytes.slice(..cut));
        }
        assert!(decode_writes(&Bytes::from_static(b"\x09")).is_err());
    }
}
