//! Tag policies: whether a resource may have the tags that it is given. For every service in one place,
//! where its nodes are put.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_tag-policies-enforcement.html>
//!
//! Only what a policy is `enforced_for` is refused, and of that only tags that are new or changed: a policy
//! takes nothing from what is there, and asks for no tag. AWS's own tags (`aws:`) are beyond it.

use serde_json::Value as Json;

use crate::fault::Fault;
use crate::graph::{AnyNode, Snapshot};

use super::iam::Organization;
use super::management::effective;

const TAG_POLICY: &str = "TAG_POLICY";

/// By the kinds of nodes: the resource types that tags can be enforced for, as policies name them.
const TYPES: [(&str, &str); 52] = [
    ("AWS::ApiGateway::ApiKey", "apigateway:apikeys"),
    ("AWS::ApiGateway::RestApi", "apigateway:restapis"),
    ("AWS::ApiGateway::Stage", "apigateway:stages"),
    ("AWS::ApiGateway::UsagePlan", "apigateway:usageplans"),
    ("AWS::ApiGatewayV2::Api", "apigateway:apis"),
    ("AWS::ApiGatewayV2::Stage", "apigateway:stages"),
    ("AWS::ApiGatewayV2::VpcLink", "apigateway:vpclinks"),
    ("AWS::CertificateManager::Certificate", "acm:certificate"),
    ("AWS::CloudTrail::Trail", "cloudtrail:trail"),
    ("AWS::Cognito::IdentityPool", "cognito-identity:identitypool"),
    ("AWS::Cognito::UserPool", "cognito-idp:userpool"),
    ("AWS::DynamoDB::Table", "dynamodb:table"),
    ("AWS::EC2::DHCPOptions", "ec2:dhcp-options"),
    ("AWS::EC2::EIP", "ec2:elastic-ip"),
    ("AWS::EC2::EgressOnlyInternetGateway", "ec2:egress-only-internet-gateway"),
    ("AWS::EC2::FlowLog", "ec2:vpc-flow-log"),
    ("AWS::EC2::InternetGateway", "ec2:internet-gateway"),
    ("AWS::EC2::NatGateway", "ec2:natgateway"),
    ("AWS::EC2::NetworkAcl", "ec2:network-acl"),
    ("AWS::EC2::NetworkInterface", "ec2:network-interface"),
    ("AWS::EC2::PrefixList", "ec2:prefix-list"),
    ("AWS::EC2::RouteTable", "ec2:route-table"),
    ("AWS::EC2::SecurityGroup", "ec2:security-group"),
    ("AWS::EC2::Subnet", "ec2:subnet"),
    ("AWS::EC2::TransitGateway", "ec2:transit-gateway"),
    ("AWS::EC2::TransitGatewayAttachment", "ec2:transit-gateway-attachment"),
    ("AWS::EC2::TransitGatewayRouteTable", "ec2:transit-gateway-route-table"),
    ("AWS::EC2::VPC", "ec2:vpc"),
    ("AWS::EC2::VPCEndpoint", "ec2:vpc-endpoint"),
    ("AWS::EC2::VPCPeeringConnection", "ec2:vpc-peering-connection"),
    ("AWS::ECR::Repository", "ecr:repository"),
    ("AWS::ECS::Cluster", "ecs:cluster"),
    ("AWS::ECS::Service", "ecs:service"),
    ("AWS::ECS::Task", "ecs:task"),
    ("AWS::ECS::TaskDefinition", "ecs:task-definition"),
    ("AWS::ElasticLoadBalancingV2::Listener", "elasticloadbalancing:listener"),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", "elasticloadbalancing:listener-rule"),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "elasticloadbalancing:loadbalancer"),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", "elasticloadbalancing:targetgroup"),
    ("AWS::IAM::InstanceProfile", "iam:instance-profile"),
    ("AWS::IAM::ManagedPolicy", "iam:policy"),
    ("AWS::IAM::OIDCProvider", "iam:oidc-provider"),
    ("AWS::IAM::SAMLProvider", "iam:saml-provider"),
    ("AWS::IAM::VirtualMFADevice", "iam:mfa"),
    ("AWS::KMS::Key", "kms:key"),
    ("AWS::Logs::LogGroup", "logs:log-group"),
    ("AWS::RDS::DBInstance", "rds:db"),
    ("AWS::RDS::DBParameterGroup", "rds:pg"),
    ("AWS::RDS::DBSubnetGroup", "rds:subgrp"),
    ("AWS::S3::Bucket", "s3:bucket"),
    ("AWS::SSM::Parameter", "ssm:parameter"),
    ("AWS::SecretsManager::Secret", "secretsmanager:secret"),
];

