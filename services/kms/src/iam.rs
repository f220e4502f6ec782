//! Which permission each call needs. The key's policy must itself consent to each.

use model::estate::kms::{Constraint, Grant};
use model::{Ask, Asking, CallerKind, Fault, Value};

use crate::alias::Alias;
use crate::key::{Key, resolve};
use crate::{cipher, grant};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("kms:{operation}");
    Ok(match operation {
        "CreateKey" => vec![creating(asking)],
        "ListKeys" | "ListAliases" | "GenerateRandom" => vec![Ask::new(action, "*")],
        "CreateAlias" | "DeleteAlias" | "UpdateAlias" => aliasing(asking, &action),
        "Decrypt" => vec![context(asking, "EncryptionContext", by_blob(asking, "kms:Decrypt", "KeyId"))],
        "ReEncrypt" => reencrypting(asking),
        "RetireGrant" => vec![retiring(asking)],
        "ListRetirableGrants" => {
            vec![Ask::new(action, "*").key("kms:CallerAccount", Some(asking.caller.account.as_str()))]
        }
        "CreateGrant" => vec![granting(asking, action)],
        // Between services only; the handler looks at which.
        "EnsureManagedKey" if matches!(asking.caller.kind, CallerKind::Service { .. }) => {
            vec![Ask::free(action)]
        }
        "EnsureManagedKey" => Vec::new(),
        _ => {
            let Some(id) = asking.text("KeyId") else { return Ok(Vec::new()) };
            let mut ask = on_key(asking, action, id);
            ask.request_tags = asking.tags("Tags");
            ask.tag_keys = asking.strings("TagKeys");
            ask = ask
                .key("kms:EncryptionAlgorithm", asking.text("EncryptionAlgorithm"))
                .key("kms:GrantIsForAWSResource", for_service(asking))
                .key("kms:MacAlgorithm", asking.text("MacAlgorithm"))
                .key(
                    "kms:DataKeySpec",
                    asking.text("KeySpec").filter(|_| operation.starts_with("GenerateDataKey")),
                )
                .key("kms:ScheduleKeyDeletionPendingWindowInDays", number(asking, "PendingWindowInDays"))
                .key("kms:RotationPeriodInDays", number(asking, "RotationPeriodInDays"))
                .key("kms:BypassPolicyLockoutSafetyCheck", bypass(asking));
            vec![context(asking, "EncryptionContext", ask)]
        }
    })
}

/// A service asks on the caller's behalf.
fn for_service(asking: &Asking<'_>) -> Option<String> {
    matches!(asking.operation, "CreateGrant" | "ListGrants" | "RevokeGrant")
        .then(|| (!asking.via.is_empty()).to_string())
}

/// The grant that is to be made is told as the conditions of policies, and of the grant that may
/// let it be made, ask for it.
fn granting(asking: &Asking<'_>, action: String) -> Ask {
    let ask = on_key(asking, action, asking.text("KeyId").unwrap_or_default())
        .keys("kms:GrantOperations", asking.strings("Operations"))
        .key("kms:GranteePrincipal", asking.text("GranteePrincipal"))
        .key("kms:GranteeServicePrincipal", asking.text("GranteeServicePrincipal"))
        .key("kms:RetiringPrincipal", asking.text("RetiringPrincipal"))
        .key("kms:RetiringServicePrincipal", asking.text("RetiringServicePrincipal"))
        .key("kms:GrantIsForAWSResource", for_service(asking));
    let Some(constraints) = asking.input.get("Constraints") else { return ask };
    let mut ask = ask.key("kms:GrantConstraintSourceArn", constraints.text("SourceArn"));
    for kind in ["EncryptionContextEquals", "EncryptionContextSubset"] {
        if let Some(pairs) = constraints.get(kind) {
            ask = encryption(pairs, ask.key("kms:GrantConstraintType", Some(kind)));
        }
    }
    ask
}

/// What the grant that is to be retired asks of encryption contexts.
fn constrained(grant: &Grant, ask: Ask) -> Ask {
    let (kind, pairs) = match &grant.constraint {
        Some(Constraint::EncryptionContextEquals(pairs)) => ("EncryptionContextEquals", pairs),
        Some(Constraint::EncryptionContextSubset(pairs)) => ("EncryptionContextSubset", pairs),
        None => return ask,
    };
    let mut ask = ask.key("kms:GrantConstraintType", Some(kind));
    for (name, value) in pairs {
        ask = ask.key(format!("kms:EncryptionContext:{name}"), Some(value.as_str()));
    }
    match pairs.is_empty() {
        true => ask,
        false => ask.keys("kms:EncryptionContextKeys", pairs.keys().cloned().collect()),
    }
}

/// The grant says who may retire it; the key's policy does not.
fn retiring(asking: &Asking<'_>) -> Ask {
    let action = "kms:RetireGrant";
    match grant::asked(asking) {
        Some(grant) => {
            let tags = found(asking, &grant.key_arn).map(|key| key.tags.clone());
            let ask = constrained(grant, on_key(asking, action, &grant.key_arn));
            Ask { owner: Some(Grant::global_name_of(&grant.id)), consent: true, resource_tags: tags, ..ask }
        }
        // Of a grant that is not there identity policies decide who may know that.
        None => Ask { consent: false, ..on_key(asking, action, asking.text("KeyId").unwrap_or("*")) },
    }
}

fn number(asking: &Asking<'_>, member: &str) -> Option<String> {
    asking.input.get(member).and_then(Value::as_i64).map(|n| n.to_string())
}

fn bypass(asking: &Asking<'_>) -> Option<String> {
    asking.input.get("BypassPolicyLockoutSafetyCheck").and_then(Value::as_bool).map(|b| b.to_string())
}

