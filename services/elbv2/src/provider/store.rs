//! `AWS::ElasticLoadBalancingV2::TrustStore`.

use model::estate::elb::TrustStore;
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::{call, changed, first, gone_already, properties, retag, tags, with};

const BUNDLE: &[&str] =
    &["CaCertificatesBundleS3Bucket", "CaCertificatesBundleS3Key", "CaCertificatesBundleS3ObjectVersion"];

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = super::name(tx, deploy);
    let input = with(properties(deploy, BUNDLE), json!({"Name": name, "Tags": tags(deploy)}));
    let made = call(tx, deploy, "CreateTrustStore", input)?;
    let (_, arn) = first(&made, "TrustStores", "TrustStoreArn");
    Ok(physical(tx, &arn))
}

fn physical(tx: &Tx<'_>, arn: &str) -> Physical {
    let count = tx.find_arn::<TrustStore>(arn).map_or(0, |s| s.certificates);
    Physical::new(arn)
        .attribute("TrustStoreArn", arn)
        .attribute("Status", "ACTIVE")
        .attribute("NumberOfCaCertificates", Json::from(count))
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    if BUNDLE.iter().any(|b| changed(deploy, b)) {
        call(
            tx,
            deploy,
            "ModifyTrustStore",
            with(properties(deploy, BUNDLE), json!({"TrustStoreArn": arn})),
        )?;
    }
    retag(tx, deploy, &arn)?;
    Ok(physical(tx, &arn))
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone_already(call(tx, deploy, "DeleteTrustStore", json!({"TrustStoreArn": deploy.id()?})))
}
