//! What others are told of a finding: Security Hub, in the AWS Security Finding Format; and what a resource
//! control policy has to do with it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-securityhub-integration.html>

use model::estate::iam::{Account, Organization, OrganizationPolicy, OrganizationalUnit};
use model::tx::Effect;
use model::{Fault, Snapshot, Tx};
use serde_json::{Value as Json, json};

use crate::finding::{Found, Status};
use crate::subject::{Kind, Subject};
use crate::unused::Idle;

const RCP: &str = "RESOURCE_CONTROL_POLICY";

/// Sends a finding to the Security Hub of the analyzer's account, once this is committed.
pub(crate) fn tell(tx: &mut Tx<'_>, analyzer: &str, found: &Found) -> Result<(), Fault> {
    let payload = finding(tx, analyzer, found);
    tx.effect(Effect::Schedule {
        id: format!("accessanalyzer/tell/{}", found.id),
        at: tx.now,
        service: "securityhub".to_owned(),
        job: "Import".to_owned(),
        payload,
    })
}

fn finding(tx: &Tx<'_>, analyzer: &str, found: &Found) -> Json {
    let user = if found.kind == "AWS::IAM::User" { "AwsIamUser" } else { "Other" };
    let kind = Kind::of(&found.kind).map_or(user, |k| k.shown);
    let access = if found.public { "public" } else { "cross-account" };
    let said = match &found.error {
        Some(_) => "could not be analyzed".to_owned(),
        None => format!("allows {access} access"),
    };
    let (title, kind_of) = match &found.idle {
        None => (format!("{kind}/{} {said}", found.resource), "External Access Granted"),
        Some(idle) => (format!("{kind}/{} has unused access", found.resource), unused_type(idle)),
    };
    let (title, kind_of) = match &found.insider {
        None => (title, kind_of),
        Some(_) => (format!("{kind}/{} allows internal access", found.resource), "Internal Access Granted"),
    };
    let from =
        found.principal.as_ref().map(|(kind, name)| format!(" from {kind} {name}")).unwrap_or_default();
    let (label, normalized) = if found.public { ("HIGH", 70) } else { ("LOW", 1) };
    let url = format!(
        "https://console.aws.amazon.com/access-analyzer/home?region={0}#/findings/details/{1}",
        tx.region, found.id
    );
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("{analyzer}/{}/{}", found.resource, found.id),
        "ProductArn": format!("arn:aws:securityhub:{}::product/aws/access-analyzer", tx.region),
        "ProductName": "IAM Access Analyzer",
        "CompanyName": "AWS",
        "GeneratorId": "aws/access-analyzer",
        "AwsAccountId": tx.account,
        "Types": [format!("Software and Configuration Checks/AWS Security Best Practices/{kind_of}")],
        "CreatedAt": found.created.to_rfc3339(),
        "UpdatedAt": found.updated.to_rfc3339(),
        "Severity": {"Product": normalized, "Label": label, "Normalized": normalized},
        "Title": title,
        "Description": match &found.idle {
            None if found.insider.is_some() => {
                format!("{}/{} allows internal access{from}", found.kind, found.resource)
            }
            None => format!("{}/{} {said}{from}", found.kind, found.resource),
            Some(idle) => format!("{}/{}: {}", found.kind, found.resource, idle.name()),
        },
        "Remediation": {"Recommendation": {
            "Text": "If the access is not intended or needed, take it away. If it is, archive the finding.",
        }},
        "SourceUrl": url,
        "Resources": [{"Type": kind, "Id": found.resource, "Partition": "aws", "Region": tx.region}],
        "ProductFields": {
            "aws/securityhub/FindingId": found.id,
            "ResourceOwnerAccount": found.owner,
            "IsPublic": found.public.to_string(),
            "Condition": Json::from_iter(found.condition.clone()).to_string(),
            "Actions": found.actions.join(","),
        },
        "RecordState": if found.status == Status::Active { "ACTIVE" } else { "ARCHIVED" },
    })
}

fn unused_type(idle: &Idle) -> &'static str {
    match idle {
        Idle::Role { .. } => "Unused IAM Role",
        Idle::Key { .. } => "Unused IAM User Access Key",
        Idle::Password { .. } => "Unused IAM User Password",
        Idle::Permission { .. } => "Unused Permission",
    }
}

/// Whether a resource control policy of the organization is about the resource. What it denies is told of all the same.
pub(crate) fn restriction(snapshot: &Snapshot, subject: &Subject) -> &'static str {
    let applicable = || {
        let organization = snapshot.all::<Organization>().next()?;
        let enabled = organization.policy_types.iter().any(|t| t == RCP);
        let managed = subject.owner == organization.account || !enabled;
        let account =
            snapshot.find::<Account>(&subject.owner, "", subject.owner.as_str()).filter(|_| !managed)?;
        let mut policies = vec![&account.policies, &organization.policies];
        let mut parent = account.parent.as_ref()?;
        while let Some(unit) = snapshot.find::<OrganizationalUnit>(&organization.account, "", parent) {
            policies.push(&unit.policies);
            parent = &unit.parent;
        }
        let own = |id: &&String| {
            let policy = snapshot.find::<OrganizationPolicy>(&organization.account, "", id);
            policy.is_some_and(|p| p.policy_type == RCP && !p.aws_managed)
        };
        policies.into_iter().flatten().find(own)
    };
    if applicable().is_some() { "APPLICABLE" } else { "NOT_APPLICABLE" }
}
