//! A web ACL's log record, as AWS WAF writes it, without what no log may hold: bodies,
//! cookies, credentials.

use decide_waf::{Detail, Hit, Inspection, Kind, Request, Verdict};
use model::Timestamp;
use model::estate::waf::WebAcl;
use model::plane::Journey;
use serde_json::{Map, Value as Json, json};

const HIDDEN: &str = "REDACTED";

/// Headers and arguments whose values are credentials.
fn is_secret(name: &str) -> bool {
    const WORDS: [&str; 12] = [
        "authorization",
        "cookie",
        "token",
        "password",
        "passwd",
        "secret",
        "signature",
        "credential",
        "api-key",
        "apikey",
        "api_key",
        "assertion",
    ];
    let name = name.to_ascii_lowercase();
    name == "code" || WORDS.iter().any(|w| name.contains(w))
}

/// The query with the values of secret arguments hidden.
fn shown_query(query: &str) -> String {
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => pair.to_owned(),
    });
    shown.collect::<Vec<_>>().join("&")
}

fn shown_headers(request: &Request<'_>) -> Vec<Json> {
    let shown = request.headers.iter().map(|(name, value)| {
        let value = if is_secret(name) { HIDDEN.into() } else { String::from_utf8_lossy(value) };
        json!({"name": name, "value": value})
    });
    shown.collect()
}

fn details(hit: &Hit, secret_query: bool) -> Vec<Json> {
    let one = |detail: &Detail| {
        let hidden = detail.field.as_deref().is_some_and(is_secret)
            || (secret_query && detail.location == "QUERY_STRING");
        let mut shown = Map::new();
        shown.insert("conditionType".into(), detail.condition.into());
        if let Some(level) = detail.sensitivity {
            shown.insert("sensitivityLevel".into(), level.into());
        }
        shown.insert("location".into(), detail.location.into());
        if let Some(field) = &detail.field {
            shown.insert("matchedFieldName".into(), field.as_str().into());
        }
        if let Some(text) = detail.text.as_ref().filter(|_| !hidden) {
            shown.insert("matchedData".into(), json!([text]));
        }
        Json::Object(shown)
    };
    hit.details.iter().map(one).collect()
}

fn terminating_id(hit: Option<&Hit>) -> &str {
    hit.map_or("Default_Action", |h| h.rule.as_str())
}

/// What the groups of a web ACL contributed.
fn groups(found: &Inspection, secret: bool) -> Vec<Json> {
    let mut groups: Vec<(String, Json)> = Vec::new();
    for hit in found.counted.iter().chain(&found.terminating) {
        let Some((id, inner)) = &hit.group else { continue };
        let at = groups.iter().position(|(known, _)| known == id).unwrap_or_else(|| {
            let empty = json!({"ruleGroupId": id, "terminatingRule": null, "nonTerminatingMatchingRules": [], "excludedRules": null});
            groups.push((id.clone(), empty));
            groups.len() - 1
        });
        let Some((_, group)) = groups.get_mut(at) else { continue };
        let mut rule =
            json!({"ruleId": inner, "action": hit.action, "ruleMatchDetails": details(hit, secret)});
        if let (Some(was), Some(rule)) = (hit.overridden, rule.as_object_mut()) {
            rule.insert("overriddenAction".into(), was.into());
        }
        if hit.action == "COUNT" {
            if let Some(Json::Array(list)) = group.get_mut("nonTerminatingMatchingRules") {
                list.push(rule);
            }
        } else if let Some(group) = group.as_object_mut() {
            group.insert("terminatingRule".into(), rule);
        }
    }
    groups.into_iter().map(|(_, g)| g).collect()
}

/// For samples: under which metric each rule that matched is found.
fn sampled(acl: &WebAcl, found: &Inspection) -> Vec<Json> {
    let mut samples: Vec<Json> = Vec::new();
    for hit in found.counted.iter().chain(&found.terminating).filter(|h| h.sampled) {
        let within = hit.group.as_ref().map(|(id, rule)| format!("{id}#{rule}"));
        samples.push(json!({
            "metric": hit.metric, "action": hit.action, "overridden": hit.overridden, "within": within,
        }));
    }
    let visibility = acl.form.get("VisibilityConfig");
    let wanted = |name: &str| visibility.and_then(|v| v.get(name)).cloned().unwrap_or_default();
    if found.terminating.is_none() && wanted("SampledRequestsEnabled") == json!(true) {
        samples.push(json!({"metric": wanted("MetricName"), "action": found.action}));
    }
    samples
}

