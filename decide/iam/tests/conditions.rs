//! When a condition holds: every operator, every quantifier, present, missing and empty keys.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod common;

use common::{context, one, parsed};
use decide_iam::{Consent, Key, Outcome};
use serde_json::json;

/// Whether a condition holds, asked of an `Allow` and of a `Deny`.
fn holds(condition: &str, context: &str) -> (bool, bool) {
    let (condition, context) = (parsed(condition), parsed(context));
    let statement = |effect| one(effect, json!({ "Action": "*", "Resource": "*", "Condition": condition }));
    let request = json!({ "context": context });
    let allow = json!({ "policies": { "identity": [statement("Allow")] }, "request": request });
    let all = one("Allow", json!({ "Action": "*", "Resource": "*" }));
    let deny = json!({ "policies": { "identity": [all, statement("Deny")] }, "request": request });
    (
        common::outcome(&allow, Consent::Normal) == Outcome::Allowed,
        common::outcome(&deny, Consent::Normal) == Outcome::ExplicitDeny,
    )
}

fn check(cases: &[(&str, &str, bool)]) {
    for (condition, context, expected) in cases {
        assert_eq!(holds(condition, context), (*expected, *expected), "{condition} given {context}");
    }
}

#[test]
fn strings() {
    check(&[
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{"a:k":"x"}"#, true),
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{"A:K":"x"}"#, true),
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{"a:k":"X"}"#, false),
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{}"#, false),
        (r#"{"StringEquals":{"a:k":["x","y"]}}"#, r#"{"a:k":"y"}"#, true),
        (r#"{"StringEquals":{"a:k":["x","y"]}}"#, r#"{"a:k":"z"}"#, false),
        (r#"{"StringEquals":{"a:k":"x*"}}"#, r#"{"a:k":"xy"}"#, false),
        (r#"{"StringEquals":{"a:k":"x*"}}"#, r#"{"a:k":"x*"}"#, true),
        (r#"{"StringEquals":{"a:k":""}}"#, r#"{"a:k":""}"#, true),
        (r#"{"StringEquals":{"a:k":[]}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringEquals":{"a:k":true}}"#, r#"{"a:k":true}"#, true),
        (r#"{"StringEquals":{"a:k":5}}"#, r#"{"a:k":"5"}"#, true),
        (r#"{"StringNotEquals":{"a:k":"x"}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringNotEquals":{"a:k":"x"}}"#, r#"{"a:k":"y"}"#, true),
        (r#"{"StringNotEquals":{"a:k":"x"}}"#, r#"{}"#, true),
        (r#"{"StringNotEquals":{"a:k":["x","y"]}}"#, r#"{"a:k":"y"}"#, false),
        (r#"{"StringNotEquals":{"a:k":["x","y"]}}"#, r#"{"a:k":"z"}"#, true),
        (r#"{"StringNotEquals":{"a:k":[]}}"#, r#"{"a:k":"z"}"#, true),
        (r#"{"StringEqualsIgnoreCase":{"a:k":"X"}}"#, r#"{"a:k":"x"}"#, true),
        (r#"{"StringEqualsIgnoreCase":{"a:k":"É"}}"#, r#"{"a:k":"é"}"#, true),
        (r#"{"StringEqualsIgnoreCase":{"a:k":"X"}}"#, r#"{"a:k":"y"}"#, false),
        (r#"{"StringNotEqualsIgnoreCase":{"a:k":"X"}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringNotEqualsIgnoreCase":{"a:k":"X"}}"#, r#"{"a:k":"y"}"#, true),
        (r#"{"StringNotEqualsIgnoreCase":{"a:k":"X"}}"#, r#"{}"#, true),
        (r#"{"StringLike":{"a:k":"x*"}}"#, r#"{"a:k":"xy"}"#, true),
        (r#"{"StringLike":{"a:k":"x?"}}"#, r#"{"a:k":"xyz"}"#, false),
        (r#"{"StringLike":{"a:k":"X*"}}"#, r#"{"a:k":"xy"}"#, false),
        (r#"{"StringLike":{"a:k":"*"}}"#, r#"{}"#, false),
        (r#"{"StringLike":{"a:k":"*"}}"#, r#"{"a:k":""}"#, true),
        (r#"{"StringNotLike":{"a:k":"x*"}}"#, r#"{"a:k":"xy"}"#, false),
        (r#"{"StringNotLike":{"a:k":"x*"}}"#, r#"{"a:k":"yx"}"#, true),
        (r#"{"StringNotLike":{"a:k":"x*"}}"#, r#"{}"#, true),
        // Several operators and keys must all hold.
        (r#"{"StringEquals":{"a:k":"x","a:l":"y"}}"#, r#"{"a:k":"x","a:l":"y"}"#, true),
        (r#"{"StringEquals":{"a:k":"x","a:l":"y"}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringEquals":{"a:k":"x"},"StringNotEquals":{"a:k":"x"}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringEquals":{"a:k":"x"},"Bool":{"a:b":"true"}}"#, r#"{"a:k":"x","a:b":"true"}"#, true),
        (r#"{}"#, r#"{}"#, true),
        (r#"{"StringEquals":{}}"#, r#"{}"#, true),
        // Several values without a quantifier: one that matches is enough, for a negation none may.
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{"a:k":["x","y"]}"#, true),
        (r#"{"StringNotEquals":{"a:k":"x"}}"#, r#"{"a:k":["x","y"]}"#, false),
        (r#"{"StringEquals":{"a:k":"x"}}"#, r#"{"a:k":[]}"#, false),
        (r#"{"StringNotEquals":{"a:k":"x"}}"#, r#"{"a:k":[]}"#, true),
        // Tag keys fold too.
        (r#"{"StringEquals":{"aws:PrincipalTag/Team":"x"}}"#, r#"{"aws:principaltag/team":"x"}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalTag/Team":"x"}}"#, r#"{"aws:PrincipalTag/Teams":"x"}"#, false),
    ]);
}

#[test]
fn numbers() {
    check(&[
        (r#"{"NumericEquals":{"a:n":"10"}}"#, r#"{"a:n":"10.0"}"#, true),
        (r#"{"NumericEquals":{"a:n":10}}"#, r#"{"a:n":10}"#, true),
        (r#"{"NumericEquals":{"a:n":"10"}}"#, r#"{"a:n":"11"}"#, false),
        (r#"{"NumericEquals":{"a:n":["1","2"]}}"#, r#"{"a:n":"2"}"#, true),
        (r#"{"NumericEquals":{"a:n":"10"}}"#, r#"{}"#, false),
        (r#"{"NumericEquals":{"a:n":"10"}}"#, r#"{"a:n":"ten"}"#, false),
        (r#"{"NumericNotEquals":{"a:n":"10"}}"#, r#"{"a:n":"10"}"#, false),
        (r#"{"NumericNotEquals":{"a:n":"10"}}"#, r#"{"a:n":"9"}"#, true),
        (r#"{"NumericNotEquals":{"a:n":"10"}}"#, r#"{}"#, true),
        (r#"{"NumericLessThan":{"a:n":"10"}}"#, r#"{"a:n":"9"}"#, true),
        (r#"{"NumericLessThan":{"a:n":"10"}}"#, r#"{"a:n":"10"}"#, false),
        (r#"{"NumericLessThan":{"a:n":"10"}}"#, r#"{"a:n":"-11"}"#, true),
        (r#"{"NumericLessThan":{"a:n":"10"}}"#, r#"{}"#, false),
        (r#"{"NumericLessThanEquals":{"a:n":"10"}}"#, r#"{"a:n":"10"}"#, true),
        (r#"{"NumericLessThanEquals":{"a:n":"10"}}"#, r#"{"a:n":"10.01"}"#, false),
        (r#"{"NumericGreaterThan":{"a:n":"10"}}"#, r#"{"a:n":"11"}"#, true),
        (r#"{"NumericGreaterThan":{"a:n":"10"}}"#, r#"{"a:n":"10"}"#, false),
        (r#"{"NumericGreaterThanEquals":{"a:n":"10"}}"#, r#"{"a:n":"10"}"#, true),
        (r#"{"NumericGreaterThanEquals":{"a:n":"10"}}"#, r#"{"a:n":"9.99"}"#, false),
        (r#"{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}"#, r#"{}"#, true),
        (
            r#"{"NumericLessThanIfExists":{"aws:MultiFactorAuthAge":"3600"}}"#,
            r#"{"aws:MultiFactorAuthAge":"3601"}"#,
            false,
        ),
    ]);
}

#[test]
fn dates() {
    check(&[
        (r#"{"DateEquals":{"a:d":"2020-01-01T00:00:00Z"}}"#, r#"{"a:d":"2020-01-01T01:00:00+01:00"}"#, true),
        (r#"{"DateEquals":{"a:d":"2020-01-01T00:00:00Z"}}"#, r#"{"a:d":"1577836800"}"#, true),
        (r#"{"DateEquals":{"a:d":1577836800}}"#, r#"{"a:d":"2020-01-01"}"#, true),
        (r#"{"DateEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-02"}"#, false),
        (r#"{"DateEquals":{"a:d":"2020-01-01"}}"#, r#"{}"#, false),
        (r#"{"DateNotEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01"}"#, false),
        (r#"{"DateNotEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2021-01-01"}"#, true),
        (r#"{"DateNotEquals":{"a:d":"2020-01-01"}}"#, r#"{}"#, true),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01"}}"#,
            r#"{"aws:CurrentTime":"2019-12-31T23:59:59.999Z"}"#,
            true,
        ),
        (
            r#"{"DateLessThan":{"aws:CurrentTime":"2020-01-01"}}"#,
            r#"{"aws:CurrentTime":"2020-01-01"}"#,
            false,
        ),
        (r#"{"DateLessThanEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01"}"#, true),
        (r#"{"DateLessThanEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01T00:00:00.1Z"}"#, false),
        (r#"{"DateGreaterThan":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01T00:00:01Z"}"#, true),
        (r#"{"DateGreaterThan":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01"}"#, false),
        (r#"{"DateGreaterThanEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2020-01-01"}"#, true),
        (r#"{"DateGreaterThanEquals":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"2019-12-31"}"#, false),
        (r#"{"DateGreaterThan":{"a:d":"2020-01-01"}}"#, r#"{"a:d":"soon"}"#, false),
        (r#"{"DateLessThanIfExists":{"a:d":"2020-01-01"}}"#, r#"{}"#, true),
    ]);
}

#[test]
fn truth_values_and_bytes() {
    check(&[
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, r#"{"aws:SecureTransport":"false"}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":false}}"#, r#"{"aws:SecureTransport":false}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"False"}}"#, r#"{"aws:SecureTransport":"FALSE"}"#, true),
        (r#"{"Bool":{"aws:SecureTransport":"false"}}"#, r#"{"aws:SecureTransport":"true"}"#, false),
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"false"}}"#, r#"{}"#, false),
        (r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#, r#"{}"#, false),
        (
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            r#"{"aws:MultiFactorAuthPresent":"yes"}"#,
            false,
        ),
        (r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#, r#"{}"#, true),
        (
            r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#,
            r#"{"aws:MultiFactorAuthPresent":"true"}"#,
            false,
        ),
        (r#"{"Bool":{"a:b":["true","false"]}}"#, r#"{"a:b":"false"}"#, true),
        (r#"{"BinaryEquals":{"a:b":"QmluYXJ5"}}"#, r#"{"a:b":"QmluYXJ5"}"#, true),
        (r#"{"BinaryEquals":{"a:b":"YQ=="}}"#, r#"{"a:b":"YQ"}"#, true),
        (r#"{"BinaryEquals":{"a:b":"QmluYXJ5"}}"#, r#"{"a:b":"QmluYXJ6"}"#, false),
        (r#"{"BinaryEquals":{"a:b":"QmluYXJ5"}}"#, r#"{"a:b":"!"}"#, false),
        (r#"{"BinaryEquals":{"a:b":"QmluYXJ5"}}"#, r#"{}"#, false),
        (r#"{"BinaryEqualsIfExists":{"a:b":"QmluYXJ5"}}"#, r#"{}"#, true),
    ]);
}

#[test]
fn addresses() {
    check(&[
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, r#"{"aws:SourceIp":"203.0.113.7"}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, r#"{"aws:SourceIp":"203.0.114.7"}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.7"}}"#, r#"{"aws:SourceIp":"203.0.113.7"}"#, true),
        (
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}"#,
            r#"{"aws:SourceIp":"2001:db8:1::1"}"#,
            true,
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}"#,
            r#"{"aws:SourceIp":"2001:db9::1"}"#,
            false,
        ),
        (r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#, r#"{"aws:SourceIp":"2001:db9::1"}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{}"#, false),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{"aws:SourceIp":"10.0.0.1/8"}"#, false),
        (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{"aws:SourceIp":"10.0.0.1"}"#, false),
        (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{"aws:SourceIp":"11.0.0.1"}"#, true),
        (
            r#"{"NotIpAddress":{"aws:SourceIp":["10.0.0.0/8","11.0.0.0/8"]}}"#,
            r#"{"aws:SourceIp":"11.0.0.1"}"#,
            false,
        ),
        (r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{}"#, true),
        (r#"{"NotIpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{}"#, true),
        (r#"{"IpAddressIfExists":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{}"#, true),
    ]);
}

#[test]
fn names() {
    let role = r#"{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/team/r"}"#;
    check(&[
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/team/r"}}"#, role, true),
        (r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}}"#, role, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, role, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::11112222333?:role/*"}}"#, role, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:*:role/team/r"}}"#, role, false),
        (r#"{"StringLike":{"aws:PrincipalArn":"arn:*:role/team/r"}}"#, role, true),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:ROLE/*"}}"#, role, false),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#, r#"{}"#, false),
        (
            r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}}"#,
            r#"{"aws:PrincipalArn":"role/x"}"#,
            false,
        ),
        (r#"{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::*:role/team/*"}}"#, role, false),
        (r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#, role, true),
        (
            r#"{"ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::*:user/*","arn:aws:iam::*:role/*"]}}"#,
            role,
            false,
        ),
        (r#"{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}}"#, r#"{}"#, true),
        (r#"{"ArnLikeIfExists":{"aws:SourceArn":"arn:aws:sns:*:*:t"}}"#, r#"{}"#, true),
    ]);
}

#[test]
fn presence() {
    check(&[
        (r#"{"Null":{"aws:TokenIssueTime":"true"}}"#, r#"{}"#, true),
        (r#"{"Null":{"aws:TokenIssueTime":"true"}}"#, r#"{"aws:TokenIssueTime":"2020-01-01"}"#, false),
        (r#"{"Null":{"aws:TokenIssueTime":"false"}}"#, r#"{"aws:TokenIssueTime":"2020-01-01"}"#, true),
        (r#"{"Null":{"aws:TokenIssueTime":false}}"#, r#"{}"#, false),
        (r#"{"Null":{"aws:TagKeys":"true"}}"#, r#"{"aws:TagKeys":[]}"#, true),
        (r#"{"Null":{"aws:TagKeys":"false"}}"#, r#"{"aws:TagKeys":[""]}"#, false),
        (r#"{"Null":{"aws:TagKeys":["true","false"]}}"#, r#"{}"#, true),
        (r#"{"ForAllValues:Null":{"aws:TagKeys":"true"}}"#, r#"{}"#, true),
        (r#"{"StringEqualsIfExists":{"a:k":"x"}}"#, r#"{}"#, true),
        (r#"{"StringEqualsIfExists":{"a:k":"x"}}"#, r#"{"a:k":"y"}"#, false),
        (r#"{"StringNotEqualsIfExists":{"a:k":"x"}}"#, r#"{}"#, true),
        (r#"{"StringNotEqualsIfExists":{"a:k":"x"}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"StringLikeIfExists":{"a:k":"x*"}}"#, r#"{"a:k":"xy"}"#, true),
    ]);
}

#[test]
fn sets() {
    let all = r#"{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b"]}}"#;
    let any = r#"{"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]}}"#;
    let all_not = r#"{"ForAllValues:StringNotEquals":{"aws:TagKeys":["a","b"]}}"#;
    let any_not = r#"{"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a","b"]}}"#;
    check(&[
        (all, r#"{"aws:TagKeys":["a"]}"#, true),
        (all, r#"{"aws:TagKeys":["a","b"]}"#, true),
        (all, r#"{"aws:TagKeys":["a","c"]}"#, false),
        (all, r#"{"aws:TagKeys":"a"}"#, true),
        (all, r#"{"aws:TagKeys":[]}"#, true),
        (all, r#"{"aws:TagKeys":[""]}"#, true),
        (all, r#"{}"#, true),
        (any, r#"{"aws:TagKeys":["c","a"]}"#, true),
        (any, r#"{"aws:TagKeys":["c"]}"#, false),
        (any, r#"{"aws:TagKeys":"b"}"#, true),
        (any, r#"{"aws:TagKeys":[]}"#, false),
        (any, r#"{}"#, false),
        (all_not, r#"{"aws:TagKeys":["c","d"]}"#, true),
        (all_not, r#"{"aws:TagKeys":["c","a"]}"#, false),
        (all_not, r#"{}"#, true),
        (any_not, r#"{"aws:TagKeys":["a","c"]}"#, true),
        (any_not, r#"{"aws:TagKeys":["a","b"]}"#, false),
        (any_not, r#"{}"#, false),
        (
            r#"{"ForAllValues:StringLike":{"aws:TagKeys":"key1*"}}"#,
            r#"{"aws:TagKeys":["key1:a","key1:b"]}"#,
            true,
        ),
        (r#"{"ForAllValues:StringNotLike":{"aws:TagKeys":"key1*"}}"#, r#"{"aws:TagKeys":["key1:a"]}"#, false),
        (r#"{"ForAllValues:StringNotLike":{"aws:TagKeys":"key1*"}}"#, r#"{"aws:TagKeys":["key2:a"]}"#, true),
        (r#"{"ForAnyValue:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, r#"{}"#, false),
        (r#"{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#, r#"{}"#, true),
        (
            r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"a"},"Null":{"aws:TagKeys":"false"}}"#,
            r#"{}"#,
            false,
        ),
        (
            r#"{"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-1/r-1/ou-1/*"}}"#,
            r#"{"aws:PrincipalOrgPaths":["o-1/r-1/ou-1/ou-2/"]}"#,
            true,
        ),
        (r#"{"ForAnyValue:NumericLessThan":{"a:n":"3"}}"#, r#"{"a:n":["5","2"]}"#, true),
        (r#"{"ForAllValues:NumericLessThan":{"a:n":"3"}}"#, r#"{"a:n":["5","2"]}"#, false),
        (r#"{"ForAnyValue:IpAddress":{"a:i":"10.0.0.0/8"}}"#, r#"{"a:i":["11.0.0.1","10.0.0.1"]}"#, true),
        (
            r#"{"ForAllValues:ArnLike":{"a:r":"arn:aws:s3:::b/*"}}"#,
            r#"{"a:r":["arn:aws:s3:::b/1","arn:aws:s3:::c/1"]}"#,
            false,
        ),
        (r#"{"ForAnyValue:Bool":{"a:b":"true"}}"#, r#"{"a:b":["false","true"]}"#, true),
        (
            r#"{"ForAnyValue:StringEquals":{"aws:CalledVia":["athena.amazonaws.com"]}}"#,
            r#"{"aws:CalledVia":["athena.amazonaws.com","s3.amazonaws.com"]}"#,
            true,
        ),
    ]);
}

#[test]
fn variables() {
    check(&[
        (r#"{"StringEquals":{"a:k":"${aws:username}"}}"#, r#"{"a:k":"bob","aws:username":"bob"}"#, true),
        (r#"{"StringEquals":{"a:k":"${aws:username}"}}"#, r#"{"a:k":"bob","aws:username":"eve"}"#, false),
        (r#"{"StringEquals":{"a:k":"${aws:username}"}}"#, r#"{"a:k":"bob"}"#, false),
        (r#"{"StringEquals":{"a:k":"${aws:username, 'bob'}"}}"#, r#"{"a:k":"bob"}"#, true),
        (
            r#"{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}"#,
            r#"{"aws:ResourceTag/team":"a","aws:PrincipalTag/Team":"a"}"#,
            true,
        ),
        (
            r#"{"StringLike":{"a:k":"home/${aws:username}/*"}}"#,
            r#"{"a:k":"home/bob/x","aws:username":"bob"}"#,
            true,
        ),
        (
            r#"{"StringLike":{"a:k":"home/${aws:username}/*"}}"#,
            r#"{"a:k":"home/bob/x","aws:username":"*"}"#,
            false,
        ),
        (r#"{"StringLike":{"a:k":"a${*}b"}}"#, r#"{"a:k":"a*b"}"#, true),
        (r#"{"StringLike":{"a:k":"a${*}b"}}"#, r#"{"a:k":"axb"}"#, false),
        (r#"{"StringEquals":{"a:k":"${$}{aws:username}"}}"#, r#"{"a:k":"${aws:username}"}"#, true),
        (
            r#"{"ArnLike":{"a:k":"arn:aws:iam::1:user/${aws:username}"}}"#,
            r#"{"a:k":"arn:aws:iam::1:user/bob","aws:username":"bob"}"#,
            true,
        ),
        (
            r#"{"StringEqualsIgnoreCase":{"a:k":"${aws:username}"}}"#,
            r#"{"a:k":"BOB","aws:username":"bob"}"#,
            true,
        ),
        (r#"{"StringNotEquals":{"a:k":"${aws:username}"}}"#, r#"{"a:k":"bob","aws:username":"bob"}"#, false),
        (r#"{"StringNotEquals":{"a:k":"${aws:username}"}}"#, r#"{"a:k":"bob","aws:username":"eve"}"#, true),
        (r#"{"StringNotEquals":{"a:k":["${aws:username}","x"]}}"#, r#"{"a:k":"x"}"#, false),
        (r#"{"Bool":{"a:k":"${a:l}"}}"#, r#"{"a:k":"true","a:l":"TRUE"}"#, true),
    ]);
}

#[test]
fn a_negation_in_doubt_denies() {
    let condition = r#"{"StringNotEquals":{"a:k":"${aws:username}"}}"#;
    assert_eq!(holds(condition, r#"{"a:k":"bob"}"#), (false, true));
    let many = r#"{"a:k":"bob","aws:username":["bob","eve"]}"#;
    assert_eq!(holds(condition, many), (false, true));
    assert_eq!(holds(condition, "{}"), (true, true), "an absent key is no comparison");
}

#[test]
fn contexts_read_as_given() {
    assert_eq!(context(&parsed(r#"{"a":[1,true,"x"]}"#)).get(&Key::new("a")), ["1", "true", "x"]);
}

/// Every operator, with a value that it wants, one that satisfies it and one that does not.
const OPERATORS: [(&str, &str, &str, &str); 26] = [
    ("StringEquals", "x", "x", "X"),
    ("StringNotEquals", "x", "X", "x"),
    ("StringEqualsIgnoreCase", "x", "X", "y"),
    ("StringNotEqualsIgnoreCase", "x", "y", "X"),
    ("StringLike", "x?*", "xyz", "x"),
    ("StringNotLike", "x?*", "x", "xyz"),
    ("NumericEquals", "5", "5.0", "6"),
    ("NumericNotEquals", "5", "five", "5.0"),
    ("NumericLessThan", "5", "4.9", "5"),
    ("NumericLessThanEquals", "5", "5", "five"),
    ("NumericGreaterThan", "5", "5.1", "5"),
    ("NumericGreaterThanEquals", "5", "5", "five"),
    ("DateEquals", "2020-01-01", "1577836800", "2020-01-02"),
    ("DateNotEquals", "2020-01-01", "never", "2020-01-01T00:00:00Z"),
    ("DateLessThan", "2020-01-01", "2019-12-31T23:59:59Z", "2020-01-01"),
    ("DateLessThanEquals", "2020-01-01", "2020-01-01T01:00:00+01:00", "1577836801"),
    ("DateGreaterThan", "1577836800", "2020-01-01T00:00:01Z", "2020-01-01"),
    ("DateGreaterThanEquals", "1577836800", "2020-01-01", "never"),
    ("Bool", "true", "True", "yes"),
    ("BinaryEquals", "AQID", "AQID", "AQIE"),
    ("IpAddress", "2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
    ("NotIpAddress", "10.0.0.0/8", "2001:db8::1", "::ffff:10.1.2.3"),
    ("ArnEquals", "arn:aws:s3:::b/*", "arn:aws:s3:::b/k", "arn:aws:s3:::c/k"),
    ("ArnNotEquals", "arn:aws:s3:::b/*", "b/k", "arn:aws:s3:::b/k"),
    ("ArnLike", "arn:aws:sqs:*:1:q", "arn:aws:sqs:r:1:q", "arn:aws:sqs:r:x:1:q"),
    ("ArnNotLike", "arn:aws:sqs:*:1:q", "arn:aws:sqs:r:2:q", "arn:aws:sqs:r:1:q"),
];

#[test]
fn every_operator_with_every_modifier() {
    for (operator, wanted, yes, no) in OPERATORS {
        let negated = operator.contains("Not");
        for (set, end, values, expected) in [
            ("", "", json!(yes), true),
            ("", "", json!(no), false),
            ("", "", json!([]), negated),
            ("", "IfExists", json!(yes), true),
            ("", "IfExists", json!(no), false),
            ("", "IfExists", json!([]), true),
            ("ForAllValues:", "", json!([yes, yes]), true),
            ("ForAllValues:", "", json!([yes, no]), false),
            ("ForAllValues:", "", json!([]), true),
            ("ForAllValues:", "", json!([""]), true),
            ("ForAllValues:", "IfExists", json!([yes, no]), false),
            ("ForAllValues:", "IfExists", json!([]), true),
            ("ForAnyValue:", "", json!([no, yes]), true),
            ("ForAnyValue:", "", json!([no]), false),
            ("ForAnyValue:", "", json!([]), false),
            ("ForAnyValue:", "", json!([""]), false),
            ("ForAnyValue:", "IfExists", json!([no, yes]), true),
            ("ForAnyValue:", "IfExists", json!([]), false),
        ] {
            let condition = json!({ format!("{set}{operator}{end}"): { "a:k": wanted } }).to_string();
            check(&[(&condition, &json!({ "a:k": values }).to_string(), expected)]);
        }
    }
}
