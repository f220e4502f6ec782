//! The certificates of a listener beside its default one, chosen by the name a client asks for.

use model::{Fault, Tx};

use crate::fault::{invalid, too_many};
use crate::listener::{check_certificate, find};
use crate::page::page;
use crate::shapes::*;

/// Certificates of a listener, not counting the default.
const MOST: usize = 25;

fn arns(given: Vec<Certificate>) -> Result<Vec<String>, Fault> {
    let arns: Vec<String> = given.into_iter().filter_map(|c| c.certificate_arn).collect();
    match arns.len() {
        1 => Ok(arns),
        _ => Err(invalid("You must specify exactly one certificate")),
    }
}

fn shown(arn: &str, default: bool) -> Certificate {
    Certificate { certificate_arn: Some(arn.to_owned()), is_default: Some(default) }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html>
pub(crate) fn add_listener_certificates(
    tx: &mut Tx<'_>,
    input: AddListenerCertificatesInput,
) -> Result<AddListenerCertificatesOutput, Fault> {
    let mut found = find(tx, &input.listener_arn)?;
    if found.protocol != "HTTPS" {
        return Err(invalid("Certificates are only for HTTPS listeners"));
    }
    let arns = arns(input.certificates)?;
    for arn in &arns {
        check_certificate(tx, arn)?;
        // "If the certificate is already in the certificate list, the call is successful but the certificate is not added again."
        if !found.certificates.contains(arn) {
            found.certificates.push(arn.clone());
        }
    }
    if found.certificates.len() > MOST + 1 {
        return Err(too_many("TooManyCertificates", "certificates of a listener", MOST));
    }
    tx.put(found)?;
    let certificates = arns.iter().map(|a| shown(a, false)).collect();
    Ok(AddListenerCertificatesOutput { certificates: Some(certificates) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RemoveListenerCertificates.html>
pub(crate) fn remove_listener_certificates(
    tx: &mut Tx<'_>,
    input: RemoveListenerCertificatesInput,
) -> Result<RemoveListenerCertificatesOutput, Fault> {
    let mut found = find(tx, &input.listener_arn)?;
    let arns = arns(input.certificates)?;
    if found.certificates.first().is_some_and(|default| arns.contains(default)) {
        return Err(Fault::client("OperationNotPermitted", "Default certificate cannot be removed"));
    }
    found.certificates.retain(|c| !arns.contains(c));
    tx.put(found)?;
    Ok(RemoveListenerCertificatesOutput {})
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListenerCertificates.html>
pub(crate) fn describe_listener_certificates(
    tx: &mut Tx<'_>,
    input: DescribeListenerCertificatesInput,
) -> Result<DescribeListenerCertificatesOutput, Fault> {
    let found = find(tx, &input.listener_arn)?;
    let all: Vec<Certificate> =
        found.certificates.iter().enumerate().map(|(i, arn)| shown(arn, i == 0)).collect();
    let (all, next_marker) = page(all, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeListenerCertificatesOutput { certificates: Some(all), next_marker })
}
