//! Web ACL capacity units: what rules cost, as the AWS WAF Developer Guide lists it per statement.

use model::Snapshot;
use model::estate::waf::rule::{FieldToMatch, ForwardedIp, Rule, Statement, TextMatch};
use model::estate::waf::{RuleGroup, managed};

/// No web ACL and no rule group may cost more.
pub(crate) const MOST: u64 = 5000;

pub(crate) fn of_rules(snapshot: &Snapshot, rules: &[Rule]) -> u64 {
    rules.iter().map(|r| statement(snapshot, &r.statement) + (r.rule_labels.len() as u64).div_ceil(5)).sum()
}

fn statement(snapshot: &Snapshot, given: &Statement) -> u64 {
    match given {
        Statement::ByteMatch(bytes) => {
            let base = match bytes.positional_constraint.as_str() {
                "CONTAINS" | "CONTAINS_WORD" => 10,
                _ => 2,
            };
            text(base, &bytes.text)
        }
        Statement::RegexMatch(regex) => text(3, &regex.text),
        Statement::RegexPatternSet(set) => text(25, &set.text),
        Statement::SqliMatch(sqli) => {
            text(if sqli.sensitivity_level.as_deref() == Some("HIGH") { 30 } else { 20 }, &sqli.text)
        }
        Statement::XssMatch(xss) => text(40, xss),
        Statement::SizeConstraint(size) => text(1, &size.text),
        Statement::IpSet(set) => {
            if any_position(set.forwarded.as_ref()) {
                5
            } else {
                1
            }
        }
        Statement::LabelMatch(_) | Statement::GeoMatch(_) | Statement::AsnMatch(_) => 1,
        Statement::And(nested) | Statement::Or(nested) => {
            nested.statements.iter().map(|s| statement(snapshot, s)).sum()
        }
        Statement::Not(negated) => statement(snapshot, &negated.statement),
        Statement::RateBased(rate) => {
            let scope = rate.scope_down_statement.as_ref().map_or(0, |s| statement(snapshot, s));
            2 + 30 * rate.custom_keys.len() as u64 + scope
        }
        Statement::RuleGroup(reference) => {
            snapshot.find_arn::<RuleGroup>(&reference.arn).map_or(0, |g| g.capacity)
        }
        Statement::ManagedRuleGroup(reference) => {
            let group = managed::group(&reference.vendor_name, &reference.name).map_or(0, |g| g.capacity);
            group + reference.scope_down_statement.as_ref().map_or(0, |s| statement(snapshot, s))
        }
    }
}

fn any_position(forwarded: Option<&ForwardedIp>) -> bool {
    forwarded.and_then(|f| f.position.as_deref()) == Some("ANY")
}

/// Ten for each transformation, ten more for all query arguments, twice the base for a JSON body.
fn text(base: u64, given: &TextMatch) -> u64 {
    let base = match &given.field_to_match {
        FieldToMatch::JsonBody(_) => 2 * base,
        FieldToMatch::AllQueryArguments(_) => base + 10,
        _ => base,
    };
    base + 10 * given.text_transformations.iter().filter(|t| t.r#type != "NONE").count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statements_cost_what_aws_says() {
        let cost = |value: serde_json::Value| {
            statement(&Snapshot::default(), &serde_json::from_value(value).unwrap())
        };
        let text = |field: serde_json::Value, transformations: &[&str], more: serde_json::Value| {
            let list: Vec<_> =
                transformations.iter().enumerate().map(|(i, t)| json!({"Priority": i, "Type": t})).collect();
            let mut whole = json!({"FieldToMatch": field, "TextTransformations": list});
            whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            whole
        };
        let uri = json!({"UriPath": {}});
        let json_body = json!({"JsonBody": {"MatchPattern": {"All": {}}, "MatchScope": "ALL"}});
        let bytes = |how: &str| json!({"ByteMatchStatement": text(uri.clone(), &["NONE"], json!({"SearchString": "eA==", "PositionalConstraint": how}))});
        let size = json!({"SizeConstraintStatement": text(uri.clone(), &["NONE"], json!({"ComparisonOperator": "GT", "Size": 1}))});
        let sqli = |level: &str, field: &serde_json::Value, t: &[&str]| json!({"SqliMatchStatement": text(field.clone(), t, json!({"SensitivityLevel": level}))});
        for (given, expected) in [
            (bytes("EXACTLY"), 2),
            (bytes("CONTAINS"), 10),
            (size.clone(), 1),
            (sqli("LOW", &uri, &["NONE"]), 20),
            (sqli("HIGH", &uri, &["URL_DECODE", "LOWERCASE"]), 50),
            (sqli("LOW", &json_body, &["URL_DECODE"]), 50),
            (sqli("LOW", &json!({"AllQueryArguments": {}}), &["URL_DECODE"]), 40),
            (json!({"XssMatchStatement": text(uri.clone(), &["NONE"], json!({}))}), 40),
            (json!({"RegexMatchStatement": text(uri.clone(), &["NONE"], json!({"RegexString": "a"}))}), 3),
            (json!({"AndStatement": {"Statements": [size, bytes("CONTAINS")]}}), 11),
            (json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "IP"}}), 2),
            (
                json!({"RateBasedStatement": {"Limit": 100, "AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"IP": {}}, {"HTTPMethod": {}}]}}),
                62,
            ),
            (
                json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}),
                700,
            ),
        ] {
            assert_eq!(cost(given.clone()), expected, "{given}");
        }
    }
}