fn rates(found: &Inspection) -> Vec<Json> {
    let hits = found.counted.iter().chain(&found.terminating);
    let shown = hits.filter_map(|hit| {
        let rate = hit.rate.as_ref()?;
        Some(json!({
            "rateBasedRuleId": rate.id,
            "rateBasedRuleName": hit.rule,
            "limitKey": rate.aggregate,
            "maxRateAllowed": rate.limit,
            "evaluationWindowSec": rate.window_seconds,
        }))
    });
    shown.collect()
}

/// The record of one inspection.
pub(super) fn record(
    acl: &WebAcl,
    journey: &Journey,
    resource: &str,
    request: &Request<'_>,
    found: &Inspection,
    now: Timestamp,
) -> Json {
    let query = shown_query(request.query);
    let secret = query != request.query;
    let hit = found.terminating.as_ref();
    let kind = hit.map_or(Kind::Regular, |h| h.kind);
    let counted: Vec<Json> = found
        .counted
        .iter()
        .filter(|h| h.group.is_none())
        .map(|h| json!({"ruleId": h.rule, "action": h.action, "ruleMatchDetails": details(h, secret)}))
        .collect();
    let inserted: Vec<Json> = found.inserted.iter().map(|(n, v)| json!({"name": n, "value": v})).collect();
    let response = match &found.verdict {
        Verdict::Refuse(answer) if !answer.body.is_empty() || answer.status != 403 => json!(answer.status),
        Verdict::Refuse(_) | Verdict::Pass => Json::Null,
    };
    json!({
        "timestamp": now.0,
        "formatVersion": 1,
        "webaclId": acl.arn(),
        "terminatingRuleId": terminating_id(hit),
        "terminatingRuleType": kind.name(),
        "action": found.action,
        "terminatingRuleMatchDetails": hit.map(|h| details(h, secret)).unwrap_or_default(),
        "httpSourceName": source_name(resource),
        "httpSourceId": source_id(acl, resource),
        "ruleGroupList": groups(found, secret),
        "rateBasedRuleList": rates(found),
        "nonTerminatingMatchingRules": counted,
        "requestHeadersInserted": inserted,
        "responseCodeSent": response,
        "httpRequest": {
            "clientIp": request.source_ip.to_string(),
            "country": "-",
            "headers": shown_headers(request),
            "uri": request.path,
            "args": query,
            "httpMethod": request.method,
            "requestId": journey.request,
        },
        "labels": found.labels.iter().map(|l| json!({"name": l})).collect::<Vec<_>>(),
        "sampled": sampled(acl, found),
    })
}

fn source_name(resource: &str) -> &'static str {
    match resource.split(':').nth(2) {
        Some("elasticloadbalancing") => "ALB",
        Some("apigateway") => "APIGW",
        Some("cognito-idp") => "COGNITOIDP",
        _ => "-",
    }
}

/// `ACCOUNT-app/NAME/ID` of a load balancer, `ACCOUNT:API:STAGE` of a stage.
fn source_id(acl: &WebAcl, resource: &str) -> String {
    if let Some((_, balancer)) = resource.split_once(":loadbalancer/") {
        return format!("{}-{balancer}", acl.account);
    }
    let mut parts = resource.split('/').skip(1).filter(|p| *p != "restapis" && *p != "stages");
    match (parts.next(), parts.next()) {
        (Some(api), Some(stage)) if resource.contains(":apigateway:") => {
            format!("{}:{api}:{stage}", acl.account)
        }
        _ => resource.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(
            shown_query("q=1&access_token=abc&code=xyz&X-Amz-Signature=ff&zip_code=1"),
            "q=1&access_token=REDACTED&code=REDACTED&X-Amz-Signature=REDACTED&zip_code=1"
        );
        for name in ["Authorization", "cookie", "x-api-key", "X-Amz-Security-Token"] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("user-agent"));
    }
}
