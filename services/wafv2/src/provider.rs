//! Web ACLs, rule groups, sets, associations and logging configurations in CloudFormation.

use base64::Engine as _;
use model::{Deploy, Fault, Physical, Resource, Tags, Tx, Value};
use serde_json::{Value as Json, json};

use crate::check;
use crate::faults::invalid;

macro_rules! resource {
    ($name:literal, $module:ident) => {
        Resource {
            type_name: concat!("AWS::WAFv2::", $name),
            create: $module::create,
            update: $module::update,
            delete: $module::delete,
            ready: None,
        }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    resource!("WebACL", web_acl),
    resource!("RuleGroup", rule_group),
    resource!("IPSet", ip_set),
    resource!("RegexPatternSet", regex_pattern_set),
    resource!("WebACLAssociation", association),
    resource!("LoggingConfiguration", logging),
];

/// One kind of named entity: its operations, and what its properties are in the API's form.
struct Kind {
    /// `WebACL`: operations are `CreateWebACL`, ...; answers hold it under this name.
    noun: &'static str,
    /// Members of create and update, from the properties.
    members: fn(&Deploy<'_>) -> Result<Json, Fault>,
    /// Members of create alone.
    fixed: &'static [&'static str],
    attributes: &'static [(&'static str, &'static str)],
}

fn merged(mut members: Json, more: Json) -> Json {
    if let (Json::Object(members), Json::Object(more)) = (&mut members, more) {
        members.extend(more);
    }
    members
}

fn tag_list(tags: &Tags) -> Json {
    tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

/// Name, id and scope of `NAME|ID|SCOPE`.
fn key(deploy: &Deploy<'_>) -> Result<Json, Fault> {
    let mut parts = deploy.id()?.split('|');
    let mut next = || parts.next().unwrap_or_default().to_owned();
    Ok(json!({"Name": next(), "Id": next(), "Scope": next()}))
}

impl Kind {
    fn create(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let name = deploy.text("Name").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 128));
        let scope = deploy.text("Scope").unwrap_or("REGIONAL");
        let tags = deploy.tags_with("Tags");
        let tags = if tags.is_empty() { Json::Null } else { tag_list(&tags) };
        let mut input = merged((self.members)(deploy)?, json!({"Name": name, "Scope": scope, "Tags": tags}));
        for fixed in self.fixed {
            input = merged(input, json!({*fixed: deploy.property(fixed)}));
        }
        let made = deploy.call(tx, "wafv2", &format!("Create{}", self.noun), input)?;
        let id = made.get("Summary").and_then(|s| s.text("Id")).unwrap_or_default();
        self.physical(tx, deploy, format!("{name}|{id}|{scope}"))
    }

    /// The physical id with the attributes as they are now.
    fn physical(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: String) -> Result<Physical, Fault> {
        let made = Physical::new(id);
        let deploy = Deploy { physical: Some(&made), ..*deploy };
        let (shown, _) = self.shown(tx, &deploy)?;
        let mut physical = made.clone();
        for (attribute, member) in self.attributes {
            let value = shown.get(member).map(Value::to_json).unwrap_or_default();
            physical = physical.attribute(attribute, value);
        }
        Ok(physical)
    }

    /// The entity and its lock token.
    fn shown(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(Value, String), Fault> {
        let got = deploy.call(tx, "wafv2", &format!("Get{}", self.noun), key(deploy)?)?;
        let token = got.text("LockToken").unwrap_or_default().to_owned();
        Ok((got.get(self.noun).cloned().unwrap_or_default(), token))
    }

    fn update(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let (shown, token) = self.shown(tx, deploy)?;
        let input = merged((self.members)(deploy)?, key(deploy)?);
        let input = merged(input, json!({"LockToken": token}));
        deploy.call(tx, "wafv2", &format!("Update{}", self.noun), input)?;
        retag(tx, deploy, shown.text("ARN").unwrap_or_default())?;
        self.physical(tx, deploy, deploy.id()?.to_owned())
    }

    fn delete(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
        let token = match self.shown(tx, deploy) {
            Err(fault) if fault.code == "WAFNonexistentItemException" => return Ok(()),
            shown => shown?.1,
        };
        let input = merged(key(deploy)?, json!({"LockToken": token}));
        deploy.call(tx, "wafv2", &format!("Delete{}", self.noun), input).map(|_| ())
    }
}

/// Makes the tags what they are to be.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let wanted = deploy.tags_with("Tags");
    let before = deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default();
    let before = model::service::tags_of(&Value::from_json(before));
    let gone: Vec<&String> = before.keys().filter(|k| !wanted.contains_key(*k)).collect();
    if !gone.is_empty() {
        deploy.call(tx, "wafv2", "UntagResource", json!({"ResourceARN": arn, "TagKeys": gone}))?;
    }
    if !wanted.is_empty() {
        deploy.call(tx, "wafv2", "TagResource", json!({"ResourceARN": arn, "Tags": tag_list(&wanted)}))?;
    }
    Ok(())
}

/// Rules in the API's form: here an `Arn` is spelled otherwise, and a search string is text, or
/// base64 under a name of its own.
fn rules(deploy: &Deploy<'_>) -> Result<Json, Fault> {
    let mut rules = deploy.property("Rules").cloned().unwrap_or_default();
    encode(&mut rules)?;
    check::served(&rules)?;
    Ok(rules)
}

