//! Web ACLs.

use model::estate::waf::{Association, WebAcl};
use model::{AccountId, Fault, FromValue, IntoValue, Snapshot, Tx, Value};
use serde_json::{Map, Value as Json};

use crate::check::{self, Place};
use crate::entity::{find, locked, page, store, tags, unused};
use crate::faults::{associated, invalid, regional, too_large};
use crate::shapes::*;
use crate::{capacity, managed};

/// The members that are there, as the API writes them.
pub(crate) fn form(members: Vec<(&str, Option<Value>)>) -> Json {
    let there = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_json())));
    Json::Object(there.collect::<Map<_, _>>())
}

pub(crate) fn some<T: IntoValue>(value: Option<T>) -> Option<Value> {
    value.map(IntoValue::into_value)
}

fn refuse_unserved(given: &[(&'static str, bool)]) -> Result<(), Fault> {
    match given.iter().find(|(_, there)| *there) {
        Some((name, _)) => Err(invalid(
            "MANAGED_RULE_GROUP_CONFIG",
            name,
            format!("`{name}` is not served by this runtime."),
        )),
        None => Ok(()),
    }
}

/// What a web ACL holds, checked, and what it costs.
fn checked(tx: &Tx<'_>, input: CreateWebACLRequest) -> Result<(Json, u64), Fault> {
    refuse_unserved(&[
        ("DataProtectionConfig", input.data_protection_config.is_some()),
        ("OnSourceDDoSProtectionConfig", input.on_source_d_do_s_protection_config.is_some()),
        ("ApplicationConfig", input.application_config.is_some()),
        ("MonetizationConfig", input.monetization_config.is_some()),
        ("AnalyticsConfig", input.analytics_config.is_some()),
    ])?;
    let default = input.default_action.clone();
    if default.allow.is_some() == default.block.is_some() {
        return Err(invalid(
            "DEFAULT_ACTION",
            "DefaultAction",
            "You must specify exactly one default action.",
        ));
    }
    let form = form(vec![
        ("DefaultAction", Some(input.default_action.into_value())),
        ("Description", some(input.description)),
        ("Rules", some(input.rules)),
        ("VisibilityConfig", Some(input.visibility_config.into_value())),
        ("CustomResponseBodies", some(input.custom_response_bodies)),
        ("CaptchaConfig", some(input.captcha_config)),
        ("ChallengeConfig", some(input.challenge_config)),
        ("TokenDomains", some(input.token_domains)),
        ("AssociationConfig", some(input.association_config)),
    ]);
    let rules = check::rules(tx, &form, Place::WebAcl)?;
    let bodies = form.get("CustomResponseBodies").and_then(Json::as_object);
    let bodies = bodies.map(|b| b.keys().cloned().collect()).unwrap_or_default();
    if let Some(Ok(action)) = form.get("DefaultAction").cloned().map(serde_json::from_value) {
        check::action(&action, &bodies)?;
    }
    let cost = capacity::of_rules(tx.snapshot(), &rules);
    match cost > capacity::MOST {
        true => Err(too_large(cost, capacity::MOST)),
        false => Ok((form, cost)),
    }
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateWebACL.html>
pub(crate) fn create(tx: &mut Tx<'_>, mut input: CreateWebACLRequest) -> Result<CreateWebACLResponse, Fault> {
    regional(&input.scope)?;
    unused::<WebAcl>(tx, &input.name)?;
    let (name, tags) = (input.name.clone(), tags(input.tags.take()));
    let (form, capacity) = checked(tx, input)?;
    let acl = WebAcl {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name,
        id: tx.uuid(),
        lock_token: tx.uuid(),
        capacity,
        form,
        logging: None,
        tags,
    };
    let summary = summary(&acl);
    tx.put(acl)?;
    Ok(CreateWebACLResponse { summary: Some(summary) })
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_UpdateWebACL.html>
pub(crate) fn update(tx: &mut Tx<'_>, input: UpdateWebACLRequest) -> Result<UpdateWebACLResponse, Fault> {
    let mut acl = locked::<WebAcl>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    let (form, capacity) = checked(
        tx,
        CreateWebACLRequest {
            name: input.name,
            scope: input.scope,
            default_action: input.default_action,
            description: input.description,
            rules: input.rules,
            visibility_config: input.visibility_config,
            data_protection_config: input.data_protection_config,
            tags: None,
            custom_response_bodies: input.custom_response_bodies,
            captcha_config: input.captcha_config,
            challenge_config: input.challenge_config,
            token_domains: input.token_domains,
            association_config: input.association_config,
            on_source_d_do_s_protection_config: input.on_source_d_do_s_protection_config,
            application_config: input.application_config,
            monetization_config: input.monetization_config,
            analytics_config: input.analytics_config,
        },
    )?;
    (acl.form, acl.capacity) = (form, capacity);
    Ok(UpdateWebACLResponse { next_lock_token: Some(store(tx, acl)?) })
}

/// The API's shape of a stored entity: its form, with what is not in it.
pub(crate) fn shown<T: FromValue>(form: &Json, more: Vec<(&str, Json)>) -> Result<T, Fault> {
    let mut whole = form.as_object().cloned().unwrap_or_default();
    whole.extend(more.into_iter().map(|(n, v)| (n.to_owned(), v)));
    T::from_value(Value::from_json(Json::Object(whole)))
}

fn shape(acl: &WebAcl) -> Result<WebACL, Fault> {
    shown(
        &acl.form,
        vec![
            ("Name", acl.name.clone().into()),
            ("Id", acl.id.clone().into()),
            ("ARN", acl.arn().into()),
            ("Capacity", acl.capacity.into()),
            ("LabelNamespace", acl.label_namespace().into()),
            ("ManagedByFirewallManager", false.into()),
            ("RetrofittedByFirewallManager", false.into()),
        ],
    )
}

fn summary(acl: &WebAcl) -> WebACLSummary {
    WebACLSummary {
        name: Some(acl.name.clone()),
        id: Some(acl.id.clone()),
        description: Some(crate::entity::Entity::description(acl).unwrap_or_default()),
        lock_token: Some(acl.lock_token.clone()),
        arn: Some(acl.arn()),
    }
}

pub(crate) fn get(tx: &mut Tx<'_>, input: GetWebACLRequest) -> Result<GetWebACLResponse, Fault> {
    let acl = match (&input.arn, &input.name, &input.id) {
        (Some(arn), _, _) => tx.find_arn::<WebAcl>(arn).cloned().ok_or_else(crate::faults::missing)?,
        (None, Some(name), Some(id)) => {
            find::<WebAcl>(tx, input.scope.as_deref().unwrap_or("REGIONAL"), name, id)?
        }
        _ => return Err(invalid("RESOURCE_ARN", "ARN", "An ARN, or a name, a scope and an id are needed.")),
    };
    Ok(GetWebACLResponse {
        lock_token: Some(acl.lock_token.clone()),
        web_acl: Some(shape(&acl)?),
        ..GetWebACLResponse::default()
    })
}

pub(crate) fn list(tx: &mut Tx<'_>, input: ListWebACLsRequest) -> Result<ListWebACLsResponse, Fault> {
    let all = if input.scope == "REGIONAL" { tx.list::<WebAcl>().cloned().collect() } else { Vec::new() };
    let (shown, next_marker) = page(all, |a| a.name.clone(), input.next_marker.as_deref(), input.limit);
    Ok(ListWebACLsResponse { next_marker, web_ac_ls: Some(shown.iter().map(summary).collect()) })
}

pub(crate) fn delete(tx: &mut Tx<'_>, input: DeleteWebACLRequest) -> Result<DeleteWebACLResponse, Fault> {
    let acl = locked::<WebAcl>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    let arn = acl.arn();
    let mine: Vec<Association> = tx.list::<Association>().filter(|a| a.web_acl == arn).cloned().collect();
    if mine.iter().any(|a| tx.snapshot().by_arn(&a.resource).is_some()) {
        return Err(associated());
    }
    // What is left stands for resources that are gone.
    for gone in &mine {
        tx.remove(gone)?;
    }
    tx.remove(&acl)?;
    Ok(DeleteWebACLResponse::default())
}

pub(crate) fn check_capacity(
    tx: &mut Tx<'_>,
    input: CheckCapacityRequest,
) -> Result<CheckCapacityResponse, Fault> {
    regional(&input.scope)?;
    let form = form(vec![("Rules", Some(input.rules.into_value()))]);
    let rules = check::rules(tx, &form, Place::WebAcl)?;
    let cost = capacity::of_rules(tx.snapshot(), &rules);
    match cost > capacity::MOST {
        true => Err(too_large(cost, capacity::MOST)),
        false => Ok(CheckCapacityResponse { capacity: i64::try_from(cost).ok() }),
    }
}

/// The kinds of resources that may have a web ACL, by what their ARNs look like.
fn kind(resource: &str) -> Option<&'static str> {
    let arn = model::Arn::parse(resource)?;
    let parts: Vec<&str> = arn.resource.trim_start_matches('/').split('/').collect();
    match (arn.service, parts.as_slice()) {
        ("elasticloadbalancing", ["loadbalancer", "app", _, _]) => Some("APPLICATION_LOAD_BALANCER"),
        ("apigateway", ["restapis", _, "stages", _]) => Some("API_GATEWAY"),
        ("cognito-idp", ["userpool", _]) => Some("COGNITO_USER_POOL"),
        _ => None,
    }
}

/// A resource of this account that may have a web ACL. HTTP APIs, as in AWS, may not.
fn resource(snapshot: &Snapshot, account: &AccountId, arn: &str) -> Result<(), Fault> {
    if kind(arn).is_none() {
        return Err(invalid(
            "RESOURCE_ARN",
            arn,
            "The ARN isn't valid. A web ACL can be associated with an Application Load Balancer, a stage of a REST API, or a user pool.",
        ));
    }
    let node = snapshot.by_arn(arn).filter(|n| n.key().account == *account);
    node.map(|_| ()).ok_or_else(crate::faults::missing)
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html>
pub(crate) fn associate(
    tx: &mut Tx<'_>,
    input: AssociateWebACLRequest,
) -> Result<AssociateWebACLResponse, Fault> {
    resource(tx.snapshot(), &tx.account, &input.resource_arn)?;
    let acl = tx.find_arn::<WebAcl>(&input.web_acl_arn).filter(|a| a.account == tx.account);
    let acl = acl.ok_or_else(crate::faults::missing)?.arn();
    let association = Association {
        account: tx.account.clone(),
        region: tx.region.clone(),
        resource: input.resource_arn,
        web_acl: acl,
    };
    tx.put(association)?;
    Ok(AssociateWebACLResponse::default())
}

pub(crate) fn disassociate(
    tx: &mut Tx<'_>,
    input: DisassociateWebACLRequest,
) -> Result<DisassociateWebACLResponse, Fault> {
    if kind(&input.resource_arn).is_none() {
        return Err(invalid("RESOURCE_ARN", &input.resource_arn, "The ARN isn't valid."));
    }
    let association = tx.find::<Association>(&input.resource_arn).cloned();
    if let Some(association) = association {
        tx.remove(&association)?;
    }
    Ok(DisassociateWebACLResponse::default())
}

pub(crate) fn of_resource(
    tx: &mut Tx<'_>,
    input: GetWebACLForResourceRequest,
) -> Result<GetWebACLForResourceResponse, Fault> {
    resource(tx.snapshot(), &tx.account, &input.resource_arn)?;
    let found = tx.find::<Association>(&input.resource_arn).and_then(|a| tx.find_arn::<WebAcl>(&a.web_acl));
    Ok(GetWebACLForResourceResponse { web_acl: found.map(shape).transpose()? })
}

pub(crate) fn resources(
    tx: &mut Tx<'_>,
    input: ListResourcesForWebACLRequest,
) -> Result<ListResourcesForWebACLResponse, Fault> {
    let acl = tx.find_arn::<WebAcl>(&input.web_acl_arn).ok_or_else(crate::faults::missing)?.arn();
    let wanted = input.resource_type.as_deref().unwrap_or("APPLICATION_LOAD_BALANCER");
    let mine = tx.list::<Association>().filter(|a| a.web_acl == acl && kind(&a.resource) == Some(wanted));
    let there = mine.filter(|a| tx.snapshot().by_arn(&a.resource).is_some());
    Ok(ListResourcesForWebACLResponse { resource_arns: Some(there.map(|a| a.resource.clone()).collect()) })
}

/// The labels that rules put on requests, with their prefix.
pub(crate) fn labels(form: &Json, namespace: &str) -> Vec<LabelSummary> {
    let rules = form.get("Rules").and_then(Json::as_array).into_iter().flatten();
    let labels = rules.filter_map(|r| r.get("RuleLabels")?.as_array()).flatten();
    let names = labels.filter_map(|l| l.get("Name")?.as_str());
    managed::summaries(names.map(|n| format!("{namespace}{n}")).collect())
}
