//! A table: a text, as what it is reviewed, and the codes that are found.

use super::*;

fn codes(text: &str, kind: PolicyKind) -> Vec<&'static str> {
    let found = review(text, Review { kind, attached_to: None }).unwrap();
    found.iter().map(|f| f.check.code).collect()
}

fn check(kind: PolicyKind, statement: &str, expected: &[&str]) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    assert_eq!(codes(&text, kind), expected, "{statement}");
}

const READ: &str = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#;

#[test]
fn what_is_well_written_has_no_findings() {
    check(PolicyKind::Identity, READ, &[]);
    check(PolicyKind::Scp, r#"{"Effect":"Deny","NotAction":"iam:*","Resource":"*"}"#, &[]);
    check(PolicyKind::Rcp, r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#, &[]);
    let bucket = r#"{"Effect":"Allow","Principal":{"AWS":["111122223333","arn:aws:iam::111122223333:role/r"],"Service":"ec2.amazonaws.com"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*","Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/x*"},"Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]},"Null":{"aws:PrincipalTag/x":"false"},"ForAnyValue:StringEquals":{"aws:TagKeys":["a","b"]},"StringEquals":{"token.actions.githubusercontent.com:sub":"x"}}}"#;
    check(PolicyKind::Resource, bucket, &[]);
}

#[test]
fn faults_of_the_document() {
    let all = [
        ("{", "JSON_SYNTAX_ERROR"),
        ("[]", "DATA_TYPE_MISMATCH"),
        (r#"{"Version":"2012-10-17"}"#, "MISSING_STATEMENT"),
        (r#"{"Version":"2012-10-17","Statement":[]}"#, "MISSING_STATEMENT"),
        (
            r#"{"Version":"2012-10-17","Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
            "JSON_SYNTAX_ERROR",
        ),
        (
            r#"{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
            "INVALID_VERSION",
        ),
        (r#"{"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#, "MISSING_VERSION"),
        (
            r#"{"Version":"2012-10-17","Extra":1,"Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#,
            "INVALID_POLICY_ELEMENT",
        ),
    ];
    for (text, code) in all {
        assert_eq!(codes(text, PolicyKind::Identity), [code], "{text}");
    }
    let long =
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}{READ}]}}", format!("{READ},").repeat(200));
    assert!(codes(&long, PolicyKind::Scp).contains(&"POLICY_SIZE_EXCEEDS_SCP_QUOTA"));
    assert!(codes(&long, PolicyKind::Identity).contains(&"POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA"));
    assert!(codes(&long, PolicyKind::Identity).contains(&"REDUNDANT_STATEMENT"));
}

#[test]
fn every_fault_of_a_statement_is_found() {
    check(
        PolicyKind::Identity,
        r#"{"Sid":"a b","Effect":"allow","Principal":"*","Extra":1}"#,
        &[
            "MISSING_ACTION",
            "MISSING_RESOURCE",
            "UNSUPPORTED_SID",
            "INVALID_EFFECT",
            "UNSUPPORTED_PRINCIPAL",
            "INVALID_POLICY_ELEMENT",
        ],
    );
    check(PolicyKind::Resource, READ, &["MISSING_PRINCIPAL"]);
    check(PolicyKind::Identity, r#"{"Action":"s3:GetObject","Resource":"*"}"#, &["MISSING_EFFECT"]);
    check(
        PolicyKind::Scp,
        r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#,
        &["SCP_SYNTAX_ERROR_PRINCIPAL"],
    );
    check(
        PolicyKind::Rcp,
        r#"{"Effect":"Allow","Principal":{"AWS":"*"},"NotAction":"s3:*","Resource":"*"}"#,
        &["RCP_SYNTAX_ERROR_ALLOW", "RCP_SYNTAX_ERROR_PRINCIPAL", "RCP_SYNTAX_ERROR_NOTACTION"],
    );
    check(
        PolicyKind::Trust,
        r#"{"Effect":"Allow","Principal":{"Federated":"cognito-identity.amazonaws.com"},"Action":"sts:AssumeRole","Resource":"*"}"#,
        &["MISMATCHED_ACTION_FOR_PRINCIPAL", "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE"],
    );
    check(
        PolicyKind::Resource,
        r#"{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/*","Other":"x"},"Action":[],"Resource":[]}"#,
        &[
            "ALLOW_WITH_NOT_PRINCIPAL",
            "UNSUPPORTED_WILDCARD_IN_PRINCIPAL",
            "INVALID_PRINCIPAL_KEY",
            "EMPTY_ARRAY_ACTION",
            "EMPTY_ARRAY_RESOURCE",
        ],
    );
    let two = r#"{"Sid":"A","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},{"Sid":"A","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}"#;
    check(PolicyKind::Identity, two, &["UNIQUE_SIDS_REQUIRED"]);
    let same = r#"{"Sid":"A","Effect":"Allow","Action":["s3:GetObject"],"Resource":"*"},{"Sid":"B","Resource":"*","Effect":"Allow","Action":"s3:GetObject"}"#;
    check(PolicyKind::Identity, same, &["REDUNDANT_STATEMENT"]);
}

#[test]
fn actions_and_resources() {
    let all: [(&str, &str, &[&str]); 17] = [
        (r#""s3:GetObjekt""#, r#""*""#, &["INVALID_ACTION"]),
        (r#""s3:Got*""#, r#""*""#, &["INVALID_ACTION"]),
        (r#""s4:GetObject""#, r#""*""#, &["INVALID_SERVICE_IN_ACTION"]),
        (r#""s*:GetObject""#, r#""*""#, &["WILDCARD_IN_SERVICE_NAME"]),
        (r#""s3:${aws:username}""#, r#""*""#, &["VARIABLE_UNSUPPORTED_IN_ELEMENT"]),
        (r#"["s3:Get*","s3:GetObject","S3:getobject"]"#, r#""*""#, &["REDUNDANT_ACTION"]),
        (r#""glue:Anything""#, r#""*""#, &[]),
        (r#""s3:GetObject""#, r#""bucket""#, &["INVALID_ARN_PREFIX"]),
        (r#""s3:GetObject""#, r#""arn:aws:s3""#, &["MISSING_ARN_FIELD"]),
        (r#""s3:GetObject""#, r#""arn:aws:s3:us-east-1::b""#, &["ARN_REGION_NOT_ALLOWED"]),
        (r#""s3:GetObject""#, r#""arn:aws:s3::111122223333:b""#, &["ARN_ACCOUNT_NOT_ALLOWED"]),
        (
            r#""kms:Decrypt""#,
            r#""arn:aws:kms:here:1111:box/1""#,
            &["INVALID_ARN_REGION", "INVALID_ARN_ACCOUNT", "INVALID_ARN_RESOURCE"],
        ),
        (r#""kms:Decrypt""#, r#""arn:aws:kms::111122223333:key/1""#, &["MISSING_ARN_REGION"]),
        (
            r#""s3:GetObject""#,
            r#"["arn:aws:S3:::b","arn:azure:s3:::b"]"#,
            &["INVALID_ARN_SERVICE_CASE", "INVALID_PARTITION"],
        ),
        (r#""s3:GetObject""#, r#"["arn:aws:s3:::b*","arn:aws:s3:::box"]"#, &["REDUNDANT_RESOURCE"]),
        (r#""s3:GetObject""#, r#""arn:aws:s3:::b/${aws:username""#, &["MISSING_BRACE_IN_VARIABLE"]),
        (
            r#""s3:GetObject""#,
            r#""arn:aws:s3:::b/${}/${a b}/${aws:username, x}""#,
            &["EMPTY_VARIABLE", "UNSUPPORTED_SPACE_IN_VARIABLE", "MISSING_QUOTE_IN_VARIABLE"],
        ),
    ];
    for (action, resource, expected) in all {
        let statement = format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}}}"#);
        check(PolicyKind::Identity, &statement, expected);
    }
}

#[test]
fn roles_passed_and_made() {
    let all: [(&str, &[&str]); 7] = [
        (r#""Action":"iam:PassRole","Resource":"*""#, &["PASS_ROLE_WITH_STAR_IN_RESOURCE"]),
        (r#""Action":"iam:PassRole","Resource":"arn:aws:iam::111122223333:role/app-*""#, &[]),
        (r#""Action":"iam:Pass*","Resource":"*""#, &["PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE"]),
        (
            r#""Action":"iam:PassRole","NotResource":"arn:aws:iam::111122223333:role/x""#,
            &["PASS_ROLE_WITH_NOT_RESOURCE"],
        ),
        (
            r#""NotAction":"s3:*","Resource":"*""#,
            &[
                "PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
                "CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION",
            ],
        ),
        (r#""Action":"iam:CreateServiceLinkedRole","Resource":"*""#, &["CREATE_SLR_WITH_STAR_IN_RESOURCE"]),
        (
            r#""Action":"iam:PassRole","Resource":"*","Condition":{"StringEquals":{"iam:PassedToService":"ec2.amazonaws.com"}}"#,
            &[],
        ),
    ];
    for (elements, expected) in all {
        check(PolicyKind::Identity, &format!(r#"{{"Effect":"Allow",{elements}}}"#), expected);
        check(PolicyKind::Identity, &format!(r#"{{"Effect":"Deny",{elements}}}"#), &[]);
    }
}

#[test]
fn conditions() {
    let all: [(&str, &[&str]); 27] = [
        ("{}", &["EMPTY_OBJECT_CONDITION"]),
        (r#"{"StringEqual":{"aws:username":"x"}}"#, &["INVALID_CONDITION_OPERATOR"]),
        (r#"{"NullIfExists":{"aws:username":"true"}}"#, &["NULL_WITH_IF_EXISTS"]),
        (r#"{"StringEquals":{"aws:Nothing":"x"}}"#, &["INVALID_GLOBAL_CONDITION_KEY"]),
        (r#"{"StringEquals":{"s3:nothing":"x"}}"#, &["INVALID_SERVICE_CONDITION_KEY"]),
        (r#"{"StringEquals":{"nothing":"x"}}"#, &["INVALID_CONDITION_KEY_FORMAT"]),
        (r#"{"StringEquals":{"aws:RequestTag":"x"}}"#, &["MISSING_TAG_CONDITION_KEY"]),
        (
            r#"{"StringEquals":{"aws:username":"x","aws:UserName":"y"}}"#,
            &["DUPLICATE_KEYS_WITH_DIFFERENT_CASE"],
        ),
        (r#"{"StringEquals":{"aws:username":[]}}"#, &["EMPTY_ARRAY_CONDITION"]),
        (r#"{"StringEquals":{"aws:username":["x",1]}}"#, &["INVALID_CONDITION_DATA_TYPE"]),
        (r#"{"StringEquals":{"aws:username":null}}"#, &["DATA_TYPE_MISMATCH"]),
        (r#"{"StringEquals":{"aws:username":"x*"}}"#, &["WILDCARD_WITHOUT_LIKE_OPERATOR"]),
        (r#"{"StringEquals":{"aws:TagKeys":"x"}}"#, &["MISSING_QUALIFIER"]),
        (r#"{"ForAllValues:StringEquals":{"aws:username":"x"}}"#, &["FORALLVALUES_WITH_SINGLE_VALUED_KEY"]),
        (r#"{"ForAnyValue:Null":{"aws:username":"true"}}"#, &["NULL_WITH_QUALIFIER"]),
        (r#"{"StringEquals":{"aws:SecureTransport":"true"}}"#, &["TYPE_MISMATCH"]),
        (r#"{"Bool":{"aws:SecureTransport":"yes"}}"#, &["TYPE_MISMATCH_BOOLEAN"]),
        (r#"{"Bool":{"aws:SecureTransport":["true","false"]}}"#, &["INVALID_CONDITION_MULTIPLE_BOOLEAN"]),
        (r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":"old"}}"#, &["TYPE_MISMATCH_NUMBER"]),
        (r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":["1","2"]}}"#, &["REDUNDANT_CONDITION_VALUE_NUM"]),
        (r#"{"DateLessThan":{"aws:CurrentTime":"soon"}}"#, &["TYPE_MISMATCH_DATE"]),
        (r#"{"DateLessThan":{"aws:CurrentTime":"1700000000"}}"#, &["INVALID_DATE_VALUE"]),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113"}}"#, &["TYPE_MISMATCH_IP_RANGE"]),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.9/24"}}"#, &["IMPROVE_IP_RANGE"]),
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, &["PRIVATE_IP_ADDRESS"]),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#, &["MISSING_PAIRED_CONDITION_KEYS"]),
        (r#"{"Bool":{"aws:SecureTransport":"${aws:username}"}}"#, &["INVALID_VARIABLE_FOR_OPERATOR"]),
    ];
    for (condition, expected) in all {
        let statement =
            format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{condition}}}"#);
        check(PolicyKind::Identity, &statement, expected);
    }
    let tag = r#"{"Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"x"}}}"#;
    check(PolicyKind::Identity, tag, &["DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"]);
    let tag = r#"{"Effect":"Deny","Action":"execute-api:Invoke","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/a":"x"}}}"#;
    check(PolicyKind::Identity, tag, &["DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE"]);
}

#[test]
fn a_place_is_told_in_both_ways() {
    let text = "{\"Version\":\"2012-10-17\",\n \"Statement\":[{\"Effect\":\"Allow\",\n  \"Action\":\"kms:Decrypt\",\n  \"Resource\":[\"arn:aws:kms:us-east-1:12:key/é\"]}]}";
    let found = review(text, Review { kind: PolicyKind::Identity, attached_to: None }).unwrap();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(
        finding.details,
        "The resource ARN account ID 12 is not valid. Provide a 12-digit account ID."
    );
    let [place] = finding.places.as_slice() else { panic!("{finding:?}") };
    let value = |key: &str| Step::Value(key.to_owned());
    let part = Step::Substring { start: 22, length: 2 };
    assert_eq!(place.path, [value("Statement"), Step::Index(0), value("Resource"), Step::Index(0), part]);
    let account = text.find("12:key").unwrap();
    assert_eq!(place.start, Spot { offset: account, line: 4, column: 37 });
    assert_eq!(place.end, Spot { offset: account + 2, line: 4, column: 39 });
}

#[test]
fn hostile_texts_cost_bounded_time() {
    let statement = |actions: String| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}}}"#
        )
    };
    let many: Vec<String> = (0..8000).map(|i| format!("\"s3:{i}*\"")).collect();
    let text = statement(many.join(","));
    assert_eq!(review(&text, Review { kind: PolicyKind::Identity, attached_to: None }), Err(TooComplex));
    let faults = statement(vec!["1"; 40_000].join(","));
    assert_eq!(codes(&faults, PolicyKind::Identity).len(), MOST);
    assert_eq!(codes(&"[".repeat(1 << 20), PolicyKind::Identity), ["JSON_SYNTAX_ERROR"]);
}

#[test]
fn every_check_has_a_code_of_its_own() {
    let mut codes: Vec<&str> = ALL.iter().map(|c| c.code).collect();
    codes.sort_unstable();
    let before = codes.len();
    codes.dedup();
    assert_eq!(codes.len(), before);
}
