//! What can be seen of certificates; never their keys.

use model::estate::acm::Certificate;
use model::{Fault, Tx};
use ring::digest;

use crate::certificate::{Origin, find, origin, users};
use crate::fault::invalid;
use crate::shapes::*;
use crate::x509::{self, Facts};

fn facts(certificate: &Certificate) -> Result<Facts, Fault> {
    let pem = x509::pems(certificate.certificate_pem.as_bytes()).and_then(|p| p.into_iter().next());
    x509::facts(&pem.ok_or_else(|| Fault::internal("a certificate cannot be read"))?)
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_GetCertificate.html>
pub(crate) fn get_certificate(
    tx: &mut Tx<'_>,
    input: GetCertificateRequest,
) -> Result<GetCertificateResponse, Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    Ok(GetCertificateResponse {
        certificate: Some(certificate.certificate_pem),
        certificate_chain: Some(certificate.chain_pem).filter(|c| !c.is_empty()),
    })
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_DescribeCertificate.html>
pub(crate) fn describe_certificate(
    tx: &mut Tx<'_>,
    input: DescribeCertificateRequest,
) -> Result<DescribeCertificateResponse, Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    let origin = origin(tx, &certificate)?;
    let (facts, users) = (facts(&certificate)?, users(tx.snapshot(), &input.certificate_arn));
    let imported = certificate.kind == "IMPORTED";
    let eligible = renewable(&certificate, &origin, !users.is_empty());
    Ok(DescribeCertificateResponse {
        certificate: Some(CertificateDetail {
            certificate_arn: Some(certificate.arn()),
            domain_name: Some(certificate.domain.clone()),
            domain_validation_options: Some(validations(&certificate, &origin)).filter(|v| !v.is_empty()),
            subject_alternative_names: Some(certificate.names),
            serial: Some(facts.serial),
            subject: Some(facts.subject),
            issuer: Some(facts.issuer),
            created_at: Some(certificate.created),
            issued_at: (!imported).then_some(certificate.created),
            imported_at: imported.then_some(certificate.created),
            status: Some(certificate.status),
            not_before: Some(certificate.not_before),
            not_after: Some(certificate.not_after),
            key_algorithm: Some(shown(&facts.key_algorithm)),
            signature_algorithm: Some(facts.signature_algorithm),
            in_use_by: Some(users),
            r#type: Some(certificate.kind),
            key_usages: Some(
                facts.key_usages.iter().map(|n| KeyUsage { name: Some((*n).to_owned()) }).collect(),
            ),
            extended_key_usages: Some(
                facts
                    .extended
                    .iter()
                    .map(|(n, o)| ExtendedKeyUsage {
                        name: Some((*n).to_owned()),
                        oid: Some((*o).to_owned()),
                    })
                    .collect(),
            ),
            certificate_authority_arn: origin.authority,
            renewal_eligibility: Some(eligible.to_owned()),
            options: Some(CertificateOptions {
                certificate_transparency_logging_preference: Some(origin.transparency),
                export: Some(origin.export),
            }),
            ..CertificateDetail::default()
        }),
    })
}

/// Answers have a hyphen where requests have an underscore.
fn shown(algorithm: &str) -> String {
    algorithm.replacen('_', "-", 1)
}

fn renewable(certificate: &Certificate, origin: &Origin, used: bool) -> &'static str {
    match certificate.kind != "IMPORTED" && (used || origin.exported) {
        true => "ELIGIBLE",
        false => "INELIGIBLE",
    }
}

/// One for each name; a wildcard shares its record with the name beneath it.
fn validations(certificate: &Certificate, origin: &Origin) -> Vec<DomainValidation> {
    let Some(method) = &origin.method else { return Vec::new() };
    let one = |name: &String| {
        let over = origin.validation_domains.iter().find(|(n, _)| n == name);
        let over = over.map_or_else(|| name.clone(), |(_, domain)| domain.clone());
        let emails = |over: &str| {
            let over = over.strip_prefix("*.").unwrap_or(over);
            ["administrator", "hostmaster", "postmaster", "webmaster", "admin"]
                .map(|who| format!("{who}@{over}"))
                .to_vec()
        };
        DomainValidation {
            domain_name: name.clone(),
            validation_emails: (method == "EMAIL").then(|| emails(&over)),
            validation_domain: Some(over),
            validation_status: Some("SUCCESS".to_owned()),
            resource_record: (method == "DNS").then(|| record(certificate, name)),
            http_redirect: None,
            validation_method: Some(method.clone()),
        }
    };
    certificate.names.iter().map(one).collect()
}

