//! Resources: ARNs of the form that their service gives them.

use crate::arn::{Name, NamePattern};
use crate::context::Context;
use crate::json::{Member, Node, Value};
use crate::parse::IAM_RESOURCES;
use crate::pattern::{Hit, split};
use crate::policy::PolicyKind;

use super::action::OF_TYPE;
use super::check::*;
use super::facts::FACTS;
use super::place::At;
use super::statement::Elements;
use super::{Reviewer, redundant};

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-us-gov"];

/// Services whose resources are of no region.
const GLOBAL: [&str; 5] = ["cloudfront", "iam", "organizations", "route53", "sts"];

/// Services whose resources are all of a region.
const REGIONAL: [&str; 14] = [
    "acm",
    "cloudformation",
    "cloudtrail",
    "cognito-idp",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elasticloadbalancing",
    "kms",
    "lambda",
    "rds",
    "secretsmanager",
    "sqs",
];

/// How the names of a service's resources begin.
const BEGINNINGS: [(&str, &[&str]); 6] = [
    ("dynamodb", &["table/", "global-table/"]),
    ("iam", &IAM_RESOURCES),
    ("kms", &["key/", "alias/"]),
    (
        "logs",
        &["log-group", "destination", "delivery", "anomaly-detector", "lookup-table", "scheduled-query"],
    ),
    ("secretsmanager", &["secret:"]),
    ("sts", &["assumed-role/", "federated-user/", "self"]),
];

impl Reviewer<'_> {
    pub(super) fn resources(&mut self, elements: Elements<'_>, up: &At<'_>) {
        let given = ["Resource", "NotResource"].into_iter().filter_map(|name| elements.get(name));
        let given: Vec<&Member> = given.collect();
        if self.as_what.kind == PolicyKind::Trust {
            for member in given {
                self.note(&ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE, &[], up.key(member));
            }
            return;
        }
        // What a policy is attached to may be left out where it is the only thing it can be about.
        if given.is_empty() && self.as_what.kind != PolicyKind::Resource {
            self.note(&MISSING_RESOURCE, &[], *up);
        }
        for member in given {
            self.resource_list(member, up);
        }
    }

    fn resource_list(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        if matches!(&member.node.value, Value::Array(nodes) if nodes.is_empty()) {
            return self.note(&EMPTY_ARRAY_RESOURCE, &[], at);
        }
        let texts = self.listed(&member.node, &at);
        for (text, node, here) in &texts {
            self.variables_of(text, node, here);
            if *text != "*" {
                self.arn(text, node, here);
            }
        }
        let names: Vec<String> = texts.iter().map(|(text, ..)| (*text).to_owned()).collect();
        let covered = redundant::covered(self, &names, |a, b| {
            NamePattern::resource(a, false).matches(&Name::new(b), &Context::new()) == Hit::Yes
        });
        let places: Vec<At<'_>> = covered.iter().filter_map(|i| texts.get(*i)).map(|(.., at)| *at).collect();
        if !places.is_empty() {
            self.note_all(&REDUNDANT_RESOURCE, &[&places.len().to_string()], &places);
        }
    }

    fn arn(&mut self, text: &str, node: &Node, at: &At<'_>) {
        let fields = split(text, ':', 6, self.variables);
        if fields.first() != Some(&"arn") {
            return self.note(&INVALID_ARN_PREFIX, &[], *at);
        }
        let [_, partition, service, region, account, name] = fields.as_slice() else {
            return self.note(&MISSING_ARN_FIELD, &["6"], *at);
        };
        let field = |number: usize| {
            let before = fields.iter().take(number).map(|f| f.chars().count() + 1).sum();
            let length = fields.get(number).map_or(0, |f| f.chars().count());
            at.part(node, before, length)
        };
        let plain = |text: &str| !text.contains(['*', '?', '$']);
        if plain(partition) && !PARTITIONS.contains(partition) {
            let supported = PARTITIONS.join(", ");
            self.note(&INVALID_PARTITION, &[service, partition, &supported], field(1));
        }
        if !plain(service) {
            return self.note(&WILDCARD_IN_SERVICE_NAME, &[], field(2));
        }
        if service.bytes().any(|b| b.is_ascii_uppercase()) {
            return self.note(&INVALID_ARN_SERVICE_CASE, &[service], field(2));
        }
        if !FACTS.names(service) {
            return self.note(&INVALID_SERVICE, &[service], field(2));
        }
        self.for_this(service, at);
        let bucket = *service == "s3" && region.is_empty() && !name.starts_with("accesspoint");
        if !region.is_empty() && (GLOBAL.contains(service) || (*service == "s3" && account.is_empty())) {
            self.note(&ARN_REGION_NOT_ALLOWED, &[service], field(3));
        } else if region.is_empty() && REGIONAL.contains(service) {
            self.note(&MISSING_ARN_REGION, &[service], field(3));
        } else if !region.is_empty() && plain(region) && !is_region(region) {
            self.note(&INVALID_ARN_REGION, &[region], field(3));
        }
        if bucket && !account.is_empty() {
            self.note(&ARN_ACCOUNT_NOT_ALLOWED, &[service], field(4));
        } else if !account.is_empty() && plain(account) && !is_account(account) {
            self.note(&INVALID_ARN_ACCOUNT, &[account], field(4));
        }
        if name.is_empty() || !begins(service, name) {
            self.note(&INVALID_ARN_RESOURCE, &[], field(5));
        }
    }

    fn for_this(&mut self, service: &str, at: &At<'_>) {
        let own = OF_TYPE.iter().find(|(kind, _)| Some(*kind) == self.as_what.attached_to);
        if let Some((kind, own)) = own
            && service != *own
            && !(*own == "s3-object-lambda" && service == "s3")
        {
            self.note(&UNSUPPORTED_RESOURCE_ARN_IN_POLICY, &[kind], *at);
        }
    }
}

/// As regions are named: letters and dashes, then a number.
fn is_region(text: &str) -> bool {
    let Some((place, number)) = text.rsplit_once('-') else { return false };
    place.contains('-')
        && place.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// Twelve digits, or a name under which AWS keeps resources of its own.
fn is_account(text: &str) -> bool {
    let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    digits || ["aws", "amazon", "aws-managed", "cloudfront", "third-party"].contains(&text)
}

fn begins(service: &str, name: &str) -> bool {
    let Some((_, beginnings)) = BEGINNINGS.iter().find(|(s, _)| *s == service) else { return true };
    // What stands before the first wildcard or variable must be able to begin so.
    let fixed = name.split(['*', '?', '$']).next().unwrap_or_default();
    let whole = fixed == name;
    // An account itself is a principal of IAM's, not one of its resources.
    let account: &[&str] = if service == "iam" { &["root"] } else { &[] };
    beginnings.iter().chain(account).any(|b| fixed.starts_with(b) || (!whole && b.starts_with(fixed)))
}
