//! Amazon Cognito user pools: users sign up and sign in, and get tokens that say who they are.
//!
//! Passwords are SRP verifiers and users are sealed records; a session, a code or a refresh
//! token that did not come from here opens nothing.

mod admin;
mod attempt;
mod attribute;
mod challenge;
mod client;
mod code;
mod directory;
mod domain;
mod fault;
mod grant;
mod group;
mod iam;
mod key;
mod oauth;
mod page;
mod password;
mod pool;
mod profile;
mod provider;
mod recovery;
mod schema;
mod scope;
mod session;
#[rustfmt::skip]
mod shapes;
mod signin;
mod signup;
mod srp;
mod token;
mod totp;
mod user;

use model::estate::cognito::TokenIssuer;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "cognito-idp",
    model: include_str!("../cognito-idp.model"),
    types: include_str!("../cognito-idp.cfn"),
    actions: include_str!("../cognito-idp.iam"),
    operations: model::operations![
        write CreateUserPool => pool::create_user_pool,
        read DescribeUserPool => pool::describe_user_pool,
        write UpdateUserPool => pool::update_user_pool,
        write DeleteUserPool => pool::delete_user_pool,
        read ListUserPools => pool::list_user_pools,
        write AddCustomAttributes => pool::add_custom_attributes,
        write SetUserPoolMfaConfig => pool::set_user_pool_mfa_config,
        read GetUserPoolMfaConfig => pool::get_user_pool_mfa_config,
        write TagResource => pool::tag_resource,
        write UntagResource => pool::untag_resource,
        read ListTagsForResource => pool::list_tags_for_resource,
        write CreateUserPoolClient => client::create_user_pool_client,
        read DescribeUserPoolClient => client::describe_user_pool_client,
        write UpdateUserPoolClient => client::update_user_pool_client,
        write DeleteUserPoolClient => client::delete_user_pool_client,
        read ListUserPoolClients => client::list_user_pool_clients,
        write CreateResourceServer => scope::create_resource_server,
        read DescribeResourceServer => scope::describe_resource_server,
        write UpdateResourceServer => scope::update_resource_server,
        write DeleteResourceServer => scope::delete_resource_server,
        read ListResourceServers => scope::list_resource_servers,
        write CreateUserPoolDomain => domain::create_user_pool_domain,
        read DescribeUserPoolDomain => domain::describe_user_pool_domain,
        write DeleteUserPoolDomain => domain::delete_user_pool_domain,
        write CreateGroup => group::create_group,
        read GetGroup => group::get_group,
        write UpdateGroup => group::update_group,
        write DeleteGroup => group::delete_group,
        read ListGroups => group::list_groups,
        write AdminAddUserToGroup => group::admin_add_user_to_group,
        write AdminRemoveUserFromGroup => group::admin_remove_user_from_group,
        read AdminListGroupsForUser => group::admin_list_groups_for_user,
        read ListUsersInGroup => group::list_users_in_group,
        write SignUp => signup::sign_up,
        write ConfirmSignUp => signup::confirm_sign_up,
        write ResendConfirmationCode => signup::resend_confirmation_code,
        write InitiateAuth => signin::initiate_auth,
        write AdminInitiateAuth => signin::admin_initiate_auth,
        write RespondToAuthChallenge => challenge::respond_to_auth_challenge,
        write AdminRespondToAuthChallenge => challenge::admin_respond_to_auth_challenge,
        write AssociateSoftwareToken => challenge::associate_software_token,
        write VerifySoftwareToken => challenge::verify_software_token,
        write ForgotPassword => recovery::forgot_password,
        write ConfirmForgotPassword => recovery::confirm_forgot_password,
        write ChangePassword => recovery::change_password,
        write AdminResetUserPassword => recovery::admin_reset_user_password,
        read GetUser => profile::get_user,
        write UpdateUserAttributes => profile::update_user_attributes,
        write DeleteUserAttributes => profile::delete_user_attributes,
        write GetUserAttributeVerificationCode => profile::get_user_attribute_verification_code,
        write VerifyUserAttribute => profile::verify_user_attribute,
        write DeleteUser => profile::delete_user,
        write GlobalSignOut => profile::global_sign_out,
        write RevokeToken => profile::revoke_token,
        write SetUserMFAPreference => profile::set_user_mfa_preference,
        write AdminCreateUser => admin::admin_create_user,
        read AdminGetUser => admin::admin_get_user,
        write AdminDeleteUser => admin::admin_delete_user,
        write AdminDisableUser => admin::admin_disable_user,
        write AdminEnableUser => admin::admin_enable_user,
        write AdminConfirmSignUp => admin::admin_confirm_sign_up,
        write AdminSetUserPassword => admin::admin_set_user_password,
        write AdminUpdateUserAttributes => admin::admin_update_user_attributes,
        write AdminDeleteUserAttributes => admin::admin_delete_user_attributes,
        write AdminUserGlobalSignOut => admin::admin_user_global_sign_out,
        write AdminSetUserMFAPreference => admin::admin_set_user_mfa_preference,
        read ListUsers => directory::list_users,
        // No API of AWS's: what identity pools ask for.
        read VerifyIdToken => token::verify_id_token,
        // No API of AWS's: what the domain's token endpoint asks for.
        read IssueClientToken => oauth::issue_client_token,
    ],
    ask: iam::ask,
    nodes: &[
        NodeKind::of::<pool::UserPool>(),
        NodeKind::of::<client::Client>(),
        NodeKind::of::<scope::ResourceServer>(),
        NodeKind::of::<group::Group>(),
        NodeKind::of::<domain::Domain>(),
        NodeKind::of::<TokenIssuer>(),
    ],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
