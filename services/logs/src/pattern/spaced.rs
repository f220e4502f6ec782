//! `[ip, user, ..., status_code = 4*, bytes > 1000]`.

use std::collections::BTreeMap;

use super::condition::{Condition, Test};
use super::scan::Scan;

pub(crate) struct Fields {
    before: Vec<Field>,
    /// The fields behind `...`, which stands for any number of them.
    after: Option<Vec<Field>>,
}

#[derive(Default)]
struct Field {
    name: String,
    condition: Option<Condition<String>>,
}

pub(super) fn parse(text: &str) -> Option<Fields> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut fields = Fields { before: Vec::new(), after: None };
    for piece in pieces(inner) {
        if piece.trim() == "..." {
            if fields.after.is_some() {
                return None;
            }
            fields.after = Some(Vec::new());
            continue;
        }
        fields.after.as_mut().unwrap_or(&mut fields.before).push(field(piece.trim())?);
    }
    Some(fields)
}

/// Parts at commas outside quotes and regular expressions.
fn pieces(text: &str) -> Vec<String> {
    let (mut parts, mut within) = (vec![String::new()], None);
    for c in text.chars() {
        match c {
            '"' | '%' if within == Some(c) => within = None,
            '"' | '%' if within.is_none() => within = Some(c),
            ',' if within.is_none() => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

fn name(scan: &mut Scan<'_>) -> Option<String> {
    let name = scan.take(|c| c.is_alphanumeric() || "_-".contains(c));
    (!name.is_empty()).then(|| name.to_owned())
}

fn field(piece: &str) -> Option<Field> {
    let mut scan = Scan::new(piece);
    if piece.is_empty() {
        return Some(Field::default());
    }
    let plain = name(&mut scan);
    if let Some(name) = plain.filter(|_| scan.done()) {
        return Some(Field { name, condition: None });
    }
    let mut scan = Scan::new(piece);
    let condition = Condition::parse(&mut scan, name)?;
    scan.skip_space();
    let mut names = Vec::new();
    condition.subjects(&mut names);
    let name = names.first().map(|n| (*n).clone())?;
    (scan.done() && names.iter().all(|n| **n == name)).then_some(Field { name, condition: Some(condition) })
}

/// The fields of an event: words, and what stands in brackets or quotes.
fn words(message: &str) -> Vec<String> {
    let (mut words, mut word, mut within, mut any) = (Vec::new(), String::new(), None, false);
    for c in message.chars() {
        match (c, within) {
            ('"' | ']', Some(end)) if c == end => within = None,
            ('"', None) if word.is_empty() => (within, any) = (Some('"'), true),
            ('[', None) if word.is_empty() => (within, any) = (Some(']'), true),
            (c, None) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (c, _) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

impl Fields {
    /// Each named field with its word; nothing for an event of another form.
    fn bound<'f>(&'f self, message: &str) -> Option<Vec<(&'f Field, String)>> {
        let words = words(message);
        let after = self.after.as_deref().unwrap_or_default();
        let named = self.before.len() + after.len();
        if words.len() < named || (self.after.is_none() && words.len() != named) {
            return None;
        }
        let skipped = words.len() - after.len();
        let tail = words.iter().skip(skipped);
        let all = self.before.iter().zip(&words).chain(after.iter().zip(tail));
        Some(all.map(|(field, word)| (field, word.clone())).collect())
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        let Some(bound) = self.bound(message) else { return false };
        bound.iter().all(|(field, word)| {
            let holds = |_: &String, test: &Test| test.holds(word);
            field.condition.as_ref().is_none_or(|condition| condition.holds(&holds))
        })
    }

    pub(crate) fn extracted(&self, message: &str) -> BTreeMap<String, String> {
        let bound = self.bound(message).unwrap_or_default();
        bound
            .into_iter()
            .filter(|(field, _)| !field.name.is_empty())
            .map(|(field, word)| (format!("${}", field.name), word))
            .collect()
    }
}
