//! AWS Secrets Manager. A secret's value is encrypted under a KMS data key that is bound to
//! the secret and its version: reading it is the caller's own `kms:Decrypt`.

mod content;
mod iam;
mod password;
mod policy;
mod provider;
mod secret;
#[rustfmt::skip]
mod shapes;
mod show;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "secretsmanager",
    model: include_str!("../secretsmanager.model"),
    types: include_str!("../secretsmanager.cfn"),
    actions: include_str!("../secretsmanager.iam"),
    operations: model::operations![
        write CreateSecret => secret::create_secret,
        read GetSecretValue => secret::get_secret_value,
        read BatchGetSecretValue => show::batch_get_secret_value,
        write PutSecretValue => secret::put_secret_value,
        write UpdateSecret => secret::update_secret,
        write UpdateSecretVersionStage => secret::update_secret_version_stage,
        write DeleteSecret => secret::delete_secret,
        write RestoreSecret => secret::restore_secret,
        write TagResource => secret::tag_resource,
        write UntagResource => secret::untag_resource,
        read DescribeSecret => show::describe_secret,
        read ListSecrets => show::list_secrets,
        read ListSecretVersionIds => show::list_secret_version_ids,
        read GetRandomPassword => password::get_random_password,
        read GetResourcePolicy => policy::get_resource_policy,
        write PutResourcePolicy => policy::put_resource_policy,
        write DeleteResourcePolicy => policy::delete_resource_policy,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<secret::Secret>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![DeleteSecret => secret::delete_due],
    founding: model::service::nothing,
};
