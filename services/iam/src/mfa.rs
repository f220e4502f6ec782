//! Virtual MFA devices. A device's seed is shown once, at its making, and kept sealed; whoever
//! shows a code of it is asked by STS, through [`check_mfa_code`], which is no API of AWS's.
//!
//! No code is taken twice, and none of a device that is not enabled for that very user.

use bytes::Bytes;
use model::estate::iam::User;
use model::ids::arn;
use model::{AccountId, Ask, Asking, Caller, CallerKind, Fault, Node, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::page::{self, Page, limit};
use crate::shapes::*;
use crate::totp::{Used, base32};
use crate::user::{self, named_or_caller};

const PURPOSE: &str = "mfa-seed";
/// What was used of each device's codes, by its ARN.
const USED: &str = "iam-mfa";
/// Devices that a user may have.
const DEVICES: usize = 8;
const SEED: usize = 40;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) account: AccountId,
    /// With its path: `/alice`, `/team/alice`.
    pub(crate) id: String,
    /// Sealed with the ARN as additional data; hexadecimal.
    sealed_seed: String,
    /// Whose it is, once it is enabled.
    pub(crate) user: Option<String>,
    pub(crate) enabled: Option<Timestamp>,
    tags: Tags,
}

impl Device {
    pub(crate) fn serial(&self) -> String {
        arn("iam", "", &self.account, &format!("mfa{}", self.id))
    }
}

impl Node for Device {
    const KIND: &'static str = "AWS::IAM::VirtualMFADevice";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn arn(&self) -> Option<String> {
        Some(self.serial())
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

fn invalid_code() -> Fault {
    Fault::new("InvalidAuthenticationCode", 403, "Authentication code for device is not valid")
}

fn no_device(serial: &str) -> Fault {
    Fault::new("NoSuchEntity", 404, format!("VirtualMFADevice with serial number {serial} does not exist."))
}

/// A device of this account's.
fn find(tx: &Tx<'_>, serial: &str) -> Result<Device, Fault> {
    let own = tx.find_arn::<Device>(serial).filter(|device| device.account == tx.account);
    own.cloned().ok_or_else(|| no_device(serial))
}

fn find_of(tx: &Tx<'_>, user: &str, serial: &str) -> Result<Device, Fault> {
    let device = find(tx, serial).ok().filter(|device| device.user.as_deref() == Some(user));
    device.ok_or_else(|| Fault::new("NoSuchEntity", 404, "MFA Device invalid for user."))
}

pub(crate) fn of_user<'a>(tx: &'a Tx<'_>, user: &'a str) -> impl Iterator<Item = &'a Device> {
    tx.list_global::<Device>().filter(move |device| device.user.as_deref() == Some(user))
}

fn seed(tx: &Tx<'_>, device: &Device) -> Result<Vec<u8>, Fault> {
    let sealed = hex::decode(&device.sealed_seed)
        .map_err(|_| Fault::internal("the seed of an MFA device cannot be read"))?;
    tx.unseal(PURPOSE, device.serial().as_bytes(), &sealed)
}

