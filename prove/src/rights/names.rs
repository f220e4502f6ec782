//! What the resources of a template are called: their names and ARNs as policies see them.
//!
//! A name that AWS would make up is a stand-in of the form that AWS gives it: `STACK-LOGICALID-EXAMPLE1`.

use std::cell::Cell;

use serde_json::Value as Json;
use template::{Lookup, Node, Scope};

use crate::Item;

/// Where a template is taken to be deployed.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    pub account: String,
    pub region: String,
    pub stack: String,
}

impl Default for Whereabouts {
    fn default() -> Whereabouts {
        Whereabouts {
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            stack: "template".to_owned(),
        }
    }
}

/// A type, the property with its name, what `Ref` gives and the ARN, in which `{n}` is the name, `{p}` the
/// path, `{r}` the region, `{a}` the account and `{arn}` the ARN.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>
const CALLED: &[(&str, &str, &str, &str)] = &[
    ("AWS::DynamoDB::Table", "TableName", "{n}", "arn:aws:dynamodb:{r}:{a}:table/{n}"),
    ("AWS::ECR::Repository", "RepositoryName", "{n}", "arn:aws:ecr:{r}:{a}:repository/{n}"),
    ("AWS::ECS::Cluster", "ClusterName", "{n}", "arn:aws:ecs:{r}:{a}:cluster/{n}"),
    ("AWS::ECS::Service", "ServiceName", "{arn}", "arn:aws:ecs:{r}:{a}:service/{n}"),
    ("AWS::ECS::TaskDefinition", "Family", "{arn}", "arn:aws:ecs:{r}:{a}:task-definition/{n}:1"),
    ("AWS::IAM::Group", "GroupName", "{n}", "arn:aws:iam::{a}:group{p}{n}"),
    ("AWS::IAM::InstanceProfile", "InstanceProfileName", "{n}", "arn:aws:iam::{a}:instance-profile{p}{n}"),
    ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", "{arn}", "arn:aws:iam::{a}:policy{p}{n}"),
    ("AWS::IAM::Role", "RoleName", "{n}", "arn:aws:iam::{a}:role{p}{n}"),
    ("AWS::IAM::User", "UserName", "{n}", "arn:aws:iam::{a}:user{p}{n}"),
    ("AWS::KMS::Alias", "AliasName", "{n}", "arn:aws:kms:{r}:{a}:{n}"),
    ("AWS::KMS::Key", "", "{n}", "arn:aws:kms:{r}:{a}:key/{n}"),
    ("AWS::Kinesis::Stream", "Name", "{n}", "arn:aws:kinesis:{r}:{a}:stream/{n}"),
    ("AWS::Lambda::Function", "FunctionName", "{n}", "arn:aws:lambda:{r}:{a}:function:{n}"),
    ("AWS::Logs::LogGroup", "LogGroupName", "{n}", "arn:aws:logs:{r}:{a}:log-group:{n}:*"),
    ("AWS::RDS::DBInstance", "DBInstanceIdentifier", "{n}", "arn:aws:rds:{r}:{a}:db:{n}"),
    ("AWS::S3::Bucket", "BucketName", "{n}", "arn:aws:s3:::{n}"),
    ("AWS::SNS::Topic", "TopicName", "{arn}", "arn:aws:sns:{r}:{a}:{n}"),
    ("AWS::SQS::Queue", "QueueName", "https://sqs.{r}.amazonaws.com/{a}/{n}", "arn:aws:sqs:{r}:{a}:{n}"),
    ("AWS::SSM::Parameter", "Name", "{n}", "arn:aws:ssm:{r}:{a}:parameter/{n}"),
    ("AWS::SecretsManager::Secret", "Name", "{arn}", "arn:aws:secretsmanager:{r}:{a}:secret:{n}-AbCdEf"),
    (
        "AWS::StepFunctions::StateMachine",
        "StateMachineName",
        "{arn}",
        "arn:aws:states:{r}:{a}:stateMachine:{n}",
    ),
];

/// Attributes that are the resource's own ARN.
const OWN: [&str; 6] = ["Arn", "LoadBalancerArn", "PolicyArn", "RoleArn", "ServiceArn", "TopicArn"];

/// The name, the value of `Ref` and the ARN of a resource.
pub(crate) struct Called {
    pub(crate) name: String,
    pub(crate) reference: String,
    pub(crate) arn: String,
}

