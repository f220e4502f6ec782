//! Instance profiles: the name under which an instance gets a role.

use model::ids::arn;
use model::{AccountId, Fault, Node, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::page::{self, exists, in_use, limit};
use crate::role;
use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    pub(crate) path: String,
    /// `AIPA...`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) role: Option<String>,
    #[serde(default)]
    pub(crate) tags: Tags,
}

impl Node for Profile {
    const KIND: &'static str = "AWS::IAM::InstanceProfile";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(arn("iam", "", &self.account, &format!("instance-profile{}{}", self.path, self.name)))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

fn find(tx: &Tx<'_>, name: &str) -> Result<Profile, Fault> {
    let missing = || Fault::new("NoSuchEntity", 404, format!("Instance Profile {name} cannot be found."));
    tx.find_global::<Profile>(name).cloned().ok_or_else(missing)
}

pub(crate) fn shape(tx: &Tx<'_>, profile: &Profile) -> InstanceProfile {
    let roles = profile.role.iter().filter_map(|name| role::find(tx, name).ok());
    InstanceProfile {
        path: profile.path.clone(),
        instance_profile_name: profile.name.clone(),
        instance_profile_id: profile.id.clone(),
        arn: profile.arn().unwrap_or_default(),
        create_date: profile.created,
        roles: roles.map(|r| role::shape(&r, false)).collect(),
        tags: page::shown(&profile.tags),
    }
}

pub(crate) fn create_instance_profile(
    tx: &mut Tx<'_>,
    input: CreateInstanceProfileRequest,
) -> Result<CreateInstanceProfileResponse, Fault> {
    let name = input.instance_profile_name;
    if tx.find_global::<Profile>(&name).is_some() {
        return Err(exists("Instance Profile", &name));
    }
    let profile = Profile {
        account: tx.account.clone(),
        name,
        path: input.path.unwrap_or_else(|| "/".to_owned()),
        id: page::id(tx, "AIPA"),
        created: tx.now,
        role: None,
        tags: page::tags_of(input.tags)?,
    };
    let instance_profile = shape(tx, &profile);
    tx.put(profile)?;
    Ok(CreateInstanceProfileResponse { instance_profile })
}

pub(crate) fn get_instance_profile(
    tx: &mut Tx<'_>,
    input: GetInstanceProfileRequest,
) -> Result<GetInstanceProfileResponse, Fault> {
    let profile = find(tx, &input.instance_profile_name)?;
    Ok(GetInstanceProfileResponse { instance_profile: shape(tx, &profile) })
}

pub(crate) fn delete_instance_profile(
    tx: &mut Tx<'_>,
    input: DeleteInstanceProfileRequest,
) -> Result<(), Fault> {
    let profile = find(tx, &input.instance_profile_name)?;
    match profile.role {
        Some(_) => Err(in_use("must remove roles from instance profile first")),
        None => tx.remove(&profile),
    }
}

/// The role goes to whoever uses the profile, so the caller must be allowed to pass it.
pub(crate) fn add_role_to_instance_profile(
    tx: &mut Tx<'_>,
    input: AddRoleToInstanceProfileRequest,
) -> Result<(), Fault> {
    let mut profile = find(tx, &input.instance_profile_name)?;
    let role = role::modifiable(tx, &input.role_name)?;
    if profile.role.is_some() {
        return Err(limit("InstanceSessionsPerInstanceProfile: 1"));
    }
    profile.role = Some(role.name);
    tx.put(profile)
}

pub(crate) fn remove_role_from_instance_profile(
    tx: &mut Tx<'_>,
    input: RemoveRoleFromInstanceProfileRequest,
) -> Result<(), Fault> {
    let mut profile = find(tx, &input.instance_profile_name)?;
    if profile.role.as_ref() != Some(&input.role_name) {
        return Err(page::no_such("role", &input.role_name));
    }
    profile.role = None;
    tx.put(profile)
}

pub(crate) fn list_instance_profiles(
    tx: &mut Tx<'_>,
    input: ListInstanceProfilesRequest,
) -> Result<ListInstanceProfilesResponse, Fault> {
    let own = tx.list_global::<Profile>();
    let (found, is_truncated, marker) =
        page::page(own, |p| p.name.clone(), input.marker.as_deref(), input.max_items)?;
    Ok(ListInstanceProfilesResponse {
        instance_profiles: found.into_iter().map(|p| shape(tx, p)).collect(),
        is_truncated,
        marker,
    })
}

pub(crate) fn list_instance_profiles_for_role(
    tx: &mut Tx<'_>,
    input: ListInstanceProfilesForRoleRequest,
) -> Result<ListInstanceProfilesForRoleResponse, Fault> {
    role::find(tx, &input.role_name)?;
    let own = tx.list_global::<Profile>().filter(|p| p.role.as_ref() == Some(&input.role_name));
    let instance_profiles = own.map(|p| shape(tx, p)).collect();
    Ok(ListInstanceProfilesForRoleResponse { instance_profiles, is_truncated: Some(false), marker: None })
}

pub(crate) fn tag_instance_profile(tx: &mut Tx<'_>, input: TagInstanceProfileRequest) -> Result<(), Fault> {
    let mut profile = find(tx, &input.instance_profile_name)?;
    profile.tags = page::tagged(profile.tags, input.tags)?;
    tx.put(profile)
}

pub(crate) fn untag_instance_profile(
    tx: &mut Tx<'_>,
    input: UntagInstanceProfileRequest,
) -> Result<(), Fault> {
    let mut profile = find(tx, &input.instance_profile_name)?;
    profile.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(profile)
}

pub(crate) fn list_instance_profile_tags(
    tx: &mut Tx<'_>,
    input: ListInstanceProfileTagsRequest,
) -> Result<ListInstanceProfileTagsResponse, Fault> {
    let tags = page::listed(&find(tx, &input.instance_profile_name)?.tags);
    Ok(ListInstanceProfileTagsResponse { tags, is_truncated: Some(false), marker: None })
}
