//! Tags of certificates.

use model::{Fault, Tags, Tx};

use crate::certificate::find;
use crate::fault::too_many_tags;
use crate::shapes::*;

pub(crate) fn checked(tags: &[Tag]) -> Result<Tags, Fault> {
    let mut checked = Tags::new();
    for tag in tags {
        if tag.key.starts_with("aws:") && !tag.key.starts_with("aws:cloudformation:") {
            return Err(Fault::client(
                "InvalidTagException",
                "Tag keys that begin with `aws:` are reserved.",
            ));
        }
        checked.insert(tag.key.clone(), tag.value.clone().unwrap_or_default());
    }
    if checked.len() > 50 {
        return Err(too_many_tags());
    }
    Ok(checked)
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_AddTagsToCertificate.html>
pub(crate) fn add_tags_to_certificate(
    tx: &mut Tx<'_>,
    input: AddTagsToCertificateRequest,
) -> Result<(), Fault> {
    let mut certificate = find(tx, &input.certificate_arn)?;
    certificate.tags.extend(checked(&input.tags)?);
    if certificate.tags.len() > 50 {
        return Err(too_many_tags());
    }
    tx.put(certificate)
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_RemoveTagsFromCertificate.html>
pub(crate) fn remove_tags_from_certificate(
    tx: &mut Tx<'_>,
    input: RemoveTagsFromCertificateRequest,
) -> Result<(), Fault> {
    let mut certificate = find(tx, &input.certificate_arn)?;
    for tag in input.tags {
        // "If you specify a value, the tag is removed only if it has that value."
        let same = tag.value.as_ref().is_none_or(|v| certificate.tags.get(&tag.key) == Some(v));
        if same {
            certificate.tags.remove(&tag.key);
        }
    }
    tx.put(certificate)
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_ListTagsForCertificate.html>
pub(crate) fn list_tags_for_certificate(
    tx: &mut Tx<'_>,
    input: ListTagsForCertificateRequest,
) -> Result<ListTagsForCertificateResponse, Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    let tags = certificate.tags.into_iter().map(|(key, value)| Tag { key, value: Some(value) }).collect();
    Ok(ListTagsForCertificateResponse { tags: Some(tags) })
}
