//! What came of an inspection, for the client, the log and the samples.

use crate::action::Answer;

/// What is to be done with the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    Refuse(Answer),
}

/// Which sort of rule it was, as logs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Regular,
    RateBased,
    Group,
    ManagedGroup,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Regular => "REGULAR",
            Kind::RateBased => "RATE_BASED",
            Kind::Group => "GROUP",
            Kind::ManagedGroup => "MANAGED_RULE_GROUP",
        }
    }
}

/// A rule that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The rule of the web ACL.
    pub rule: String,
    pub metric: String,
    pub sampled: bool,
    pub kind: Kind,
    /// The group that the rule of the web ACL refers to, and the group's rule that matched.
    pub group: Option<(String, String)>,
    /// What was done: `ALLOW`, `BLOCK`, `COUNT`, `CAPTCHA`, `CHALLENGE`.
    pub action: &'static str,
    /// What the rule's own action would have been, where the web ACL overrode it.
    pub overridden: Option<&'static str>,
    pub details: Vec<Detail>,
    pub labels: Vec<String>,
    pub rate: Option<RateHit>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateHit {
    pub id: String,
    pub limit: u64,
    pub window_seconds: u32,
    pub aggregate: String,
}

/// Where a statement found what it looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// `SQL_INJECTION`, `XSS`, `REGEX`, `BYTE_MATCH`, `SIZE_CONSTRAINT`.
    pub condition: &'static str,
    pub sensitivity: Option<&'static str>,
    /// `BODY`, `ALL_QUERY_ARGS`, ...
    pub location: &'static str,
    /// The header, argument or cookie.
    pub field: Option<String>,
    /// The beginning of the text; never of a body, a cookie or a credential.
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub verdict: Verdict,
    /// The rule that decided; nothing where the default action did.
    pub terminating: Option<Hit>,
    /// `ALLOW`, `BLOCK`, `CAPTCHA`, `CHALLENGE`.
    pub action: &'static str,
    /// Rules that matched and did not decide, in order.
    pub counted: Vec<Hit>,
    pub labels: Vec<String>,
    /// Headers to be added to the request.
    pub inserted: Vec<(String, String)>,
}
