//! Management policies of an organization (tags, backups, opt-outs): what the documents from the root down to
//! an account say together, the *effective* policy.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html>
//!
//! A policy further down changes only what those above it let it: "you cannot reverse that rule in a child
//! policy", neither at the place that bears the rule nor at those within it. Policies of one place in the tree
//! are equals; they count in the order in which they were attached.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::graph::Snapshot;
use crate::ids::AccountId;

use super::iam::{Account, Organization, OrganizationPolicy, OrganizationalUnit};

/// The types, and the one member that their documents have.
pub const TYPES: [(&str, &str); 3] =
    [("TAG_POLICY", "tags"), ("BACKUP_POLICY", "plans"), ("AISERVICES_OPT_OUT_POLICY", "services")];
/// What sets a value, in the order in which it counts where several stand at one place.
pub const OPERATORS: [&str; 3] = ["@@assign", "@@append", "@@remove"];
/// Which of them policies further down may use.
pub const ALLOWED: &str = "@@operators_allowed_for_child_policies";

/// The policies of one type that bear on an account, level by level from the root down. None where the
/// organization has not enabled the type, or the account is in none.
pub fn levels<'s>(
    snapshot: &'s Snapshot,
    account: &AccountId,
    policy_type: &str,
) -> Vec<Vec<&'s OrganizationPolicy>> {
    let Some(organization) = snapshot.all::<Organization>().next() else { return Vec::new() };
    if !organization.policy_types.iter().any(|t| t == policy_type) {
        return Vec::new();
    }
    let Some(member) = snapshot.find::<Account>(account, "", account.as_str()) else { return Vec::new() };
    let level = |ids: &[String]| -> Vec<&'s OrganizationPolicy> {
        ids.iter()
            .filter_map(|id| snapshot.find::<OrganizationPolicy>(&organization.account, "", id))
            .filter(|p| p.policy_type == policy_type)
            .collect()
    };
    let mut levels = vec![level(&member.policies)];
    let mut parent = member.parent.as_ref();
    while let Some(ou) =
        parent.and_then(|id| snapshot.find::<OrganizationalUnit>(&organization.account, "", id))
    {
        levels.push(level(&ou.policies));
        parent = Some(&ou.parent);
    }
    if parent.is_none() {
        return Vec::new();
    }
    levels.push(level(&organization.policies));
    levels.reverse();
    levels
}

/// What holds for an account; `None`: no policy of this type does.
pub fn effective(snapshot: &Snapshot, account: &AccountId, policy_type: &str) -> Option<Json> {
    let levels = levels(snapshot, account, policy_type);
    let documents = |level: &Vec<&OrganizationPolicy>| -> Vec<Json> {
        level.iter().filter_map(|policy| serde_json::from_str(&policy.document.text).ok()).collect()
    };
    let levels: Vec<Vec<Json>> = levels.iter().map(documents).collect();
    levels.iter().any(|level| !level.is_empty()).then(|| merged(&levels))
}

/// A place in a document, without regard to case: that of a tag's key is its own setting.
type Place = Vec<String>;

/// What was set so far, and what may still be.
#[derive(Default)]
struct Merged {
    /// With the names of the place as they were first written.
    values: BTreeMap<Place, (Vec<String>, Json)>,
    rules: Vec<(Place, Vec<String>)>,
    /// Those of the level that is being read: they are for the ones below it.
    coming: Vec<(Place, Vec<String>)>,
}

fn merged(levels: &[Vec<Json>]) -> Json {
    let mut all = Merged::default();
    for level in levels {
        for document in level {
            all.read(&mut Vec::new(), document);
        }
        let coming = std::mem::take(&mut all.coming);
        all.rules.extend(coming);
    }
    let mut whole = Map::new();
    for (names, value) in all.values.into_values() {
        set(&mut whole, &names, value);
    }
    Json::Object(whole)
}

