//! Lists in pages: in order of a key; the token is the last key shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Fault;

use crate::fault::invalid;

pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// The key after which a page begins.
pub(crate) fn after(token: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(token) = token else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid("Invalid pagination token."))?;
    String::from_utf8(bytes).map(Some).map_err(|_| invalid("Invalid pagination token."))
}

pub(crate) fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// `items` come in order of their keys.
pub(crate) fn of<T>(
    items: impl Iterator<Item = (String, T)>,
    given: Option<&str>,
    limit: Option<i64>,
) -> Result<Page<T>, Fault> {
    let limit = usize::try_from(limit.unwrap_or(60)).unwrap_or(60).clamp(1, 60);
    let after = after(given)?;
    let mut found: Vec<(String, T)> =
        items.filter(|(key, _)| after.as_ref().is_none_or(|a| key > a)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(key, _)| token(key));
    Ok(Page { items: found.into_iter().map(|(_, item)| item).collect(), next })
}
