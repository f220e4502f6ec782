//! Which services, actions and condition keys there are, and what each key holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// What a condition key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Name,
    Truth,
    Number,
    Date,
    Address,
}

/// What is known of a condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) holds: Holds,
    pub(super) several: bool,
}

#[derive(Default)]
pub(super) struct Service {
    /// In lower case.
    pub(super) actions: BTreeSet<String>,
    /// As AWS writes them.
    pub(super) named: Vec<&'static str>,
    keys: Vec<(String, Known)>,
    /// Knows `aws:ResourceTag`.
    pub(super) tags: bool,
}

#[derive(Default)]
pub(super) struct Facts {
    pub(super) prefixes: BTreeSet<&'static str>,
    names: BTreeSet<&'static str>,
    pub(super) services: BTreeMap<&'static str, Service>,
}

pub(super) static FACTS: LazyLock<Facts> = LazyLock::new(read);

fn read() -> Facts {
    let mut facts = Facts::default();
    let mut last = "";
    for line in include_str!("services.facts").lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let mut words = rest.split(' ');
        let service = facts.services.entry(last);
        match word {
            "services" => facts.prefixes.extend(words),
            "names" => facts.names.extend(words),
            "service" => {
                last = words.next().unwrap_or_default();
                facts.services.entry(last).or_default().tags = words.next() == Some("tags");
            }
            "action" => {
                let service = service.or_default();
                for name in words {
                    service.actions.insert(name.to_ascii_lowercase());
                    service.named.push(name);
                }
            }
            "key" => {
                let (name, kind) = rest.rsplit_once(' ').unwrap_or((rest, ""));
                service.or_default().keys.push((name.to_ascii_lowercase(), known(kind)));
            }
            _ => {}
        }
    }
    facts.services.remove("");
    facts
}

fn known(kind: &str) -> Known {
    let several = kind.starts_with("ArrayOf");
    let holds = match kind.strip_prefix("ArrayOf").unwrap_or(kind) {
        "ARN" => Holds::Name,
        "Bool" => Holds::Truth,
        "Numeric" => Holds::Number,
        "Date" => Holds::Date,
        "IPAddress" => Holds::Address,
        _ => Holds::Text,
    };
    Known { holds, several }
}

impl Facts {
    /// Whether ARNs name such a service.
    pub(super) fn names(&self, service: &str) -> bool {
        self.prefixes.contains(service) || self.names.contains(service)
    }
}

impl Service {
    /// `name` in lower case, with its prefix.
    pub(super) fn key(&self, name: &str) -> Option<Known> {
        self.keys.iter().find(|(key, _)| fits(key, name)).map(|(_, known)| *known)
    }
}

/// A name with `${...}` at its end stands for all names that begin so.
fn fits(key: &str, name: &str) -> bool {
    match key.split_once("${") {
        Some((start, _)) => name.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
        None => key == name,
    }
}

const fn one(holds: Holds) -> Known {
    Known { holds, several: false }
}

const fn several(holds: Holds) -> Known {
    Known { holds, several: true }
}

