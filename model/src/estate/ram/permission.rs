//! Permissions: for one type of resource, what a share lets its principals do.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::ids::{Arn, arn};
use crate::{AccountId, Snapshot, Tags, Timestamp};

/// A type of resource that can be shared here.
#[derive(Debug)]
pub struct ResourceType {
    /// `ec2:Subnet`.
    pub name: &'static str,
    pub service: &'static str,
    /// What stands before the id in ARNs.
    pub path: &'static str,
    /// Cannot be shared outside the organization.
    pub internal: bool,
    /// Roles and users can be principals.
    pub principals: bool,
    /// What permissions may grant.
    pub actions: &'static [&'static str],
}

pub const TYPES: &[ResourceType] = &[
    ResourceType {
        name: "ec2:PrefixList",
        service: "ec2",
        path: "prefix-list/",
        internal: false,
        principals: false,
        actions: &["ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"],
    },
    ResourceType {
        name: "ec2:Subnet",
        service: "ec2",
        path: "subnet/",
        internal: true,
        principals: false,
        actions: &["ec2:RunInstances", "ec2:CreateNetworkInterface", "ec2:DescribeSubnets"],
    },
    ResourceType {
        name: "ssm:Parameter",
        service: "ssm",
        path: "parameter/",
        internal: false,
        principals: true,
        actions: &[
            "ssm:DescribeParameters",
            "ssm:GetParameter",
            "ssm:GetParameters",
            "ssm:GetParameterHistory",
        ],
    },
];

/// The type of a resource, if its type can be shared.
pub fn type_of(resource: &str) -> Option<&'static ResourceType> {
    let parsed = Arn::parse(resource)?;
    let id = |t: &ResourceType| parsed.resource.strip_prefix(t.path).is_some_and(|id| !id.is_empty());
    TYPES.iter().find(|t| t.service == parsed.service && id(t))
}

/// A permission that AWS keeps. Each has one version.
#[derive(Debug)]
pub struct AwsPermission {
    pub name: &'static str,
    pub resource_type: &'static str,
    /// The one that a share has where none is named.
    pub default: bool,
    pub actions: &'static [&'static str],
}

impl AwsPermission {
    pub fn arn(&self) -> String {
        format!("arn:aws:ram::aws:permission/{}", self.name)
    }

    pub fn template(&self) -> Json {
        json!({"Effect": "Allow", "Action": self.actions})
    }
}

pub const AWS_PERMISSIONS: &[AwsPermission] = &[
    AwsPermission {
        name: "AWSRAMDefaultPermissionPrefixList",
        resource_type: "ec2:PrefixList",
        default: true,
        actions: &["ec2:DescribeManagedPrefixLists", "ec2:GetManagedPrefixListEntries"],
    },
    AwsPermission {
        name: "AWSRAMDefaultPermissionSSMParameterReadOnly",
        resource_type: "ssm:Parameter",
        default: true,
        actions: &["ssm:DescribeParameters", "ssm:GetParameter", "ssm:GetParameters"],
    },
    AwsPermission {
        name: "AWSRAMDefaultPermissionSubnet",
        resource_type: "ec2:Subnet",
        default: true,
        actions: &["ec2:RunInstances", "ec2:CreateNetworkInterface", "ec2:DescribeSubnets"],
    },
    AwsPermission {
        name: "AWSRAMPermissionSSMParameterReadOnlyWithHistory",
        resource_type: "ssm:Parameter",
        default: false,
        actions: &[
            "ssm:DescribeParameters",
            "ssm:GetParameter",
            "ssm:GetParameters",
            "ssm:GetParameterHistory",
        ],
    },
];

/// A permission that an account keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Permission {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    pub resource_type: String,
    pub versions: Vec<Version>,
    pub default_version: i64,
    /// The number that the next version will have.
    pub next_version: i64,
    pub created: Timestamp,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub number: i64,
    /// A statement without principal and resource; JSON.
    pub template: String,
    pub created: Timestamp,
}

impl Permission {
    pub fn arn(&self) -> String {
        arn("ram", &self.region, &self.account, &format!("permission/{}", self.name))
    }

    pub fn version(&self, number: i64) -> Option<&Version> {
        self.versions.iter().find(|v| v.number == number)
    }
}

crate::regional_node!(Permission, "AWS::RAM::Permission", name);

/// The statement of a version of a permission, as long as there is one.
pub fn template_of(snapshot: &Snapshot, permission: &str, version: i64) -> Option<Json> {
    if let Some(kept) = AWS_PERMISSIONS.iter().find(|p| p.arn() == permission) {
        return (version == 1).then(|| kept.template());
    }
    let own = snapshot.find_arn::<Permission>(permission)?;
    serde_json::from_str(&own.version(version)?.template).ok()
}

/// The actions of a template.
pub fn actions_of(template: &Json) -> Vec<&str> {
    match template.get("Action") {
        Some(Json::String(one)) => vec![one.as_str()],
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}
