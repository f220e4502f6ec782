//! AWS Organizations: accounts, organizational units, and the policies that bound them.
//! The nodes are in the model, for every decision reads them.

mod account;
mod closure;
mod delegation;
mod document;
mod iam;
mod organization;
mod policy;
mod provider;
#[rustfmt::skip]
mod shapes;
mod tag;
mod target;
mod unit;

use model::Service;
use model::estate::iam::ORGANIZATION_NODES;

pub static SERVICE: Service = Service {
    name: "organizations",
    model: include_str!("../organizations.model"),
    types: include_str!("../organizations.cfn"),
    actions: include_str!("../organizations.iam"),
    operations: model::operations![
        write CreateOrganization => organization::create_organization,
        read DescribeOrganization => organization::describe_organization,
        write DeleteOrganization => organization::delete_organization,
        read ListRoots => organization::list_roots,
        write CreateAccount => account::create_account,
        read DescribeCreateAccountStatus => account::describe_create_account_status,
        read DescribeAccount => account::describe_account,
        read ListAccounts => account::list_accounts,
        read ListAccountsForParent => account::list_accounts_for_parent,
        write MoveAccount => account::move_account,
        write CloseAccount => closure::close_account,
        write CreateOrganizationalUnit => unit::create_organizational_unit,
        read DescribeOrganizationalUnit => unit::describe_organizational_unit,
        write UpdateOrganizationalUnit => unit::update_organizational_unit,
        write DeleteOrganizationalUnit => unit::delete_organizational_unit,
        read ListOrganizationalUnitsForParent => unit::list_organizational_units_for_parent,
        read ListParents => unit::list_parents,
        read ListChildren => unit::list_children,
        write CreatePolicy => policy::create_policy,
        read DescribePolicy => policy::describe_policy,
        write UpdatePolicy => policy::update_policy,
        write DeletePolicy => policy::delete_policy,
        read ListPolicies => policy::list_policies,
        write AttachPolicy => policy::attach_policy,
        write DetachPolicy => policy::detach_policy,
        read ListPoliciesForTarget => policy::list_policies_for_target,
        read ListTargetsForPolicy => policy::list_targets_for_policy,
        read DescribeEffectivePolicy => policy::describe_effective_policy,
        write EnablePolicyType => policy::enable_policy_type,
        write DisablePolicyType => policy::disable_policy_type,
        write EnableAWSServiceAccess => delegation::enable_aws_service_access,
        write DisableAWSServiceAccess => delegation::disable_aws_service_access,
        read ListAWSServiceAccessForOrganization => delegation::list_aws_service_access_for_organization,
        write RegisterDelegatedAdministrator => delegation::register_delegated_administrator,
        write DeregisterDelegatedAdministrator => delegation::deregister_delegated_administrator,
        read ListDelegatedAdministrators => delegation::list_delegated_administrators,
        read ListDelegatedServicesForAccount => delegation::list_delegated_services_for_account,
        write TagResource => tag::tag_resource,
        write UntagResource => tag::untag_resource,
        read ListTagsForResource => tag::list_tags_for_resource,
    ],
    ask: iam::ask,
    nodes: ORGANIZATION_NODES,
    resources: provider::RESOURCES,
    jobs: model::jobs![SuspendAccount => closure::suspend, EndAccount => closure::end],
    founding: model::service::nothing,
};
