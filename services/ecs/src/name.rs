//! Names as ECS takes them: short ones and ARNs.

use model::{AccountId, Arn};

use crate::fault::{client, invalid};
use model::Fault;

/// The last part of an ARN, or the name itself: `arn:...:cluster/shop` gives `shop`.
pub(crate) fn short(given: &str) -> &str {
    match given.starts_with("arn:") {
        true => given.rsplit('/').next().unwrap_or(given),
        false => given,
    }
}

pub(crate) fn cluster(given: Option<&str>) -> &str {
    short(given.filter(|c| !c.is_empty()).unwrap_or("default"))
}

/// `FAMILY:REVISION` or `FAMILY`, from either of them or an ARN.
pub(crate) fn definition(given: &str) -> &str {
    given.rsplit_once(":task-definition/").map_or(given, |(_, id)| id)
}

/// Whether a name has only letters, digits, hyphens and underscores, and at most 255 of them.
pub(crate) fn plain(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    !name.is_empty() && name.len() <= 255 && name.bytes().all(good)
}

/// A role by its ARN or its short name.
pub(crate) fn role(account: &AccountId, given: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(given) = given.filter(|g| !g.is_empty()) else { return Ok(None) };
    if !given.starts_with("arn:") {
        return Ok(Some(model::ids::arn("iam", "", account, &format!("role/{given}"))));
    }
    match Arn::parse(given) {
        Some(arn) if arn.service == "iam" && arn.resource.starts_with("role/") => Ok(Some(given.to_owned())),
        _ => Err(client("Role is not valid")),
    }
}

/// Pages of ARNs; the token is the last one shown.
pub(crate) fn page(
    mut arns: Vec<String>,
    token: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<String>, Option<String>), Fault> {
    if limit.is_some_and(|n| !(1..=100).contains(&n)) {
        return Err(invalid("maxResults must be between 1 and 100"));
    }
    if let Some(after) = token {
        let at = arns.iter().position(|arn| hex(arn) == after);
        let at = at.ok_or_else(|| invalid("Invalid token."))?;
        arns.drain(..=at);
    }
    let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    let more = arns.len() > limit;
    arns.truncate(limit);
    let next = arns.last().filter(|_| more).map(|arn| hex(arn));
    Ok((arns, next))
}

fn hex(text: &str) -> String {
    hex::encode(text)
}