/// AWS global condition context keys, in lower case and in order.
const GLOBAL: [(&str, Known); 54] = [
    ("aws:calledvia", several(Holds::Text)),
    ("aws:calledviafirst", one(Holds::Text)),
    ("aws:calledvialast", one(Holds::Text)),
    ("aws:chatbotsourcearn", one(Holds::Name)),
    ("aws:currenttime", one(Holds::Date)),
    ("aws:ec2instancesourceprivateipv4", one(Holds::Address)),
    ("aws:ec2instancesourcevpc", one(Holds::Text)),
    ("aws:epochtime", one(Holds::Date)),
    ("aws:federatedprovider", one(Holds::Text)),
    ("aws:ismcpserviceaction", one(Holds::Truth)),
    ("aws:multifactorauthage", one(Holds::Number)),
    ("aws:multifactorauthpresent", one(Holds::Truth)),
    ("aws:principalaccount", one(Holds::Text)),
    ("aws:principalarn", one(Holds::Name)),
    ("aws:principalisawsservice", one(Holds::Truth)),
    ("aws:principalorgid", one(Holds::Text)),
    ("aws:principalorgpaths", several(Holds::Text)),
    ("aws:principalservicename", one(Holds::Text)),
    ("aws:principalservicenameslist", several(Holds::Text)),
    ("aws:principaltype", one(Holds::Text)),
    ("aws:referer", one(Holds::Text)),
    ("aws:requestedregion", one(Holds::Text)),
    ("aws:resourceaccount", one(Holds::Text)),
    ("aws:resourceorgid", one(Holds::Text)),
    ("aws:resourceorgpaths", several(Holds::Text)),
    ("aws:securetransport", one(Holds::Truth)),
    ("aws:signinsessionarn", one(Holds::Name)),
    ("aws:sourceaccount", one(Holds::Text)),
    ("aws:sourcearn", one(Holds::Name)),
    ("aws:sourceidentity", one(Holds::Text)),
    ("aws:sourceinstancearn", one(Holds::Name)),
    ("aws:sourceip", one(Holds::Address)),
    ("aws:sourceorgid", one(Holds::Text)),
    ("aws:sourceorgpaths", several(Holds::Text)),
    ("aws:sourceowner", one(Holds::Text)),
    ("aws:sourcevpc", one(Holds::Text)),
    ("aws:sourcevpcarn", one(Holds::Name)),
    ("aws:sourcevpce", one(Holds::Text)),
    ("aws:tagkeys", several(Holds::Text)),
    ("aws:tokenissuetime", one(Holds::Date)),
    ("aws:transitgatewayattachment", one(Holds::Text)),
    ("aws:useragent", one(Holds::Text)),
    ("aws:userid", one(Holds::Text)),
    ("aws:username", one(Holds::Text)),
    ("aws:viaawsmcpservice", one(Holds::Truth)),
    ("aws:viaawsservice", one(Holds::Truth)),
    ("aws:vpceaccount", one(Holds::Text)),
    ("aws:vpceorgid", one(Holds::Text)),
    ("aws:vpceorgpaths", several(Holds::Text)),
    ("aws:vpcsourceip", one(Holds::Address)),
    ("ec2:instancesourceprivateipv4", one(Holds::Address)),
    ("ec2:roledelivery", one(Holds::Number)),
    ("ec2:sourceinstancearn", one(Holds::Name)),
    ("identitystore:userid", one(Holds::Text)),
];

/// Families of keys that carry the key of a tag.
pub(super) const TAGGED: [&str; 3] = ["aws:principaltag", "aws:requesttag", "aws:resourcetag"];

/// `name` in lower case.
pub(super) fn global(name: &str) -> Option<Known> {
    let tagged =
        name.split_once('/').is_some_and(|(family, tag)| TAGGED.contains(&family) && !tag.is_empty());
    if tagged {
        return Some(one(Holds::Text));
    }
    let at = GLOBAL.binary_search_by(|(key, _)| (*key).cmp(name)).ok()?;
    GLOBAL.get(at).map(|(_, known)| *known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_facts_are_read() {
        assert!(GLOBAL.is_sorted_by_key(|(key, _)| *key));
        assert!(FACTS.prefixes.contains("lambda") && FACTS.names("s3") && !FACTS.names("s4"));
        let kms = FACTS.services.get("kms").unwrap();
        assert!(kms.tags && kms.actions.contains("decrypt"));
        assert_eq!(kms.key("kms:encryptioncontext:purpose"), Some(one(Holds::Text)));
        assert_eq!(kms.key("kms:resourcealiases"), Some(several(Holds::Text)));
        assert_eq!(kms.key("kms:nothing"), None);
        assert_eq!(global("aws:tagkeys"), Some(several(Holds::Text)));
        assert_eq!(global("aws:resourcetag/"), None);
    }
}
