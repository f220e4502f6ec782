//! Items as compact bytes: a tag for each value, lengths in base 128. What these bytes are
//! sealed under, and where they lie, is not decided here.

use bytes::Bytes;

use crate::attribute::{Attr, Item};
use crate::number::Number;

fn length(mut n: usize, out: &mut Vec<u8>) {
    while let Ok(low) = u8::try_from(n & 0x7f) {
        n >>= 7;
        if n == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

fn text(bytes: &[u8], out: &mut Vec<u8>) {
    length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn value(attr: &Attr, out: &mut Vec<u8>) {
    match attr {
        Attr::S(s) => {
            out.push(0);
            text(s.as_bytes(), out);
        }
        Attr::N(n) => {
            out.push(1);
            n.encode(out);
        }
        Attr::B(b) => {
            out.push(2);
            text(b, out);
        }
        Attr::Bool(b) => out.push(3 + u8::from(*b)),
        Attr::Null => out.push(5),
        Attr::M(map) => {
            out.push(6);
            encode(map, out);
        }
        Attr::L(list) => {
            out.push(7);
            length(list.len(), out);
            list.iter().for_each(|v| value(v, out));
        }
        Attr::SS(set) => {
            out.push(8);
            length(set.len(), out);
            set.iter().for_each(|s| text(s.as_bytes(), out));
        }
        Attr::NS(set) => {
            out.push(9);
            length(set.len(), out);
            set.iter().for_each(|n| n.encode(out));
        }
        Attr::BS(set) => {
            out.push(10);
            length(set.len(), out);
            set.iter().for_each(|b| text(b, out));
        }
    }
}

pub(crate) fn encode(item: &Item, out: &mut Vec<u8>) {
    length(item.len(), out);
    for (name, attr) in item {
        text(name.as_bytes(), out);
        value(attr, out);
    }
}

fn read_length(bytes: &mut &[u8]) -> Option<usize> {
    let (mut n, mut shift) = (0_usize, 0_u32);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(n);
        }
        shift += 7;
    }
}

fn read_bytes<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = read_length(bytes)?;
    let (found, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(found)
}

fn read_text(bytes: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(read_bytes(bytes)?).ok().map(str::to_owned)
}

fn many<T, C: FromIterator<T>>(bytes: &mut &[u8], read: impl Fn(&mut &[u8]) -> Option<T>) -> Option<C> {
    let count = read_length(bytes)?;
    (0..count).map(|_| read(bytes)).collect()
}

fn read_value(bytes: &mut &[u8]) -> Option<Attr> {
    let (tag, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(match tag {
        0 => Attr::S(read_text(bytes)?),
        1 => Attr::N(Number::decode(bytes)?),
        2 => Attr::B(Bytes::copy_from_slice(read_bytes(bytes)?)),
        3 => Attr::Bool(false),
        4 => Attr::Bool(true),
        5 => Attr::Null,
        6 => Attr::M(decode(bytes)?),
        7 => Attr::L(many(bytes, read_value)?),
        8 => Attr::SS(many(bytes, read_text)?),
        9 => Attr::NS(many(bytes, Number::decode)?),
        10 => Attr::BS(many(bytes, |b| read_bytes(b).map(Bytes::copy_from_slice))?),
        _ => return None,
    })
}

pub(crate) fn decode(bytes: &mut &[u8]) -> Option<Item> {
    many(bytes, |b| Some((read_text(b)?, read_value(b)?)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_attr() -> impl Strategy<Value = Attr> {
        let leaf = prop_oneof![
            ".{0,200}".prop_map(Attr::S),
            any::<i64>().prop_map(|n| Attr::N(Number::parse(&n.to_string()).unwrap())),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(|b| Attr::B(b.into())),
            any::<bool>().prop_map(Attr::Bool),
            Just(Attr::Null),
            proptest::collection::btree_set(".{1,3}", 1..4).prop_map(Attr::SS),
        ];
        leaf.prop_recursive(4, 30, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Attr::L),
                proptest::collection::btree_map(".{0,3}", inner, 0..4).prop_map(Attr::M),
            ]
        })
    }

    proptest! {
        #[test]
        fn items_come_back(item in proptest::collection::btree_map(".{1,4}", any_attr(), 0..5)) {
            let mut out = Vec::new();
            encode(&item, &mut out);
            let mut rest = out.as_slice();
            prop_assert_eq!(decode(&mut rest), Some(item));
            prop_assert!(rest.is_empty());
            // Cut short, nothing is made of it but nothing.
            if let Some(short) = out.len().checked_sub(1).and_then(|n| out.get(..n)) {
                prop_assert_eq!(decode(&mut &*short), None);
            }
        }
    }
}
