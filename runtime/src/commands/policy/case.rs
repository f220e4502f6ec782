//! A case as it is written.
//!
//! ```json
//! {"id": "reads-own", "policies": {"identity": [{...}], "resource": null, "boundary": null, "session": [],
//!  "scp": [[{...}]], "rcp": null, "endpoint": null},
//!  "request": {"principal": "arn:aws:iam::111122223333:user/u", "principalAccount": "111122223333",
//!  "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resourceAccount": "111122223333",
//!  "context": {"aws:SourceIp": "192.0.2.1"}}, "expect": "allowed"}
//! ```
//! Fields that are not known here are left alone. A policy is a JSON object, or its text as a string.
//! Cases of the prover are in [`super::check`].

use decide_iam::Outcome;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

#[derive(Deserialize)]
pub(crate) struct Case<'a> {
    #[serde(default, borrow)]
    pub(crate) policies: Policies<'a>,
    pub(crate) request: Asked,
    pub(crate) expect: Expect,
}

/// Nothing or `null`: no policy of that kind is attached.
#[derive(Default, Deserialize)]
pub(crate) struct Policies<'a> {
    #[serde(default, borrow)]
    pub(crate) identity: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) resource: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) boundary: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) session: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) scp: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) rcp: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(crate) endpoint: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    pub(crate) principal: Option<String>,
    pub(crate) principal_type: Option<String>,
    pub(crate) principal_account: Option<String>,
    pub(crate) action: String,
    pub(crate) resource: Option<String>,
    pub(crate) resource_account: Option<String>,
    #[serde(default)]
    pub(crate) context: Option<Map<String, Json>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Expect {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

impl Expect {
    pub(crate) fn of(outcome: Outcome) -> Expect {
        match outcome {
            Outcome::Allowed => Expect::Allowed,
            Outcome::ImplicitDeny => Expect::ImplicitDeny,
            Outcome::ExplicitDeny => Expect::ExplicitDeny,
        }
    }

    /// As it is written in a case.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Expect::Allowed => "allowed",
            Expect::ImplicitDeny => "implicitDeny",
            Expect::ExplicitDeny => "explicitDeny",
        }
    }
}
