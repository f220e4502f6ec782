//! The language: each statement, field and action, both ways.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: what fails here fails the test"
)]

use std::cell::RefCell;
use std::collections::HashMap;

use base64::Engine as _;
use decide_waf::{Inspection, RateRule, Rates, Request, Uncounted, Verdict, compile, evaluate, explain};
use model::estate::waf::{IpSet, RegexPatternSet, RuleGroup, WebAcl};
use model::graph::Change;
use model::{AccountId, Snapshot, Tags};
use serde_json::{Value as Json, json};

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn visibility() -> Json {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: i64, statement: Json, action: Json) -> Json {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility()})
}

fn scene() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let set = IpSet {
        account: account(),
        region: "us-east-1".into(),
        name: "office".into(),
        id: "1".into(),
        lock_token: "1".into(),
        description: None,
        version: "IPV4".into(),
        addresses: vec!["192.0.2.0/24".into()],
        tags: Tags::new(),
    };
    let patterns = RegexPatternSet {
        account: account(),
        region: "us-east-1".into(),
        name: "bots".into(),
        id: "1".into(),
        lock_token: "1".into(),
        description: None,
        patterns: vec!["(?i)bad-?bot".into(), "^x{2}$".into()],
        tags: Tags::new(),
    };
    let group = RuleGroup {
        account: account(),
        region: "us-east-1".into(),
        name: "own".into(),
        id: "1".into(),
        lock_token: "1".into(),
        capacity: 10,
        form: json!({"VisibilityConfig": visibility(), "Rules": [
            {"Name": "mark", "Priority": 0, "Statement": path("/a"), "Action": {"Count": {}},
             "RuleLabels": [{"Name": "seen:a"}], "VisibilityConfig": visibility()},
            rule("stop", 1, path("/b"), json!({"Block": {}})),
        ]}),
        tags: Tags::new(),
    };
    for node in [
        Change::Put(std::sync::Arc::new(set)),
        Change::Put(std::sync::Arc::new(patterns)),
        Change::Put(std::sync::Arc::new(group)),
    ] {
        snapshot.apply(&node);
    }
    snapshot
}

fn acl(rules: Json, default: Json) -> WebAcl {
    WebAcl {
        account: account(),
        region: "us-east-1".into(),
        name: "shop".into(),
        id: "1".into(),
        lock_token: "1".into(),
        capacity: 0,
        form: json!({"DefaultAction": default, "VisibilityConfig": visibility(), "Rules": rules,
            "CustomResponseBodies": {"sorry": {"ContentType": "APPLICATION_JSON", "Content": "{\"sorry\":true}"}}}),
        logging: None,
        tags: Tags::new(),
    }
}

fn none() -> Json {
    json!([{"Priority": 0, "Type": "NONE"}])
}

fn bytes(field: Json, how: &str, needle: &str) -> Json {
    let needle = base64::engine::general_purpose::STANDARD.encode(needle);
    json!({"ByteMatchStatement": {"FieldToMatch": field, "PositionalConstraint": how, "SearchString": needle, "TextTransformations": none()}})
}

fn path(path: &str) -> Json {
    bytes(json!({"UriPath": {}}), "EXACTLY", path)
}

/// A request, from the words of a test.
#[derive(Clone, Default)]
struct Given {
    path: &'static str,
    query: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
    oversize: bool,
    source: Option<&'static str>,
}

impl Given {
    fn request(&self) -> Request<'_> {
        Request {
            method: "POST",
            path: if self.path.is_empty() { "/" } else { self.path },
            query: self.query,
            headers: self.headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect(),
            body: self.body.as_bytes(),
            oversize: self.oversize,
            source_ip: self.source.unwrap_or("192.0.2.7").parse().unwrap(),
        }
    }
}

fn judged(rules: Json, given: &Given) -> Inspection {
    let compiled = compile(&scene(), &acl(rules, json!({"Allow": {}}))).unwrap();
    evaluate(&compiled, &given.request(), &Uncounted)
}

fn matches(statement: Json, given: &Given) -> bool {
    let found = judged(json!([rule("r", 0, statement, json!({"Block": {}}))]), given);
    matches!(found.verdict, Verdict::Refuse(_))
}

