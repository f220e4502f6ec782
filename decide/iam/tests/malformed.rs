//! Which policies are refused when they are written, with which words, and where.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

use decide_iam::{Policy, PolicyKind};

const SYNTAX: &str = "Syntax errors in policy.";
const LEGACY: &str = "The policy failed legacy parsing";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const NO_ACTIONS: &str = "Policy statement must contain actions.";
const NO_RESOURCES: &str = "Policy statement must contain resources.";
const FULLY: &str = "Resource vendor must be fully qualified and cannot contain regexes.";

fn message(kind: PolicyKind, text: &str) -> Option<String> {
    Policy::parse(text, kind).err().map(|fault| fault.message)
}

/// A document around the elements of one statement.
fn around(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{{statement}}}}}"#)
}

fn check(kind: PolicyKind, cases: &[(&str, &str)]) {
    for (statement, expected) in cases {
        let expected = (!expected.is_empty()).then(|| (*expected).to_owned());
        assert_eq!(message(kind, &around(statement)), expected, "{statement}");
    }
}

const GOOD: &str = r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b""#;

#[test]
fn documents() {
    let whole = |rest: &str| format!(r#"{{"Version":"2012-10-17",{rest}}}"#);
    for (text, expected) in [
        (around(GOOD), None),
        (format!(r#"{{"Statement":[{{{GOOD}}}]}}"#), None),
        (format!(r#"{{"Version":"2008-10-17","Statement":{{{GOOD}}}}}"#), None),
        (whole(&format!(r#""Id":"x","Statement":[{{{GOOD}}},{{{GOOD}}}]"#)), None),
        ("This is not a json document".into(), Some(SYNTAX)),
        (String::new(), Some(SYNTAX)),
        ("[]".into(), Some(SYNTAX)),
        ("{}".into(), Some(SYNTAX)),
        (format!(r#"{{"Version":"2013-10-17","Statement":{{{GOOD}}}}}"#), Some(SYNTAX)),
        (format!(r#"{{"Version":20121017,"Statement":{{{GOOD}}}}}"#), Some(SYNTAX)),
        (format!(r#"{{"version":"2012-10-17","Statement":{{{GOOD}}}}}"#), Some(SYNTAX)),
        (whole(r#""Id":"x""#), Some(SYNTAX)),
        (whole(r#""Statement":["afd"]"#), Some(SYNTAX)),
        (whole(r#""Statement":[]"#), Some(SYNTAX)),
        (whole(r#""Statement":"x""#), Some(SYNTAX)),
        (whole(&format!(r#""Statement":{{{GOOD}}},"Extra field":"value""#)), Some(SYNTAX)),
        (whole(&format!(r#""Statement":{{{GOOD}}},"Id":["x"]"#)), Some(SYNTAX)),
        (whole(&format!(r#""Statement":{{{GOOD}}},"Id":{{}}"#)), Some(SYNTAX)),
        (whole(&format!(r#""Statement":{{{GOOD}}},"Statement":{{{GOOD}}}"#)), Some(SYNTAX)),
        (whole(&format!(r#""Version":"2012-10-17","Statement":{{{GOOD}}}"#)), Some(SYNTAX)),
        (format!("{} x", around(GOOD)), Some(SYNTAX)),
    ] {
        assert_eq!(message(PolicyKind::Identity, &text).as_deref(), expected, "{text}");
    }
}

#[test]
fn statements() {
    check(
        PolicyKind::Identity,
        &[
            (GOOD, ""),
            (r#""Effect":"Deny","NotAction":["iam:*","sts:*"],"NotResource":["*"]"#, ""),
            (r#""Effect":"Allow","Action":"*","Resource":"*","Sid":"","Condition":{}"#, ""),
            (r#""Effect":"Allow","Action":"iam: odd name","Resource":"*""#, ""),
            (r#""Effect":"Allow","Action":"*","Resource":"*","Extra field":"value""#, SYNTAX),
            (r#""Effect":"Allow","Action":"*","Resource":"*","action":"*""#, SYNTAX),
            (r#""Effect":"Allow","Action":"*","Resource":"*","Resource":"*""#, SYNTAX),
            (r#""Effect":"invalid","Action":"*","Resource":"*""#, SYNTAX),
            (r#""Effect":["Allow"],"Action":"*","Resource":"*""#, SYNTAX),
            (r#""Action":"*","Resource":"*""#, SYNTAX),
            (r#""Effect":"denY","Action":"*","Resource":"*""#, LEGACY),
            (r#""Effect":"allow","Resource":"arn:aws:s3:us-east-1::b""#, LEGACY),
            (r#""Sid":{},"Effect":"Allow","Action":"*","Resource":"*""#, SYNTAX),
            (
                r#""Sid":"a-b","Effect":"Allow","Action":"*","Resource":"*""#,
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
            ),
            (r#""Effect":"Allow","NotAction":"*","Action":"*","Resource":"*""#, SYNTAX),
            (r#""Effect":"Allow","Action":"*","Resource":"*","NotResource":"*""#, SYNTAX),
            (r#""Effect":"Allow","Action":"*","Resource":"*","NotResource":[]"#, SYNTAX),
            (
                r#""Principal":"*","Effect":"Allow","Action":"*","Resource":"*""#,
                "Policy document should not specify a principal.",
            ),
            (
                r#""NotPrincipal":"*","Effect":"Allow","Action":"*","Resource":"*""#,
                "Policy document should not specify a principal.",
            ),
        ],
    );
    let twice = r#"{"Version":"2012-10-17","Statement":[
        {"Sid":"x","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"x","Effect":"Allow"}]}"#;
    let unique = "Statement IDs (SID) in a single policy must be unique.";
    assert_eq!(message(PolicyKind::Identity, twice).as_deref(), Some(unique));
}

#[test]
fn actions() {
    check(
        PolicyKind::Identity,
        &[
            (r#""Effect":"Allow","Resource":"*""#, NO_ACTIONS),
            (r#""Effect":"Allow""#, NO_ACTIONS),
            (r#""Effect":"Allow","Action":[],"Resource":"*""#, NO_ACTIONS),
            (r#""Effect":"Allow","Action":"invalid","Resource":"*""#, VENDOR),
            (r#""Effect":"Allow","Action":"invalid""#, VENDOR),
            (r#""Effect":"Allow","NotAction":"","Resource":"*""#, VENDOR),
            (r#""Effect":"Allow","Action":"a a:ListBucket","Resource":"*""#, "Vendor a a is not valid"),
            (r#""Effect":"Allow","Action":"s*:ListBucket","Resource":"*""#, "Vendor s* is not valid"),
            (
                r#""Effect":"Allow","Action":"s3:List:Bucket","Resource":"*""#,
                "Actions/Condition can contain only one colon.",
            ),
            (
                r#""Effect":"Allow","Action":["s3s:ListBucket","s:3s:ListBucket"],"Resource":"*""#,
                "Actions/Condition can contain only one colon.",
            ),
            (r#""Effect":"Deny","Action":[[]],"Resource":"*""#, SYNTAX),
            (r#""Effect":"Allow","Action":{},"Resource":"*""#, SYNTAX),
            (r#""Effect":"Allow","Action":5,"Resource":"*""#, SYNTAX),
        ],
    );
}

#[test]
fn resources() {
    check(
        PolicyKind::Identity,
        &[
            (r#""Effect":"Allow","Action":"s3:*""#, NO_RESOURCES),
            (r#""Effect":"Allow","Action":"s3:*","Resource":[]"#, NO_RESOURCES),
            (r#""Effect":"Allow","Action":"s3:*","Resource":{"a":"*"}"#, SYNTAX),
            (r#""Effect":"Deny","Action":"s3:*","Resource":["adfdf",{}]"#, SYNTAX),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"invalid resource""#,
                r#"Resource invalid resource must be in ARN format or "*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"""#,
                r#"Resource  must be in ARN format or "*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":["*","adf"]"#,
                r#"Resource adf must be in ARN format or "*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s:3:x","Resource":"adf""#,
                r#"Resource adf must be in ARN format or "*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"a:bsdfdsafsad""#,
                r#"Partition "bsdfdsafsad" is not valid for resource "arn:bsdfdsafsad:*:*:*:*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"a:b:cadfsdf""#,
                r#"Partition "b" is not valid for resource "arn:b:cadfsdf:*:*:*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"a:b:c:d:e:f:g:h""#,
                r#"Partition "b" is not valid for resource "arn:b:c:d:e:f:g:h"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"aws:s3:::example_bucket""#,
                r#"Partition "s3" is not valid for resource "arn:s3:::example_bucket:*"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":["arn:error:s3:::b","arn:error:s3::b"]"#,
                r#"Partition "error" is not valid for resource "arn:error:s3:::b"."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::example_bucket""#,
                r#"IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."#,
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:us-east-1::b""#,
                "IAM resource arn:aws:iam:us-east-1::b cannot contain region information.",
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:us-east-1::b""#,
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
            ),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws""#, FULLY),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s*:::b""#, FULLY),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3::example_bucket""#, LEGACY),
            (r#""Effect":"Allow","Resource":"arn:aws:s3::example_bucket""#, LEGACY),
            (r#""Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3::example_bucket""#, LEGACY),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws::::example_bucket""#, LEGACY),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws::fdsasf""#, LEGACY),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:fdsasf""#, ""),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws-cn:s3:::b""#, ""),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:*:s3:::b""#, ""),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam:::user/u""#, ""),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam::*:*""#, ""),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:eu-west-1:111122223333:accesspoint/a""#,
                "",
            ),
            (
                r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:iam::${aws:PrincipalAccount}:role/x""#,
                "",
            ),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:cloudwatch:us-east-1::b""#, ""),
        ],
    );
}

#[test]
fn conditions() {
    let with = |condition: &str| around(&format!(r#"{GOOD},"Condition":{condition}"#));
    for (condition, expected) in [
        (r#"{}"#, None),
        (r#"{"DateGreaterThan":{}}"#, None),
        (r#"{"a":{}}"#, None),
        (r#"{"DateGreaterThan":{"a":[]}}"#, None),
        (r#"{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}"#, None),
        (r#"{"DateGreaterThan":{"aws:CurrentTime":"2017-07-01T00:00:00Z"}}"#, None),
        (r#"{"Bool":{"aws:SecureTransport":false}}"#, None),
        (r#"{"Bool":{"aws:SecureTransport":"${a:b}"}}"#, None),
        (r#"{"NumericLessThan":{"a:b":[1,"2.5"]}}"#, None),
        (r#"[]"#, Some(SYNTAX)),
        (r#""a""#, Some(SYNTAX)),
        (r#"{"a":"b"}"#, Some(SYNTAX)),
        (r#"{"DateGreaterThan":"b"}"#, Some(SYNTAX)),
        (r#"{"DateGreaterThan":[]}"#, Some(SYNTAX)),
        (r#"{"DateGreaterThan":{"a":{}}}"#, Some(SYNTAX)),
        (r#"{"StringEquals":{"a":null}}"#, Some(SYNTAX)),
        (r#"{"StringEquals":{"a":[["b"]]}}"#, Some(SYNTAX)),
        (r#"{"StringEquals":{"":"b"}}"#, Some(SYNTAX)),
        (r#"{"x":{"a":"1"}}"#, Some(SYNTAX)),
        (r#"{"stringequals":{"a":"1"}}"#, Some(SYNTAX)),
        (r#"{"ForAnyValue::StringEqualsIfExists":{"a":"asf"}}"#, Some(SYNTAX)),
        (r#"{"NullIfExists":{"a":"true"}}"#, Some(SYNTAX)),
        (r#"[{"ForAllValues:StringEquals":{"aws:TagKeys":"Department"}}]"#, Some(SYNTAX)),
        (r#"{"StringEquals":{"a":"1","a":"2"}}"#, Some(SYNTAX)),
        (r#"{"StringEquals":{"a":"1"},"StringEquals":{"b":"2"}}"#, Some(SYNTAX)),
        (r#"{"NumericEquals":{"a":"ten"}}"#, Some(SYNTAX)),
        (r#"{"Bool":{"a":"maybe"}}"#, Some(SYNTAX)),
        (r#"{"Null":{"a":"maybe"}}"#, Some(SYNTAX)),
        (r#"{"IpAddress":{"a":"10.0.0.0/33"}}"#, Some(SYNTAX)),
        (r#"{"BinaryEquals":{"a":"?"}}"#, Some(SYNTAX)),
        (r#"{"DateGreaterThan":{"a":"sdfdsf"}}"#, Some(LEGACY)),
        (r#"{"DateLessThanEquals":{"a":"234-13"}}"#, Some(LEGACY)),
        (r#"{"DateLessThanEquals":{"a":"2016-12-13t2:00:00.593194+1"}}"#, Some(LEGACY)),
        (r#"{"DateLessThan":{"a":"9223372036854775808"}}"#, Some(LEGACY)),
    ] {
        assert_eq!(message(PolicyKind::Identity, &with(condition)).as_deref(), expected, "{condition}");
    }
}

#[test]
fn policies_of_resources() {
    check(
        PolicyKind::Resource,
        &[
            (r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#, ""),
            (r#""Effect":"Allow","Principal":{"AWS":["*","111122223333"]},"Action":"ecr:*""#, ""),
            (
                r#""Effect":"Allow","Principal":{"Service":"sns.amazonaws.com","AWS":"AIDAEXAMPLEEXAMPLE123"},"Action":"sqs:*","Resource":"*""#,
                "",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"execute-api:/*""#,
                "",
            ),
            (r#""Effect":"Allow","Action":"s3:*","Resource":"*""#, "Missing required field Principal"),
            (r#""Effect":"Allow","Principal":"*","Resource":"*""#, "Missing required field Action"),
            (r#""Principal":"*","Action":"s3:*","Resource":"*""#, "Missing required field Effect"),
            (
                r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":[]"#,
                "Missing required field Resource",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Foo":1"#,
                "Unknown field Foo",
            ),
            (
                r#""Effect":"Allow","Principal":{},"Action":"s3:*","Resource":"*""#,
                "Missing required field Principal",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"bob"},"Action":"s3:*","Resource":"*""#,
                r#"Invalid principal in policy: "AWS":"bob""#,
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/*"},"Action":"s3:*","Resource":"*""#,
                r#"Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*""#,
            ),
            (
                r#""Effect":"Allow","Principal":{"Robot":"x"},"Action":"s3:*","Resource":"*""#,
                r#"Invalid principal in policy: "Robot":"x""#,
            ),
        ],
    );
    assert_eq!(message(PolicyKind::Resource, "{").as_deref(), Some("This policy contains invalid Json"));
    let version = r#"{"Version":"x","Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*"}}"#;
    assert_eq!(
        message(PolicyKind::Resource, version).as_deref(),
        Some("The policy must contain a valid version string")
    );
    check(
        PolicyKind::Trust,
        &[
            (
                r#""Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]"#,
                "",
            ),
            (
                r#""Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/x"},"Action":"sts:AssumeRoleWithWebIdentity""#,
                "",
            ),
            (
                r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#,
                "Has prohibited field Resource",
            ),
            (r#""Effect":"Allow","Action":"sts:AssumeRole""#, "Missing required field Principal"),
            (
                r#""Effect":"Allow","Principal":"*","Action":"s3:GetObject""#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
            (
                r#""Effect":"Allow","Principal":{"AWS":"alice"},"Action":"sts:AssumeRole""#,
                r#"Invalid principal in policy: "AWS":"alice""#,
            ),
        ],
    );
}

#[test]
fn policies_of_organizations() {
    let refused = "The provided policy document does not meet the requirements of the specified policy type.";
    check(
        PolicyKind::Scp,
        &[
            (
                r#""Effect":"Deny","Action":"*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:*:iam::*:role/x"}}"#,
                "",
            ),
            (r#""Effect":"Allow","Action":"*","Resource":"*""#, ""),
            (r#""Effect":"Deny","Principal":"*","Action":"*","Resource":"*""#, refused),
            (r#""Effect":"Deny","Action":"*""#, refused),
            (r#""Effect":"Deny","Action":"s3","Resource":"*""#, refused),
        ],
    );
    check(
        PolicyKind::Rcp,
        &[
            (r#""Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*""#, ""),
            (r#""Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*""#, ""),
            (r#""Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"*""#, refused),
            (r#""Effect":"Deny","NotPrincipal":"*","Action":"s3:*","Resource":"*""#, refused),
            (r#""Effect":"Deny","Action":"s3:*","Resource":"*""#, refused),
        ],
    );
}

#[test]
fn places() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\",\n     \"Condition\": {\"StringEqual\": {\"a:b\": \"c\"}}}\n  ]\n}";
    let fault = Policy::parse(text, PolicyKind::Identity).unwrap_err();
    assert_eq!((fault.line, fault.column), (5, 20));
    assert_eq!(fault.element, "Statement[1].Condition.StringEqual");
    assert_eq!(
        fault.to_string(),
        "Syntax errors in policy. (line 5, column 20, Statement[1].Condition.StringEqual: there is no operator `StringEqual`)"
    );
    let policy =
        Policy::parse(&text.replace("StringEqual\"", "StringEquals\""), PolicyKind::Identity).unwrap();
    let position = policy.statements()[0].position;
    assert_eq!((position.line, position.column), (4, 5));
}

#[test]
fn what_is_in_force_is_read_by_its_grammar_alone() {
    let reads = |statement: &str| Policy::read(&around(statement), PolicyKind::Identity).is_ok();
    assert!(reads(r#""Effect":"Allow","Action":"s3:*","Resource":"arn:aws:*:*:*:*""#));
    assert!(reads(
        r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"DateEquals":{"a":"never"}}"#
    ));
    assert!(!reads(r#""Effect":"Allow","Action":"s3:*""#));
    assert!(!reads(r#""Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Never":{"a":"b"}}"#));
    assert!(!reads(r#""Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*""#));
}

#[test]
fn keys_are_told() {
    let text = around(
        r#""Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::${aws:username}","arn:aws:s3:::b/${aws:userid, 'x'}"],
        "Condition":{"StringEquals":{"aws:PrincipalTag/a":"${aws:ResourceTag/a}","AWS:UserName":"x"},"Null":{"a:b":"true"}}"#,
    );
    let policy = Policy::parse(&text, PolicyKind::Identity).unwrap();
    assert_eq!(
        policy.keys(),
        ["aws:username", "aws:userid", "aws:PrincipalTag/a", "aws:ResourceTag/a", "a:b"]
    );
    let last = text.lines().last().unwrap();
    let end = policy.statements()[0].end;
    assert_eq!((end.line, end.column as usize), (2, last.len()));
}

#[test]
fn sizes_count_no_white_space() {
    let policy = Policy::parse(
        " {\n \"Version\" : \"2012-10-17\" , \"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}",
        PolicyKind::Identity,
    );
    assert_eq!(policy.unwrap().size, 82);
}
