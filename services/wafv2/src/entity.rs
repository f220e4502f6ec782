//! What web ACLs, rule groups and sets have in common: a name, an id, a lock token.

use model::estate::waf::{IpSet, RegexPatternSet, RuleGroup, WebAcl};
use model::{Fault, Node, Tags, Tx};
use serde_json::Value as Json;

use crate::faults;
use crate::shapes::Tag;

pub(crate) trait Entity: Node {
    fn name(&self) -> &str;
    fn lock_token(&self) -> &str;
    fn description(&self) -> Option<String>;
    fn set_lock_token(&mut self, token: String);
    fn tags_mut(&mut self) -> &mut Tags;
}

macro_rules! entity {
    ($type:ty, $description:expr) => {
        impl Entity for $type {
            fn name(&self) -> &str {
                &self.name
            }
            fn lock_token(&self) -> &str {
                &self.lock_token
            }
            fn description(&self) -> Option<String> {
                let describe: fn(&$type) -> Option<String> = $description;
                describe(self)
            }
            fn set_lock_token(&mut self, token: String) {
                self.lock_token = token;
            }
            fn tags_mut(&mut self) -> &mut Tags {
                &mut self.tags
            }
        }
    };
}

fn described(form: &Json) -> Option<String> {
    form.get("Description").and_then(Json::as_str).map(str::to_owned)
}

entity!(WebAcl, |e| described(&e.form));
entity!(RuleGroup, |e| described(&e.form));
entity!(IpSet, |e| e.description.clone());
entity!(RegexPatternSet, |e| e.description.clone());

/// The one of this scope, name and id.
pub(crate) fn find<E: Entity>(tx: &Tx<'_>, scope: &str, name: &str, id: &str) -> Result<E, Fault> {
    let found = tx.find::<E>(id).filter(|e| e.name() == name && scope == "REGIONAL");
    found.cloned().ok_or_else(faults::missing)
}

/// The same, to be changed: the lock token must be the last one given.
pub(crate) fn locked<E: Entity>(
    tx: &Tx<'_>,
    scope: &str,
    name: &str,
    id: &str,
    token: &str,
) -> Result<E, Fault> {
    let found = find::<E>(tx, scope, name, id)?;
    match found.lock_token() == token {
        true => Ok(found),
        false => Err(faults::outdated()),
    }
}

/// Names are unique among the entities of one kind.
pub(crate) fn unused<E: Entity>(tx: &Tx<'_>, name: &str) -> Result<(), Fault> {
    match tx.list::<E>().any(|e| e.name() == name) {
        true => Err(faults::duplicate()),
        false => Ok(()),
    }
}

/// Stores a change under a new lock token, which is given back.
pub(crate) fn store<E: Entity>(tx: &mut Tx<'_>, mut entity: E) -> Result<String, Fault> {
    let token = tx.uuid();
    entity.set_lock_token(token.clone());
    tx.put(entity)?;
    Ok(token)
}

pub(crate) fn tags(given: Option<Vec<Tag>>) -> Tags {
    given.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect()
}

/// Whether a web ACL or a rule group refers to this ARN.
pub(crate) fn is_referred_to(tx: &Tx<'_>, arn: &str) -> bool {
    let quoted = format!("\"{arn}\"");
    tx.list::<WebAcl>().any(|a| a.form.to_string().contains(&quoted))
        || tx.list::<RuleGroup>().any(|g| g.form.to_string().contains(&quoted))
}

/// A page of what is listed, in order of names; the marker is the last name shown.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    name: impl Fn(&T) -> String,
    marker: Option<&str>,
    limit: Option<i64>,
) -> (Vec<T>, Option<String>) {
    items.sort_by_key(&name);
    let limit = limit.and_then(|l| usize::try_from(l).ok()).unwrap_or(100).max(1);
    let mut shown: Vec<T> =
        items.into_iter().filter(|i| marker.is_none_or(|m| name(i).as_str() > m)).take(limit + 1).collect();
    let more = shown.len() > limit;
    shown.truncate(limit);
    let next = if more { shown.last().map(&name) } else { None };
    (shown, next)
}
