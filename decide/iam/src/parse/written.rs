//! What AWS checks of actions and resources when a policy is written.

use crate::json::Position;
use crate::malformed::{Stage, Wrong};
use crate::policy::PolicyKind;

use super::Reader;

const PARTITIONS: [&str; 9] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "*"];

/// How the names of IAM's own resources begin.
const IAM_RESOURCES: [&str; 13] = [
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
    match format_fault(text) {
        Some(message) => {
            reader.faults.note(Stage::ResourceFormat, at, element, &Wrong::Text(message), detail)
        }
        None if legacy_fault(text) => reader.faults.note(Stage::Legacy, at, element, &Wrong::Form, detail),
        None => {}
    }
}

fn format_fault(text: &str) -> Option<String> {
    let Some((_, rest)) = text.split_once(':') else {
        return Some(format!("Resource {text} must be in ARN format or \"*\"."));
    };
    let mut fields = rest.splitn(5, ':');
    let partition = fields.next().unwrap_or_default();
    if !PARTITIONS.contains(&partition) {
        let mut given: Vec<&str> = fields.collect();
        given.resize(4, "*");
        return Some(format!(
            "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{}\".",
            given.join(":")
        ));
    }
    let vendor = fields.next().filter(|v| !v.contains(['*', '?']));
    let Some(service) = vendor else {
        return Some("Resource vendor must be fully qualified and cannot contain regexes.".to_owned());
    };
    let region = fields.next().unwrap_or_default();
    let account = fields.next();
    let name = fields.next();
    match service {
        "iam" if !region.is_empty() => {
            Some(format!("IAM resource {text} cannot contain region information."))
        }
        // Access points have a region, and an account with it.
        "s3" if !region.is_empty() && account == Some("") => {
            Some(format!("Resource {text} can not contain region information."))
        }
        "iam" => {
            let name = name.unwrap_or_default();
            let known = name.starts_with('*') || IAM_RESOURCES.iter().any(|prefix| name.starts_with(prefix));
            (!known).then(|| {
                format!("IAM resource path must either be \"*\" or start with {}.", IAM_RESOURCES.join(", "))
            })
        }
        _ => None,
    }
}

/// Fields may be left out at the end, but not once an empty one is written.
fn legacy_fault(text: &str) -> bool {
    let colons = text.matches(':').count();
    let service = text.split(':').nth(2).unwrap_or_default();
    (colons < 5 && text.contains("::")) || service.is_empty()
}
