//! AWS Resource Access Manager: what accounts share with one another. Decides which resources a share
//! has, for whom and what for; that a share grants no more and no longer than that is decided by
//! `decide`, from the nodes in `model::estate::ram`.
//!
//! Never shares on its own: whoever is outside the organization must accept first.

mod association;
mod fault;
mod iam;
mod invitation;
mod listing;
mod organization;
mod page;
mod permission;
mod provider;
#[rustfmt::skip]
mod shapes;
mod share;
mod tag;
mod version;

use model::Service;
use model::estate::ram::NODES;

pub static SERVICE: Service = Service {
    name: "ram",
    model: include_str!("../ram.model"),
    types: include_str!("../ram.cfn"),
    actions: include_str!("../ram.iam"),
    operations: model::operations![
        write CreateResourceShare => share::create_resource_share,
        write UpdateResourceShare => share::update_resource_share,
        write DeleteResourceShare => share::delete_resource_share,
        read GetResourceShares => share::get_resource_shares,
        write AssociateResourceShare => association::associate_resource_share,
        write DisassociateResourceShare => association::disassociate_resource_share,
        read GetResourceShareAssociations => listing::get_resource_share_associations,
        read ListResources => listing::list_resources,
        read ListPrincipals => listing::list_principals,
        read ListResourceTypes => listing::list_resource_types,
        read GetResourcePolicies => listing::get_resource_policies,
        read GetResourceShareInvitations => invitation::get_resource_share_invitations,
        write AcceptResourceShareInvitation => invitation::accept_resource_share_invitation,
        write RejectResourceShareInvitation => invitation::reject_resource_share_invitation,
        read ListPendingInvitationResources => listing::list_pending_invitation_resources,
        write EnableSharingWithAwsOrganization => organization::enable_sharing,
        read ListPermissions => permission::list_permissions,
        read GetPermission => permission::get_permission,
        read ListPermissionVersions => permission::list_permission_versions,
        read ListPermissionAssociations => permission::list_permission_associations,
        write AssociateResourceSharePermission => permission::associate,
        write DisassociateResourceSharePermission => permission::disassociate,
        read ListResourceSharePermissions => permission::list_of_share,
        write CreatePermission => version::create_permission,
        write CreatePermissionVersion => version::create_permission_version,
        write DeletePermission => version::delete_permission,
        write DeletePermissionVersion => version::delete_permission_version,
        write SetDefaultPermissionVersion => version::set_default_permission_version,
        write TagResource => tag::tag_resource,
        write UntagResource => tag::untag_resource,
    ],
    ask: iam::ask,
    nodes: NODES,
    resources: provider::RESOURCES,
    jobs: model::jobs![Forget => share::forget],
    founding: model::service::nothing,
};
