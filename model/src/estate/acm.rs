//! Certificates, as the listeners serve them.

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, Fault, Host, Tags, Timestamp};

/// A certificate with its private key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    pub account: AccountId,
    pub region: String,
    /// A UUID.
    pub id: String,
    pub domain: String,
    /// All names, `domain` among them.
    pub names: Vec<String>,
    /// `ISSUED`, `PENDING_VALIDATION`, `EXPIRED`, ...
    pub status: String,
    /// `AMAZON_ISSUED`, `PRIVATE`, `IMPORTED`.
    pub kind: String,
    pub certificate_pem: String,
    pub chain_pem: String,
    /// The private key (PEM), sealed for purpose `acm-key` with the ARN as additional data; hexadecimal.
    pub sealed_key: String,
    pub serial: String,
    pub created: Timestamp,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub tags: Tags,
}

impl Certificate {
    pub fn arn(&self) -> String {
        arn("acm", &self.region, &self.account, &format!("certificate/{}", self.id))
    }

    /// The private key (PEM). Secret.
    pub fn private_key(&self, host: &dyn Host) -> Result<String, Fault> {
        let sealed = hex::decode(&self.sealed_key)
            .map_err(|e| Fault::internal(format!("a certificate's key cannot be read: {e}")))?;
        let plain = host.unseal("acm-key", self.arn().as_bytes(), &sealed)?;
        String::from_utf8(plain).map_err(|_| Fault::internal("a certificate's key is not text"))
    }
}

crate::regional_node!(Certificate, "AWS::CertificateManager::Certificate", id);
