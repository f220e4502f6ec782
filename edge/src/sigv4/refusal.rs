//! Why a signature was refused, and how each protocol says so.

use model::Fault;
use model::api::Protocol;

/// Why a request is not from whom it claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No signature where one is needed.
    Missing,
    /// A claim that cannot be read.
    Incomplete(String),
    /// A signature algorithm that is not served.
    Algorithm(String),
    /// No such access key, an inactive one, or one without its session token.
    UnknownKey,
    /// A session token that was not issued here, or for another access key.
    BadToken,
    ExpiredToken,
    /// The scope names another service.
    Scope(String),
    /// The signature was made too long ago, or in the future.
    Time(String),
    PresignExpired,
    /// A header that must be covered is not.
    Unsigned(String),
    /// The claim contradicts itself.
    Signature(String),
    Mismatch,
    /// The payload is not the one that was signed.
    Payload,
}

impl Refusal {
    /// The reason in words, for the log.
    pub(crate) fn reason(&self) -> String {
        message(self)
    }
}

const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";
const INVALID: &str = "The security token included in the request is invalid.";

/// The fault that AWS gives for a refusal in this protocol.
pub fn fault(refusal: &Refusal, protocol: Protocol, s3: bool) -> Fault {
    match protocol {
        Protocol::RestXml if s3 => s3_fault(refusal),
        Protocol::Ec2 if matches!(refusal, Refusal::UnknownKey | Refusal::BadToken) => {
            Fault::new("AuthFailure", 401, "AWS was not able to validate the provided access credentials")
        }
        Protocol::Query | Protocol::Ec2 | Protocol::RestXml => query_fault(refusal),
        Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => json_fault(refusal, 400),
        Protocol::RestJson => json_fault(refusal, 403),
    }
}

fn message(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Missing => "Request is missing Authentication Token".to_owned(),
        Refusal::Incomplete(why) | Refusal::Scope(why) | Refusal::Time(why) | Refusal::Signature(why) => {
            why.clone()
        }
        Refusal::Algorithm(name) => format!("Unsupported AWS 'algorithm': '{name}'."),
        Refusal::UnknownKey | Refusal::BadToken => INVALID.to_owned(),
        Refusal::ExpiredToken => "The security token included in the request is expired".to_owned(),
        Refusal::PresignExpired => "Request has expired".to_owned(),
        Refusal::Unsigned(header) => format!("'{header}' must be a 'SignedHeader' in the AWS Authorization."),
        Refusal::Mismatch | Refusal::Payload => MISMATCH.to_owned(),
    }
}

fn query_fault(refusal: &Refusal) -> Fault {
    let (code, status) = match refusal {
        Refusal::Missing => ("MissingAuthenticationToken", 403),
        Refusal::Incomplete(_) | Refusal::Algorithm(_) => ("IncompleteSignature", 400),
        Refusal::UnknownKey | Refusal::BadToken => ("InvalidClientTokenId", 403),
        Refusal::ExpiredToken => ("ExpiredToken", 403),
        _ => ("SignatureDoesNotMatch", 403),
    };
    Fault::new(code, status, message(refusal))
}

fn json_fault(refusal: &Refusal, status: u16) -> Fault {
    let code = match refusal {
        Refusal::Missing => "MissingAuthenticationTokenException",
        Refusal::Incomplete(_) | Refusal::Algorithm(_) => "IncompleteSignatureException",
        Refusal::UnknownKey | Refusal::BadToken => "UnrecognizedClientException",
        Refusal::ExpiredToken => "ExpiredTokenException",
        _ => "InvalidSignatureException",
    };
    Fault::new(code, status, message(refusal))
}

fn s3_fault(refusal: &Refusal) -> Fault {
    let (code, status, text) = match refusal {
        Refusal::Missing => ("AccessDenied", 403, "Access Denied".to_owned()),
        Refusal::Incomplete(why) => ("AuthorizationHeaderMalformed", 400, why.clone()),
        Refusal::Algorithm(_) => {
            ("InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.".to_owned())
        }
        Refusal::UnknownKey => {
            ("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.".to_owned())
        }
        Refusal::BadToken => ("InvalidToken", 400, "The provided token is malformed or otherwise invalid.".to_owned()),
        Refusal::ExpiredToken => ("ExpiredToken", 400, "The provided token has expired.".to_owned()),
        Refusal::Scope(why) => ("AuthorizationHeaderMalformed", 400, why.clone()),
        Refusal::Time(_) => (
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.".to_owned(),
        ),
        Refusal::PresignExpired => ("AccessDenied", 403, "Request has expired".to_owned()),
        Refusal::Unsigned(_) => {
            ("AccessDenied", 403, "There were headers present in the request which were not signed".to_owned())
        }
        Refusal::Signature(_) | Refusal::Mismatch => (
            "SignatureDoesNotMatch",
            403,
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.".to_owned(),
        ),
        Refusal::Payload => (
            "XAmzContentSHA256Mismatch",
            400,
            "The provided 'x-amz-content-sha256' header does not match what was computed.".to_owned(),
        ),
    };
    Fault::new(code, status, text)
}