impl Called {
    /// `given`: a property that is written as text.
    pub(crate) fn of(
        kind: &str,
        logical: &str,
        place: &Whereabouts,
        given: &dyn Fn(&str) -> Option<String>,
    ) -> Called {
        let other = other(kind);
        let row = CALLED.iter().find(|(of, ..)| *of == kind);
        let (_, property, reference, arn) = row.copied().unwrap_or(("", "Name", "{n}", other.as_str()));
        let made = || match kind {
            "AWS::S3::Bucket" => format!("{}-{logical}-example1", place.stack).to_ascii_lowercase(),
            "AWS::KMS::Key" => logical.to_owned(),
            _ => format!("{}-{logical}-EXAMPLE1", place.stack),
        };
        let name = given(property).filter(|n| !n.is_empty()).unwrap_or_else(made);
        let path = given("Path").unwrap_or_else(|| "/".to_owned());
        let fill = |pattern: &str| {
            pattern
                .replace("{r}", &place.region)
                .replace("{a}", &place.account)
                .replace("{p}", &path)
                .replace("{n}", &name)
        };
        // Of a parameter in a hierarchy the name begins with the `/` that the ARN has anyway.
        let arn = given("Arn").unwrap_or_else(|| fill(arn).replace(":parameter//", ":parameter/"));
        Called { reference: fill(reference).replace("{arn}", &arn), arn, name }
    }

    pub(crate) fn item(item: &Item, place: &Whereabouts) -> Called {
        Called::of(&item.kind, &item.name, place, &|property| item.text(property).map(str::to_owned))
    }
}

fn other(kind: &str) -> String {
    let service = kind.split("::").nth(1).unwrap_or_default().to_ascii_lowercase();
    format!("arn:aws:{service}:{{r}}:{{a}}:{{n}}")
}

/// Says what references stand for.
pub(crate) struct Names<'a> {
    place: &'a Whereabouts,
    /// For the names that properties write; none while conditions are decided.
    scope: Option<&'a Scope<'a>>,
    /// Names may be made of other names.
    depth: Cell<u32>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(place: &'a Whereabouts, scope: Option<&'a Scope<'a>>) -> Names<'a> {
        Names { place, scope, depth: Cell::new(0) }
    }

    fn called(&self, logical: &str) -> Option<Called> {
        let scope = self.scope?;
        let resource = scope.template.get("Resources")?.get(logical)?;
        let kind = resource.get("Type").and_then(Node::text)?;
        let given = |property: &str| {
            let node = resource.get("Properties")?.get(property)?;
            if self.depth.get() > 8 {
                return None;
            }
            self.depth.set(self.depth.get() + 1);
            let value = scope.value(node, self).ok();
            self.depth.set(self.depth.get() - 1);
            value?.value.as_str().map(str::to_owned)
        };
        Some(Called::of(kind, logical, self.place, &given))
    }
}

impl Lookup for Names<'_> {
    fn reference(&self, logical: &str) -> Option<Json> {
        Some(Json::String(self.called(logical)?.reference))
    }

    fn attribute(&self, logical: &str, name: &str) -> Option<Json> {
        let called = self.called(logical)?;
        let Whereabouts { account, region, .. } = self.place;
        Some(Json::String(match name {
            name if OWN.contains(&name) => called.arn,
            "MasterUserSecret.SecretArn" => {
                format!("arn:aws:secretsmanager:{region}:{account}:secret:rds!db-{logical}-AbCdEf")
            }
            name => format!("{logical}.{name}"),
        }))
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(format!("import.{name}"))
    }

    fn stored(&self, name: &str) -> Option<String> {
        Some(format!("stored.{name}"))
    }

    fn pseudo(&self, name: &str) -> Option<Json> {
        let text = match name {
            "AWS::AccountId" => &self.place.account,
            "AWS::Region" => &self.place.region,
            "AWS::StackName" => &self.place.stack,
            "AWS::Partition" => "aws",
            "AWS::URLSuffix" => "amazonaws.com",
            "AWS::StackId" => "stack",
            "AWS::NotificationARNs" => return Some(Json::Array(Vec::new())),
            _ => return None,
        };
        Some(Json::String(text.to_owned()))
    }

    fn zones(&self, region: &str) -> Vec<String> {
        ["a", "b", "c", "d", "e", "f"].iter().map(|zone| format!("{region}{zone}")).collect()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn types_are_sorted() {
        assert!(super::CALLED.is_sorted());
    }
}
