//! Whether rules can be kept: what is invalid in AWS is refused as there, and what cannot be
//! enforced here is refused by name rather than stored and not done.

use std::collections::BTreeSet;

use base64::Engine as _;
use model::estate::waf::rule::{
    CustomResponse, FieldToMatch, ForwardedIp, Overrides, RateBased, RateKey, Rule, RuleAction, Statement,
    TextMatch, Transformation,
};
use model::estate::waf::{IpSet, RegexPatternSet, RuleGroup, managed};
use model::{Fault, Tx};
use serde_json::Value as Json;

use crate::faults::{invalid, missing};

/// Where the rules are to stand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    WebAcl,
    RuleGroup,
}

/// The members that rules may have; others are of features that are not served.
const KNOWN: &str = "Name Priority Statement Action OverrideAction RuleLabels VisibilityConfig CaptchaConfig \
ChallengeConfig ImmunityTimeProperty ImmunityTime SampledRequestsEnabled CloudWatchMetricsEnabled MetricName Allow \
Block Count Captcha Challenge None CustomRequestHandling InsertHeaders Value CustomResponse ResponseCode \
CustomResponseBodyKey ResponseHeaders ByteMatchStatement RegexMatchStatement RegexPatternSetReferenceStatement \
SqliMatchStatement XssMatchStatement SizeConstraintStatement IPSetReferenceStatement LabelMatchStatement \
AndStatement OrStatement NotStatement RateBasedStatement RuleGroupReferenceStatement ManagedRuleGroupStatement \
SearchString PositionalConstraint FieldToMatch TextTransformations Type RegexString ARN SensitivityLevel \
ComparisonOperator Size IPSetForwardedIPConfig HeaderName FallbackBehavior Position Scope Key Statements Limit \
EvaluationWindowSec AggregateKeyType ScopeDownStatement ForwardedIPConfig CustomKeys Header Cookie QueryArgument \
QueryString UriPath HTTPMethod ForwardedIP IP LabelNamespace Namespace ExcludedRules RuleActionOverrides \
ActionToUse VendorName Version SingleHeader SingleQueryArgument AllQueryArguments Method Body JsonBody Headers \
Cookies HeaderOrder UriFragment OversizeHandling MatchPattern MatchScope InvalidFallbackBehavior All IncludedPaths \
IncludedHeaders ExcludedHeaders IncludedCookies ExcludedCookies";

/// Reads rules from their form, and checks them.
pub(crate) fn rules(tx: &Tx<'_>, form: &Json, place: Place) -> Result<Vec<Rule>, Fault> {
    let given = form.get("Rules").cloned().unwrap_or_else(|| Json::Array(Vec::new()));
    served(&given)?;
    let rules: Vec<Rule> = serde_json::from_value(given)
        .map_err(|e| invalid("RULE", "Rules", format!("A rule is not valid: {e}.")))?;
    let bodies: BTreeSet<String> = form
        .get("CustomResponseBodies")
        .and_then(Json::as_object)
        .map(|m| m.keys().cloned().collect())
        .unwrap_or_default();
    let (mut names, mut priorities) = (BTreeSet::new(), BTreeSet::new());
    for rule in &rules {
        if !names.insert(rule.name.as_str()) {
            return Err(invalid("RULE", &rule.name, "You have used a rule name more than once."));
        }
        if !priorities.insert(rule.priority) {
            return Err(invalid(
                "RULE",
                &rule.priority.to_string(),
                "You have used a priority more than once.",
            ));
        }
        one(tx, rule, place, &bodies)?;
    }
    Ok(rules)
}

/// Refuses members that stand for what is not served.
pub(crate) fn served(value: &Json) -> Result<(), Fault> {
    match value {
        Json::Array(list) => list.iter().try_for_each(served),
        Json::Object(members) => members.iter().try_for_each(|(name, value)| {
            let unserved =
                |what: &str| invalid("STATEMENT", name, format!("{what} not known to this runtime."));
            match name.as_str() {
                "GeoMatchStatement" => Err(unserved("The countries of addresses are")),
                "AsnMatchStatement" | "ASN" => Err(unserved("The networks of addresses are")),
                "JA3Fingerprint" | "JA4Fingerprint" => Err(unserved("Fingerprints of TLS handshakes are")),
                known if KNOWN.split_whitespace().any(|k| k == known) => served(value),
                _ => Err(invalid("STATEMENT", name, "This setting is not served by this runtime.")),
            }
        }),
        _ => Ok(()),
    }
}

