//! Who is asking, and from where. Filled by the edge from what really happened
//! on the connection, never from a header that a client may forge.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::graph::Tags;
use crate::ids::AccountId;
use crate::time::Timestamp;

/// The authenticated principal of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Caller {
    /// e.g. `arn:aws:iam::111122223333:user/alice`, `arn:aws:sts::111122223333:assumed-role/Orders/task-1`.
    pub arn: String,
    pub account: AccountId,
    /// `AIDA...`, `AROA...:session`, or the account id for its root.
    pub principal_id: String,
    pub kind: CallerKind,
    pub access_key: Option<String>,
    /// Present for temporary credentials.
    pub session: Option<Session>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallerKind {
    Root,
    User {
        name: String,
    },
    Role {
        role_arn: String,
        session_name: String,
    },
    FederatedUser {
        name: String,
    },
    /// A web identity or SAML assertion that asks for a role (no credentials yet).
    Federated {
        provider: String,
        subject: String,
    },
    Service {
        name: String,
    },
    Anonymous,
}

/// What temporary credentials carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Inline session policies: the session may do only what these allow, too.
    #[serde(default)]
    pub policies: Vec<String>,
    /// Managed session policies, by ARN.
    #[serde(default)]
    pub policy_arns: Vec<String>,
    #[serde(default)]
    pub tags: Tags,
    #[serde(default)]
    pub transitive_tag_keys: Vec<String>,
    pub issued: Timestamp,
    pub expires: Timestamp,
    /// When the MFA code was checked, if one was.
    pub mfa: Option<Timestamp>,
    pub source_identity: Option<String>,
    /// The identity provider's condition keys, e.g. `cognito-identity.amazonaws.com:sub`.
    #[serde(default)]
    pub federation: BTreeMap<String, Vec<String>>,
    /// The service the credentials were issued for (a task, an instance), if any.
    pub issued_for: Option<String>,
}

impl Caller {
    /// An AWS service acting on its own behalf.
    pub fn service(name: &str, account: &AccountId) -> Caller {
        Caller {
            arn: name.to_owned(),
            account: account.clone(),
            principal_id: name.to_owned(),
            kind: CallerKind::Service { name: name.to_owned() },
            access_key: None,
            session: None,
        }
    }

    /// An AWS service acting for a resource of the account's: `aws:SourceArn`.
    pub fn service_for(name: &str, account: &AccountId, resource: &str) -> Caller {
        Caller { principal_id: resource.to_owned(), ..Caller::service(name, account) }
    }

    pub fn anonymous() -> Caller {
        Caller {
            arn: String::new(),
            account: AccountId::none(),
            principal_id: "anonymous".to_owned(),
            kind: CallerKind::Anonymous,
            access_key: None,
            session: None,
        }
    }

    /// The bearer of a verified token, who asks for a role; of no account. `keys` are what the
    /// provider says of them.
    pub fn federated(
        provider: &str,
        audience: &str,
        subject: &str,
        keys: BTreeMap<String, Vec<String>>,
    ) -> Caller {
        let name = format!("{provider}:{audience}:{subject}");
        Caller {
            arn: name.clone(),
            principal_id: name,
            kind: CallerKind::Federated { provider: provider.to_owned(), subject: subject.to_owned() },
            session: Some(Session { federation: keys, ..Session::default() }),
            ..Caller::anonymous()
        }
    }
}

/// Where a request came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub source_ip: IpAddr,
    /// TLS on the wire, as seen by the listener.
    pub secure: bool,
    pub user_agent: String,
    pub vpc: Option<String>,
    pub vpc_endpoint: Option<String>,
    /// The host name and port the client used, for URLs in answers.
    pub host: String,
}

impl Origin {
    /// A request that arose inside the runtime.
    pub fn internal(service: &str) -> Origin {
        Origin {
            source_ip: IpAddr::from([127, 0, 0, 1]),
            secure: true,
            user_agent: service.to_owned(),
            vpc: None,
            vpc_endpoint: None,
            host: String::new(),
        }
    }
}
