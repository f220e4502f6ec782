//! AWS-managed policies: those of `managed/`, each exact in effect on the services that are served.

use std::sync::Arc;

use model::estate::iam::{ManagedPolicy, PolicyVersion};
use model::graph::AnyNode;
use model::{AccountId, PolicyText, Tags, Timestamp};

/// Name, path and document.
const POLICIES: &[(&str, &str, &str)] = &[
    ("AdministratorAccess", "/", include_str!("../managed/AdministratorAccess.json")),
    ("ReadOnlyAccess", "/", include_str!("../managed/ReadOnlyAccess.json")),
    ("AWSCloudFormationReadOnlyAccess", "/", include_str!("../managed/AWSCloudFormationReadOnlyAccess.json")),
    ("PowerUserAccess", "/", include_str!("../managed/PowerUserAccess.json")),
    ("IAMFullAccess", "/", include_str!("../managed/IAMFullAccess.json")),
    ("IAMReadOnlyAccess", "/", include_str!("../managed/IAMReadOnlyAccess.json")),
    ("AmazonS3FullAccess", "/", include_str!("../managed/AmazonS3FullAccess.json")),
    ("AmazonS3ReadOnlyAccess", "/", include_str!("../managed/AmazonS3ReadOnlyAccess.json")),
    ("AmazonDynamoDBFullAccess_v2", "/", include_str!("../managed/AmazonDynamoDBFullAccess_v2.json")),
    ("SecretsManagerReadWrite", "/", include_str!("../managed/SecretsManagerReadWrite.json")),
    ("CloudWatchLogsFullAccess", "/", include_str!("../managed/CloudWatchLogsFullAccess.json")),
    (
        "AmazonECSTaskExecutionRolePolicy",
        "/service-role/",
        include_str!("../managed/AmazonECSTaskExecutionRolePolicy.json"),
    ),
    (
        "AWSLambdaBasicExecutionRole",
        "/service-role/",
        include_str!("../managed/AWSLambdaBasicExecutionRole.json"),
    ),
    ("IAMUserChangePassword", "/", include_str!("../managed/IAMUserChangePassword.json")),
];

/// They stand in no account and belong to everyone.
pub(crate) fn founding() -> Vec<Arc<dyn AnyNode>> {
    POLICIES
        .iter()
        .map(|(name, path, document)| Arc::new(policy(name, path, document)) as Arc<dyn AnyNode>)
        .collect()
}

fn policy(name: &str, path: &str, document: &str) -> ManagedPolicy {
    let id: String = name.bytes().cycle().take(17).map(|b| char::from(b'A' + b % 26)).collect();
    ManagedPolicy {
        account: AccountId::none(),
        name: name.to_owned(),
        path: path.to_owned(),
        id: format!("ANPA{id}"),
        description: None,
        created: Timestamp(0),
        updated: Timestamp(0),
        versions: vec![PolicyVersion {
            id: "v1".to_owned(),
            created: Timestamp(0),
            document: PolicyText::new(document.trim(), None),
        }],
        default_version: "v1".to_owned(),
        tags: Tags::new(),
    }
}
