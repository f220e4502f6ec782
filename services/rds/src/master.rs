//! The master user's password. It is kept nowhere: PostgreSQL is given a SCRAM verifier,
//! and where Secrets Manager manages the password, the secret is the only copy.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::estate::iam::Linked;
use model::estate::rds::{DbInstance, MasterSecret, VERIFIER_PURPOSE, VERIFIERS};
use model::{Fault, Tx, Value};
use ring::{digest, hmac, pbkdf2};
use serde_json::json;

use crate::SERVICE_PRINCIPAL;

/// What RDS may do in an account on its own.
pub(crate) const LINKED: Linked<'static> = Linked {
    service: SERVICE_PRINCIPAL,
    role: "AWSServiceRoleForRDS",
    policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["secretsmanager:DeleteSecret","secretsmanager:DescribeSecret","secretsmanager:PutSecretValue"],"Resource":"arn:aws:secretsmanager:*:*:secret:rds!*"},{"Effect":"Allow","Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"*","Condition":{"StringLike":{"kms:ViaService":"secretsmanager.*.amazonaws.com"}}}]}"#,
};

/// RFC 5803's form, as PostgreSQL keeps it. Passwords here are ASCII, which SASLprep leaves as it is.
pub(crate) fn verifier(salt: [u8; 16], password: &str) -> String {
    const ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4095);
    let mut salted = [0; digest::SHA256_OUTPUT_LEN];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password.as_bytes(), &mut salted);
    let key = hmac::Key::new(hmac::HMAC_SHA256, &salted);
    let client = hmac::sign(&key, b"Client Key");
    let stored = digest::digest(&digest::SHA256, client.as_ref());
    let server = hmac::sign(&key, b"Server Key");
    format!(
        "SCRAM-SHA-256${ITERATIONS}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored),
        STANDARD.encode(server)
    )
}

/// Gives the master user a new password, for the engine to learn.
pub(crate) fn set(tx: &mut Tx<'_>, instance: &mut DbInstance, password: &str) -> Result<(), Fault> {
    let verifier = verifier(tx.random(), password);
    instance.master_version += 1;
    let aad = format!("{}/{}", instance.resource_id, instance.master_version);
    let sealed = tx.seal(VERIFIER_PURPOSE, aad.as_bytes(), verifier.as_bytes())?;
    tx.put_record(VERIFIERS, instance.resource_id.as_bytes(), sealed)
}

const PASSWORD: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&()*+,-.:;<=>?[]^_{|}~";

fn random(tx: &Tx<'_>) -> String {
    tx.random_text(32, PASSWORD)
}

fn content(instance: &DbInstance, password: &str) -> String {
    json!({"username": instance.master_user, "password": password}).to_string()
}

/// Makes a password that Secrets Manager keeps, in a secret made for the caller.
pub(crate) fn manage(tx: &mut Tx<'_>, instance: &mut DbInstance, key: Option<&str>) -> Result<(), Fault> {
    if let Some(key) = key {
        let _: Value =
            tx.call(SERVICE_PRINCIPAL, "kms", "DescribeKey", Value::from_json(json!({"KeyId": key})))?;
    }
    let password = random(tx);
    let mut input = json!({
        "Name": format!("rds!db-{}", tx.uuid()),
        "Description": format!("The secret associated with the primary RDS DB instance: {}", instance.arn()),
        "SecretString": content(instance, &password),
        "Tags": [
            {"Key": "aws:rds:primaryDBInstanceArn", "Value": instance.arn()},
            {"Key": "aws:secretsmanager:owningService", "Value": "rds"},
        ],
    });
    if let (Some(key), Some(map)) = (key, input.as_object_mut()) {
        map.insert("KmsKeyId".to_owned(), json!(key));
    }
    let made: Value =
        tx.call(SERVICE_PRINCIPAL, "secretsmanager", "CreateSecret", Value::from_json(input))?;
    let arn = made.text("ARN").unwrap_or_default().to_owned();
    instance.master_secret = Some(MasterSecret { arn, kms_key: key.map(str::to_owned) });
    set(tx, instance, &password)
}

/// A new password for a managed master user.
pub(crate) fn rotate(tx: &mut Tx<'_>, instance: &mut DbInstance) -> Result<(), Fault> {
    let Some(secret) = instance.master_secret.clone() else { return Ok(()) };
    let password = random(tx);
    let input = json!({"SecretId": secret.arn, "SecretString": content(instance, &password)});
    let service = LINKED.caller(tx)?;
    let _: Value = tx.call_as(service, None, "secretsmanager", "PutSecretValue", Value::from_json(input))?;
    set(tx, instance, &password)
}

/// The secret goes with what it belongs to. One that is gone already is gone.
pub(crate) fn forget(tx: &mut Tx<'_>, instance: &mut DbInstance) -> Result<(), Fault> {
    let Some(secret) = instance.master_secret.take() else { return Ok(()) };
    let input = json!({"SecretId": secret.arn, "ForceDeleteWithoutRecovery": true});
    let service = LINKED.caller(tx)?;
    match tx.call_as::<_, Value>(service, None, "secretsmanager", "DeleteSecret", Value::from_json(input)) {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7677's example: the server's signature follows from the verifier's server key.
    #[test]
    fn verifier_of_a_known_password() {
        let salt: [u8; 16] = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let verifier = verifier(salt, "pencil");
        let server = STANDARD.decode(verifier.rsplit(':').next().unwrap()).unwrap();
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let said = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &server), said.as_bytes());
        assert_eq!(STANDARD.encode(signature), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }
}
