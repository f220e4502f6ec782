//! Hostile policies and requests cost bounded time and memory, and never grant by accident.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod common;

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{ACCOUNT, USER};
use decide_iam::{Attached, Context, Layers, Outcome, Policy, PolicyKind, Principal, Request, evaluate};

/// Generous for unoptimized builds on busy machines; what is exponential never ends.
const LIMIT: Duration = Duration::from_secs(5);

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    assert!(begun.elapsed() < LIMIT, "{what} took {:?}", begun.elapsed());
    result
}

fn decide(text: &str, resource: &str, context: &Context) -> Outcome {
    let policy = Policy::parse(text, PolicyKind::Identity).unwrap();
    let identity = [Attached { name: "p".into(), arn: None, source: None, policy: Arc::new(policy) }];
    let principal = Principal::named(USER, ACCOUNT);
    let request =
        Request { principal: &principal, action: "s3:GetObject", resource, resource_account: None, context };
    let layers = Layers { identity: &identity, ..Layers::default() };
    let verdict = evaluate(&request, &layers);
    verdict.explain();
    verdict.outcome
}

fn allow(resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"{resource}","Condition":{condition}}}}}"#
    )
}

#[test]
fn nesting() {
    for open in ["[", "{\"a\":", "{\"Statement\":["] {
        let text = open.repeat(100_000 / open.len());
        timed(open, || Policy::parse(&text, PolicyKind::Identity).unwrap_err());
    }
}

#[test]
fn size() {
    let text = allow(&format!("arn:aws:s3:::{}", "*a".repeat(1 << 20)), "{}");
    let fault = timed("a megabyte glob", || Policy::parse(&text, PolicyKind::Identity).unwrap_err());
    assert_eq!(fault.detail, "the policy is longer than 131072 bytes");
}

#[test]
fn stars() {
    let empty = Context::new();
    let long = "a".repeat(1_000_000);
    let name = format!("arn:aws:s3:::{long}");
    for pattern in ["*a".repeat(60_000), "a*".repeat(60_000) + "b", format!("*{}b*", "a".repeat(100_000))] {
        let text = allow(&format!("arn:aws:s3:::{pattern}"), "{}");
        timed("stars in a resource", || decide(&text, &name, &empty));
        let text = allow("*", &format!(r#"{{"StringLike":{{"a:k":"{pattern}"}}}}"#));
        let mut context = Context::new();
        context.set("a:k", long.clone());
        timed("stars in a condition", || decide(&text, "*", &context));
    }
    let mixed = format!("*{}b*", "a?".repeat(3_000));
    let text = allow(&format!("arn:aws:s3:::{mixed}"), "{}");
    let fault = Policy::parse(&text, PolicyKind::Identity).unwrap_err();
    assert_eq!(fault.detail, "a pattern with both `*` and `?` has at most 2048 characters");
    let mixed = format!("*{}b*", "a?".repeat(1_000));
    let text = allow(&format!("arn:aws:s3:::{mixed}"), "{}");
    let name = format!("arn:aws:s3:::{}", "a".repeat(60_000));
    timed("stars and question marks", || decide(&text, &name, &empty));
}

#[test]
fn many_statements_and_duplicates() {
    let mut text = String::from(r#"{"Version":"2012-10-17","Statement":["#);
    for at in 0..1_500 {
        let _ = write!(
            text,
            r#"{}{{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b{at}/*"}}"#,
            if at > 0 { "," } else { "" }
        );
    }
    text.push_str("]}");
    let outcome = timed("many statements", || decide(&text, "arn:aws:s3:::b1499/x", &Context::new()));
    assert_eq!(outcome, Outcome::Allowed);
    let keys: String = (0..8_000).fold(String::new(), |mut keys, at| {
        let _ = write!(keys, r#""k{at}":"","#);
        keys
    });
    let text = format!("{{{keys}\"k1\":\"\"}}");
    timed("many keys", || Policy::parse(&text, PolicyKind::Identity).unwrap_err());
}

#[test]
fn variables_that_expand() {
    let mut context = Context::new();
    context.set("aws:username", "a".repeat(100_000));
    context.set("a:k", "a".repeat(1_000_000));
    let pattern = "${aws:username}*".repeat(200);
    let text = allow("*", &format!(r#"{{"StringLike":{{"a:k":"{pattern}"}}}}"#));
    assert_eq!(timed("expanding variables", || decide(&text, "*", &context)), Outcome::ImplicitDeny);
}

/// Whatever bytes arrive, parsing ends with a policy or a fault, and what parses evaluates.
#[test]
fn mutations() {
    let seed = r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:Get*","*"],"Resource":"arn:aws:s3:::b/${aws:username, 'x'}/*","Condition":{"ForAnyValue:StringLike":{"aws:TagKeys":["a*","\u00e9?"]},"DateLessThan":{"a:d":"2020-01-01T00:00:00Z"},"IpAddress":{"a:i":"10.0.0.0/8"},"Bool":{"a:b":false},"NumericEquals":{"a:n":1.5}}}]}"#;
    let pieces = [
        "\"", "{", "}", "[", "]", ",", ":", "*", "?", "${", "\\", "\\u", "é", "\u{0}", "Not", "IfExists",
        "-", "/", "9", "T",
    ];
    let mut state = 88_172_645_463_325_252_u64;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % sides
    };
    let mut context = Context::new();
    context.set("a:d", "2019-01-01");
    context.set_all("aws:TagKeys", vec!["abc".into(), "éx".into()]);
    let (principal, mut parsed) = (Principal::named(USER, ACCOUNT), 0);
    for _ in 0..20_000 {
        let mut chars: Vec<char> = seed.chars().collect();
        for _ in 0..1 + roll(3) {
            let (from, length) = (roll(chars.len()), roll(4));
            let to = (from + length).min(chars.len());
            let piece = if roll(3) == 0 { "" } else { pieces[roll(pieces.len())] };
            chars.splice(from..to, piece.chars());
        }
        let text: String = chars.into_iter().collect();
        for kind in [PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Trust, PolicyKind::Scp] {
            let Ok(policy) = Policy::read(&text, kind) else { continue };
            parsed += 1;
            let attached = [Attached { name: "p".into(), arn: None, source: None, policy: Arc::new(policy) }];
            let request = Request {
                principal: &principal,
                action: "s3:GetObject",
                resource: "arn:aws:s3:::b/é/k",
                resource_account: None,
                context: &context,
            };
            let layers = Layers { identity: &attached, resource: attached.first(), ..Layers::default() };
            evaluate(&request, &layers).explain();
        }
    }
    assert!(parsed > 500, "{parsed}");
}
