//! Listing the users of a pool, by what they are.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html>

use model::{Fault, Tx};

use crate::fault::invalid;
use crate::shapes::*;
use crate::user::{self, User};
use crate::{page, pool};

/// Users read at one time while looking for those that match.
const STRIDE: usize = 256;

/// `name = "value"`, or `name ^= "value"` for a prefix.
struct Filter {
    name: String,
    prefix: bool,
    value: String,
}

const SEARCHABLE: [&str; 11] = [
    "username",
    "email",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "preferred_username",
    "cognito:user_status",
    "status",
    "sub",
    "cognito:username",
];

fn parse(text: &str) -> Result<Filter, Fault> {
    let broken = || invalid("Error while parsing filter.");
    let (name, value) = text.split_once('=').ok_or_else(broken)?;
    let (name, prefix) = match name.trim().strip_suffix('^') {
        Some(name) => (name.trim(), true),
        None => (name.trim(), false),
    };
    let value = value.trim().strip_prefix('"').and_then(|v| v.strip_suffix('"')).ok_or_else(broken)?;
    if value.replace("\\\"", "").contains('"') {
        return Err(broken());
    }
    let name = name.trim_matches('"');
    match SEARCHABLE.contains(&name) {
        true => Ok(Filter { name: name.to_owned(), prefix, value: value.replace("\\\"", "\"") }),
        false => Err(invalid(format!("Users can not be listed by {name}."))),
    }
}

impl Filter {
    fn admits(&self, user: &User) -> bool {
        let held = match self.name.as_str() {
            "username" | "cognito:username" => Some(user.username.as_str()),
            "sub" => Some(user.sub.as_str()),
            "cognito:user_status" => Some(user.status.name()),
            "status" => Some(if user.enabled { "Enabled" } else { "Disabled" }),
            name => user.attribute(name),
        };
        held.is_some_and(|held| if self.prefix { held.starts_with(&self.value) } else { held == self.value })
    }
}

pub(crate) fn list_users(tx: &mut Tx<'_>, input: ListUsersRequest) -> Result<ListUsersResponse, Fault> {
    let pool = pool::find(tx, &input.user_pool_id)?;
    let filter = input.filter.filter(|f| !f.is_empty()).map(|f| parse(&f)).transpose()?;
    let limit = usize::try_from(input.limit.unwrap_or(60)).unwrap_or(60).clamp(1, 60);
    let mut after = page::after(input.pagination_token.as_deref())?;
    let mut found: Vec<User> = Vec::new();
    loop {
        let some = user::list(tx, &pool.id, after.as_deref(), STRIDE)?;
        let ended = some.len() < STRIDE;
        after = some.last().map(|u| u.sub.clone());
        found.extend(some.into_iter().filter(|u| filter.as_ref().is_none_or(|f| f.admits(u))));
        if ended || found.len() > limit {
            break;
        }
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|u| page::token(&u.sub));
    let wanted = input.attributes_to_get;
    let shown = |user: &User| {
        let mut shape = user::shape(user);
        if let (Some(wanted), Some(attributes)) = (&wanted, shape.attributes.as_mut()) {
            attributes.retain(|a| wanted.contains(&a.name));
        }
        shape
    };
    Ok(ListUsersResponse { users: Some(found.iter().map(shown).collect()), pagination_token: next })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn filters_are_read() {
        let filter = parse(r#"email ^= "a\"b""#).unwrap();
        assert!(filter.prefix && filter.name == "email" && filter.value == "a\"b");
        assert!(!parse(r#""sub"="x""#).unwrap().prefix);
        for bad in ["", "email", "email = x", r#"email = "a" or email = "b""#, r#"custom:x = "1""#] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