/// Refuses a node whose new tags the policy of its account does not let it have.
pub fn check(snapshot: &Snapshot, node: &dyn AnyNode) -> Result<(), Fault> {
    if node.tags().is_empty() || !enabled(snapshot) {
        return Ok(());
    }
    let key = node.key();
    let Ok(at) = TYPES.binary_search_by_key(&key.kind, |(kind, _)| kind) else { return Ok(()) };
    let Some((_, resource_type)) = TYPES.get(at) else { return Ok(()) };
    let before = snapshot.get(&key).map(|node| node.tags());
    let new = node.tags().iter().filter(|(name, value)| before.and_then(|b| b.get(*name)) != Some(*value));
    let mut new = new.filter(|(name, _)| !name.starts_with("aws:")).peekable();
    if new.peek().is_none() {
        return Ok(());
    }
    let Some(policy) = effective(snapshot, &key.account, TAG_POLICY) else { return Ok(()) };
    let rules: Vec<(&String, &Json)> =
        policy.get("tags").and_then(Json::as_object).into_iter().flatten().collect();
    new.try_for_each(|(name, value)| {
        rules.iter().try_for_each(|(of, rule)| judge(of, rule, resource_type, name, value))
    })
}

fn enabled(snapshot: &Snapshot) -> bool {
    let organization = snapshot.all::<Organization>().next();
    organization.is_some_and(|organization| organization.policy_types.iter().any(|t| t == TAG_POLICY))
}

/// One tag against what the policy says about one key.
fn judge(of: &str, rule: &Json, resource_type: &str, name: &str, value: &str) -> Result<(), Fault> {
    let right = rule.get("tag_key").and_then(Json::as_str).unwrap_or(of);
    let texts = |member: &str| {
        rule.get(member).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
    };
    let enforced = texts("enforced_for").any(|pattern| is_of(pattern, resource_type));
    if !enforced || right.to_lowercase() != name.to_lowercase() {
        return Ok(());
    }
    let refused = |what: &str| {
        let message = format!(
            "The tag policy does not allow the specified {what} for the following tag key: '{name}'."
        );
        Err(Fault::client("TagPolicyViolation", message))
    };
    if right != name {
        return refused("capitalization");
    }
    let any = rule.get("tag_value").is_none();
    match any || texts("tag_value").any(|pattern| matches(pattern, value)) {
        true => Ok(()),
        false => refused("value"),
    }
}

/// `ec2:subnet`, `ec2:ALL_SUPPORTED`, and `ec2:*` as it was written before.
fn is_of(pattern: &str, resource_type: &str) -> bool {
    let service = pattern.strip_suffix(":ALL_SUPPORTED").or_else(|| pattern.strip_suffix(":*"));
    match service {
        Some(service) => resource_type.split_once(':').is_some_and(|(of, _)| of == service),
        None => pattern == resource_type,
    }
}

/// `*` stands for any text.
fn matches(pattern: &str, value: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == value };
    let Some(mut left) = value.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(TYPES.is_sorted());
    }

    #[test]
    fn what_is_enforced_is_refused() {
        let rule = json!({"tag_key": "CostCenter", "tag_value": ["100", "2*", "*@x.example", "a*b*c"],
            "enforced_for": ["ec2:ALL_SUPPORTED", "s3:bucket", "kms:*"]});
        for (resource, name, value, allowed) in [
            ("s3:bucket", "CostCenter", "100", true),
            ("s3:bucket", "CostCenter", "200", true),
            ("s3:bucket", "CostCenter", "a@x.example", true),
            ("s3:bucket", "CostCenter", "a-b-c", true),
            ("s3:bucket", "CostCenter", "a-c", false),
            ("s3:bucket", "CostCenter", "1000", false),
            ("s3:bucket", "CostCenter", "", false),
            ("s3:bucket", "costcenter", "100", false),
            ("s3:bucket", "Other", "1000", true),
            ("ec2:subnet", "CostCenter", "1000", false),
            ("kms:key", "COSTCENTER", "100", false),
            ("ssm:parameter", "CostCenter", "1000", true),
        ] {
            let found = judge("costcenter", &rule, resource, name, value);
            assert_eq!(found.is_ok(), allowed, "{resource} {name}={value}");
        }
        let keys = json!({"enforced_for": ["s3:bucket"]});
        assert!(judge("team", &keys, "s3:bucket", "team", "any").is_ok());
        assert!(judge("team", &keys, "s3:bucket", "Team", "any").is_err());
    }
}
