//! Who may use a repository, and how long its images would be kept.

use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tx};
use serde_json::Value as Json;

use crate::repository::{Repository, find};
use crate::shapes::*;

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

fn registry(repository: &Repository) -> (Option<String>, Option<String>) {
    (Some(repository.account.to_string()), Some(repository.name.clone()))
}

/// A repository's policy names no resource: it is about the repository. The evaluator asks for one.
fn with_resource(text: &str) -> Result<String, Fault> {
    let malformed = || {
        invalid(
            "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
        )
    };
    let mut policy: Json = serde_json::from_str(text).map_err(|_| malformed())?;
    let statements = policy.get_mut("Statement").ok_or_else(malformed)?;
    let list = match statements {
        Json::Array(list) => list.as_mut_slice(),
        one => std::slice::from_mut(one),
    };
    for statement in list {
        let statement = statement.as_object_mut().ok_or_else(malformed)?;
        if !statement.contains_key("Resource") && !statement.contains_key("NotResource") {
            statement.insert("Resource".to_owned(), Json::from("*"));
        }
    }
    Ok(policy.to_string())
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_SetRepositoryPolicy.html>
pub(crate) fn set_repository_policy(
    tx: &mut Tx<'_>,
    input: SetRepositoryPolicyRequest,
) -> Result<SetRepositoryPolicyResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    let text = with_resource(&input.policy_text)?;
    tx.host().policies().check(PolicyCheck::Resource, &text).map_err(|f| {
        invalid(format!("Invalid parameter at 'PolicyText' failed to satisfy constraint: '{}'", f.message))
    })?;
    repository.policy = Some(PolicyText::new(text, tx.source.clone()));
    let (registry_id, repository_name) = registry(&repository);
    tx.put(repository)?;
    Ok(SetRepositoryPolicyResponse { registry_id, repository_name, policy_text: Some(input.policy_text) })
}

fn policy(repository: &Repository) -> Result<String, Fault> {
    let text = repository.policy.as_ref().map(|p| p.text.clone());
    text.ok_or_else(|| {
        Fault::client(
            "RepositoryPolicyNotFoundException",
            format!(
                "Repository policy does not exist for the repository with name '{}' in the registry with id '{}'",
                repository.name, repository.account
            ),
        )
    })
}

pub(crate) fn get_repository_policy(
    tx: &mut Tx<'_>,
    input: GetRepositoryPolicyRequest,
) -> Result<GetRepositoryPolicyResponse, Fault> {
    let repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    let (registry_id, repository_name) = registry(&repository);
    let policy_text = Some(policy(&repository)?);
    Ok(GetRepositoryPolicyResponse { registry_id, repository_name, policy_text })
}

pub(crate) fn delete_repository_policy(
    tx: &mut Tx<'_>,
    input: DeleteRepositoryPolicyRequest,
) -> Result<DeleteRepositoryPolicyResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    let (registry_id, repository_name) = registry(&repository);
    let policy_text = Some(policy(&repository)?);
    repository.policy = None;
    tx.put(repository)?;
    Ok(DeleteRepositoryPolicyResponse { registry_id, repository_name, policy_text })
}

/// Rules in order of their priority, each with a selection and an action.
fn check_lifecycle(text: &str) -> Result<(), Fault> {
    let wrong = |why: &str| {
        invalid(format!(
            "Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {why}'"
        ))
    };
    let policy: Json = serde_json::from_str(text).map_err(|_| wrong("it is no JSON"))?;
    let rules = policy.get("rules").and_then(Json::as_array).filter(|r| !r.is_empty());
    let mut seen = Vec::new();
    for rule in rules.ok_or_else(|| wrong("it has no rules"))? {
        let priority = rule.get("rulePriority").and_then(Json::as_i64).filter(|p| *p >= 1);
        let priority = priority.ok_or_else(|| wrong("a rule has no rulePriority"))?;
        if seen.contains(&priority) {
            return Err(wrong("two rules have the same rulePriority"));
        }
        seen.push(priority);
        let selection = rule.get("selection").ok_or_else(|| wrong("a rule has no selection"))?;
        let text = |name: &str| selection.get(name).and_then(Json::as_str).unwrap_or_default();
        if !["tagged", "untagged", "any"].contains(&text("tagStatus"))
            || !["imageCountMoreThan", "sinceImagePushed"].contains(&text("countType"))
            || selection.get("countNumber").and_then(Json::as_i64).is_none_or(|n| n < 1)
        {
            return Err(wrong("a rule's selection is not valid"));
        }
        if rule.pointer("/action/type").and_then(Json::as_str) != Some("expire") {
            return Err(wrong("a rule's action is not `expire`"));
        }
    }
    Ok(())
}

/// There is nothing yet that a lifecycle policy could expire: no image can be pushed.
pub(crate) fn put_lifecycle_policy(
    tx: &mut Tx<'_>,
    input: PutLifecyclePolicyRequest,
) -> Result<PutLifecyclePolicyResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    check_lifecycle(&input.lifecycle_policy_text)?;
    repository.lifecycle = Some(input.lifecycle_policy_text.clone());
    let (registry_id, repository_name) = registry(&repository);
    tx.put(repository)?;
    let lifecycle_policy_text = Some(input.lifecycle_policy_text);
    Ok(PutLifecyclePolicyResponse { registry_id, repository_name, lifecycle_policy_text })
}

fn lifecycle(repository: &Repository) -> Result<String, Fault> {
    repository.lifecycle.clone().ok_or_else(|| {
        Fault::client(
            "LifecyclePolicyNotFoundException",
            format!(
                "Lifecycle policy does not exist for the repository with name '{}' in the registry with id '{}'",
                repository.name, repository.account
            ),
        )
    })
}

pub(crate) fn get_lifecycle_policy(
    tx: &mut Tx<'_>,
    input: GetLifecyclePolicyRequest,
) -> Result<GetLifecyclePolicyResponse, Fault> {
    let repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    let (registry_id, repository_name) = registry(&repository);
    let lifecycle_policy_text = Some(lifecycle(&repository)?);
    Ok(GetLifecyclePolicyResponse {
        registry_id,
        repository_name,
        lifecycle_policy_text,
        last_evaluated_at: Some(tx.now),
    })
}

pub(crate) fn delete_lifecycle_policy(
    tx: &mut Tx<'_>,
    input: DeleteLifecyclePolicyRequest,
) -> Result<DeleteLifecyclePolicyResponse, Fault> {
    let mut repository = find(tx, input.registry_id.as_deref(), &input.repository_name)?;
    let (registry_id, repository_name) = registry(&repository);
    let lifecycle_policy_text = Some(lifecycle(&repository)?);
    repository.lifecycle = None;
    tx.put(repository)?;
    Ok(DeleteLifecyclePolicyResponse {
        registry_id,
        repository_name,
        lifecycle_policy_text,
        last_evaluated_at: Some(tx.now),
    })
}
