//! Identity providers, service-linked roles and MFA devices in CloudFormation.

use model::{Deploy, Fault, Physical, Tx, Value};
use serde_json::{Value as Json, json};

use crate::provider::{call, id, ignore_missing, retag, strings, tags};
use crate::totp;

fn made_arn(answer: &Value, member: &str) -> Physical {
    let arn = answer.text(member).unwrap_or_default();
    Physical::new(arn).attribute("Arn", arn)
}

fn kept(deploy: &Deploy<'_>) -> Physical {
    deploy.physical.cloned().unwrap_or_default()
}

pub(crate) fn create_oidc(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "Url": deploy.property("Url"),
        "ClientIDList": deploy.property("ClientIdList"),
        "ThumbprintList": deploy.property("ThumbprintList"),
        "Tags": tags(deploy),
    });
    Ok(made_arn(&call(tx, "CreateOpenIDConnectProvider", input)?, "OpenIDConnectProviderArn"))
}

pub(crate) fn update_oidc(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = id(deploy)?;
    let listed = |of: Option<&Json>, name: &str| strings(of.and_then(|p| p.get(name)));
    let (wanted, had) =
        (listed(Some(deploy.properties), "ClientIdList"), listed(deploy.previous, "ClientIdList"));
    let client = |client: &String| json!({"OpenIDConnectProviderArn": arn, "ClientID": client});
    for new in wanted.iter().filter(|c| !had.contains(c)) {
        call(tx, "AddClientIDToOpenIDConnectProvider", client(new))?;
    }
    for old in had.iter().filter(|c| !wanted.contains(c)) {
        call(tx, "RemoveClientIDFromOpenIDConnectProvider", client(old))?;
    }
    let (prints, before) =
        (listed(Some(deploy.properties), "ThumbprintList"), listed(deploy.previous, "ThumbprintList"));
    if prints != before {
        let input = json!({"OpenIDConnectProviderArn": arn, "ThumbprintList": prints});
        call(tx, "UpdateOpenIDConnectProviderThumbprint", input)?;
    }
    retag(tx, deploy, "OpenIDConnectProvider", ("OpenIDConnectProviderArn", &arn))?;
    Ok(kept(deploy))
}

pub(crate) fn delete_oidc(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"OpenIDConnectProviderArn": id(deploy)?});
    ignore_missing(call(tx, "DeleteOpenIDConnectProvider", input))
}

pub(crate) fn create_saml(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("Name").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 128));
    let input = json!({
        "Name": name,
        "SAMLMetadataDocument": deploy.property("SamlMetadataDocument"),
        "Tags": tags(deploy),
    });
    let made = made_arn(&call(tx, "CreateSAMLProvider", input)?, "SAMLProviderArn");
    let shown = call(tx, "GetSAMLProvider", json!({"SAMLProviderArn": made.id}))?;
    Ok(made.attribute("SamlProviderUUID", shown.text("SAMLProviderUUID").unwrap_or_default()))
}

pub(crate) fn update_saml(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = id(deploy)?;
    let document = deploy.property("SamlMetadataDocument");
    if document != deploy.previous.and_then(|p| p.get("SamlMetadataDocument")) {
        let input = json!({"SAMLProviderArn": arn, "SAMLMetadataDocument": document});
        call(tx, "UpdateSAMLProvider", input)?;
    }
    retag(tx, deploy, "SAMLProvider", ("SAMLProviderArn", &arn))?;
    Ok(kept(deploy))
}

pub(crate) fn delete_saml(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    ignore_missing(call(tx, "DeleteSAMLProvider", json!({"SAMLProviderArn": id(deploy)?})))
}

pub(crate) fn create_linked(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "AWSServiceName": deploy.property("AWSServiceName"),
        "CustomSuffix": deploy.property("CustomSuffix"),
        "Description": deploy.property("Description"),
    });
    let made = call(tx, "CreateServiceLinkedRole", input)?;
    let name = made.get("Role").and_then(|role| role.text("RoleName")).unwrap_or_default();
    Ok(Physical::new(name).attribute("RoleName", name))
}

pub(crate) fn update_linked(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let description = deploy.text("Description").unwrap_or_default();
    let input = json!({"RoleName": id(deploy)?, "Description": description});
    call(tx, "UpdateRoleDescription", input)?;
    Ok(kept(deploy))
}

/// A role that its service still needs is not deleted: the stack's deletion fails and says so.
pub(crate) fn delete_linked(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let name = id(deploy)?;
    let started = match call(tx, "DeleteServiceLinkedRole", json!({"RoleName": name})) {
        Err(fault) if fault.code == "NoSuchEntity" => return Ok(()),
        other => other?,
    };
    let task = started.text("DeletionTaskId").unwrap_or_default();
    let ended = call(tx, "GetServiceLinkedRoleDeletionStatus", json!({"DeletionTaskId": task}))?;
    match ended.text("Status") {
        Some("SUCCEEDED") => Ok(()),
        _ => Err(Fault::client(
            "DeleteConflict",
            format!("The service-linked role {name} is still needed by resources in this account."),
        )),
    }
}

/// The device is of the user named, as if that user had shown two codes of it.
pub(crate) fn create_device(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let users = strings(deploy.property("Users"));
    let [user] = users.as_slice() else {
        return Err(Fault::validation("a virtual MFA device is of one user: `Users` must name one"));
    };
    let name = deploy.text("VirtualMfaDeviceName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 226));
    let input = json!({
        "VirtualMFADeviceName": name, "Path": deploy.property("Path"), "Tags": tags(deploy),
    });
    let made = call(tx, "CreateVirtualMFADevice", input)?;
    let device = made.get("VirtualMFADevice").cloned().unwrap_or_default();
    let serial = device.text("SerialNumber").unwrap_or_default().to_owned();
    let Some(Value::Blob(seed)) = device.get("Base32StringSeed") else {
        return Err(Fault::internal("a new MFA device has no seed"));
    };
    let [first, second] = totp::pair(seed, tx.now);
    let input = json!({
        "UserName": user, "SerialNumber": serial, "AuthenticationCode1": first, "AuthenticationCode2": second,
    });
    call(tx, "EnableMFADevice", input)?;
    Ok(Physical::new(serial.clone()).attribute("SerialNumber", serial))
}

pub(crate) fn update_device(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if deploy.property("Users") != deploy.previous.and_then(|p| p.get("Users")) {
        // The seed is told to nobody a second time, so nobody else can be shown to have it.
        return Err(Fault::validation("a virtual MFA device cannot be given to another user"));
    }
    retag(tx, deploy, "MFADevice", ("SerialNumber", &id(deploy)?))?;
    Ok(kept(deploy))
}

pub(crate) fn delete_device(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let serial = id(deploy)?;
    for user in strings(deploy.property("Users")) {
        let input = json!({"UserName": user, "SerialNumber": serial});
        ignore_missing(call(tx, "DeactivateMFADevice", input))?;
    }
    ignore_missing(call(tx, "DeleteVirtualMFADevice", json!({"SerialNumber": serial})))
}
