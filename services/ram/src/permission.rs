//! Permissions, AWS's and the account's own, and which of them a share has.

use model::estate::ram::{AWS_PERMISSIONS, AwsPermission, Granted, Permission, ResourceType, Share, type_of};
use model::{Fault, Timestamp, Tx};

use crate::fault::{invalid, malformed, transition, unknown};
use crate::page::page;
use crate::shapes::*;
use crate::{share, tag};

/// When AWS's permissions were made, as far as anybody here asks.
const SINCE: Timestamp = Timestamp(0);

/// A permission of either kind.
pub(crate) enum Found {
    Aws(&'static AwsPermission),
    Own(Permission),
}

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<Found, Fault> {
    if let Some(kept) = AWS_PERMISSIONS.iter().find(|p| p.arn() == arn) {
        return Ok(Found::Aws(kept));
    }
    customer(tx, arn).map(Found::Own)
}

/// A customer managed permission of the account's in this region.
pub(crate) fn customer(tx: &Tx<'_>, arn: &str) -> Result<Permission, Fault> {
    let parsed = model::Arn::parse(arn).filter(|a| a.service == "ram");
    if !parsed.is_some_and(|a| a.resource.starts_with("permission/")) {
        return Err(malformed("The specified permission ARN is not valid. Verify the ARN and try again."));
    }
    let found = tx.find_arn::<Permission>(arn).filter(|p| p.account == tx.account && p.region == tx.region);
    found.cloned().ok_or_else(|| unknown(&format!("Permission {arn}")))
}

impl Found {
    fn arn(&self) -> String {
        match self {
            Found::Aws(kept) => kept.arn(),
            Found::Own(own) => own.arn(),
        }
    }

    fn resource_type(&self) -> &str {
        match self {
            Found::Aws(kept) => kept.resource_type,
            Found::Own(own) => &own.resource_type,
        }
    }

    fn default_version(&self) -> i64 {
        match self {
            Found::Aws(_) => 1,
            Found::Own(own) => own.default_version,
        }
    }

    fn granted(&self, now: Timestamp) -> Granted {
        Granted {
            arn: self.arn(),
            version: self.default_version(),
            resource_type: self.resource_type().to_owned(),
            since: now,
        }
    }

    /// One version of it, if there is one.
    pub(crate) fn summary(&self, number: i64) -> Option<ResourceSharePermissionSummary> {
        let (name, created, updated) = match self {
            Found::Aws(kept) => (kept.name, SINCE, SINCE),
            Found::Own(own) => (own.name.as_str(), own.created, own.version(number)?.created),
        };
        let (kind, default, tags) = match self {
            Found::Aws(kept) if number == 1 => ("AWS_MANAGED", kept.default, None),
            Found::Aws(_) => return None,
            Found::Own(own) => ("CUSTOMER_MANAGED", false, Some(tag::shown(&own.tags))),
        };
        Some(ResourceSharePermissionSummary {
            arn: Some(self.arn()),
            version: Some(number.to_string()),
            default_version: Some(number == self.default_version()),
            name: Some(name.to_owned()),
            resource_type: Some(self.resource_type().to_owned()),
            status: Some("ATTACHABLE".to_owned()),
            creation_time: Some(created),
            last_updated_time: Some(updated),
            is_resource_type_default: Some(default),
            permission_type: Some(kind.to_owned()),
            feature_set: Some("STANDARD".to_owned()),
            tags,
        })
    }

