//! AWS-managed policies, as AWS publishes them: one to a line of `managed.policies`, with its path, name,
//! version in force, and when it was made and changed. A document is compiled when it is first decided by.

use std::sync::Arc;

use model::estate::iam::{ManagedPolicy, PolicyVersion};
use model::graph::AnyNode;
use model::{AccountId, PolicyText, Tags, Timestamp};

const POLICIES: &str = include_str!("../managed.policies");

/// They stand in no account and belong to everyone.
pub(crate) fn founding() -> Vec<Arc<dyn AnyNode>> {
    POLICIES.lines().filter_map(policy).map(|policy| Arc::new(policy) as Arc<dyn AnyNode>).collect()
}

fn policy(line: &str) -> Option<ManagedPolicy> {
    let mut parts = line.splitn(6, ' ');
    let (path, name, version) = (parts.next()?, parts.next()?, parts.next()?);
    let created = Timestamp::parse_rfc3339(parts.next()?)?;
    let updated = Timestamp::parse_rfc3339(parts.next()?)?;
    let id: String = name.bytes().cycle().take(17).map(|b| char::from(b'A' + b % 26)).collect();
    Some(ManagedPolicy {
        account: AccountId::none(),
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("ANPA{id}"),
        description: None,
        created,
        updated,
        versions: vec![PolicyVersion {
            id: version.to_owned(),
            created: updated,
            document: PolicyText::new(parts.next()?, None),
        }],
        default_version: version.to_owned(),
        tags: Tags::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_policy_and_each_name_is_one() {
        let read: Vec<ManagedPolicy> = POLICIES.lines().filter_map(policy).collect();
        assert_eq!(read.len(), POLICIES.lines().count());
        let names: Vec<&str> = read.iter().map(|policy| policy.name.as_str()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "sorted, without doubles");
    }
}
