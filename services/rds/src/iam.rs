//! Which permission each call needs, and what each condition key holds: of an instance to be
//! made, what is asked for; of one that is there, what it is.

use model::estate::rds::{DbInstance, DbParameterGroup, DbSubnetGroup};
use model::{Ask, Asking, Fault, Snapshot, Tags, Value};

use crate::version;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("rds:{operation}");
    let named = |member: &str| asking.text(member).filter(|n| !n.is_empty()).map(str::to_ascii_lowercase);
    Ok(match operation {
        "CreateDBInstance" => creating(asking),
        "DescribeDBInstances" => vec![match asking.text("DBInstanceIdentifier") {
            None | Some("") => on(asking, action, "db", "*"),
            Some(arn) if arn.starts_with("arn:") => Ask::new(action, arn),
            Some(id) => on(asking, action, "db", &id.to_ascii_lowercase()),
        }],
        "ModifyDBInstance" => modifying(asking),
        "StartDBInstance" | "StopDBInstance" | "RebootDBInstance" | "DeleteDBInstance" => {
            named("DBInstanceIdentifier").map(|id| existing(asking, action, &id)).into_iter().collect()
        }
        "DescribeDBEngineVersions" | "DescribeOrderableDBInstanceOptions" => vec![Ask::new(action, "*")],
        "AddTagsToResource" | "RemoveTagsFromResource" | "ListTagsForResource" => {
            asking.text("ResourceName").map(|arn| tagging(asking, action, arn)).into_iter().collect()
        }
        _ if operation.contains("SubnetGroup") => group(asking, action, "subgrp", named("DBSubnetGroupName")),
        _ if operation.contains("Parameter") => group(asking, action, "pg", named("DBParameterGroupName")),
        _ => Vec::new(),
    })
}

fn on(asking: &Asking<'_>, action: impl Into<String>, kind: &str, name: &str) -> Ask {
    let arn = asking.arn("rds", &format!("{kind}:{name}"));
    let ask = Ask { account: Some(asking.account.clone()), ..Ask::new(action.into(), arn) };
    with_tags(asking.snapshot, ask)
}

/// `rds:db-tag/KEY` and its like: the tags of what is there.
fn with_tags(snapshot: &Snapshot, mut ask: Ask) -> Ask {
    let Some(node) = snapshot.by_arn(&ask.resource) else { return ask };
    let any = node.as_any();
    let prefix = if any.is::<DbInstance>() {
        "rds:db-tag"
    } else if any.is::<DbSubnetGroup>() {
        "rds:subgrp-tag"
    } else if any.is::<DbParameterGroup>() {
        "rds:pg-tag"
    } else {
        return ask;
    };
    for (key, value) in node.tags() {
        ask = ask.key(format!("{prefix}/{key}"), Some(value.as_str()));
    }
    ask
}

/// What is put on it: `aws:RequestTag/KEY`, and RDS's own older form.
fn requested(mut ask: Ask, tags: &Tags) -> Ask {
    for (key, value) in tags {
        ask = ask.key(format!("rds:req-tag/{key}"), Some(value.as_str()));
    }
    ask.request_tags.clone_from(tags);
    ask
}

fn group(asking: &Asking<'_>, action: String, kind: &str, name: Option<String>) -> Vec<Ask> {
    let tags = asking.tags("Tags");
    let adding = asking.operation.starts_with("Create") && !tags.is_empty();
    let ask = requested(on(asking, action, kind, name.as_deref().unwrap_or("*")), &tags);
    let also = Ask { action: "rds:AddTagsToResource".into(), ..ask.clone() };
    std::iter::once(ask).chain(adding.then_some(also)).collect()
}

fn tagging(asking: &Asking<'_>, action: String, arn: &str) -> Ask {
    let ask = with_tags(asking.snapshot, Ask::new(action, arn));
    let mut ask = requested(ask, &asking.tags("Tags"));
    ask.tag_keys = asking.strings("TagKeys");
    ask
}

/// Facts about an instance that policies may be conditioned on.
struct Facts {
    class: Option<String>,
    database: Option<String>,
    encrypted: bool,
    multi_az: bool,
    public: Option<bool>,
    storage: Option<i64>,
    vpc: bool,
}

impl Facts {
    fn on(&self, ask: Ask) -> Ask {
        ask.key("rds:DatabaseEngine", Some("postgres"))
            .key("rds:DatabaseClass", self.class.as_deref())
            .key("rds:DatabaseName", self.database.as_deref())
            .key("rds:StorageEncrypted", Some(self.encrypted.to_string()))
            .key("rds:StorageSize", self.storage.map(|n| n.to_string()))
            .key("rds:MultiAz", Some(self.multi_az.to_string()))
            .key("rds:Vpc", Some(self.vpc.to_string()))
            .key("rds:PubliclyAccessible", self.public.map(|p| p.to_string()))
            .key("rds:Piops", Some("0"))
    }
}

fn flag(asking: &Asking<'_>, member: &str) -> Option<bool> {
    asking.input.get(member).and_then(Value::as_bool)
}

fn number(asking: &Asking<'_>, member: &str) -> Option<i64> {
    asking.input.get(member).and_then(Value::as_i64)
}

