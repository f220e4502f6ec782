//! The managed rule groups: what they are called, what they cost, which rules they hold.
//! The files are read here for their outline; how they match is the inspection language's.
//!
//! ```text
//! group AWSManagedRulesSQLiRuleSet 200 sql-database    # name, capacity, label namespace
//! about one line of description
//! rule SQLi_QUERYARGUMENTS SQLi_QueryArguments         # name, label; `count`: its action
//!   in args : URL_DECODE_UNI HTML_ENTITY_DECODE        # fields and text transformations
//!   sqli LOW                                           # sqli LOW or EXTENDED, xss, size > N, absent, never, match REGEX
//! ```
//! Several `match` lines under one `in` are alternatives, as are several `in` blocks of a rule.

use std::sync::LazyLock;

/// The only version there is of each.
pub const VERSION: &str = "Version_1.0";

const FILES: [&str; 10] = [
    include_str!("managed/common.rules"),
    include_str!("managed/known-bad-inputs.rules"),
    include_str!("managed/sqli.rules"),
    include_str!("managed/admin-protection.rules"),
    include_str!("managed/ip-reputation.rules"),
    include_str!("managed/linux.rules"),
    include_str!("managed/unix.rules"),
    include_str!("managed/windows.rules"),
    include_str!("managed/php.rules"),
    include_str!("managed/wordpress.rules"),
];

#[derive(Clone, Debug, PartialEq)]
pub struct ManagedGroup {
    pub name: &'static str,
    pub capacity: u64,
    /// `awswaf:managed:aws:core-rule-set:`.
    pub label_namespace: String,
    pub about: &'static str,
    pub rules: Vec<ManagedRule>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ManagedRule {
    pub name: &'static str,
    pub label: &'static str,
    /// Its own action is to count; otherwise to block.
    pub counts: bool,
    /// How it matches: the lines under it.
    pub body: Vec<&'static str>,
}

static GROUPS: LazyLock<Vec<ManagedGroup>> =
    LazyLock::new(|| FILES.iter().filter_map(|text| outline(text)).collect());

/// Every group, in order of name.
pub fn groups() -> &'static [ManagedGroup] {
    &GROUPS
}

pub fn group(vendor: &str, name: &str) -> Option<&'static ManagedGroup> {
    groups().iter().find(|g| vendor == "AWS" && g.name == name)
}

/// `None` where the file does not begin with its `group` line.
fn outline(text: &'static str) -> Option<ManagedGroup> {
    let mut lines = text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#'));
    let mut words = lines.next()?.strip_prefix("group ")?.split(' ');
    let mut group = ManagedGroup {
        name: words.next()?,
        capacity: words.next()?.parse().ok()?,
        label_namespace: format!("awswaf:managed:aws:{}:", words.next()?),
        about: lines.next()?.strip_prefix("about ")?,
        rules: Vec::new(),
    };
    for line in lines {
        if let Some(head) = line.strip_prefix("rule ") {
            let mut words = head.split(' ');
            let (name, label) = (words.next()?, words.next()?);
            let counts = words.next() == Some("count");
            group.rules.push(ManagedRule { name, label, counts, body: Vec::new() });
        } else {
            group.rules.last_mut()?.body.push(line.trim());
        }
    }
    Some(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_its_outline() {
        assert_eq!(groups().len(), FILES.len());
        for group in groups() {
            assert!(!group.rules.is_empty(), "{}", group.name);
            assert!(group.rules.iter().all(|r| !r.body.is_empty()), "{}", group.name);
        }
        assert_eq!(group("AWS", "AWSManagedRulesCommonRuleSet").unwrap().capacity, 700);
        assert!(group("Other", "AWSManagedRulesCommonRuleSet").is_none());
    }
}
