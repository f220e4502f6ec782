//! Grants of a KMS key as statements: what `decide_iam` asks of a grant, as conditions on a request.
//!
//! That a grant's encryption context is all that a request has is not said here; the evaluator knows it,
//! and a request that has more is then not confirmed.

use decide_iam::{Constraint, EncryptionContext, KeyGrant, Policy, PolicyKind, Scope, Statement};
use serde_json::{Map, Value as Json, json};

const CREATE: &str = "kms:CreateGrant";
/// Operations without an encryption context.
const UNCONSTRAINED: [&str; 2] = ["kms:DescribeKey", "kms:RetireGrant"];

/// One grant, in a statement for each way in which it is constrained.
pub(crate) struct Granted {
    /// Its statements with everyone in the place of the grantee: for the keys and values in them.
    pub(crate) policy: Policy,
    pub(crate) statements: Vec<Statement>,
}

impl Granted {
    pub(crate) fn of(grant: &KeyGrant) -> Option<Granted> {
        let (create, other): (Vec<&str>, Vec<&str>) =
            grant.actions.iter().map(String::as_str).partition(|a| a.eq_ignore_ascii_case(CREATE));
        let (free, bound): (Vec<&str>, Vec<&str>) =
            other.into_iter().partition(|a| UNCONSTRAINED.iter().any(|free| free.eq_ignore_ascii_case(a)));
        let encryption = grant.constraint.as_ref().map(|constraint| match constraint {
            Constraint::Equals(pairs) | Constraint::Subset(pairs) => pairs,
        });
        let mut statements = Vec::new();
        for (actions, conditions) in [
            (free, conditions(grant, None)),
            (bound, conditions(grant, encryption)),
            (create, as_strict(grant, conditions(grant, encryption))),
        ] {
            if !actions.is_empty() {
                statements.push(json!({"Effect": "Allow", "Principal": "*", "Action": actions,
                    "Resource": grant.key, "Condition": conditions}));
            }
        }
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = Policy::read(&text, PolicyKind::Resource).ok()?;
        let to = |statement: &Statement| Statement {
            principals: Some(Scope::Only(vec![grant.grantee.clone()])),
            ..statement.clone()
        };
        Some(Granted { statements: policy.statements().iter().map(to).collect(), policy })
    }
}

/// Texts are not to be read as variables.
fn literal(text: &str) -> String {
    text.replace("${", "${$}{")
}

fn conditions(grant: &KeyGrant, encryption: Option<&EncryptionContext>) -> Map<String, Json> {
    let mut equal = Map::new();
    for (name, value) in encryption.into_iter().flatten() {
        equal.insert(format!("kms:EncryptionContext:{name}"), json!(literal(value)));
    }
    if let Some(source) = &grant.source {
        equal.insert("aws:SourceArn".to_owned(), json!(literal(source)));
    }
    let one = (!equal.is_empty()).then(|| ("StringEquals".to_owned(), Json::Object(equal)));
    one.into_iter().collect()
}

/// A grant that is made by a grant is no wider than it.
fn as_strict(grant: &KeyGrant, mut conditions: Map<String, Json>) -> Map<String, Json> {
    let operations: Vec<&str> = grant.actions.iter().filter_map(|a| a.strip_prefix("kms:")).collect();
    conditions.insert("ForAllValues:StringEquals".to_owned(), json!({"kms:GrantOperations": operations}));
    conditions.insert("Null".to_owned(), json!({"kms:GrantOperations": "false"}));
    let equal = conditions.entry("StringEquals").or_insert_with(|| json!({}));
    if let Json::Object(equal) = equal {
        if let Some(Constraint::Equals(_)) = grant.constraint {
            equal.insert("kms:GrantConstraintType".to_owned(), json!("EncryptionContextEquals"));
        }
        if let Some(source) = &grant.source {
            equal.insert("kms:GrantConstraintSourceArn".to_owned(), json!(literal(source)));
        }
        if equal.is_empty() {
            conditions.remove("StringEquals");
        }
    }
    conditions
}
