//! AWS KMS: keys, and what is done with them. Key material never leaves this service;
//! every use of a key is the caller's own, judged by the key's policy.

mod alias;
mod cipher;
mod crypto;
mod grant;
mod grantee;
mod iam;
mod key;
mod policy;
mod provider;
#[rustfmt::skip]
mod shapes;
mod token;

use model::estate::kms::Grant;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "kms",
    model: include_str!("../kms.model"),
    types: include_str!("../kms.cfn"),
    actions: include_str!("../kms.iam"),
    operations: model::operations![
        write CreateKey => key::create_key,
        read DescribeKey => key::describe_key,
        read ListKeys => key::list_keys,
        write EnableKey => key::enable_key,
        write DisableKey => key::disable_key,
        write UpdateKeyDescription => key::update_key_description,
        write ScheduleKeyDeletion => key::schedule_key_deletion,
        write CancelKeyDeletion => key::cancel_key_deletion,
        write EnableKeyRotation => key::enable_key_rotation,
        write DisableKeyRotation => key::disable_key_rotation,
        read GetKeyRotationStatus => key::get_key_rotation_status,
        write RotateKeyOnDemand => key::rotate_key_on_demand,
        write TagResource => key::tag_resource,
        write UntagResource => key::untag_resource,
        read ListResourceTags => key::list_resource_tags,
        read GetKeyPolicy => policy::get_key_policy,
        write PutKeyPolicy => policy::put_key_policy,
        read ListKeyPolicies => policy::list_key_policies,
        write CreateAlias => alias::create_alias,
        write UpdateAlias => alias::update_alias,
        write DeleteAlias => alias::delete_alias,
        read ListAliases => alias::list_aliases,
        read Encrypt => crypto::encrypt,
        read Decrypt => crypto::decrypt,
        read ReEncrypt => crypto::re_encrypt,
        read GenerateDataKey => crypto::generate_data_key,
        read GenerateDataKeyWithoutPlaintext => crypto::generate_data_key_without_plaintext,
        read GenerateRandom => crypto::generate_random,
        read GenerateMac => crypto::generate_mac,
        read VerifyMac => crypto::verify_mac,
        write CreateGrant => grant::create_grant,
        read ListGrants => grant::list_grants,
        read ListRetirableGrants => grant::list_retirable_grants,
        write RetireGrant => grant::retire_grant,
        write RevokeGrant => grant::revoke_grant,
        // No API of AWS's: services ask for the key they use where the customer names none.
        write EnsureManagedKey => key::ensure_managed_key,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<key::Key>(), NodeKind::of::<alias::Alias>(), NodeKind::of::<Grant>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![DeleteKey => key::delete_due, RotateKey => key::rotate_due],
    founding: model::service::nothing,
};
