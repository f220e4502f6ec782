//! Pages of lists, names, paths, tags: what every part of IAM needs in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::iam::name_of;
use model::{Fault, Node, Tags, Tx};

use crate::shapes::Tag;

/// A part of a list, whether there is more, and the marker for it.
pub(crate) type Page<T> = (Vec<T>, Option<bool>, Option<String>);

/// Cuts a page from items that are in order of their names.
pub(crate) fn page<T>(
    items: impl Iterator<Item = T>,
    name: impl Fn(&T) -> String,
    marker: Option<&str>,
    max: Option<i64>,
) -> Result<Page<T>, Fault> {
    let after = match marker {
        None => None,
        Some(marker) => {
            let invalid = || Fault::validation("Invalid Marker.");
            let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| invalid())?;
            Some(String::from_utf8(bytes).map_err(|_| invalid())?)
        }
    };
    let limit = max.and_then(|n| usize::try_from(n).ok()).unwrap_or(100).clamp(1, 1000);
    let mut found: Vec<T> =
        items.filter(|item| after.as_ref().is_none_or(|a| name(item) > *a)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|last| URL_SAFE_NO_PAD.encode(name(last))) } else { None };
    Ok((found, Some(more), next))
}

pub(crate) fn no_such(kind: &str, name: &str) -> Fault {
    Fault::new("NoSuchEntity", 404, format!("The {kind} with name {name} cannot be found."))
}

pub(crate) fn exists(kind: &str, name: &str) -> Fault {
    Fault::new("EntityAlreadyExists", 409, format!("{kind} with name {name} already exists."))
}

/// Whether the name is taken: names are unique without regard to case.
pub(crate) fn taken<N: Node>(tx: &Tx<'_>, name: &str) -> bool {
    tx.snapshot().find_named::<N>(&name_of::<N>(&tx.account, name)).is_some()
}

pub(crate) fn in_use(what: &str) -> Fault {
    Fault::new("DeleteConflict", 409, format!("Cannot delete entity, {what}."))
}

pub(crate) fn limit(what: &str) -> Fault {
    Fault::new("LimitExceeded", 409, format!("Cannot exceed quota for {what}"))
}

/// An id such as `AIDA...`: a prefix and seventeen characters.
pub(crate) fn id(tx: &Tx<'_>, prefix: &str) -> String {
    format!("{prefix}{}", tx.random_text(17, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
}

pub(crate) fn tags_of(tags: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut found = Tags::new();
    for tag in tags.unwrap_or_default() {
        if tag.key.to_ascii_lowercase().starts_with("aws:") && !tag.key.starts_with("aws:cloudformation:") {
            return Err(Fault::client(
                "InvalidInput",
                "Tag keys cannot start with `aws:`, which is reserved",
            ));
        }
        if found.keys().any(|k| k.eq_ignore_ascii_case(&tag.key)) {
            return Err(Fault::client(
                "InvalidInput",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        found.insert(tag.key, tag.value);
    }
    if found.len() > 50 {
        return Err(limit("TagsPerResource: 50"));
    }
    Ok(found)
}

/// Tags with more on top: a key that differs only in case is the same key.
pub(crate) fn tagged(mut tags: Tags, more: Vec<Tag>) -> Result<Tags, Fault> {
    for (key, value) in tags_of(Some(more))? {
        tags.retain(|k, _| !k.eq_ignore_ascii_case(&key));
        tags.insert(key, value);
    }
    if tags.len() > 50 {
        return Err(limit("TagsPerResource: 50"));
    }
    Ok(tags)
}

pub(crate) fn shown(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| listed(tags))
}

pub(crate) fn listed(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone() }).collect()
}

/// Documents come percent-encoded (RFC 3986) in IAM's answers.
pub(crate) fn encoded(document: &str) -> String {
    let mut out = String::with_capacity(document.len() * 2);
    for b in document.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}
