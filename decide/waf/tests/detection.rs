//! How much is found of what attacks, and how much is taken for an attack that is none:
//! counted, so that no change of the rules changes it unseen.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test: what fails here fails the test"
)]

use std::collections::BTreeMap;
use std::net::IpAddr;

use decide_waf::{Acl, Request, Uncounted, Verdict, compile, evaluate};
use model::estate::waf::WebAcl;
use model::{AccountId, Snapshot, Tags};
use serde_json::{Value as Json, json};

fn acl(groups: &[&str]) -> Acl {
    let visibility =
        json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"});
    let rules: Vec<Json> = groups
        .iter()
        .enumerate()
        .map(|(i, name)| {
            json!({
                "Name": name, "Priority": i, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility,
                "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": format!("AWSManagedRules{name}")}},
            })
        })
        .collect();
    let node = WebAcl {
        account: AccountId::parse("111122223333").unwrap(),
        region: "us-east-1".into(),
        name: "test".into(),
        id: "1".into(),
        lock_token: "1".into(),
        capacity: 0,
        form: json!({"DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility, "Rules": rules}),
        logging: None,
        tags: Tags::new(),
    };
    compile(&Snapshot::default(), &node).unwrap()
}

fn encoded(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The rule that refuses, if one does.
fn refused(acl: &Acl, place: &str, payload: &str) -> Option<String> {
    let (mut path, mut query, mut body, mut cookie) =
        ("/".to_owned(), String::new(), String::new(), "session=1".to_owned());
    let mut headers =
        BTreeMap::from([("user-agent", "Mozilla/5.0".to_owned()), ("host", "shop.example.com".to_owned())]);
    match place {
        "arg" => query = format!("page=1&q={}", encoded(payload)),
        "query" => query = payload.to_owned(),
        "path" => path = payload.replace(' ', "%20"),
        "form" => body = format!("name=Ann&comment={}&send=1", encoded(payload)),
        "json" => body = json!({"id": 7, "text": payload, "list": ["a"]}).to_string(),
        "body" => body = payload.to_owned(),
        "cookie" => cookie = format!("theme=dark; session={payload}; lang=en"),
        header => {
            headers.insert(header, payload.to_owned());
        }
    }
    headers.insert("cookie", cookie);
    let request = Request {
        method: if body.is_empty() { "GET" } else { "POST" },
        path: &path,
        query: &query,
        headers: headers.iter().map(|(n, v)| (*n, v.as_bytes())).collect(),
        body: body.as_bytes(),
        oversize: false,
        source_ip: IpAddr::from([192, 0, 2, 1]),
    };
    let found = evaluate(acl, &request, &Uncounted);
    match found.verdict {
        Verdict::Pass => None,
        Verdict::Refuse(_) => Some(found.terminating?.group?.1),
    }
}

const ALL: [&str; 8] = [
    "CommonRuleSet",
    "KnownBadInputsRuleSet",
    "SQLiRuleSet",
    "LinuxRuleSet",
    "UnixRuleSet",
    "WindowsRuleSet",
    "PHPRuleSet",
    "AmazonIpReputationList",
];

/// Lines whose verdict is not the wanted one, and how many lines there are.
fn wrong(acl: &Acl, corpus: &'static str, wanted: bool) -> (Vec<String>, usize) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in corpus.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let mut words = line.splitn(3, ' ');
        let (_, place, payload) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        let payload =
            if wanted { payload.to_owned() } else { payload.replace("\\r", "\r").replace("\\n", "\n") };
        count += 1;
        let by = refused(acl, place, &payload);
        if by.is_some() != wanted {
            wrong.push(format!("{line} {}", by.unwrap_or_default()));
        }
    }
    (wrong, count)
}

fn shown(what: &str, wrong: &[String]) {
    for line in wrong {
        println!("{what}: {line}");
    }
}

#[test]
fn attacks_are_found() {
    let (missed, count) = wrong(&acl(&ALL), include_str!("corpus/attacks.txt"), true);
    shown("missed", &missed);
    assert_eq!((missed.len(), count), (0, 214));
}

#[test]
fn what_is_no_attack_passes() {
    let (taken, count) = wrong(&acl(&ALL), include_str!("corpus/benign.txt"), false);
    shown("taken for an attack", &taken);
    assert_eq!((taken.len(), count), (0, 359));
}

#[test]
fn three_groups_alone_leave_commands_to_the_others() {
    let (missed, count) = wrong(&acl(&ALL[..3]), include_str!("corpus/attacks.txt"), true);
    shown("missed by three", &missed);
    assert_eq!((missed.len(), count), (24, 214));
}
