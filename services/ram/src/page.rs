//! Pages of answers; the token holds how many were shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Fault;

const MOST: i64 = 500;

pub(crate) fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(crate::fault::invalid("maxResults must be between 1 and 500."));
    }
    let limit = usize::try_from(limit).unwrap_or(1);
    let invalid =
        || Fault::client("InvalidNextTokenException", "The specified value for nextToken is not valid.");
    let skip = match token {
        None => 0,
        Some(token) => {
            let read = URL_SAFE_NO_PAD.decode(token).ok().and_then(|t| String::from_utf8(t).ok());
            read.and_then(|t| t.parse::<usize>().ok()).ok_or_else(invalid)?
        }
    };
    let more = items.len() > skip.saturating_add(limit);
    let shown = items.into_iter().skip(skip).take(limit).collect();
    let next = more.then(|| URL_SAFE_NO_PAD.encode(skip.saturating_add(limit).to_string()));
    Ok((shown, next))
}
