//! Pages of lists that are made anew for each call: the token is how many were shown.

use model::Fault;

use crate::fault::invalid;

pub(crate) type Page<T> = (Vec<T>, Option<String>);

pub(crate) fn page<T>(found: Vec<T>, token: Option<&str>, most: Option<i64>) -> Result<Page<T>, Fault> {
    let wrong = |what: &str| invalid(format!("The {what} is not valid."));
    let shown = match token {
        Some(token) => token.parse().ok().filter(|n| *n <= found.len()).ok_or_else(|| wrong("nextToken"))?,
        None => 0,
    };
    let limit = match most {
        Some(most) => usize::try_from(most).ok().filter(|n| *n > 0).ok_or_else(|| wrong("maxResults"))?,
        None => 100,
    };
    let next = shown.saturating_add(limit.min(1000));
    let token = (next < found.len()).then(|| next.to_string());
    Ok((found.into_iter().skip(shown).take(next - shown).collect(), token))
}
