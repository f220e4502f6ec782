//! A case as it is written, and what became of it.
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

/// A case in its file.
pub(crate) struct Placed<'a> {
    pub(crate) file: &'a str,
    /// Where the case begins in it; counted from 1.
    pub(crate) line: u32,
    /// Its own text, or why it is none.
    pub(crate) text: Result<&'a str, String>,
}

impl Placed<'_> {
    /// The line of the file at which a part of it begins.
    pub(crate) fn line_of(&self, part: &str) -> u32 {
        let text = self.text.as_deref().unwrap_or_default();
        let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        self.line + line_at(text, at) - 1
    }
}

/// The line, counted from 1, of a byte.
pub(crate) fn line_at(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    u32::try_from(before.iter().filter(|b| **b == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1)
}

#[derive(Deserialize)]
pub(crate) struct Case<'a> {
    #[serde(default, borrow)]
    pub(crate) policies: Policies<'a>,
    pub(crate) request: Asked,
    pub(crate) expect: Expect,
}

/// What names a case, readable also where the rest is not.
#[derive(Default, Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) id: Json,
    #[serde(default)]
    pub(crate) check: Option<Json>,
}

impl Named {
    pub(crate) fn id(&self) -> String {
        match &self.id {
            Json::Null => String::new(),
            Json::String(id) => id.clone(),
            other => other.to_string(),
        }
    }
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

/// A case with its result.
pub(crate) struct Tested {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) id: String,
    pub(crate) result: Result<Decided, String>,
}

/// Outcomes in the words of the case.
pub(crate) struct Decided {
    pub(crate) expect: &'static str,
    pub(crate) outcome: &'static str,
    /// Only of a mismatch.
    pub(crate) explanation: Option<String>,
}

impl Tested {
    pub(crate) fn unread(file: &str, line: u32, why: String) -> Tested {
        Tested { file: file.to_owned(), line, id: String::new(), result: Err(why) }
    }
}
