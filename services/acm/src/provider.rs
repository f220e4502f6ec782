//! `AWS::CertificateManager::Certificate` in CloudFormation. Hosted zones are accepted and left
//! alone: no DNS is asked, so no record has to be written.

use model::{Deploy, Fault, Physical, Resource, Tx};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] =
    &[Resource { type_name: "AWS::CertificateManager::Certificate", create, update, delete, ready: None }];

fn tags(deploy: &Deploy<'_>) -> Json {
    let tags = deploy.tags_with("Tags");
    tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let validations = deploy.property("DomainValidationOptions").and_then(Json::as_array);
    let validations: Vec<Json> = validations
        .into_iter()
        .flatten()
        .filter(|o| o.get("ValidationDomain").is_some())
        .map(|o| json!({"DomainName": o.get("DomainName"), "ValidationDomain": o.get("ValidationDomain")}))
        .collect();
    let mut options = serde_json::Map::new();
    for (property, option) in [
        ("CertificateTransparencyLoggingPreference", "CertificateTransparencyLoggingPreference"),
        ("CertificateExport", "Export"),
    ] {
        if let Some(value) = deploy.property(property) {
            options.insert(option.to_owned(), value.clone());
        }
    }
    let made = deploy.call(
        tx,
        "acm",
        "RequestCertificate",
        json!({
            "DomainName": deploy.property("DomainName"),
            "SubjectAlternativeNames": deploy.property("SubjectAlternativeNames"),
            "ValidationMethod": deploy.property("ValidationMethod"),
            "DomainValidationOptions": if validations.is_empty() { Json::Null } else { Json::Array(validations) },
            "CertificateAuthorityArn": deploy.property("CertificateAuthorityArn"),
            "KeyAlgorithm": deploy.property("KeyAlgorithm"),
            "Options": if options.is_empty() { Json::Null } else { Json::Object(options) },
            "Tags": tags(deploy),
        }),
    )?;
    Ok(Physical::new(made.text("CertificateArn").unwrap_or_default()))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?;
    if let Some(preference) = deploy.property("CertificateTransparencyLoggingPreference") {
        let options = json!({"CertificateTransparencyLoggingPreference": preference});
        deploy.call(
            tx,
            "acm",
            "UpdateCertificateOptions",
            json!({"CertificateArn": arn, "Options": options}),
        )?;
    }
    let wanted = deploy.tags_with("Tags");
    let has = deploy.call(tx, "acm", "ListTagsForCertificate", json!({"CertificateArn": arn}))?;
    let has = has.get("Tags").map(model::service::tags_of).unwrap_or_default();
    let gone: Vec<Json> =
        has.keys().filter(|k| !wanted.contains_key(*k)).map(|k| json!({"Key": k})).collect();
    if !gone.is_empty() {
        deploy.call(tx, "acm", "RemoveTagsFromCertificate", json!({"CertificateArn": arn, "Tags": gone}))?;
    }
    if has != wanted && !wanted.is_empty() {
        deploy.call(
            tx,
            "acm",
            "AddTagsToCertificate",
            json!({"CertificateArn": arn, "Tags": tags(deploy)}),
        )?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match deploy.call(tx, "acm", "DeleteCertificate", json!({"CertificateArn": deploy.id()?})) {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}
