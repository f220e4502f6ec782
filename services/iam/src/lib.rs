//! AWS Identity and Access Management: users, groups, roles and their policies. The
//! nodes are in the model, for every decision reads them.

mod accessed;
mod account;
mod attach;
mod details;
mod entities;
mod group;
mod iam;
mod inline;
mod key;
mod linked;
mod login;
mod managed;
mod mfa;
mod oidc;
mod page;
mod password;
mod policy;
mod profile;
mod provider;
mod report;
mod role;
mod saml;
#[rustfmt::skip]
mod shapes;
mod simulate;
mod totp;
mod trusted;
mod usage;
mod user;

use model::Service;

pub static SERVICE: Service = Service {
    name: "iam",
    model: include_str!("../iam.model"),
    types: include_str!("../iam.cfn"),
    actions: include_str!("../iam.iam"),
    operations: model::operations![
        write CreateUser => user::create_user,
        read GetUser => user::get_user,
        read ListUsers => user::list_users,
        write UpdateUser => user::update_user,
        write DeleteUser => user::delete_user,
        write TagUser => user::tag_user,
        write UntagUser => user::untag_user,
        read ListUserTags => user::list_user_tags,
        write PutUserPermissionsBoundary => user::put_user_permissions_boundary,
        write DeleteUserPermissionsBoundary => user::delete_user_permissions_boundary,
        write CreateGroup => group::create_group,
        write UpdateGroup => group::update_group,
        read GetGroup => group::get_group,
        read ListGroups => group::list_groups,
        write DeleteGroup => group::delete_group,
        write AddUserToGroup => group::add_user_to_group,
        write RemoveUserFromGroup => group::remove_user_from_group,
        read ListGroupsForUser => group::list_groups_for_user,
        write CreateRole => role::create_role,
        read GetRole => role::get_role,
        read ListRoles => role::list_roles,
        write UpdateRole => role::update_role,
        write UpdateAssumeRolePolicy => role::update_assume_role_policy,
        write DeleteRole => role::delete_role,
        write TagRole => role::tag_role,
        write UntagRole => role::untag_role,
        read ListRoleTags => role::list_role_tags,
        write PutRolePermissionsBoundary => role::put_role_permissions_boundary,
        write DeleteRolePermissionsBoundary => role::delete_role_permissions_boundary,
        write CreatePolicy => policy::create_policy,
        read GetPolicy => policy::get_policy,
        read ListPolicies => policy::list_policies,
        write DeletePolicy => policy::delete_policy,
        write CreatePolicyVersion => policy::create_policy_version,
        read GetPolicyVersion => policy::get_policy_version,
        read ListPolicyVersions => policy::list_policy_versions,
        write DeletePolicyVersion => policy::delete_policy_version,
        write SetDefaultPolicyVersion => policy::set_default_policy_version,
        write TagPolicy => policy::tag_policy,
        write UntagPolicy => policy::untag_policy,
        read ListPolicyTags => policy::list_policy_tags,
        write AttachUserPolicy => attach::attach_user_policy,
        write DetachUserPolicy => attach::detach_user_policy,
        read ListAttachedUserPolicies => attach::list_attached_user_policies,
        write AttachGroupPolicy => attach::attach_group_policy,
        write DetachGroupPolicy => attach::detach_group_policy,
        read ListAttachedGroupPolicies => attach::list_attached_group_policies,
        write AttachRolePolicy => attach::attach_role_policy,
        write DetachRolePolicy => attach::detach_role_policy,
        read ListAttachedRolePolicies => attach::list_attached_role_policies,
        write PutUserPolicy => attach::put_user_policy,
        read GetUserPolicy => attach::get_user_policy,
        write DeleteUserPolicy => attach::delete_user_policy,
        read ListUserPolicies => attach::list_user_policies,
        write PutGroupPolicy => attach::put_group_policy,
        read GetGroupPolicy => attach::get_group_policy,
        write DeleteGroupPolicy => attach::delete_group_policy,
        read ListGroupPolicies => attach::list_group_policies,
        write PutRolePolicy => attach::put_role_policy,
        read GetRolePolicy => attach::get_role_policy,
        write DeleteRolePolicy => attach::delete_role_policy,
        read ListRolePolicies => attach::list_role_policies,
        write CreateAccessKey => key::create_access_key,
        read ListAccessKeys => key::list_access_keys,
        write UpdateAccessKey => key::update_access_key,
        write DeleteAccessKey => key::delete_access_key,
        write CreateLoginProfile => login::create_login_profile,
        read GetLoginProfile => login::get_login_profile,
        write UpdateLoginProfile => login::update_login_profile,
        write DeleteLoginProfile => login::delete_login_profile,
        write ChangePassword => login::change_password,
        read GetAccountPasswordPolicy => password::get_account_password_policy,
        write UpdateAccountPasswordPolicy => password::update_account_password_policy,
        write DeleteAccountPasswordPolicy => password::delete_account_password_policy,
        read GetAccountSummary => details::get_account_summary,
        read GetAccountAuthorizationDetails => details::get_account_authorization_details,
        write GenerateCredentialReport => report::generate_credential_report,
        read GetCredentialReport => report::get_credential_report,
        read GetAccessKeyLastUsed => usage::get_access_key_last_used,
        noted GenerateServiceLastAccessedDetails => accessed::generate_service_last_accessed_details,
        read GetServiceLastAccessedDetails => accessed::get_service_last_accessed_details,
        read GetServiceLastAccessedDetailsWithEntities => accessed::get_service_last_accessed_details_with_entities,
        write CreateOpenIDConnectProvider => oidc::create_open_id_connect_provider,
        read GetOpenIDConnectProvider => oidc::get_open_id_connect_provider,
        read ListOpenIDConnectProviders => oidc::list_open_id_connect_providers,
        write DeleteOpenIDConnectProvider => oidc::delete_open_id_connect_provider,
        write UpdateOpenIDConnectProviderThumbprint => oidc::update_open_id_connect_provider_thumbprint,
        write AddClientIDToOpenIDConnectProvider => oidc::add_client_id,
        write RemoveClientIDFromOpenIDConnectProvider => oidc::remove_client_id,
        write TagOpenIDConnectProvider => oidc::tag_open_id_connect_provider,
        write UntagOpenIDConnectProvider => oidc::untag_open_id_connect_provider,
        read ListOpenIDConnectProviderTags => oidc::list_open_id_connect_provider_tags,
        write CreateSAMLProvider => saml::create_saml_provider,
        read GetSAMLProvider => saml::get_saml_provider,
        read ListSAMLProviders => saml::list_saml_providers,
        write UpdateSAMLProvider => saml::update_saml_provider,
        write DeleteSAMLProvider => saml::delete_saml_provider,
        write TagSAMLProvider => saml::tag_saml_provider,
        write UntagSAMLProvider => saml::untag_saml_provider,
        read ListSAMLProviderTags => saml::list_saml_provider_tags,
        write CreateServiceLinkedRole => linked::create_service_linked_role,
        write DeleteServiceLinkedRole => linked::delete_service_linked_role,
        read GetServiceLinkedRoleDeletionStatus => linked::get_service_linked_role_deletion_status,
        write UpdateRoleDescription => role::update_role_description,
        write TagInstanceProfile => profile::tag_instance_profile,
        write UntagInstanceProfile => profile::untag_instance_profile,
        read ListInstanceProfileTags => profile::list_instance_profile_tags,
        read ListEntitiesForPolicy => entities::list_entities_for_policy,
        write CreateAccountAlias => account::create_account_alias,
        write DeleteAccountAlias => account::delete_account_alias,
        read ListAccountAliases => account::list_account_aliases,
        write CreateVirtualMFADevice => mfa::create_virtual_mfa_device,
        write DeleteVirtualMFADevice => mfa::delete_virtual_mfa_device,
        read ListVirtualMFADevices => mfa::list_virtual_mfa_devices,
        write EnableMFADevice => mfa::enable_mfa_device,
        write DeactivateMFADevice => mfa::deactivate_mfa_device,
        write ResyncMFADevice => mfa::resync_mfa_device,
        read ListMFADevices => mfa::list_mfa_devices,
        read GetMFADevice => mfa::get_mfa_device,
        write TagMFADevice => mfa::tag_mfa_device,
        write UntagMFADevice => mfa::untag_mfa_device,
        read ListMFADeviceTags => mfa::list_mfa_device_tags,
        // No API of AWS's: what STS asks.
        write CheckMfaCode => mfa::check_mfa_code,
        read SimulateCustomPolicy => simulate::simulate_custom_policy,
        read SimulatePrincipalPolicy => simulate::simulate_principal_policy,
        read GetContextKeysForCustomPolicy => simulate::get_context_keys_for_custom_policy,
        read GetContextKeysForPrincipalPolicy => simulate::get_context_keys_for_principal_policy,
        write CreateInstanceProfile => profile::create_instance_profile,
        read GetInstanceProfile => profile::get_instance_profile,
        write DeleteInstanceProfile => profile::delete_instance_profile,
        write AddRoleToInstanceProfile => profile::add_role_to_instance_profile,
        write RemoveRoleFromInstanceProfile => profile::remove_role_from_instance_profile,
        read ListInstanceProfiles => profile::list_instance_profiles,
        read ListInstanceProfilesForRole => profile::list_instance_profiles_for_role,
    ],
    ask: iam::ask,
    nodes: &[
        model::NodeKind::of::<model::estate::iam::User>(),
        model::NodeKind::of::<model::estate::iam::Group>(),
        model::NodeKind::of::<model::estate::iam::Role>(),
        model::NodeKind::of::<model::estate::iam::ManagedPolicy>(),
        model::NodeKind::of::<model::estate::iam::AccessKey>(),
        model::NodeKind::of::<profile::Profile>(),
        model::NodeKind::of::<mfa::Device>(),
        model::NodeKind::of::<model::estate::iam::OidcProvider>(),
        model::NodeKind::of::<model::estate::iam::SamlProvider>(),
        model::NodeKind::of::<account::Alias>(),
        model::NodeKind::of::<login::Login>(),
        model::NodeKind::of::<password::Rules>(),
    ],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: managed::founding,
};
