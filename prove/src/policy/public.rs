//! Which access is public: that of someone whom no fixed value in the policy describes.
//!
//! A policy that is for everyone is not public where it demands a fixed value (without wildcards
//! and variables) of a key that confines requests: a VPC, an organization, an address range that
//! is not too wide. So public access is a request by nobody the policy names, with none of the
//! fixed values that the policy writes. Follows S3's "The meaning of public" for all services,
//! whose own pages give the same definition with keys of their own.

use std::net::IpAddr;

use decide_iam::{
    Cidr, Condition, ConditionValue, Operand, Operator, Policy, PrincipalPattern, Scope, Test as Compared,
};

use super::key::{KeyTest, Test};
use super::language::{Class, Language, Pins, Reading, of_name, of_pattern};
use super::who::{Identity, identity};

/// Keys that confine a request, whatever the service.
pub(crate) const CONFINING: [&str; 20] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalservicename",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpcarn",
    "aws:sourcevpce",
    "aws:userid",
    "aws:username",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
    "aws:vpcsourceip",
];

/// The types that the check knows, with the keys that confine requests to them.
const TYPES: [(&str, &[&str]); 26] = [
    ("AWS::ApiGateway::RestApi", &[]),
    ("AWS::Backup::BackupVault", &[]),
    ("AWS::CloudTrail::Dashboard", &[]),
    ("AWS::CloudTrail::EventDataStore", &[]),
    ("AWS::CodeArtifact::Domain", &[]),
    ("AWS::DynamoDB::Stream", &[]),
    ("AWS::DynamoDB::Table", &[]),
    (
        "AWS::EFS::FileSystem",
        &["elasticfilesystem:accessedviamounttarget", "elasticfilesystem:accesspointarn"],
    ),
    ("AWS::IAM::AssumeRolePolicyDocument", &[]),
    ("AWS::KMS::Key", &["kms:calleraccount"]),
    ("AWS::Kinesis::Stream", &[]),
    ("AWS::Kinesis::StreamConsumer", &[]),
    ("AWS::Lambda::Function", &["lambda:eventsourcetoken"]),
    ("AWS::OpenSearchService::Domain", &[]),
    ("AWS::S3::AccessPoint", S3),
    ("AWS::S3::Bucket", S3),
    ("AWS::S3::Glacier", &[]),
    ("AWS::S3Express::AccessPoint", S3),
    ("AWS::S3Express::DirectoryBucket", S3),
    ("AWS::S3Outposts::AccessPoint", S3),
    ("AWS::S3Outposts::Bucket", S3),
    ("AWS::S3Tables::Table", &[]),
    ("AWS::S3Tables::TableBucket", &[]),
    ("AWS::SNS::Topic", &[]),
    ("AWS::SQS::Queue", &[]),
    ("AWS::SecretsManager::Secret", &[]),
];

const S3: &[&str] =
    &["s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:x-amz-server-side-encryption-aws-kms-key-id"];

/// Ranges wider than this are as good as everyone.
const WIDEST: (u32, u32) = (8, 32);

/// The fixed values that a policy writes.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// By key, in lower case.
    keys: Vec<(String, KeyTest)>,
    accounts: Vec<String>,
    principals: Vec<PrincipalPattern>,
}

/// The confining keys of a type of resource; `None`: the check does not know it.
pub(crate) fn confining(resource_type: &str) -> Option<Vec<&'static str>> {
    let (_, own) = TYPES.iter().find(|(name, _)| *name == resource_type)?;
    Some(CONFINING.iter().chain(own.iter()).copied().collect())
}

impl Fixed {
    pub(crate) fn of(policy: &Policy, confining: &[&str]) -> Fixed {
        let mut fixed = Fixed::default();
        for statement in policy.statements() {
            fixed.principals.extend(statement.principals.iter().flat_map(Scope::listed).cloned());
            for condition in &statement.conditions {
                let name = condition.key.name.to_ascii_lowercase();
                if confining.contains(&name.as_str()) {
                    fixed.condition(name, condition);
                }
            }
        }
        fixed.principals.retain(|p| *p != PrincipalPattern::Everyone);
        for pattern in &fixed.principals {
            if let PrincipalPattern::Account(account) = pattern {
                fixed.accounts.push(account.to_string());
            }
        }
        fixed
    }