fn set(map: &mut Map<String, Json>, names: &[String], value: Json) {
    match names {
        [] => {}
        [last] => {
            map.insert(last.clone(), value);
        }
        [first, rest @ ..] => {
            let inner = map.entry(first.clone()).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

impl Merged {
    fn read(&mut self, names: &mut Vec<String>, document: &Json) {
        let Json::Object(members) = document else { return };
        for operator in OPERATORS {
            if let Some(given) = members.get(operator) {
                self.apply(names, operator, given);
            }
        }
        if let Some(allowed) = members.get(ALLOWED) {
            self.coming.push((place(names), list(allowed)));
        }
        for (name, inner) in members.iter().filter(|(name, _)| !name.starts_with("@@")) {
            names.push(name.clone());
            self.read(names, inner);
            names.pop();
        }
    }

    fn apply(&mut self, names: &[String], operator: &str, given: &Json) {
        let at = place(names);
        let allows = |(of, operators): &(Place, Vec<String>)| {
            !at.starts_with(of) || operators.iter().any(|o| o == operator || o == "@@all")
        };
        if !self.rules.iter().all(allows) {
            return;
        }
        let old = self.values.remove(&at);
        let names = old.as_ref().map_or_else(|| names.to_vec(), |(names, _)| names.clone());
        let mut items = old.map(|(_, value)| list(&value)).unwrap_or_default();
        let value = match operator {
            "@@assign" => given.clone(),
            "@@append" => {
                let new = list(given).into_iter().filter(|item| !items.contains(item)).collect::<Vec<_>>();
                items.extend(new);
                Json::from(items)
            }
            _ => {
                let gone = list(given);
                items.retain(|item| !gone.contains(item));
                Json::from(items)
            }
        };
        // A list of which everything was taken away says nothing.
        if operator == "@@assign" || value.as_array().is_some_and(|items| !items.is_empty()) {
            self.values.insert(at, (names, value));
        }
    }
}

fn place(names: &[String]) -> Place {
    names.iter().map(|name| name.to_lowercase()).collect()
}

/// The texts of a list, or the only one.
fn list(value: &Json) -> Vec<String> {
    match value {
        Json::Array(items) => items.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        Json::String(one) => vec![one.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(levels: &[Json], expected: Json) {
        let levels: Vec<Vec<Json>> = levels.iter().map(|level| vec![level.clone()]).collect();
        assert_eq!(merged(&levels), expected);
    }

    /// The examples of the user guide, by what they show.
    #[test]
    fn children_change_what_they_inherit() {
        let root = json!({"tags": {"costcenter": {"tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["Development", "Support"]}}}});
        let key = json!({"tags": {"costcenter": {"tag_key": "CostCenter"}}});
        let with = |values: Json| {
            let mut all = key.clone();
            all["tags"]["costcenter"]["tag_value"] = values;
            all
        };
        let value = |operators: Json| json!({"tags": {"CostCenter": {"tag_value": operators}}});
        check(std::slice::from_ref(&root), with(json!(["Development", "Support"])));
        check(
            &[root.clone(), value(json!({"@@append": ["Marketing", "Support"]}))],
            with(json!(["Development", "Support", "Marketing"])),
        );
        check(&[root.clone(), value(json!({"@@remove": ["Development"]}))], with(json!(["Support"])));
        check(&[root.clone(), value(json!({"@@assign": ["Legal"]}))], with(json!(["Legal"])));
        check(
            &[root.clone(), value(json!({"@@append": ["Legal"], "@@remove": ["Support"]}))],
            with(json!(["Development", "Legal"])),
        );
        check(&[root, value(json!({"@@remove": ["Development", "Support"]}))], key);
        check(
            &[json!({}), value(json!({"@@append": ["Legal"]}))],
            json!({"tags": {"CostCenter": {"tag_value": ["Legal"]}}}),
        );
    }

    #[test]
    fn parents_say_what_children_may_change() {
        let root = |allowed: Json| {
            json!({"tags": {"project": {"tag_key": {"@@assign": "Project", ALLOWED: ["@@none"]},
                "tag_value": {"@@assign": ["A"], ALLOWED: allowed}}}})
        };
        let child = |operator: &str| json!({"tags": {"project": {"tag_key": {"@@assign": "PROJECT"}, "tag_value": {operator: ["B"]}}}});
        let is = |values: Json| json!({"tags": {"project": {"tag_key": "Project", "tag_value": values}}});
        for (allowed, operator, expected) in [
            (json!(["@@none"]), "@@assign", json!(["A"])),
            (json!(["@@none"]), "@@append", json!(["A"])),
            (json!(["@@append"]), "@@append", json!(["A", "B"])),
            (json!(["@@append"]), "@@assign", json!(["A"])),
            (json!(["@@all"]), "@@assign", json!(["B"])),
        ] {
            check(&[root(allowed), child(operator)], is(expected));
        }
        // Nobody below gives back what was taken, and what is locked is so within, too.
        let open = json!({"tags": {"project": {"tag_value": {ALLOWED: ["@@all"]}}}});
        check(&[root(json!(["@@none"])), open, child("@@assign")], is(json!(["A"])));
        let locked = json!({"tags": {"project": {ALLOWED: ["@@none"], "tag_value": {"@@assign": ["A"]}}}});
        check(&[locked, child("@@append")], json!({"tags": {"project": {"tag_value": ["A"]}}}));
    }
}