fn used(tx: &Tx<'_>, serial: &str) -> Result<Used, Fault> {
    Ok(tx.record_as(USED, serial.as_bytes())?.unwrap_or_default())
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html>
pub(crate) fn create_virtual_mfa_device(
    tx: &mut Tx<'_>,
    input: CreateVirtualMFADeviceRequest,
) -> Result<CreateVirtualMFADeviceResponse, Fault> {
    let path = input.path.unwrap_or_else(|| "/".to_owned());
    let mut device = Device {
        account: tx.account.clone(),
        id: format!("{path}{}", input.virtual_mfa_device_name),
        sealed_seed: String::new(),
        user: None,
        enabled: None,
        tags: page::tags_of(input.tags)?,
    };
    if tx.find_global::<Device>(&device.id).is_some() {
        return Err(Fault::new(
            "EntityAlreadyExists",
            409,
            "MFADevice entity at the same path and name already exists.",
        ));
    }
    let seed = tx.random::<SEED>();
    device.sealed_seed = hex::encode(tx.seal(PURPOSE, device.serial().as_bytes(), &seed)?);
    let virtual_mfa_device = VirtualMFADevice {
        serial_number: device.serial(),
        base32_string_seed: Some(Bytes::from(base32(&seed))),
        tags: page::shown(&device.tags),
        ..VirtualMFADevice::default()
    };
    tx.put(device)?;
    Ok(CreateVirtualMFADeviceResponse { virtual_mfa_device })
}

pub(crate) fn delete_virtual_mfa_device(
    tx: &mut Tx<'_>,
    input: DeleteVirtualMFADeviceRequest,
) -> Result<(), Fault> {
    let device = find(tx, &input.serial_number)?;
    if device.user.is_some() {
        let message = "MFA VirtualDevice in use. Must deactivate first.";
        return Err(Fault::new("DeleteConflict", 409, message));
    }
    tx.remove_record(USED, device.serial().as_bytes())?;
    tx.remove(&device)
}

pub(crate) fn list_virtual_mfa_devices(
    tx: &mut Tx<'_>,
    input: ListVirtualMFADevicesRequest,
) -> Result<ListVirtualMFADevicesResponse, Fault> {
    let wanted = |device: &&Device| match input.assignment_status.as_deref() {
        Some("Assigned") => device.user.is_some(),
        Some("Unassigned") => device.user.is_none(),
        _ => true,
    };
    let own = tx.list_global::<Device>().filter(wanted);
    let (devices, is_truncated, marker): Page<&Device> =
        page::page(own, |d| d.id.clone(), input.marker.as_deref(), input.max_items)?;
    let shape = |device: &Device| VirtualMFADevice {
        serial_number: device.serial(),
        user: device.user.as_ref().and_then(|name| user::find(tx, name).ok()).map(|u| user::shape(&u, false)),
        enable_date: device.enabled,
        ..VirtualMFADevice::default()
    };
    let virtual_mfa_devices = devices.into_iter().map(shape).collect();
    Ok(ListVirtualMFADevicesResponse { virtual_mfa_devices, is_truncated, marker })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableMFADevice.html>
pub(crate) fn enable_mfa_device(tx: &mut Tx<'_>, input: EnableMFADeviceRequest) -> Result<(), Fault> {
    let user = user::find(tx, &input.user_name)?;
    let mut device = find(tx, &input.serial_number)?;
    if device.user.is_some() {
        return Err(Fault::new("EntityAlreadyExists", 409, "MFA Device is already in use."));
    }
    if of_user(tx, &user.name).count() >= DEVICES {
        return Err(limit(&format!("MfaDevicesPerUser: {DEVICES}")));
    }
    synchronized(tx, &device, [&input.authentication_code1, &input.authentication_code2])?;
    device.user = Some(user.name);
    device.enabled = Some(tx.now);
    tx.put(device)
}

/// Takes two codes in a row; a failed attempt is counted.
fn synchronized(tx: &mut Tx<'_>, device: &Device, codes: [&str; 2]) -> Result<(), Fault> {
    let (serial, secret) = (device.serial(), seed(tx, device)?);
    let mut used = used(tx, &serial)?;
    let right = used.synchronize(&secret, codes, tx.now);
    tx.put_record_as(USED, serial.as_bytes(), &used)?;
    if right { Ok(()) } else { Err(tx.fail_keeping(invalid_code())) }
}

pub(crate) fn resync_mfa_device(tx: &mut Tx<'_>, input: ResyncMFADeviceRequest) -> Result<(), Fault> {
    let user = user::find(tx, &input.user_name)?;
    let device = find_of(tx, &user.name, &input.serial_number)?;
    synchronized(tx, &device, [&input.authentication_code1, &input.authentication_code2])
}

pub(crate) fn deactivate_mfa_device(tx: &mut Tx<'_>, input: DeactivateMFADeviceRequest) -> Result<(), Fault> {
    let user = user::find(tx, &named_or_caller(tx, input.user_name)?)?;
    let mut device = find_of(tx, &user.name, &input.serial_number)?;
    (device.user, device.enabled) = (None, None);
    tx.put(device)
}

pub(crate) fn list_mfa_devices(
    tx: &mut Tx<'_>,
    input: ListMFADevicesRequest,
) -> Result<ListMFADevicesResponse, Fault> {
    let name = user::find(tx, &named_or_caller(tx, input.user_name)?)?.name;
    let (devices, is_truncated, marker): Page<&Device> =
        page::page(of_user(tx, &name), |d| d.id.clone(), input.marker.as_deref(), input.max_items)?;
    let shape = |device: &Device| MFADevice {
        user_name: name.clone(),
        serial_number: device.serial(),
        enable_date: device.enabled.unwrap_or_default(),
    };
    let mfa_devices = devices.into_iter().map(shape).collect();
    Ok(ListMFADevicesResponse { mfa_devices, is_truncated, marker })
}

pub(crate) fn get_mfa_device(
    tx: &mut Tx<'_>,
    input: GetMFADeviceRequest,
) -> Result<GetMFADeviceResponse, Fault> {
    let device = match input.user_name {
        Some(name) => find_of(tx, &user::find(tx, &name)?.name, &input.serial_number)?,
        None => find(tx, &input.serial_number)?,
    };
    Ok(GetMFADeviceResponse {
        serial_number: device.serial(),
        user_name: device.user,
        enable_date: device.enabled,
        certifications: None,
    })
}

pub(crate) fn tag_mfa_device(tx: &mut Tx<'_>, input: TagMFADeviceRequest) -> Result<(), Fault> {
    let mut device = find(tx, &input.serial_number)?;
    device.tags = page::tagged(device.tags, input.tags)?;
    tx.put(device)
}

pub(crate) fn untag_mfa_device(tx: &mut Tx<'_>, input: UntagMFADeviceRequest) -> Result<(), Fault> {
    let mut device = find(tx, &input.serial_number)?;
    device.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(device)
}

pub(crate) fn list_mfa_device_tags(
    tx: &mut Tx<'_>,
    input: ListMFADeviceTagsRequest,
) -> Result<ListMFADeviceTagsResponse, Fault> {
    let tags = page::listed(&find(tx, &input.serial_number)?.tags);
    Ok(ListMFADeviceTagsResponse { tags, is_truncated: Some(false), marker: None })
}

/// A user who is renamed keeps the devices.
pub(crate) fn renamed(tx: &mut Tx<'_>, old: &User, name: &str) -> Result<(), Fault> {
    let devices: Vec<Device> = of_user(tx, &old.name).cloned().collect();
    for mut device in devices {
        device.user = Some(name.to_owned());
        tx.put(device)?;
    }
    Ok(())
}

/// Only STS may ask about codes.
pub(crate) fn ask(asking: &Asking<'_>) -> Vec<Ask> {
    let asked_by_sts = |caller: &Caller| match &caller.kind {
        CallerKind::Service { name } => name == "sts.amazonaws.com",
        _ => false,
    };
    if asked_by_sts(asking.caller) { vec![Ask::free("iam:CheckMfaCode")] } else { Vec::new() }
}

/// No API of AWS's: whether this code of this device is good for this user, now and never again.
/// A wrong code is an answer, not a failure, so that it is counted.
pub(crate) fn check_mfa_code(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let text = |member: &str| input.text(member).unwrap_or_default();
    let (serial, name) = (text("SerialNumber"), text("UserName"));
    let Ok(device) = find_of(tx, name, serial) else { return Ok(Value::from(false)) };
    let secret = seed(tx, &device)?;
    let mut used = used(tx, serial)?;
    let right = used.take(&secret, text("TokenCode"), tx.now);
    tx.put_record_as(USED, serial.as_bytes(), &used)?;
    Ok(Value::from(right))
}