    fn condition(&mut self, name: String, condition: &Condition) {
        let mut globs = Vec::new();
        let mut typed = Vec::new();
        for value in &condition.values {
            let read = match &value.operand {
                Operand::Text(pattern) => of_pattern(pattern, Class::Any, &Pins::new()),
                Operand::Name(pattern) => of_name(pattern, &Pins::new()),
                Operand::Range(range) => {
                    typed.extend(confines(*range).then(|| value.clone()));
                    continue;
                }
                Operand::Number(_) | Operand::Bool(_) | Operand::Bytes(_) => {
                    typed.push(value.clone());
                    continue;
                }
                Operand::Date(_) | Operand::Absent(_) | Operand::Unreadable => continue,
            };
            let (glob, reading) = read;
            let language = Language::of(vec![glob.clone()]);
            // The name of an access point may be a pattern where its account is fixed.
            let of_account = name == "s3:dataaccesspointarn"
                && value
                    .text
                    .split(':')
                    .nth(4)
                    .is_some_and(|a| a.len() == 12 && !a.contains(['*', '?', '$']));
            if reading == Reading::Plain && (language.texts().is_some() || of_account) {
                if name == "aws:principalaccount" {
                    self.accounts.push(value.text.to_string());
                }
                globs.push(glob);
            }
        }
        let fold = condition.operator.test == Compared::StringEqualsIgnoreCase;
        if !globs.is_empty() {
            self.keys.push((name.clone(), KeyTest::listed(Language::new(globs, fold))));
        }
        if !typed.is_empty() {
            self.keys.push((name, equal(condition, typed)));
        }
    }

    /// Whether nothing fixed describes the account or the name of a caller.
    pub(crate) fn leaves(&self, caller: &decide_iam::Principal) -> bool {
        let known = self.accounts.contains(&caller.account);
        !known && self.principals.iter().all(|p| p.grants(caller).is_none())
    }

    pub(crate) fn of_key(&self, name: &str) -> Vec<KeyTest> {
        self.keys.iter().filter(|(key, _)| key == name).map(|(_, test)| test.clone()).collect()
    }

    /// Values of identity keys that a public caller does not have.
    pub(crate) fn of_caller(&self) -> Vec<(Identity, KeyTest)> {
        let of = |(key, test): &(String, KeyTest)| match identity(key)? {
            Identity::OfAccount => None,
            identity => Some((identity, test.clone())),
        };
        self.keys.iter().filter_map(of).collect()
    }

    /// Whether a request has a fixed value after all.
    pub(crate) fn describes(&self, name: &str, values: &[String]) -> bool {
        self.of_key(&name.to_ascii_lowercase()).iter().any(|test| test.holds(values))
    }
}

/// The condition that a value is one of some.
fn equal(condition: &Condition, values: Vec<ConditionValue>) -> KeyTest {
    let operator =
        Operator { quantifier: None, negated: false, if_exists: false, test: condition.operator.test };
    let condition = Condition { operator, values, ..condition.clone() };
    KeyTest { quantifier: None, negated: false, if_exists: false, test: Test::Typed(Box::new(condition)) }
}

/// A range that is not too wide, or one of private networks.
fn confines(range: Cidr) -> bool {
    match range.address {
        IpAddr::V4(address) => {
            range.bits >= WIDEST.0
                || (address.is_private()
                    && range.bits >= if address.octets().starts_with(&[10]) { 8 } else { 12 })
        }
        IpAddr::V6(_) => range.bits >= WIDEST.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_sorted_and_keys_in_lower_case() {
        assert!(TYPES.is_sorted());
        assert!(CONFINING.is_sorted());
        let lower = |keys: &[&str]| keys.iter().all(|k| k.to_ascii_lowercase() == *k);
        assert!(lower(&CONFINING) && TYPES.iter().all(|(_, keys)| lower(keys)));
        assert!(confining("AWS::S3::Bucket").unwrap().contains(&"s3:dataaccesspointarn"));
        assert!(confining("AWS::EC2::Instance").is_none());
    }
}