fn one(tx: &Tx<'_>, rule: &Rule, place: Place, bodies: &BTreeSet<String>) -> Result<(), Fault> {
    let group = matches!(rule.statement, Statement::RuleGroup(_) | Statement::ManagedRuleGroup(_));
    if group && place == Place::RuleGroup {
        return Err(invalid(
            "STATEMENT",
            &rule.name,
            "A rule group cannot hold a reference to a rule group.",
        ));
    }
    match (&rule.action, &rule.override_action) {
        (None, Some(_)) if group => {}
        (Some(action), None) if !group => self::action(action, bodies)?,
        _ if group => {
            return Err(invalid(
                "OVERRIDE_ACTION",
                &rule.name,
                "A rule that refers to a rule group needs an override action, and no action.",
            ));
        }
        _ => {
            return Err(invalid(
                "RULE_ACTION",
                &rule.name,
                "A rule needs an action, and no override action.",
            ));
        }
    }
    for label in &rule.rule_labels {
        const RESERVED: [&str; 8] =
            ["awswaf", "aws", "waf", "rulegroup", "webacl", "regexpatternset", "ipset", "managed"];
        if label.name.split(':').any(|part| RESERVED.contains(&part)) {
            return Err(invalid("LABEL_MATCH_STATEMENT", &label.name, "The label has a reserved word."));
        }
    }
    statement(tx, &rule.statement, bodies, true, 0)
}

/// An action's custom response must be sendable and its body must exist.
pub(crate) fn action(action: &RuleAction, bodies: &BTreeSet<String>) -> Result<(), Fault> {
    let RuleAction::Block(blocking) = action else { return Ok(()) };
    let Some(CustomResponse { response_code, custom_response_body_key, .. }) = &blocking.custom_response
    else {
        return Ok(());
    };
    if !(200..600).contains(response_code) {
        return Err(invalid(
            "CUSTOM_RESPONSE",
            &response_code.to_string(),
            "The response code is not valid.",
        ));
    }
    match custom_response_body_key {
        Some(key) if !bodies.contains(key) => {
            Err(invalid("CUSTOM_RESPONSE_BODY", key, "There is no custom response body with this key."))
        }
        _ => Ok(()),
    }
}

fn statement(
    tx: &Tx<'_>,
    given: &Statement,
    bodies: &BTreeSet<String>,
    top: bool,
    depth: usize,
) -> Result<(), Fault> {
    if depth > 10 {
        return Err(invalid("STATEMENT", "Statement", "The statements are nested too deeply."));
    }
    let nested = |inner: &Statement| statement(tx, inner, bodies, false, depth + 1);
    let alone = |name: &str| match top {
        true => Ok(()),
        false => Err(invalid("STATEMENT", name, "This statement cannot be nested in another.")),
    };
    match given {
        Statement::And(all) | Statement::Or(all) if all.statements.len() < 2 => {
            Err(invalid("STATEMENT", "Statements", "You must specify at least two statements."))
        }
        Statement::And(all) | Statement::Or(all) => all.statements.iter().try_for_each(nested),
        Statement::Not(negated) => nested(&negated.statement),
        Statement::RateBased(rate) => {
            alone("RateBasedStatement")?;
            self::rate(rate)?;
            rate.scope_down_statement.as_deref().map_or(Ok(()), nested)
        }
        Statement::RuleGroup(reference) => {
            alone("RuleGroupReferenceStatement")?;
            let group = tx.find_arn::<RuleGroup>(&reference.arn).ok_or_else(missing)?;
            let names = group.form.get("Rules").and_then(Json::as_array).into_iter().flatten();
            let names: Vec<&str> = names.filter_map(|r| r.get("Name")?.as_str()).collect();
            overrides(&reference.overrides, &names, bodies)
        }
        Statement::ManagedRuleGroup(reference) => {
            alone("ManagedRuleGroupStatement")?;
            let group = managed::group(&reference.vendor_name, &reference.name).ok_or_else(missing)?;
            if reference.version.as_deref().is_some_and(|v| v != managed::VERSION) {
                return Err(missing());
            }
            if !reference.managed_rule_group_configs.is_empty() {
                return Err(invalid(
                    "MANAGED_RULE_GROUP_CONFIG",
                    group.name,
                    "The rule group has no settings.",
                ));
            }
            let names: Vec<&str> = group.rules.iter().map(|r| r.name).collect();
            overrides(&reference.overrides, &names, bodies)?;
            reference.scope_down_statement.as_deref().map_or(Ok(()), nested)
        }
        Statement::IpSet(reference) => {
            tx.find_arn::<IpSet>(&reference.arn).ok_or_else(missing)?;
            forwarded(reference.forwarded.as_ref(), true)
        }
        Statement::LabelMatch(_) => Ok(()),
        Statement::RegexPatternSet(reference) => {
            tx.find_arn::<RegexPatternSet>(&reference.arn).ok_or_else(missing)?;
            text(&reference.text)
        }
        Statement::RegexMatch(regex) => {
            pattern(&regex.regex_string)?;
            text(&regex.text)
        }
        Statement::ByteMatch(bytes) => {
            let needle = base64::engine::general_purpose::STANDARD.decode(&bytes.search_string);
            let needle = needle.unwrap_or_default();
            let word = |b: &u8| b.is_ascii_alphanumeric() || *b == b'_';
            if needle.is_empty() || needle.len() > 200 {
                return Err(invalid("BYTE_MATCH_STATEMENT", "SearchString", "It must have 1 to 200 bytes."));
            }
            if bytes.positional_constraint == "CONTAINS_WORD" && !needle.iter().all(word) {
                return Err(invalid(
                    "BYTE_MATCH_STATEMENT",
                    "SearchString",
                    "A word consists of letters, digits and underscores.",
                ));
            }
            text(&bytes.text)
        }
        Statement::SqliMatch(sqli) => text(&sqli.text),
        Statement::XssMatch(xss) => text(xss),
        Statement::SizeConstraint(size) => text(&size.text),
        Statement::GeoMatch(_) | Statement::AsnMatch(_) => {
            Err(invalid("STATEMENT", "Statement", "Where addresses are is not known to this runtime."))
        }
    }
}