fn encode(value: &mut Json) -> Result<(), Fault> {
    match value {
        Json::Array(list) => list.iter_mut().try_for_each(encode),
        Json::Object(members) => {
            if members.contains_key("ARN") {
                return Err(invalid("STATEMENT", "ARN", "The property is called Arn."));
            }
            if let Some(arn) = members.remove("Arn") {
                members.insert("ARN".to_owned(), arn);
            }
            if let Some(Json::Object(bytes)) = members.get_mut("ByteMatchStatement") {
                let plain = bytes.get("SearchString").and_then(Json::as_str);
                let encoded = plain.map(|p| base64::engine::general_purpose::STANDARD.encode(p));
                let given = bytes.remove("SearchStringBase64");
                if let Some(search) = encoded.map(Json::from).or(given) {
                    bytes.insert("SearchString".to_owned(), search);
                }
            }
            members.iter_mut().filter(|(name, _)| *name != "ARN").try_for_each(|(_, v)| encode(v))
        }
        _ => Ok(()),
    }
}

const WEB_ACL: Kind = Kind {
    noun: "WebACL",
    members: |deploy| {
        let mut members = json!({"Rules": rules(deploy)?});
        for name in [
            "AssociationConfig",
            "CaptchaConfig",
            "ChallengeConfig",
            "CustomResponseBodies",
            "DefaultAction",
            "Description",
            "TokenDomains",
            "VisibilityConfig",
        ] {
            members = merged(members, json!({name: deploy.property(name)}));
        }
        Ok(members)
    },
    fixed: &[],
    attributes: &[
        ("Arn", "ARN"),
        ("Capacity", "Capacity"),
        ("Id", "Id"),
        ("LabelNamespace", "LabelNamespace"),
    ],
};

const RULE_GROUP: Kind = Kind {
    noun: "RuleGroup",
    members: |deploy| {
        Ok(json!({
            "Rules": rules(deploy)?,
            "CustomResponseBodies": deploy.property("CustomResponseBodies"),
            "Description": deploy.property("Description"),
            "VisibilityConfig": deploy.property("VisibilityConfig"),
        }))
    },
    fixed: &["Capacity"],
    attributes: &[
        ("Arn", "ARN"),
        ("Id", "Id"),
        ("LabelNamespace", "LabelNamespace"),
        ("AvailableLabels", "AvailableLabels"),
        ("ConsumedLabels", "ConsumedLabels"),
    ],
};

const IP_SET: Kind = Kind {
    noun: "IPSet",
    members: |deploy| {
        Ok(json!({"Addresses": deploy.property("Addresses"), "Description": deploy.property("Description")}))
    },
    fixed: &["IPAddressVersion"],
    attributes: &[("Arn", "ARN"), ("Id", "Id")],
};

const REGEX_PATTERN_SET: Kind = Kind {
    noun: "RegexPatternSet",
    members: |deploy| {
        let given = deploy.property("RegularExpressionList").and_then(Json::as_array);
        let list: Json = given.into_iter().flatten().map(|r| json!({"RegexString": r})).collect();
        Ok(json!({"RegularExpressionList": list, "Description": deploy.property("Description")}))
    },
    fixed: &[],
    attributes: &[("Arn", "ARN"), ("Id", "Id")],
};

macro_rules! entity {
    ($module:ident, $kind:ident) => {
        mod $module {
            use super::{Deploy, Fault, Physical, Tx};
            pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
                super::$kind.create(tx, deploy)
            }
            pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
                super::$kind.update(tx, deploy)
            }
            pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
                super::$kind.delete(tx, deploy)
            }
        }
    };
}

entity!(web_acl, WEB_ACL);
entity!(rule_group, RULE_GROUP);
entity!(ip_set, IP_SET);
entity!(regex_pattern_set, REGEX_PATTERN_SET);

mod association {
    use super::{Deploy, Fault, Physical, Tx, json};

    pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let (resource, acl) = (deploy.text("ResourceArn"), deploy.text("WebACLArn"));
        deploy.call(tx, "wafv2", "AssociateWebACL", json!({"ResourceArn": resource, "WebACLArn": acl}))?;
        Ok(Physical::new(format!("{}|{}", resource.unwrap_or_default(), acl.unwrap_or_default())))
    }

    /// Both properties replace the resource; nothing is left to be changed.
    pub(super) fn update(_tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        Ok(deploy.physical.cloned().unwrap_or_default())
    }

    /// Only if the resource has not been given another web ACL in the meantime.
    pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
        let (resource, acl) = deploy.id()?.split_once('|').unwrap_or_default();
        let still = tx
            .find::<model::estate::waf::Association>(resource)
            .is_some_and(|association| association.web_acl == acl);
        if still {
            deploy.call(tx, "wafv2", "DisassociateWebACL", json!({"ResourceArn": resource}))?;
        }
        Ok(())
    }
}

mod logging {
    use super::{Deploy, Fault, Physical, Tx, json};

    fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let resource = deploy.text("ResourceArn").unwrap_or_default();
        let mut config = json!({
            "ResourceArn": resource,
            "LogDestinationConfigs": deploy.property("LogDestinationConfigs"),
        });
        for name in ["LoggingFilter", "RedactedFields"] {
            if let Some(value) = deploy.property(name) {
                config = super::merged(config, json!({name: value}));
            }
        }
        deploy.call(tx, "wafv2", "PutLoggingConfiguration", json!({"LoggingConfiguration": config}))?;
        Ok(Physical::new(resource).attribute("ManagedByFirewallManager", false))
    }

    pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        put(tx, deploy)
    }

    pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        put(tx, deploy)
    }

    pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
        let input = json!({"ResourceArn": deploy.id()?});
        match deploy.call(tx, "wafv2", "DeleteLoggingConfiguration", input) {
            Err(fault) if fault.code != "WAFNonexistentItemException" => Err(fault),
            _ => Ok(()),
        }
    }
}