/// The record by which AWS would have the name's holder prove it; always the same for an account and a name.
fn record(certificate: &Certificate, name: &str) -> ResourceRecord {
    let plain = name.strip_prefix("*.").unwrap_or(name);
    let digest = digest::digest(&digest::SHA256, format!("{} {plain}", certificate.account).as_bytes());
    let text = hex::encode(digest.as_ref());
    let (label, value) = text.split_at_checked(32).unwrap_or((&text, ""));
    let zone: String = value
        .chars()
        .rev()
        .take(10)
        .map(|c| char::from(b'a' + u8::try_from(c.to_digit(16).unwrap_or(0)).unwrap_or(0)))
        .collect();
    ResourceRecord {
        name: format!("_{label}.{plain}."),
        r#type: "CNAME".to_owned(),
        value: format!("_{value}.{zone}.acm-validations.aws."),
    }
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_ListCertificates.html>
///
/// AWS leaves elliptic-curve certificates out unless `keyTypes` names them. All that this
/// runtime issues are such, so without that filter all are listed.
pub(crate) fn list_certificates(
    tx: &mut Tx<'_>,
    input: ListCertificatesRequest,
) -> Result<ListCertificatesResponse, Fault> {
    if input.sort_order.is_some() != input.sort_by.is_some() {
        return Err(invalid("SortBy and SortOrder must be given together."));
    }
    let filters = input.includes.unwrap_or_default();
    let mut found: Vec<(Certificate, CertificateSummary)> = Vec::new();
    for certificate in tx.list::<Certificate>() {
        let wanted = input
            .certificate_statuses
            .as_ref()
            .is_none_or(|s| s.is_empty() || s.contains(&certificate.status));
        let (facts, origin) = (facts(certificate)?, origin(tx, certificate)?);
        if wanted && passes(&filters, &facts, &origin) {
            found.push((certificate.clone(), summary(tx, certificate, &facts, &origin)));
        }
    }
    if input.sort_by.is_some() {
        found.sort_by_key(|(c, _)| c.created);
        if input.sort_order.as_deref() == Some("DESCENDING") {
            found.reverse();
        }
    }
    let size = usize::try_from(input.max_items.unwrap_or(1000)).unwrap_or(1000);
    let start = match &input.next_token {
        None => 0,
        Some(token) => {
            let at = found.iter().position(|(c, _)| c.id == *token);
            at.ok_or_else(|| Fault::client("InvalidArgsException", "The token is not valid."))? + 1
        }
    };
    let page: Vec<(Certificate, CertificateSummary)> = found.iter().skip(start).take(size).cloned().collect();
    let more = found.len() > start + page.len();
    let next_token = page.last().filter(|_| more).map(|(c, _)| c.id.clone());
    Ok(ListCertificatesResponse {
        next_token,
        certificate_summary_list: Some(page.into_iter().map(|(_, s)| s).collect()),
    })
}

fn passes(filters: &Filters, facts: &Facts, origin: &Origin) -> bool {
    let any = |wanted: &Option<Vec<String>>, has: &dyn Fn(&str) -> bool| {
        wanted.as_ref().is_none_or(|w| w.is_empty() || w.iter().any(|x| x == "ANY" || has(x)))
    };
    any(&filters.key_types, &|t| t == facts.key_algorithm)
        && any(&filters.key_usage, &|u| facts.key_usages.contains(&u))
        && any(&filters.extended_key_usage, &|u| facts.extended.iter().any(|(n, _)| *n == u))
        && filters.export_option.as_ref().is_none_or(|e| *e == origin.export)
        && filters.managed_by.is_none()
}

fn summary(tx: &Tx<'_>, certificate: &Certificate, facts: &Facts, origin: &Origin) -> CertificateSummary {
    let used = !users(tx.snapshot(), &certificate.arn()).is_empty();
    let imported = certificate.kind == "IMPORTED";
    CertificateSummary {
        certificate_arn: Some(certificate.arn()),
        domain_name: Some(certificate.domain.clone()),
        subject_alternative_name_summaries: Some(certificate.names.clone()),
        has_additional_subject_alternative_names: Some(false),
        status: Some(certificate.status.clone()),
        r#type: Some(certificate.kind.clone()),
        key_algorithm: Some(shown(&facts.key_algorithm)),
        key_usages: Some(facts.key_usages.iter().map(|n| (*n).to_owned()).collect()),
        extended_key_usages: Some(facts.extended.iter().map(|(n, _)| (*n).to_owned()).collect()),
        export_option: Some(origin.export.clone()),
        in_use: Some(used),
        exported: (certificate.kind == "PRIVATE").then_some(origin.exported),
        renewal_eligibility: Some(renewable(certificate, origin, used).to_owned()),
        not_before: Some(certificate.not_before),
        not_after: Some(certificate.not_after),
        created_at: Some(certificate.created),
        issued_at: (!imported).then_some(certificate.created),
        imported_at: imported.then_some(certificate.created),
        revoked_at: None,
        managed_by: None,
    }
}
