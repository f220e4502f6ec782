//! `RequestCertificate`: issued at once by the runtime's authority. With DNS validation a record
//! is named as AWS would name it; nobody looks whether it stands anywhere.

use model::estate::acm::Certificate;
use model::{Fault, Timestamp, Tx};

use crate::certificate::Origin;
use crate::fault::invalid;
use crate::shapes::*;
use crate::{name, renewal, tag};

/// What the authority issues.
pub(crate) const KEY_ALGORITHM: &str = "EC_prime256v1";
/// How long a token stands for its request.
const TOKEN_SECONDS: i64 = 3600;

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_RequestCertificate.html>
pub(crate) fn request_certificate(
    tx: &mut Tx<'_>,
    input: RequestCertificateRequest,
) -> Result<RequestCertificateResponse, Fault> {
    let names =
        name::all(&input.domain_name, input.subject_alternative_names.as_deref().unwrap_or_default())?;
    check(&input, &names)?;
    let tags = tag::checked(input.tags.as_deref().unwrap_or_default())?;
    let asked = format!("{names:?} {:?} {:?}", input.validation_method, input.certificate_authority_arn);
    if let Some(arn) = repeated(tx, input.idempotency_token.as_deref(), &asked) {
        return Ok(RequestCertificateResponse { certificate_arn: Some(arn) });
    }
    let authority = input.certificate_authority_arn;
    let options = input.options.unwrap_or_default();
    let private = authority.is_some();
    let on = |option: Option<String>, default: &str| option.unwrap_or_else(|| default.to_owned());
    let origin = Origin {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: tx.uuid(),
        method: (!private).then(|| input.validation_method.unwrap_or_else(|| "EMAIL".to_owned())),
        validation_domains: input
            .domain_validation_options
            .unwrap_or_default()
            .into_iter()
            .map(|o| (o.domain_name.to_ascii_lowercase(), o.validation_domain))
            .collect(),
        transparency: on(
            options.certificate_transparency_logging_preference,
            if private { "DISABLED" } else { "ENABLED" },
        ),
        export: on(options.export, if private { "ENABLED" } else { "DISABLED" }),
        authority,
        exported: false,
        token: input.idempotency_token.map(|token| (token, asked)),
    };
    let certificate = Certificate {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: origin.id.clone(),
        domain: names.first().cloned().unwrap_or_default(),
        names,
        status: "ISSUED".to_owned(),
        kind: if private { "PRIVATE" } else { "AMAZON_ISSUED" }.to_owned(),
        certificate_pem: String::new(),
        chain_pem: String::new(),
        sealed_key: String::new(),
        serial: String::new(),
        created: tx.now,
        not_before: Timestamp(0),
        not_after: Timestamp(0),
        tags,
    };
    let arn = certificate.arn();
    tx.put(origin)?;
    renewal::issue(tx, certificate)?;
    Ok(RequestCertificateResponse { certificate_arn: Some(arn) })
}

fn check(input: &RequestCertificateRequest, names: &[String]) -> Result<(), Fault> {
    if let Some(algorithm) = input.key_algorithm.as_deref().filter(|a| *a != KEY_ALGORITHM) {
        return Err(invalid(format!(
            "The authority of this runtime issues {KEY_ALGORITHM} keys, not {algorithm}."
        )));
    }
    if input.managed_by.is_some() || input.validation_method.as_deref() == Some("HTTP") {
        return Err(invalid(
            "HTTP validation is for certificates that CloudFront manages, which is not served.",
        ));
    }
    for option in input.domain_validation_options.as_deref().unwrap_or_default() {
        let (domain, over) =
            (option.domain_name.to_ascii_lowercase(), option.validation_domain.to_ascii_lowercase());
        let plain = domain.strip_prefix("*.").unwrap_or(&domain);
        let above = plain == over || plain.ends_with(&format!(".{over}"));
        if !names.contains(&domain) || !above {
            return Err(Fault::client(
                "InvalidDomainValidationOptionsException",
                format!("{over} cannot validate {domain}, or {domain} is not in the request."),
            ));
        }
    }
    Ok(())
}

/// The certificate that the same request with the same token made within the hour.
fn repeated(tx: &Tx<'_>, token: Option<&str>, asked: &str) -> Option<String> {
    let token = token?;
    let same = |o: &&Origin| o.token.as_ref().is_some_and(|(t, a)| t == token && a == asked);
    let origin = tx.list::<Origin>().find(same)?;
    let made = tx.find::<Certificate>(&origin.id)?;
    (made.created.plus_seconds(TOKEN_SECONDS) > tx.now).then(|| made.arn())
}