fn with_body(body: &str, oversize: bool) -> Given {
    Given { body: body.to_owned(), oversize, ..Given::default() }
}

fn with_header(name: &'static str, value: &str) -> Given {
    Given { headers: vec![(name, value.to_owned())], ..Given::default() }
}

#[test]
fn fields_hold_what_they_are_named_for() {
    let query = |query| Given { query, ..Given::default() };
    let cookies = with_header("cookie", "a=1; token=needle; b=x");
    let json_body = |scope: &str, fallback: Option<&str>, paths: Option<&[&str]>| {
        let pattern = paths.map_or(json!({"All": {}}), |p| json!({"IncludedPaths": p}));
        let mut field = json!({"MatchPattern": pattern, "MatchScope": scope});
        if let Some(fallback) = fallback {
            field["InvalidFallbackBehavior"] = json!(fallback);
        }
        json!({"JsonBody": field})
    };
    let body = |handling: &str| json!({"Body": {"OversizeHandling": handling}});
    let headers = |pattern: Json, scope: &str| json!({"Headers": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": "CONTINUE"}});
    let in_cookies = |pattern: Json, scope: &str| json!({"Cookies": {"MatchPattern": pattern, "MatchScope": scope, "OversizeHandling": "CONTINUE"}});
    let many = Given { headers: (0..201).map(|_| ("x-a", "b".to_owned())).collect(), ..Given::default() };
    let cases: Vec<(Json, Given, bool)> = vec![
        (json!({"SingleHeader": {"Name": "X-Test"}}), with_header("x-test", "a needle"), true),
        (json!({"SingleHeader": {"Name": "X-Other"}}), with_header("x-test", "a needle"), false),
        (json!({"SingleQueryArgument": {"Name": "Q"}}), query("q=needle&z=1"), true),
        (json!({"SingleQueryArgument": {"Name": "z"}}), query("q=needle&z=1"), false),
        (json!({"AllQueryArguments": {}}), query("a=1&q=needle"), true),
        (json!({"AllQueryArguments": {}}), query("needle=1"), false),
        (json!({"QueryString": {}}), query("needle=1"), true),
        (json!({"UriPath": {}}), Given { path: "/x/needle", ..Given::default() }, true),
        (json!({"UriPath": {}}), query("needle"), false),
        (json!({"UriFragment": {}}), Given { path: "/x#needle", ..Given::default() }, true),
        (json!({"UriFragment": {}}), Given { path: "/needle", ..Given::default() }, false),
        (body("CONTINUE"), with_body("a needle", false), true),
        (body("CONTINUE"), with_body("nothing", true), false),
        (body("MATCH"), with_body("nothing", true), true),
        (body("MATCH"), with_body("nothing", false), false),
        (body("NO_MATCH"), with_body("a needle", true), false),
        (json_body("VALUE", None, None), with_body(r#"{"a":["x","\u006eeedle"]}"#, false), true),
        (json_body("VALUE", None, None), with_body(r#"{"needle":"x"}"#, false), false),
        (json_body("KEY", None, None), with_body(r#"{"needle":"x"}"#, false), true),
        (json_body("ALL", None, Some(&["/a/b"])), with_body(r#"{"a":{"b":[{"c":"needle"}]}}"#, false), true),
        (
            json_body("ALL", None, Some(&["/a/bc"])),
            with_body(r#"{"a":{"b":"needle","bcd":"needle"}}"#, false),
            false,
        ),
        (json_body("VALUE", None, None), with_body(r#"{"a":"needle","b"#, false), true),
        (json_body("VALUE", Some("MATCH"), None), with_body("not json", false), true),
        (json_body("VALUE", Some("NO_MATCH"), None), with_body("not json needle", false), false),
        (json_body("VALUE", Some("EVALUATE_AS_STRING"), None), with_body("not json needle", false), true),
        (headers(json!({"All": {}}), "VALUE"), with_header("x-test", "needle"), true),
        (headers(json!({"All": {}}), "KEY"), with_header("x-test", "needle"), false),
        (headers(json!({"IncludedHeaders": ["X-Test"]}), "ALL"), with_header("x-test", "needle"), true),
        (headers(json!({"ExcludedHeaders": ["X-Test"]}), "ALL"), with_header("x-test", "needle"), false),
        (
            json!({"Headers": {"MatchPattern": {"All": {}}, "MatchScope": "ALL", "OversizeHandling": "MATCH"}}),
            many,
            true,
        ),
        (in_cookies(json!({"All": {}}), "VALUE"), cookies.clone(), true),
        (in_cookies(json!({"IncludedCookies": ["a"]}), "ALL"), cookies.clone(), false),
        (in_cookies(json!({"ExcludedCookies": ["token"]}), "ALL"), cookies, false),
        (
            json!({"HeaderOrder": {"OversizeHandling": "CONTINUE"}}),
            Given { headers: vec![("needle", "1".into()), ("b", "2".into())], ..Given::default() },
            true,
        ),
        (json!({"Method": {}}), Given::default(), false),
    ];
    for (field, given, expected) in cases {
        let found = matches(bytes(field.clone(), "CONTAINS", "needle"), &given);
        assert_eq!(
            found, expected,
            "{field} in `{}` `{}` {:?} {}",
            given.path, given.query, given.headers, given.body
        );
    }
    assert!(matches(bytes(json!({"Method": {}}), "EXACTLY", "POST"), &Given::default()));
}

#[test]
fn statements_match_what_they_say() {
    let uri = json!({"UriPath": {}});
    let text = |more: Json| {
        let mut whole = json!({"FieldToMatch": {"QueryString": {}}, "TextTransformations": [{"Priority": 1, "Type": "LOWERCASE"}, {"Priority": 0, "Type": "URL_DECODE"}]});
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        whole
    };
    let on = |query| Given { query, ..Given::default() };
    let from = |source| Given { source: Some(source), ..Given::default() };
    let set = "arn:aws:wafv2:us-east-1:111122223333:regional/ipset/office/1";
    let forwarded = |position: &str, fallback: &str| json!({"IPSetReferenceStatement": {"ARN": set, "IPSetForwardedIPConfig": {"HeaderName": "X-Forwarded-For", "FallbackBehavior": fallback, "Position": position}}});
    let patterns = "arn:aws:wafv2:us-east-1:111122223333:regional/regexpatternset/bots/1";
    let (yes, no) = (path("/"), path("/no"));
    let size = |op: &str, n: u64| json!({"SizeConstraintStatement": text(json!({"ComparisonOperator": op, "Size": n}))});
    let cases: Vec<(Json, Given, bool)> = vec![
        (json!({"RegexMatchStatement": text(json!({"RegexString": "^q=[a-z ]+$"}))}), on("q=A%20B"), true),
        (json!({"RegexMatchStatement": text(json!({"RegexString": "^q=[A-Z]+$"}))}), on("q=A"), false),
        (json!({"RegexPatternSetReferenceStatement": text(json!({"ARN": patterns}))}), on("q=BadBot"), true),
        (json!({"RegexPatternSetReferenceStatement": text(json!({"ARN": patterns}))}), on("q=good"), false),
        (size("GT", 3), on("abcd"), true),
        (size("GT", 4), on("abcd"), false),
        (size("EQ", 1), on("%41"), true),
        (size("LE", 4), Given::default(), false),
        (json!({"SqliMatchStatement": text(json!({"SensitivityLevel": "LOW"}))}), on("q=1' or '1'='1"), true),
        (json!({"SqliMatchStatement": text(json!({}))}), on("q=drop table users;"), false),
        (
            json!({"SqliMatchStatement": text(json!({"SensitivityLevel": "HIGH"}))}),
            on("q=drop table users;"),
            true,
        ),
        (json!({"XssMatchStatement": text(json!({}))}), on("q=%3Csvg onload=alert(1)%3E"), true),
        (json!({"XssMatchStatement": text(json!({}))}), on("q=plain"), false),
        (json!({"IPSetReferenceStatement": {"ARN": set}}), from("192.0.2.200"), true),
        (json!({"IPSetReferenceStatement": {"ARN": set}}), from("198.51.100.1"), false),
        (forwarded("FIRST", "NO_MATCH"), with_header("x-forwarded-for", "192.0.2.1, 10.0.0.1"), true),
        (forwarded("LAST", "NO_MATCH"), with_header("x-forwarded-for", "192.0.2.1, 10.0.0.1"), false),
        (
            forwarded("ANY", "NO_MATCH"),
            with_header("x-forwarded-for", "10.0.0.2, 192.0.2.1:80, 10.0.0.1"),
            true,
        ),
        (forwarded("FIRST", "MATCH"), with_header("x-forwarded-for", "nonsense"), true),
        (forwarded("FIRST", "NO_MATCH"), with_header("x-forwarded-for", "nonsense"), false),
        (forwarded("FIRST", "MATCH"), Given::default(), false),
        (json!({"AndStatement": {"Statements": [yes, yes]}}), Given::default(), true),
        (json!({"AndStatement": {"Statements": [yes, no]}}), Given::default(), false),
        (json!({"OrStatement": {"Statements": [no, yes]}}), Given::default(), true),
        (json!({"NotStatement": {"Statement": no}}), Given::default(), true),
        (json!({"NotStatement": {"Statement": yes}}), Given::default(), false),
        (bytes(uri, "ENDS_WITH", "/"), Given::default(), true),
    ];
    for (statement, given, expected) in cases {
        assert_eq!(matches(statement.clone(), &given), expected, "{statement} on `{}`", given.query);
    }
}

#[test]
fn rules_stand_in_their_order_and_actions_do_what_they_say() {
    let count =
        json!({"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "Seen", "Value": "1"}]}}});
    let block = json!({"Block": {"CustomResponse": {"ResponseCode": 429, "CustomResponseBodyKey": "sorry", "ResponseHeaders": [{"Name": "X-Why", "Value": "w"}]}}});
    let found = judged(
        json!([
            rule("late", 9, path("/"), json!({"Allow": {}})),
            rule("stop", 5, path("/"), block),
            rule("see", 1, path("/"), count)
        ]),
        &Given::default(),
    );
    let Verdict::Refuse(answer) = &found.verdict else { panic!("{found:?}") };
    assert_eq!((answer.status, answer.body.as_slice()), (429, br#"{"sorry":true}"#.as_slice()));
    assert_eq!(
        answer.headers,
        [("x-why".to_owned(), "w".to_owned()), ("content-type".to_owned(), "application/json".to_owned())]
    );
    assert_eq!(found.terminating.unwrap().rule, "stop");
    assert_eq!(found.inserted, [("x-amzn-waf-seen".to_owned(), "1".to_owned())]);
    assert_eq!(found.counted.len(), 1);
    for (action, status, name) in [("Captcha", 405, "captcha"), ("Challenge", 202, "challenge")] {
        let mut given = serde_json::Map::new();
        given.insert(action.to_owned(), json!({}));
        let found = judged(json!([rule("r", 0, path("/"), Json::Object(given))]), &Given::default());
        let Verdict::Refuse(answer) = found.verdict else { panic!("{action}") };
        assert_eq!(answer.status, status);
        assert!(answer.headers.contains(&("x-amzn-waf-action".to_owned(), name.to_owned())));
    }
    let closed = compile(
        &scene(),
        &acl(json!([rule("in", 0, path("/in"), json!({"Allow": {}}))]), json!({"Block": {}})),
    )
    .unwrap();
    let verdict = |path| evaluate(&closed, &Given { path, ..Given::default() }.request(), &Uncounted).verdict;
    assert_eq!(verdict("/in"), Verdict::Pass);
    assert!(matches!(verdict("/out"), Verdict::Refuse(a) if a.status == 403 && a.body.is_empty()));
}

#[test]
fn groups_labels_and_overrides() {
    let group = "arn:aws:wafv2:us-east-1:111122223333:regional/rulegroup/own/1";
    let refer = |overrides: Json, how: &str| {
        let mut statement = json!({"ARN": group});
        statement.as_object_mut().unwrap().extend(overrides.as_object().unwrap().clone());
        let mut given = serde_json::Map::new();
        given.insert(how.to_owned(), json!({}));
        json!({"Name": "group", "Priority": 0, "Statement": {"RuleGroupReferenceStatement": statement}, "OverrideAction": given, "VisibilityConfig": visibility()})
    };
    let by_label = |key: &str, scope: &str| {
        rule("label", 1, json!({"LabelMatchStatement": {"Scope": scope, "Key": key}}), json!({"Block": {}}))
    };
    let at = |path| Given { path, ..Given::default() };
    let by =
        |rules: Json, path| judged(rules, &at(path)).terminating.map(|h| h.group.map_or(h.rule, |(_, r)| r));
    assert_eq!(by(json!([refer(json!({}), "None")]), "/b").as_deref(), Some("stop"));
    assert_eq!(by(json!([refer(json!({}), "Count")]), "/b"), None);
    assert_eq!(by(json!([refer(json!({"ExcludedRules": [{"Name": "stop"}]}), "None")]), "/b"), None);
    let allow = json!({"RuleActionOverrides": [{"Name": "mark", "ActionToUse": {"Block": {}}}]});
    assert_eq!(by(json!([refer(allow, "None")]), "/a").as_deref(), Some("mark"));
    for (key, scope, expected) in [
        ("awswaf:111122223333:rulegroup:own:seen:a", "LABEL", true),
        ("seen:a", "LABEL", true),
        ("a", "LABEL", true),
        ("een:a", "LABEL", false),
        ("awswaf:111122223333:rulegroup:own:", "NAMESPACE", true),
        ("own:seen:", "NAMESPACE", true),
        ("seen:a", "NAMESPACE", false),
    ] {
        let found = by(json!([refer(json!({}), "None"), by_label(key, scope)]), "/a");
        assert_eq!(found.is_some(), expected, "{key} {scope}");
    }
    let counted = judged(json!([refer(json!({}), "Count")]), &at("/b")).counted;
    assert_eq!((counted[0].action, counted[0].overridden), ("COUNT", Some("BLOCK")));
}

#[derive(Default)]
struct Counted(RefCell<HashMap<(String, Vec<u8>), u64>>);

impl Rates for Counted {
    fn count(&self, rule: &RateRule, key: &[u8]) -> u64 {
        let mut counts = self.0.borrow_mut();
        let count = counts.entry((rule.id.clone(), key.to_vec())).or_default();
        *count += 1;
        *count
    }
}

#[test]
fn rates_are_counted_by_their_key() {
    let rate = |more: Json| {
        let mut statement = json!({"Limit": 2, "EvaluationWindowSec": 60});
        statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"RateBasedStatement": statement})
    };
    let header = |value: &str| with_header("x-id", value);
    let from = |source| Given { source: Some(source), ..Given::default() };
    let custom = json!({"AggregateKeyType": "CUSTOM_KEYS", "CustomKeys": [{"Header": {"Name": "X-Id", "TextTransformations": none()}}, {"HTTPMethod": {}}]});
    let cases: Vec<(Json, Vec<Given>, [bool; 3])> = vec![
        (json!({"AggregateKeyType": "IP"}), vec![from("192.0.2.1"); 3], [false, false, true]),
        (
            json!({"AggregateKeyType": "IP"}),
            vec![from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.1")],
            [false; 3],
        ),
        (custom.clone(), vec![header("a"), header("a"), header("a")], [false, false, true]),
        (custom.clone(), vec![header("a"), header("b"), header("a")], [false; 3]),
        (custom, vec![Given::default(), Given::default(), Given::default()], [false; 3]),
        (
            json!({"AggregateKeyType": "IP", "ScopeDownStatement": path("/login")}),
            vec![Given::default(); 3],
            [false; 3],
        ),
        (
            json!({"AggregateKeyType": "CONSTANT", "ScopeDownStatement": path("/")}),
            vec![from("192.0.2.1"), from("192.0.2.2"), from("192.0.2.3")],
            [false, false, true],
        ),
        (
            json!({"AggregateKeyType": "FORWARDED_IP", "ForwardedIPConfig": {"HeaderName": "x-id", "FallbackBehavior": "MATCH"}}),
            vec![header("nonsense"), header("10.0.0.1"), Given::default()],
            [true, false, false],
        ),
    ];
    for (more, requests, expected) in cases {
        let rules = json!([rule("r", 0, rate(more.clone()), json!({"Block": {}}))]);
        let compiled = compile(&scene(), &acl(rules, json!({"Allow": {}}))).unwrap();
        let counts = Counted::default();
        let found: Vec<bool> = requests
            .iter()
            .map(|r| matches!(evaluate(&compiled, &r.request(), &counts).verdict, Verdict::Refuse(_)))
            .collect();
        assert_eq!(found, expected, "{more}");
    }
}

#[test]
fn what_cannot_be_done_is_not_compiled() {
    let field = |field: Json| bytes(field, "EXACTLY", "x");
    for (statement, why) in [
        (json!({"GeoMatchStatement": {"CountryCodes": ["DE"]}}), "countries"),
        (json!({"AsnMatchStatement": {"AsnList": [1]}}), "networks"),
        (
            json!({"IPSetReferenceStatement": {"ARN": "arn:aws:wafv2:us-east-1:111122223333:regional/ipset/gone/1"}}),
            "does not exist",
        ),
        (field(json!({"JA3Fingerprint": {"FallbackBehavior": "MATCH"}})), "TLS"),
        (
            json!({"NotStatement": {"Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet"}}}}),
            "nested",
        ),
        (
            json!({"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesBotControlRuleSet"}}),
            "no managed rule group",
        ),
        (
            json!({"RegexMatchStatement": {"RegexString": "(a)\\1", "FieldToMatch": {"UriPath": {}}, "TextTransformations": none()}}),
            "regular expression",
        ),
        (json!({"SomethingNewStatement": {}}), "cannot be read"),
    ] {
        let refused = compile(
            &scene(),
            &acl(json!([rule("r", 0, statement.clone(), json!({"Block": {}}))]), json!({"Allow": {}})),
        );
        let message = refused.err().unwrap_or_default();
        assert!(message.contains(why), "{statement}: {message}");
    }
}

#[test]
fn every_rule_that_is_met_can_be_explained() {
    let rules = json!([
        rule("first", 0, path("/"), json!({"Block": {}})),
        rule("second", 1, path("/"), json!({"Count": {}})),
        rule("other", 2, path("/no"), json!({"Block": {}})),
    ]);
    let compiled = compile(&scene(), &acl(rules, json!({"Allow": {}}))).unwrap();
    let met: Vec<String> =
        explain(&compiled, &Given::default().request()).into_iter().map(|h| h.rule).collect();
    assert_eq!(met, ["first", "second"]);
}

#[test]
fn nothing_takes_long() {
    let rules: Vec<Json> = ["CommonRuleSet", "KnownBadInputsRuleSet", "SQLiRuleSet", "UnixRuleSet", "WindowsRuleSet", "PHPRuleSet", "LinuxRuleSet"]
        .iter()
        .enumerate()
        .map(|(i, name)| json!({"Name": name, "Priority": i, "OverrideAction": {"Count": {}}, "VisibilityConfig": visibility(),
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": format!("AWSManagedRules{name}")}}}))
        .collect();
    let compiled = compile(&scene(), &acl(json!(rules), json!({"Allow": {}}))).unwrap();
    let repeat = |unit: &str| unit.repeat(64 * 1024 / unit.len());
    let mut bodies: Vec<String> = [
        "%25",
        "'",
        "\"",
        "<",
        "<a ",
        "(",
        "/*",
        "[",
        "{\"a\":",
        "&lt;",
        "\\u",
        "a=b&",
        "../",
        "${",
        "--\r\n\r\n",
        " or 1=1",
        "select(",
        "<!--",
        "x' y\" ",
        "&#",
        ";",
        "\u{0}",
        "0x41",
        "{'a",
        "union/**/",
    ]
    .iter()
    .map(|u| repeat(u))
    .collect();
    // Noise, the same at each run.
    let mut seed = 0x2545_F491_4F6C_DD1Du64;
    for _ in 0..200 {
        let mut next = || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed
        };
        let alphabet: Vec<char> = "'\"<>()/*-#;=&%\\[]{}|`$ \n0x41aornselctuion<script@".chars().collect();
        bodies.push(
            (0..512).map(|_| alphabet[usize::try_from(next() % alphabet.len() as u64).unwrap()]).collect(),
        );
    }
    for body in bodies {
        let given = Given { headers: vec![("user-agent", "x".into())], body, ..Given::default() };
        let begun = std::time::Instant::now();
        let _ = evaluate(&compiled, &given.request(), &Uncounted);
        let took = begun.elapsed();
        assert!(took.as_secs() < 4, "{took:?} for {:?}", &given.body[..20.min(given.body.len())]);
        if took.as_millis() > 300 {
            println!("{took:?} {:?}", given.body.chars().take(12).collect::<String>());
        }
    }
}
