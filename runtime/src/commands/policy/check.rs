//! Cases about all requests at once, which the prover decides.
//!
//! ```json
//! {"id": "no wider", "check": "CheckNoNewAccess", "policyType": "IDENTITY_POLICY",
//!  "existingPolicyDocument": {...}, "newPolicyDocument": {...}, "expect": "PASS"}
//! {"id": "no keys", "check": "CheckAccessNotGranted", "policyType": "RESOURCE_POLICY",
//!  "policyDocument": {...}, "access": [{"actions": ["kms:Decrypt"], "resources": []}], "expect": "FAIL"}
//! {"id": "not public", "check": "CheckNoPublicAccess", "policyDocument": {...},
//!  "resourceType": "AWS::S3::Bucket", "expect": "PASS"}
//! ```
//! The names are those of the API of IAM Access Analyzer. A document is a JSON object or its text
//! as a string; several policies of one side are a list of them. What the prover does not know is
//! not decided: it is neither `PASS` nor `FAIL`.

use std::sync::Arc;

use decide_iam::Policy;
use prove::policy::{Access, Answer, PolicyType, Prover, Reason};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::commands::cases::{Decided, Placed};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Check<'a> {
    check: Name,
    #[serde(default)]
    policy_type: Option<String>,
    #[serde(default, borrow)]
    existing_policy_document: Option<&'a RawValue>,
    #[serde(default, borrow)]
    new_policy_document: Option<&'a RawValue>,
    #[serde(default, borrow)]
    policy_document: Option<&'a RawValue>,
    #[serde(default)]
    access: Vec<Sought>,
    #[serde(default)]
    resource_type: Option<String>,
    expect: Expect,
}

#[derive(Clone, Copy, Deserialize)]
#[expect(clippy::enum_variant_names, reason = "the API's own names")]
enum Name {
    CheckNoNewAccess,
    CheckAccessNotGranted,
    CheckNoPublicAccess,
}

#[derive(Deserialize)]
struct Sought {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    resources: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Expect {
    Pass,
    Fail,
}

pub(crate) fn decided(placed: &Placed<'_>, text: &str) -> Result<Decided, String> {
    let check: Check<'_> =
        serde_json::from_str(text).map_err(|e| format!("{e} (counted from the beginning of the case)"))?;
    let of = match (&check.policy_type, check.check) {
        (None, Name::CheckNoPublicAccess) => PolicyType::ResourcePolicy,
        (given, _) => PolicyType::parse(given.as_deref().unwrap_or_default())
            .ok_or("`policyType` is `IDENTITY_POLICY` or `RESOURCE_POLICY`")?,
    };
    let shelf = Shelf { placed, of };
    let prover = Prover::default();
    let (answer, blamed) = match check.check {
        Name::CheckNoNewAccess => {
            let existing = shelf.policies("existingPolicyDocument", check.existing_policy_document)?;
            let new = shelf.policies("newPolicyDocument", check.new_policy_document)?;
            (prover.check_no_new_access(&policies(&existing), &policies(&new), of), new)
        }
        Name::CheckAccessNotGranted => {
            let only = shelf.only(check.policy_document)?;
            let access = check.access.into_iter();
            let access: Vec<Access> =
                access.map(|a| Access { actions: a.actions, resources: a.resources }).collect();
            if access.is_empty() {
                return Err("`access` names what is not to be granted".to_owned());
            }
            (prover.check_access_not_granted(&only.policy, of, &access), vec![only])
        }
        Name::CheckNoPublicAccess => {
            let only = shelf.only(check.policy_document)?;
            let resource_type = check.resource_type.ok_or("`resourceType` is missing")?;
            (prover.check_no_public_access(&only.policy, &resource_type), vec![only])
        }
    };
    let (outcome, explanation) = match answer {
        Answer::Pass => ("PASS", "there is no such request".to_owned()),
        Answer::Fail { counterexample, reasons } => {
            ("FAIL", format!("allowed: {counterexample}\n{}", explained(placed, &reasons, &blamed)))
        }
        Answer::Unknown { reason } => return Err(format!("not known: {reason}")),
    };
    let expect = match check.expect {
        Expect::Pass => "PASS",
        Expect::Fail => "FAIL",
    };
    Ok(Decided { expect, outcome, explanation: (outcome != expect).then_some(explanation) })
}

/// Each statement to blame, with its line in the file.
fn explained(placed: &Placed<'_>, reasons: &[Reason], policies: &[Document]) -> String {
    let line = |reason: &Reason| {
        let lines = policies.get(reason.policy).map(|d| d.lines.as_slice()).unwrap_or_default();
        let line = lines.get(reason.statement).copied().unwrap_or(placed.line);
        format!("{} ({}:{line})", reason.description, placed.file)
    };
    reasons.iter().map(line).collect::<Vec<_>>().join("\n")
}

struct Document {
    policy: Arc<Policy>,
    /// Of its statements in the file.
    lines: Vec<u32>,
}

fn policies(documents: &[Document]) -> Vec<Arc<Policy>> {
    documents.iter().map(|d| Arc::clone(&d.policy)).collect()
}

struct Shelf<'a> {
    placed: &'a Placed<'a>,
    of: PolicyType,
}

impl Shelf<'_> {
    fn only(&self, given: Option<&RawValue>) -> Result<Document, String> {
        let mut documents = self.policies("policyDocument", given)?;
        match (documents.pop(), documents.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err("`policyDocument` is one policy".to_owned()),
        }
    }

    fn policies(&self, field: &str, given: Option<&RawValue>) -> Result<Vec<Document>, String> {
        let given = given.ok_or_else(|| format!("`{field}` is missing"))?;
        let list = if given.get().starts_with('[') {
            serde_json::from_str(given.get()).map_err(|e| format!("`{field}`: {e}"))?
        } else {
            vec![given]
        };
        list.into_iter().map(|raw| self.policy(field, raw)).collect()
    }

    fn policy(&self, field: &str, raw: &RawValue) -> Result<Document, String> {
        let text = raw.get();
        let quoted = if text.starts_with('"') { serde_json::from_str::<String>(text).ok() } else { None };
        let line = self.placed.line_of(text);
        // Lines within a string are not lines of the file.
        let of_file = |within: u32| if quoted.is_some() { line } else { line + within.saturating_sub(1) };
        let policy = Policy::read(quoted.as_deref().unwrap_or(text), self.of.kind());
        let policy = policy.map_err(|malformed| {
            format!("`{field}` (line {} of the file): {malformed}", of_file(malformed.line))
        })?;
        let lines = policy.statements().iter().map(|s| of_file(s.position.line)).collect();
        Ok(Document { policy: Arc::new(policy), lines })
    }
}