fn creating(asking: &Asking<'_>) -> Ask {
    let mut ask = Ask::new("kms:CreateKey", "*")
        .key("kms:KeySpec", Some(asking.text("KeySpec").unwrap_or("SYMMETRIC_DEFAULT")))
        .key("kms:KeyUsage", Some(asking.text("KeyUsage").unwrap_or("ENCRYPT_DECRYPT")))
        .key("kms:KeyOrigin", Some(asking.text("Origin").unwrap_or("AWS_KMS")))
        .key("kms:BypassPolicyLockoutSafetyCheck", bypass(asking));
    ask.request_tags = asking.tags("Tags");
    ask
}

fn found<'a>(asking: &Asking<'a>, id: &str) -> Option<&'a Key> {
    resolve(asking.snapshot, asking.account, asking.region, id)
}

/// The ask about one key, with the keys that are about the key and the way to it.
fn on_key(asking: &Asking<'_>, action: impl Into<String>, id: &str) -> Ask {
    let key = found(asking, id);
    let arn = key.map_or_else(|| arn_of_missing(asking, id), Key::arn);
    // Of a key that is not there identity policies decide who may know that.
    let mut ask = Ask { consent: key.is_some(), ..Ask::new(action.into(), arn) };
    ask = ask.key("kms:CallerAccount", Some(asking.caller.account.as_str()));
    if let Some(via) = asking.via.last() {
        // `s3.amazonaws.com` shows itself with its Region here.
        let service = via.strip_suffix(".amazonaws.com").unwrap_or(via);
        ask = ask.key("kms:ViaService", Some(format!("{service}.{}.amazonaws.com", asking.region)));
    }
    if id.contains("alias/") {
        let name = id.find("alias/").and_then(|at| id.get(at..)).unwrap_or(id);
        ask = ask.key("kms:RequestAlias", Some(name));
    }
    let Some(key) = key else { return ask };
    let aliases: Vec<String> = asking
        .snapshot
        .list::<Alias>(&key.account, &key.region)
        .filter(|a| a.key_arn == key.arn())
        .map(|a| a.name.clone())
        .collect();
    if !aliases.is_empty() {
        ask = ask.keys("kms:ResourceAliases", aliases);
    }
    ask.key("kms:KeySpec", Some(key.spec.name()))
        .key("kms:KeyUsage", Some(key.spec.usage()))
        .key("kms:KeyOrigin", Some("AWS_KMS"))
}

/// A key that is not there is asked for all the same, under the ARN it would have.
fn arn_of_missing(asking: &Asking<'_>, id: &str) -> String {
    match id.starts_with("arn:") {
        true => id.to_owned(),
        false if id.starts_with("alias/") => asking.arn("kms", id),
        false => asking.arn("kms", &format!("key/{id}")),
    }
}

fn context(asking: &Asking<'_>, member: &str, ask: Ask) -> Ask {
    asking.input.get(member).map_or(ask.clone(), |context| encryption(context, ask))
}

fn encryption(context: &Value, mut ask: Ask) -> Ask {
    let Value::Map(context) = context else { return ask };
    for (name, value) in context.iter() {
        ask = ask.key(format!("kms:EncryptionContext:{name}"), value.as_str());
    }
    match context.0.is_empty() {
        true => ask,
        false => ask.keys("kms:EncryptionContextKeys", context.iter().map(|(n, _)| n.to_owned()).collect()),
    }
}

/// The key that the ciphertext names, or, where it names none of ours, the one that the caller names.
fn by_blob(asking: &Asking<'_>, action: &str, member: &str) -> Ask {
    let blob = match asking.input.get("CiphertextBlob") {
        Some(Value::Blob(blob)) => cipher::head(blob),
        _ => None,
    };
    let key = blob.and_then(|head| asking.snapshot.find_named::<Key>(&format!("kms-key/{}", head.key)));
    match (key, asking.text(member)) {
        (Some(key), named) => {
            let id = named
                .filter(|n| found(asking, n).is_some_and(|k| k.id == key.id))
                .map_or_else(|| key.arn(), str::to_owned);
            on_key(asking, action, &id)
        }
        (None, Some(named)) => on_key(asking, action, named),
        // No key of ours: whoever may decrypt at all learns from the handler that it is no ciphertext.
        (None, None) => Ask { consent: false, ..on_key(asking, action, "*") },
    }
}

fn reencrypting(asking: &Asking<'_>) -> Vec<Ask> {
    let from =
        context(asking, "SourceEncryptionContext", by_blob(asking, "kms:ReEncryptFrom", "SourceKeyId"));
    let to = on_key(asking, "kms:ReEncryptTo", asking.text("DestinationKeyId").unwrap_or_default());
    let to = context(asking, "DestinationEncryptionContext", to);
    let same = (from.resource == to.resource).to_string();
    vec![
        from.key("kms:ReEncryptOnSameKey", Some(same.as_str())),
        to.key("kms:ReEncryptOnSameKey", Some(same)),
    ]
}

/// Both the alias (by identity policies) and the key must allow.
fn aliasing(asking: &Asking<'_>, action: &str) -> Vec<Ask> {
    let name = asking.text("AliasName").unwrap_or_default();
    let mut asks = vec![Ask::new(action.to_owned(), asking.arn("kms", name))];
    let old = asking.snapshot.find::<Alias>(asking.account, asking.region, name).map(|a| a.key_arn.clone());
    let new = asking.text("TargetKeyId").map(str::to_owned);
    let old = old.filter(|_| asking.operation != "CreateAlias");
    asks.extend(old.into_iter().chain(new).map(|id| on_key(asking, action, &id)));
    asks
}
