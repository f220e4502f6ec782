//! Certificates: how they came to be, who uses them, how they go.

use model::estate::acm::Certificate;
use model::estate::elb::Listener;
use model::{AccountId, Effect, Fault, Node, Snapshot, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::{in_use, invalid, invalid_arn, missing};
use crate::shapes::*;

/// What only this service needs to know of a certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// The certificate's.
    pub(crate) id: String,
    /// `DNS` or `EMAIL`; `None` for imported and private ones.
    pub(crate) method: Option<String>,
    /// Domain and the domain that was to validate it.
    pub(crate) validation_domains: Vec<(String, String)>,
    /// `ENABLED` or `DISABLED`.
    pub(crate) transparency: String,
    /// `ENABLED` or `DISABLED`.
    pub(crate) export: String,
    /// The private authority that was named.
    pub(crate) authority: Option<String>,
    pub(crate) exported: bool,
    /// What the request with this token asked for, so that it is not done twice.
    pub(crate) token: Option<(String, String)>,
}

impl Node for Origin {
    const KIND: &'static str = "Countersign::CertificateManager::Origin";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
}

/// The id in an ARN of a certificate.
pub(crate) fn id(arn: &str) -> Result<&str, Fault> {
    arn.rsplit_once(":certificate/").map(|(_, id)| id).ok_or_else(|| invalid_arn(arn))
}

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<Certificate, Fault> {
    id(arn)?;
    let found = tx.find_arn::<Certificate>(arn).filter(|c| c.account == tx.account && c.region == tx.region);
    found.cloned().ok_or_else(|| missing(arn))
}

pub(crate) fn origin(tx: &Tx<'_>, certificate: &Certificate) -> Result<Origin, Fault> {
    let found = tx.find::<Origin>(&certificate.id).cloned();
    found.ok_or_else(|| Fault::internal(format!("the origin of {} is lost", certificate.arn())))
}

/// Nodes of other kinds that name a certificate.
const USERS: &[&str] =
    &["AWS::ApiGateway::DomainName", "AWS::ApiGatewayV2::DomainName", "AWS::Cognito::UserPoolDomain"];

/// ARNs of the resources that serve a certificate.
pub(crate) fn users(snapshot: &Snapshot, arn: &str) -> Vec<String> {
    let serves = |l: &&Listener| l.certificates.iter().any(|c| c == arn);
    let mut users: Vec<String> =
        snapshot.all::<Listener>().filter(serves).map(|l| l.load_balancer.clone()).collect();
    let others = snapshot.nodes().filter(|n| USERS.contains(&n.key().kind));
    users.extend(others.filter(|n| n.to_json().to_string().contains(arn)).filter_map(|n| n.arn()));
    users.sort();
    users.dedup();
    users
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_DeleteCertificate.html>
pub(crate) fn delete_certificate(tx: &mut Tx<'_>, input: DeleteCertificateRequest) -> Result<(), Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    if !users(tx.snapshot(), &input.certificate_arn).is_empty() {
        return Err(in_use(&input.certificate_arn, tx.account.as_str()));
    }
    let origin = origin(tx, &certificate)?;
    tx.remove(&origin)?;
    tx.remove(&certificate)?;
    tx.effect(Effect::Unschedule { id: crate::renewal::schedule_id(&certificate) })
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_UpdateCertificateOptions.html>
pub(crate) fn update_certificate_options(
    tx: &mut Tx<'_>,
    input: UpdateCertificateOptionsRequest,
) -> Result<(), Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    if certificate.kind == "IMPORTED" {
        return Err(Fault::client(
            "InvalidStateException",
            "The options of an imported certificate cannot be changed.",
        ));
    }
    let mut origin = origin(tx, &certificate)?;
    if input.options.export.is_some_and(|e| e != origin.export) {
        return Err(invalid("Whether a certificate can be exported is settled when it is requested."));
    }
    if let Some(transparency) = input.options.certificate_transparency_logging_preference {
        origin.transparency = transparency;
    }
    tx.put(origin)
}
