//! What analyzers look at: the resources whose policies can share them, and those policies.

use model::estate::kms::{Bound, Grant};
use model::policy::{Guarded, Outsider, PolicyCheck, Proof, Zone};
use model::{AccountId, Fault, NodeKey, Snapshot, Tx};
use serde_json::{Value as Json, json};

/// A type of resource.
pub(crate) struct Kind {
    /// The CloudFormation type.
    pub(crate) name: &'static str,
    /// The folder of the service whose actions its policy is about, and their resource types.
    vendor: &'static str,
    types: &'static [&'static str],
    /// The type in the AWS Security Finding Format.
    pub(crate) shown: &'static str,
}

const KINDS: [Kind; 6] = [
    Kind {
        name: "AWS::DynamoDB::Table",
        vendor: "dynamodb",
        types: &["index", "stream", "table"],
        shown: "AwsDynamoDbTable",
    },
    Kind { name: "AWS::ECR::Repository", vendor: "ecr", types: &["repository"], shown: "AwsEcrRepository" },
    Kind { name: ROLE, vendor: "sts", types: &["role"], shown: "AwsIamRole" },
    Kind { name: "AWS::KMS::Key", vendor: "kms", types: &["key"], shown: "AwsKmsKey" },
    Kind { name: BUCKET, vendor: "s3", types: &["bucket", "object"], shown: "AwsS3Bucket" },
    Kind {
        name: "AWS::SecretsManager::Secret",
        vendor: "secretsmanager",
        types: &["Secret"],
        shown: "AwsSecretsManagerSecret",
    },
];

const ROLE: &str = "AWS::IAM::Role";
pub(crate) const BUCKET: &str = "AWS::S3::Bucket";

impl Kind {
    pub(crate) fn of(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|k| k.name == name)
    }

    /// Every action that is served and may be done to such a resource.
    fn actions(&self, tx: &Tx<'_>) -> Vec<String> {
        tx.host().registry().actions_on(self.vendor, self.types)
    }
}

/// A resource as it is, or as it is proposed.
#[derive(Clone)]
pub(crate) struct Subject {
    pub(crate) arn: String,
    pub(crate) kind: &'static str,
    pub(crate) owner: AccountId,
    /// Empty: global.
    pub(crate) region: String,
    pub(crate) policy: Option<String>,
    pub(crate) grants: Vec<Share>,
    /// A bucket that keeps outsiders out where its policy is public.
    pub(crate) restricted: bool,
}

/// A grant of a key: who may do what.
#[derive(Clone)]
pub(crate) struct Share {
    pub(crate) grantee: String,
    /// e.g. `Decrypt`.
    pub(crate) operations: Vec<String>,
}

/// The resource that bears an ARN, if analyzers look at such.
pub(crate) fn find(snapshot: &Snapshot, arn: &str) -> Option<Subject> {
    let node = snapshot.by_arn(arn)?;
    let key = node.key();
    let kind = Kind::of(key.kind)?;
    let restricted = kind.name == BUCKET
        && node.to_json().pointer("/block/restrict_public_buckets").and_then(Json::as_bool) == Some(true);
    Some(Subject {
        arn: arn.to_owned(),
        kind: kind.name,
        policy: node.policy().map(|p| p.text.clone()),
        grants: if kind.vendor == "kms" { grants(snapshot, &key) } else { Vec::new() },
        restricted,
        owner: key.account,
        region: key.region,
    })
}

fn grants(snapshot: &Snapshot, key: &NodeKey) -> Vec<Share> {
    let share = |grant: &Grant| {
        let grantee = match &grant.grantee.bound {
            Bound::Account(account) => account.to_string(),
            Bound::Id(_) => grant.grantee.name.clone(),
            Bound::Service(_) => return None,
        };
        Some(Share { grantee, operations: grant.operations.clone() })
    };
    Grant::of_key(snapshot, key).filter_map(share).collect()
}

/// The ARNs of all that an analyzer of a zone looks at in a region, in order.
pub(crate) fn all(snapshot: &Snapshot, zone: &Zone, region: &str) -> Vec<String> {
    let mut arns: Vec<String> = Vec::new();
    for node in snapshot.nodes() {
        let key = node.key();
        let within = (key.region == region || key.region.is_empty()) && zone.accounts.contains(&key.account);
        if within && Kind::of(key.kind).is_some() {
            arns.extend(node.arn());
        }
    }
    arns.sort();
    arns
}

impl Subject {
    pub(crate) fn within(&self, zone: &Zone, region: &str) -> bool {
        (self.region == region || self.region.is_empty()) && zone.accounts.contains(&self.owner)
    }

    /// Whom it lets in from outside; an error says why that is not known.
    pub(crate) fn outsiders(&self, tx: &Tx<'_>, zone: &Zone) -> Result<Vec<Outsider>, Fault> {
        let policies = tx.host().policies();
        let Some(policy) = self.whole_policy() else { return Ok(Vec::new()) };
        if self.restricted {
            let closed = policies.prove(&Proof::NoPublicAccess { policy: &policy, resource_type: self.kind });
            if !closed.is_ok_and(|proved| proved.holds) {
                return Ok(Vec::new());
            }
        }
        let Some(kind) = Kind::of(self.kind) else { return Ok(Vec::new()) };
        let guarded = Guarded {
            policy: &policy,
            of: if self.kind == ROLE { PolicyCheck::Trust } else { PolicyCheck::Resource },
            resource_type: self.kind,
            arn: &self.arn,
            owner: &self.owner,
            actions: &kind.actions(tx),
        };
        policies.outsiders(&guarded, zone)
    }

    /// The policy with the grants as statements: a denial of the policy's stands above them, too.
    fn whole_policy(&self) -> Option<String> {
        let policy = self.policy.clone().filter(|text| !text.is_empty());
        if self.grants.is_empty() {
            return policy;
        }
        let text = policy.unwrap_or_else(|| r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned());
        let Ok(mut document) = serde_json::from_str::<Json>(&text) else { return Some(text) };
        let statements = self.grants.iter().map(|share| {
            let actions: Vec<String> = share.operations.iter().map(|o| format!("kms:{o}")).collect();
            json!({
                "Effect": "Allow", "Principal": {"AWS": share.grantee}, "Action": actions, "Resource": "*",
            })
        });
        match document.get_mut("Statement") {
            Some(Json::Array(list)) => list.extend(statements),
            Some(one) => *one = [one.clone()].into_iter().chain(statements).collect(),
            None => {}
        }
        Some(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_analyzed_is_what_is_followed() {
        assert_eq!(KINDS.map(|k| k.name), model::estate::analyzer::ANALYZED);
    }
}
