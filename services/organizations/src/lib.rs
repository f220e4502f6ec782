//! AWS Organizations: accounts, organizational units, and the policies that bound them.
//! The nodes are in the model, for every decision reads them.

mod account;
mod iam;
mod policy;
#[rustfmt::skip]
mod shapes;
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
        read DescribeOrganization => account::describe_organization,
        read ListRoots => account::list_roots,
        write CreateAccount => account::create_account,
        read DescribeCreateAccountStatus => account::describe_create_account_status,
        read DescribeAccount => account::describe_account,
        read ListAccounts => account::list_accounts,
        read ListAccountsForParent => account::list_accounts_for_parent,
        write MoveAccount => account::move_account,
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
        write EnablePolicyType => policy::enable_policy_type,
        write DisablePolicyType => policy::disable_policy_type,
    ],
    ask: iam::ask,
    nodes: ORGANIZATION_NODES,
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};