    pub(crate) fn detail(&self, number: i64) -> Option<ResourceSharePermissionDetail> {
        let template = match self {
            Found::Aws(kept) => kept.template().to_string(),
            Found::Own(own) => own.version(number)?.template.clone(),
        };
        let summary = self.summary(number)?;
        Some(ResourceSharePermissionDetail {
            arn: summary.arn,
            version: summary.version,
            default_version: summary.default_version,
            name: summary.name,
            resource_type: summary.resource_type,
            permission: Some(template),
            creation_time: summary.creation_time,
            last_updated_time: summary.last_updated_time,
            is_resource_type_default: summary.is_resource_type_default,
            permission_type: summary.permission_type,
            feature_set: summary.feature_set,
            status: summary.status,
            tags: summary.tags,
        })
    }
}

/// The permissions that a new share names: one for each type.
pub(crate) fn add_named(tx: &Tx<'_>, share: &mut Share, arns: &[String]) -> Result<(), Fault> {
    for arn in arns {
        let granted = find(tx, arn)?.granted(tx.now);
        if share.permissions.iter().any(|p| p.resource_type == granted.resource_type) {
            let of = granted.resource_type;
            return Err(invalid(format!(
                "Only one permission can be associated for the resource type {of}."
            )));
        }
        share.permissions.push(granted);
    }
    Ok(())
}

/// Where no permission is named for a type, the share has AWS's default for it.
pub(crate) fn add_default(share: &mut Share, of: &ResourceType, now: Timestamp) -> Result<(), Fault> {
    if share.permissions.iter().any(|p| p.resource_type == of.name) {
        return Ok(());
    }
    let default = AWS_PERMISSIONS.iter().find(|p| p.default && p.resource_type == of.name);
    let default = default.ok_or_else(|| invalid(format!("{} has no default permission.", of.name)))?;
    share.permissions.push(Found::Aws(default).granted(now));
    Ok(())
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_AssociateResourceSharePermission.html>
pub(crate) fn associate(
    tx: &mut Tx<'_>,
    input: AssociateResourceSharePermissionRequest,
) -> Result<AssociateResourceSharePermissionResponse, Fault> {
    let mut found = share::own(tx, &input.resource_share_arn)?;
    let permission = find(tx, &input.permission_arn)?;
    let granted = permission.granted(tx.now);
    if input.permission_version.is_some_and(|version| version != granted.version) {
        return Err(invalid("Only the default version of a permission can be associated."));
    }
    let other = |p: &Granted| p.resource_type == granted.resource_type && p.arn != granted.arn;
    if found.permissions.iter().any(other) && input.replace != Some(true) {
        let of = granted.resource_type;
        let message = format!(
            "The resource share already has a permission for the resource type {of}. Set replace to true."
        );
        return Err(invalid(message));
    }
    found.permissions.retain(|p| p.resource_type != granted.resource_type);
    found.permissions.push(granted);
    found.updated = tx.now;
    tx.put(found)?;
    Ok(AssociateResourceSharePermissionResponse {
        return_value: Some(true),
        client_token: input.client_token,
    })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_DisassociateResourceSharePermission.html>
pub(crate) fn disassociate(
    tx: &mut Tx<'_>,
    input: DisassociateResourceSharePermissionRequest,
) -> Result<DisassociateResourceSharePermissionResponse, Fault> {
    let mut found = share::own(tx, &input.resource_share_arn)?;
    let named = found.permissions.iter().find(|p| p.arn == input.permission_arn).cloned();
    let named = named.ok_or_else(|| unknown(&format!("Permission {}", input.permission_arn)))?;
    let used = |arn: &str| type_of(arn).is_some_and(|t| t.name == named.resource_type);
    if found.resources.iter().any(|r| used(&r.arn)) {
        let of = named.resource_type;
        let message = format!("The resource share has resources of type {of}, which need a permission.");
        return Err(transition(message));
    }
    found.permissions.retain(|p| p.arn != input.permission_arn);
    found.updated = tx.now;
    tx.put(found)?;
    Ok(DisassociateResourceSharePermissionResponse {
        return_value: Some(true),
        client_token: input.client_token,
    })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListResourceSharePermissions.html>
pub(crate) fn list_of_share(
    tx: &mut Tx<'_>,
    input: ListResourceSharePermissionsRequest,
) -> Result<ListResourceSharePermissionsResponse, Fault> {
    let found = share::own(tx, &input.resource_share_arn)?;
    let summary = |p: &Granted| {
        let shown = find(tx, &p.arn).ok()?.summary(p.version)?;
        let status = Some("ASSOCIATED".to_owned());
        Some(ResourceSharePermissionSummary { status, last_updated_time: Some(p.since), ..shown })
    };
    let all = found.permissions.iter().filter_map(summary).collect();
    let (permissions, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
    Ok(ListResourceSharePermissionsResponse { permissions: Some(permissions), next_token })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_GetPermission.html>
pub(crate) fn get_permission(
    tx: &mut Tx<'_>,
    input: GetPermissionRequest,
) -> Result<GetPermissionResponse, Fault> {
    let found = find(tx, &input.permission_arn)?;
    let number = input.permission_version.unwrap_or(found.default_version());
    let missing = || unknown(&format!("Version {number} of permission {}", input.permission_arn));
    let permission = found.detail(number).ok_or_else(missing)?;
    Ok(GetPermissionResponse { permission: Some(permission) })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPermissions.html>
pub(crate) fn list_permissions(
    tx: &mut Tx<'_>,
    input: ListPermissionsRequest,
) -> Result<ListPermissionsResponse, Fault> {
    let aws = AWS_PERMISSIONS.iter().map(Found::Aws);
    let own = tx.list::<Permission>().cloned().map(Found::Own);
    let mut all: Vec<_> = aws.chain(own).filter_map(|p| p.summary(p.default_version())).collect();
    if let Some(of) = &input.resource_type {
        all.retain(|p| p.resource_type.as_ref().is_some_and(|t| t.eq_ignore_ascii_case(of)));
    }
    if let Some(kind) = input.permission_type.filter(|k| k != "ALL") {
        all.retain(|p| p.permission_type.as_ref() == Some(&kind));
    }
    let (permissions, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPermissionsResponse { permissions: Some(permissions), next_token })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPermissionVersions.html>
pub(crate) fn list_permission_versions(
    tx: &mut Tx<'_>,
    input: ListPermissionVersionsRequest,
) -> Result<ListPermissionVersionsResponse, Fault> {
    let found = find(tx, &input.permission_arn)?;
    let numbers: Vec<i64> = match &found {
        Found::Aws(_) => vec![1],
        Found::Own(own) => own.versions.iter().map(|v| v.number).collect(),
    };
    let all = numbers.into_iter().filter_map(|n| found.summary(n)).collect();
    let (permissions, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPermissionVersionsResponse { permissions: Some(permissions), next_token })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPermissionAssociations.html>
pub(crate) fn list_permission_associations(
    tx: &mut Tx<'_>,
    input: ListPermissionAssociationsRequest,
) -> Result<ListPermissionAssociationsResponse, Fault> {
    let mut all = Vec::new();
    for share in tx.list::<Share>().filter(|s| s.deleted.is_none()) {
        for granted in &share.permissions {
            let default = find(tx, &granted.arn).is_ok_and(|p| p.default_version() == granted.version);
            all.push(AssociatedPermission {
                arn: Some(granted.arn.clone()),
                permission_version: Some(granted.version.to_string()),
                default_version: Some(default),
                resource_type: Some(granted.resource_type.clone()),
                status: Some("ASSOCIATED".to_owned()),
                feature_set: Some("STANDARD".to_owned()),
                last_updated_time: Some(granted.since),
                resource_share_arn: Some(share.arn()),
            });
        }
    }
    let version = input.permission_version.map(|v| v.to_string());
    all.retain(|p| {
        (input.permission_arn.is_none() || p.arn == input.permission_arn)
            && (version.is_none() || p.permission_version == version)
            && (input.association_status.is_none() || p.status == input.association_status)
            && (input.resource_type.is_none() || p.resource_type == input.resource_type)
            && (input.feature_set.is_none() || p.feature_set == input.feature_set)
            && (input.default_version.is_none() || p.default_version == input.default_version)
    });
    let (permissions, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPermissionAssociationsResponse { permissions: Some(permissions), next_token })
}