fn overrides(given: &Overrides, names: &[&str], bodies: &BTreeSet<String>) -> Result<(), Fault> {
    let excluded = given.excluded_rules.iter().map(|r| &r.name);
    let changed = given.rule_action_overrides.iter().map(|o| &o.name);
    for name in excluded.chain(changed) {
        if !names.contains(&name.as_str()) {
            return Err(invalid("EXCLUDED_RULE", name, "The rule group has no rule of this name."));
        }
    }
    given.rule_action_overrides.iter().try_for_each(|o| action(&o.action_to_use, bodies))
}

fn forwarded(config: Option<&ForwardedIp>, with_position: bool) -> Result<(), Fault> {
    match config {
        Some(c) if with_position && c.position.is_none() => {
            Err(invalid("FORWARDED_IP_CONFIG", "Position", "A position is needed."))
        }
        _ => Ok(()),
    }
}

fn rate(rate: &RateBased) -> Result<(), Fault> {
    let refuse = |parameter: &str, reason: &str| Err(invalid("RATE_BASED_STATEMENT", parameter, reason));
    if rate.evaluation_window_sec.is_some_and(|w| ![60, 120, 300, 600].contains(&w)) {
        return refuse("EvaluationWindowSec", "The evaluation window must be 60, 120, 300 or 600 seconds.");
    }
    let custom = rate.aggregate_key_type == "CUSTOM_KEYS";
    if custom == rate.custom_keys.is_empty() || rate.custom_keys.len() > 5 {
        return refuse("CustomKeys", "One to five custom keys belong to CUSTOM_KEYS, and to nothing else.");
    }
    let forwards = rate.custom_keys.iter().any(|k| matches!(k, RateKey::ForwardedIp(_)));
    if (rate.aggregate_key_type == "FORWARDED_IP" || forwards) && rate.forwarded.is_none() {
        return refuse("ForwardedIPConfig", "A forwarded IP configuration is needed.");
    }
    if let [RateKey::Ip(_) | RateKey::ForwardedIp(_)] = rate.custom_keys.as_slice() {
        return refuse("CustomKeys", "An address alone is no custom key: use IP or FORWARDED_IP.");
    }
    if rate.aggregate_key_type == "CONSTANT" && rate.scope_down_statement.is_none() {
        return refuse("ScopeDownStatement", "Counting all requests needs a scope-down statement.");
    }
    for key in &rate.custom_keys {
        match key {
            RateKey::Header(k) | RateKey::Cookie(k) | RateKey::QueryArgument(k) => {
                transformations(&k.text_transformations)?;
            }
            RateKey::QueryString(k) | RateKey::UriPath(k) => transformations(&k.text_transformations)?,
            _ => {}
        }
    }
    Ok(())
}

fn text(given: &TextMatch) -> Result<(), Fault> {
    if let FieldToMatch::JsonBody(json) = &given.field_to_match
        && let model::estate::waf::rule::JsonPattern::IncludedPaths(paths) = &json.match_pattern
        && let Some(bad) = paths.iter().find(|p| !p.starts_with('/'))
    {
        return Err(invalid("JSON_MATCH_PATTERN", bad, "The path is not a valid JSON pointer."));
    }
    transformations(&given.text_transformations)
}

fn transformations(given: &[Transformation]) -> Result<(), Fault> {
    let priorities: BTreeSet<i64> = given.iter().map(|t| t.priority).collect();
    match priorities.len() == given.len() {
        true => Ok(()),
        false => Err(invalid(
            "TEXT_TRANSFORMATION",
            "Priority",
            "You have used a priority more than once in text transformations.",
        )),
    }
}

/// Expressions are those of the `regex` crate, which match in linear time: none that look around or back.
pub(crate) fn pattern(given: &str) -> Result<(), Fault> {
    const LARGEST: usize = 4 << 20;
    let build = |unicode| {
        regex::bytes::RegexBuilder::new(given)
            .unicode(unicode)
            .size_limit(LARGEST)
            .dfa_size_limit(LARGEST)
            .build()
    };
    match build(false).or_else(|_| build(true)) {
        Ok(_) => Ok(()),
        Err(_) => Err(invalid(
            "REGEX_PATTERN_REFERENCE_STATEMENT",
            given,
            "The regular expression is not valid, or needs what is not supported.",
        )),
    }
}
