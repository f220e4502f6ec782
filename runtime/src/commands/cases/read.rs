//! Finds the cases of a file: the elements of an array, or one JSON value behind the other.

use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::{Placed, line_at};

/// What cannot be read is a case of its own; with JSON lines those behind it are still found.
pub(crate) fn cases<'a>(file: &'a str, bytes: &'a [u8]) -> Vec<Placed<'a>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let whole = match std::str::from_utf8(bytes) {
        Ok(whole) => whole,
        Err(error) => {
            let readable = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = line_at(std::str::from_utf8(readable).unwrap_or_default(), readable.len());
            return vec![Placed { file, line, text: Err("this is not UTF-8".to_owned()) }];
        }
    };
    if whole.trim_start().starts_with('[') { array(file, whole) } else { lines(file, whole) }
}

fn array<'a>(file: &'a str, whole: &'a str) -> Vec<Placed<'a>> {
    match serde_json::from_str::<Vec<&RawValue>>(whole) {
        Ok(found) => {
            let (mut at, mut line) = (0, 1);
            let place = |raw: &'a RawValue| {
                // Counted on from the case before: files are long.
                let begin = (raw.get().as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
                line += line_at(whole.get(at..begin).unwrap_or_default(), begin - at) - 1;
                at = begin;
                Placed { file, line, text: Ok(raw.get()) }
            };
            found.into_iter().map(place).collect()
        }
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(u32::MAX);
            vec![Placed { file, line, text: Err(format!("this is not JSON: {error}")) }]
        }
    }
}

fn lines<'a>(file: &'a str, whole: &'a str) -> Vec<Placed<'a>> {
    let (mut found, mut rest, mut line) = (Vec::new(), whole, 1);
    loop {
        let text = rest.trim_start();
        line += line_at(rest, rest.len() - text.len()) - 1;
        if text.is_empty() {
            return found;
        }
        let mut values = Deserializer::from_str(text).into_iter::<&RawValue>();
        let taken = match values.next() {
            Some(Ok(raw)) => {
                found.push(Placed { file, line, text: Ok(raw.get()) });
                values.byte_offset()
            }
            Some(Err(error)) => {
                let why = format!("this is not JSON: {error} (counted from line {line} of the file)");
                found.push(Placed { file, line, text: Err(why) });
                text.find('\n').unwrap_or(text.len())
            }
            None => return found,
        };
        rest = text.get(taken..).unwrap_or_default();
        line += line_at(text, taken) - 1;
    }
}
