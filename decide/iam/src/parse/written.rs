//! What AWS checks of actions and resources when a policy is written.

use crate::json::Position;
use crate::malformed::{Stage, Wrong};
use crate::pattern::split;
use crate::policy::PolicyKind;

use super::Reader;

const PARTITIONS: [&str; 9] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*"];

/// How the names of IAM's own resources begin.
pub(crate) const IAM_RESOURCES: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// `*`, or a service's prefix, one colon and a name.
pub(super) fn action(reader: &mut Reader, text: &str, at: Position, element: &str) {
    let mut note = |stage, message: String| {
        let detail = format!("`{text}` is no action");
        reader.faults.note(stage, at, element, &Wrong::Text(message), detail);
    };
    let (vendor, name) = match text.split_once(':') {
        None if text == "*" => ("*", ""),
        None => {
            let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
            return note(Stage::ActionVendor, message.to_owned());
        }
        Some(parts) => parts,
    };
    if name.contains(':') {
        return note(Stage::ActionForm, "Actions/Condition can contain only one colon.".to_owned());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if vendor != "*" && !vendor.bytes().all(plain) {
        return note(Stage::ActionForm, format!("Vendor {vendor} is not valid"));
    }
    if reader.kind == PolicyKind::Trust && reader.strict() && !vendor.eq_ignore_ascii_case("sts") {
        let message = "AssumeRole policy may only specify STS AssumeRole actions.".to_owned();
        let detail = format!("`{text}` is no action of the security token service");
        reader.faults.note(Stage::ActionForm, at, element, &Wrong::Text(message), detail);
    }
}

/// `*`, or an ARN whose partition and service are given in full.
pub(super) fn resource(reader: &mut Reader, text: &str, at: Position, element: &str) {
    if text == "*" {
        return;
    }
    let detail = format!("`{text}` is no resource");
    let parts = split(text, ':', 6, reader.variables());
    let (_, fields) = parts.split_first().unwrap_or((&"", &[]));
    match format_fault(text, fields) {
        Some(message) => {
            reader.faults.note(Stage::ResourceFormat, at, element, &Wrong::Text(message), detail)
        }
        None if legacy_fault(fields) => reader.faults.note(Stage::Legacy, at, element, &Wrong::Form, detail),
        None => {}
    }
}

/// `fields` are those behind the first colon; colons within variables separate nothing.
fn format_fault(text: &str, fields: &[&str]) -> Option<String> {
    let Some(partition) = fields.first() else {
        return Some(format!("Resource {text} must be in ARN format or \"*\"."));
    };
    let given = |at: usize| fields.get(at).copied();
    if !PARTITIONS.contains(partition) {
        let rest = (1..5).map(|at| given(at).unwrap_or("*")).collect::<Vec<_>>().join(":");
        return Some(format!(
            "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{rest}\"."
        ));
    }
    let Some(service) = given(1).filter(|s| !s.contains(['*', '?'])) else {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    };
    let region = given(2).unwrap_or_default();
    match service {
        "iam" if !region.is_empty() => {
            Some(format!("IAM resource {text} cannot contain region information."))
        }
        // Access points have a region, and an account with it.
        "s3" if !region.is_empty() && given(3) == Some("") => {
            Some(format!("Resource {text} can not contain region information."))
        }
        "iam" => {
            let name = given(4).unwrap_or_default();
            let known = name.starts_with('*') || IAM_RESOURCES.iter().any(|prefix| name.starts_with(prefix));
            (!known).then(|| {
                format!("IAM resource path must either be \"*\" or start with {}.", IAM_RESOURCES.join(", "))
            })
        }
        _ => None,
    }
}

/// Fields may be left out at the end, but not once an empty one is written.
fn legacy_fault(fields: &[&str]) -> bool {
    let within = fields.len().saturating_sub(1);
    let hole = fields.iter().take(within).any(|f| f.is_empty());
    fields.get(1).is_some_and(|service| service.is_empty()) || (fields.len() < 5 && hole)
}
