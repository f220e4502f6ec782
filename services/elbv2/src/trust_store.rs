//! Trust stores: the authorities whose clients a listener with mutual authentication lets in.
//! The bundle is read from S3 as the caller, who must be allowed to.

use model::estate::elb::{self, Listener};
use model::{Fault, Tx, Value};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;

use crate::fault::no_trust_store;
use crate::load_balancer::{HEX, check_name};
use crate::page::page;
use crate::shapes::*;
use crate::tag;

const SERVICE: &str = "elasticloadbalancing.amazonaws.com";

fn find(tx: &Tx<'_>, arn: &str) -> Result<elb::TrustStore, Fault> {
    let found =
        tx.find_arn::<elb::TrustStore>(arn).filter(|s| s.account == tx.account && s.region == tx.region);
    found.cloned().ok_or_else(|| no_trust_store(arn))
}

/// The authorities of a bundle in S3, and how many they are.
fn bundle(tx: &mut Tx<'_>, bucket: &str, key: &str, version: Option<String>) -> Result<(String, u32), Fault> {
    let missing = |_| {
        Fault::client(
            "CaCertificatesBundleNotFound",
            format!("The bundle '{key}' in bucket '{bucket}' cannot be read"),
        )
    };
    let mut input = json!({"Bucket": bucket, "Key": key});
    if let (Some(version), Some(map)) = (version, input.as_object_mut()) {
        map.insert("VersionId".to_owned(), version.into());
    }
    let object: Value = tx.call(SERVICE, "s3", "GetObject", Value::from_json(input)).map_err(missing)?;
    let bad = || {
        Fault::client(
            "InvalidCaCertificatesBundle",
            "The bundle must be a PEM file with certificates of authorities",
        )
    };
    let text = match object.get("Body") {
        Some(Value::Body(model::Body::Memory(bytes))) => {
            String::from_utf8(bytes.to_vec()).map_err(|_| bad())?
        }
        _ => return Err(bad()),
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
        roots.add(certificate.map_err(|_| bad())?).map_err(|_| bad())?;
    }
    let count = u32::try_from(roots.len()).unwrap_or(0);
    if count == 0 { Err(bad()) } else { Ok((text, count)) }
}

fn shown(store: &elb::TrustStore) -> TrustStore {
    TrustStore {
        name: Some(store.name.clone()),
        trust_store_arn: Some(store.arn()),
        status: Some("ACTIVE".to_owned()),
        number_of_ca_certificates: Some(i64::from(store.certificates)),
        total_revoked_entries: Some(0),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTrustStore.html>
pub(crate) fn create_trust_store(
    tx: &mut Tx<'_>,
    input: CreateTrustStoreInput,
) -> Result<CreateTrustStoreOutput, Fault> {
    check_name("Trust store", &input.name)?;
    if tx.find::<elb::TrustStore>(&input.name).is_some() {
        return Err(Fault::client(
            "DuplicateTrustStoreName",
            format!("A trust store with the name '{}' exists", input.name),
        ));
    }
    let version = input.ca_certificates_bundle_s3_object_version;
    let (text, certificates) =
        bundle(tx, &input.ca_certificates_bundle_s3_bucket, &input.ca_certificates_bundle_s3_key, version)?;
    let made = elb::TrustStore {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        id: tx.random_text(16, HEX),
        bundle: text,
        certificates,
        tags: tag::checked(input.tags)?,
    };
    let answer = shown(&made);
    tx.put(made)?;
    Ok(CreateTrustStoreOutput { trust_stores: Some(vec![answer]) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTrustStore.html>
pub(crate) fn modify_trust_store(
    tx: &mut Tx<'_>,
    input: ModifyTrustStoreInput,
) -> Result<ModifyTrustStoreOutput, Fault> {
    let mut found = find(tx, &input.trust_store_arn)?;
    let version = input.ca_certificates_bundle_s3_object_version;
    (found.bundle, found.certificates) =
        bundle(tx, &input.ca_certificates_bundle_s3_bucket, &input.ca_certificates_bundle_s3_key, version)?;
    let answer = shown(&found);
    tx.put(found)?;
    Ok(ModifyTrustStoreOutput { trust_stores: Some(vec![answer]) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTrustStores.html>
pub(crate) fn describe_trust_stores(
    tx: &mut Tx<'_>,
    input: DescribeTrustStoresInput,
) -> Result<DescribeTrustStoresOutput, Fault> {
    let (arns, names) = (input.trust_store_arns.unwrap_or_default(), input.names.unwrap_or_default());
    let mut found = Vec::new();
    for arn in &arns {
        found.push(find(tx, arn)?);
    }
    for name in &names {
        found.push(tx.find::<elb::TrustStore>(name).cloned().ok_or_else(|| no_trust_store(name))?);
    }
    if arns.is_empty() && names.is_empty() {
        found.extend(tx.list::<elb::TrustStore>().cloned());
    }
    let (found, next_marker) = page(found, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeTrustStoresOutput { trust_stores: Some(found.iter().map(shown).collect()), next_marker })
}

fn users(tx: &Tx<'_>, arn: &str) -> Vec<String> {
    let uses = |l: &&Listener| {
        l.mutual_authentication.as_ref().and_then(|m| m.get("TrustStoreArn")).is_some_and(|a| a == arn)
    };
    tx.list::<Listener>().filter(uses).map(Listener::arn).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTrustStoreAssociations.html>
pub(crate) fn describe_trust_store_associations(
    tx: &mut Tx<'_>,
    input: DescribeTrustStoreAssociationsInput,
) -> Result<DescribeTrustStoreAssociationsOutput, Fault> {
    find(tx, &input.trust_store_arn)?;
    let users = users(tx, &input.trust_store_arn);
    let all = users.into_iter().map(|a| TrustStoreAssociation { resource_arn: Some(a) }).collect();
    let (all, next_marker) = page(all, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeTrustStoreAssociationsOutput { trust_store_associations: Some(all), next_marker })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTrustStore.html>
pub(crate) fn delete_trust_store(
    tx: &mut Tx<'_>,
    input: DeleteTrustStoreInput,
) -> Result<DeleteTrustStoreOutput, Fault> {
    let found = find(tx, &input.trust_store_arn)?;
    if !users(tx, &input.trust_store_arn).is_empty() {
        return Err(Fault::client(
            "TrustStoreInUse",
            format!("Trust store '{}' is in use", input.trust_store_arn),
        ));
    }
    tx.remove(&found)?;
    Ok(DeleteTrustStoreOutput {})
}
