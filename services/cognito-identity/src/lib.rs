//! Amazon Cognito identity pools: AWS credentials for users who are signed in elsewhere, and, where
//! a pool says so, for guests. A login is a token that its issuer verifies; what an identity gets
//! is a role, and the role's trust policy has the last word.
//!
//! Never decides about a role itself: it signs a token that says who asks, and STS judges that.

mod credentials;
mod iam;
mod identity;
mod issuer;
mod login;
mod pool;
mod provider;
mod role;
#[rustfmt::skip]
mod shapes;

use model::estate::cognito::IdentityIssuer;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "cognito-identity",
    model: include_str!("../cognito-identity.model"),
    types: include_str!("../cognito-identity.cfn"),
    actions: include_str!("../cognito-identity.iam"),
    operations: model::operations![
        write CreateIdentityPool => pool::create_identity_pool,
        read DescribeIdentityPool => pool::describe_identity_pool,
        write UpdateIdentityPool => pool::update_identity_pool,
        write DeleteIdentityPool => pool::delete_identity_pool,
        read ListIdentityPools => pool::list_identity_pools,
        write SetIdentityPoolRoles => role::set_identity_pool_roles,
        read GetIdentityPoolRoles => role::get_identity_pool_roles,
        write TagResource => pool::tag_resource,
        write UntagResource => pool::untag_resource,
        read ListTagsForResource => pool::list_tags_for_resource,
        write GetId => identity::get_id,
        read ListIdentities => identity::list_identities,
        read DescribeIdentity => identity::describe_identity,
        write DeleteIdentities => identity::delete_identities,
        write GetCredentialsForIdentity => credentials::get_credentials_for_identity,
        write GetOpenIdToken => credentials::get_open_id_token,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<pool::Pool>(), NodeKind::of::<IdentityIssuer>()],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