fn creating(asking: &Asking<'_>) -> Vec<Ask> {
    let lower = |member: &str| asking.text(member).map(str::to_ascii_lowercase);
    let version = version::resolve(asking.text("EngineVersion")).unwrap_or_default();
    let engine = asking.text("Engine").unwrap_or_default().to_owned();
    let facts = Facts {
        class: asking.text("DBInstanceClass").map(str::to_owned),
        database: asking.text("DBName").map(str::to_owned),
        encrypted: flag(asking, "StorageEncrypted") == Some(true),
        multi_az: flag(asking, "MultiAZ") == Some(true),
        public: Some(flag(asking, "PubliclyAccessible") == Some(true)),
        storage: number(asking, "AllocatedStorage"),
        vpc: true,
    };
    let managed = flag(asking, "ManageMasterUserPassword") == Some(true);
    let tags = asking.tags("Tags");
    let parameters =
        lower("DBParameterGroupName").unwrap_or_else(|| format!("default.{}", version::family(&version)));
    let options = format!("default:postgres-{}", version::major(&version));
    let options = lower("OptionGroupName").unwrap_or(options);
    let mut asks: Vec<Ask> = [
        ("db", lower("DBInstanceIdentifier").unwrap_or_default()),
        ("pg", parameters),
        ("og", options),
        ("subgrp", lower("DBSubnetGroupName").unwrap_or_else(|| "default".to_owned())),
    ]
    .iter()
    .map(|(kind, name)| {
        let ask = requested(facts.on(on(asking, "rds:CreateDBInstance", kind, name)), &tags);
        let mut ask = ask.key("rds:ManageMasterUserPassword", Some(managed.to_string()));
        for (key, values) in &mut ask.context {
            if key == "rds:DatabaseEngine" {
                *values = vec![engine.clone()];
            }
        }
        ask
    })
    .collect();
    if let Some(instance) = asks.first().filter(|_| !tags.is_empty()) {
        asks.push(Ask { action: "rds:AddTagsToResource".into(), ..instance.clone() });
    }
    if managed {
        asks.push(secret_tagging(asking));
    }
    if facts.encrypted {
        asks.extend(grant(asking));
    }
    asks
}

/// The secret of a managed master user bears RDS's tags.
fn secret_tagging(asking: &Asking<'_>) -> Ask {
    let arn = asking.arn("secretsmanager", "secret:rds!db-*");
    Ask { account: Some(asking.account.clone()), ..Ask::new("secretsmanager:TagResource", arn) }
}

/// Who encrypts an instance lets RDS use the key on: KMS is asked for a grant to a service.
fn grant(asking: &Asking<'_>) -> Option<Ask> {
    let named = asking.text("KmsKeyId")?;
    let arn = match (named.starts_with("arn:"), named.starts_with("alias/")) {
        (true, _) => named.to_owned(),
        (false, true) => asking.arn("kms", named),
        (false, false) => asking.arn("kms", &format!("key/{named}")),
    };
    let node = asking.snapshot.by_arn(&arn);
    // An alias stands for its key.
    let target = node.and_then(|n| n.to_json().get("key_arn").and_then(|k| k.as_str()).map(str::to_owned));
    let arn = target.unwrap_or(arn);
    let consent = asking.snapshot.by_arn(&arn).is_some();
    let ask = Ask { consent, ..Ask::new("kms:CreateGrant", arn) };
    Some(
        ask.key("kms:GrantIsForAWSResource", Some("true"))
            .key("kms:CallerAccount", Some(asking.caller.account.as_str()))
            .key("kms:ViaService", Some(format!("rds.{}.amazonaws.com", asking.region)))
            .keys(
                "kms:GrantOperations",
                ["Decrypt", "DescribeKey", "GenerateDataKey"].map(str::to_owned).into(),
            ),
    )
}

fn facts(instance: &DbInstance) -> Facts {
    Facts {
        class: Some(instance.class.clone()),
        database: instance.db_name.clone(),
        encrypted: instance.kms_key.is_some(),
        multi_az: instance.multi_az,
        public: None,
        storage: Some(instance.storage),
        vpc: true,
    }
}

fn existing(asking: &Asking<'_>, action: impl Into<String>, id: &str) -> Ask {
    let ask = on(asking, action, "db", id);
    match asking.snapshot.find::<DbInstance>(asking.account, asking.region, id) {
        Some(instance) => facts(instance).on(ask),
        None => ask,
    }
}

fn modifying(asking: &Asking<'_>) -> Vec<Ask> {
    let Some(id) = asking.text("DBInstanceIdentifier").map(str::to_ascii_lowercase) else {
        return Vec::new();
    };
    let action = "rds:ModifyDBInstance";
    let found = asking.snapshot.find::<DbInstance>(asking.account, asking.region, &id);
    let managed = flag(asking, "ManageMasterUserPassword");
    let mut ask = on(asking, action, "db", &id);
    if let Some(instance) = found {
        let mut facts = facts(instance);
        facts.class = asking.text("DBInstanceClass").map(str::to_owned).or(facts.class);
        facts.storage = number(asking, "AllocatedStorage").or(facts.storage);
        facts.multi_az = flag(asking, "MultiAZ").unwrap_or(facts.multi_az);
        facts.public = flag(asking, "PubliclyAccessible");
        ask = facts.on(ask);
    }
    let mut asks = vec![ask.key("rds:ManageMasterUserPassword", managed.map(|m| m.to_string()))];
    if let Some(group) = asking.text("DBParameterGroupName").map(str::to_ascii_lowercase) {
        asks.push(on(asking, action, "pg", &group));
    }
    let secret = found.and_then(|i| i.master_secret.as_ref());
    if managed == Some(true) && secret.is_none() {
        asks.push(secret_tagging(asking));
    }
    if let Some(secret) = secret.filter(|_| flag(asking, "RotateMasterUserPassword") == Some(true)) {
        asks.push(Ask::new("secretsmanager:RotateSecret", secret.arn.clone()));
    }
    asks
}
