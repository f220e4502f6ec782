//! The engine against the specification, on generated policies and requests.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod common;
mod spec;

use common::{ACCOUNT, OTHER, ROLE, SESSION};
use decide_iam::{
    Attached, Consent, Context, Grants, KeyGrant, Layer, Layers, PolicyKind, Principal, PrincipalKind,
    Request, Verdict, evaluate,
};
use serde_json::{Value, json};
use spec::{Ask, Keys};

/// How many cases are tried. `COUNTERSIGN_CASES` sets another number; 10,000,000 before a release.
const CASES: u64 = 200_000;
/// How often each set of policies is asked.
const ASKS: u64 = 40;

/// A small generator with a seed of its own (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.roll(100) < percent
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    /// One text, or a list.
    fn some(&mut self, from: &[&str]) -> Value {
        if self.chance(60) {
            return json!(self.pick(from));
        }
        let picked: Vec<&str> = (0..1 + self.roll(3)).map(|_| self.pick(from)).collect();
        json!(picked)
    }
}

const ACTIONS: [&str; 10] = [
    "*",
    "kms:*",
    "s3:*",
    "s3:Get*",
    "s3:getobject",
    "s3:PutObject",
    "s3:?etObject",
    "sqs:*",
    "*:*",
    "s3:*Object*",
];
const ASKED: [&str; 11] = [
    "s3:GetObject",
    "s3:GetObject",
    "kms:CreateGrant",
    "kms:DescribeKey",
    "s3:GetObject",
    "s3:GetObject",
    "s3:GetObject",
    "s3:PutObject",
    "s3:GetObjectAcl",
    "sqs:SendMessage",
    "S3:getOBJECT",
];
const RESOURCES: [&str; 18] = [
    "*",
    "*",
    "*",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a",
    "arn:aws:s3:::b/*/z",
    "arn:aws:s3:::a/${aws:username}/*",
    "arn:aws:s3:::a/${aws:PrincipalTag/team, 'x'}",
    "arn:aws:sqs:*:111122223333:q*",
    "arn:aws:sqs:us-?ast-1:*:q",
    "arn:aws:s3:*",
    "arn:aws:s3",
    "arn:*:s3:::a/?",
    "arn:aws:s3:::?/${*}",
    "arn:aws:s3:::a/*x*",
    "arn:aws:sqs:eu-west-1:111122223333:q",
    "arn:aws:s3:::*",
];
const NAMES: [&str; 12] = [
    "*",
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a/x",
    "arn:aws:s3:::a",
    "arn:aws:s3:::a/bob/x",
    "arn:aws:s3:::b/y/z",
    "arn:aws:s3:::a/*",
    "arn:aws:sqs:us-east-1:111122223333:q",
    "arn:aws:sqs:eu-west-1:111122223333:q1:x",
    "arn:aws:sqs:us-east-1:x:111122223333:q",
    "arn:aws:s3:::a/red",
];
const PRINCIPALS: [&str; 12] = [
    "*",
    "*",
    "AIDAEXAMPLEEXAMPLE01",
    "AROAEXAMPLEEXAMPLE01",
    "arn:aws:iam::111122223333:role/aws-service-role/x/l",
    "111122223333",
    "999999999999",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:sts::111122223333:assumed-role/r/s",
    "arn:aws:sts::111122223333:federated-user/bob",
];
const PROVIDERS: [&str; 3] = [
    "accounts.google.com",
    "arn:aws:iam::111122223333:oidc-provider/idp",
    "arn:aws:iam::111122223333:saml-provider/idp",
];
const SERVICES: [&str; 2] = ["lambda.amazonaws.com", "ec2.amazonaws.com"];
const TEXTS: [&str; 12] = [
    "bob",
    "BOB",
    "b*",
    "?ob",
    "",
    "red",
    "${aws:username}",
    "${aws:username}x",
    "${aws:PrincipalTag/team, 'red'}",
    "*",
    "${*}",
    "x${?}*",
];
const VALUES: [&str; 9] = ["bob", "BOB", "bobx", "", "red", "*", "x?", "x?y", "eve"];
const KEYS: [&str; 4] = ["aws:username", "aws:PrincipalTag/team", "aws:TagKeys", "a:Text"];
const NUMBERS: [&str; 5] = ["1", "2", "2.0", "10", "-3"];
const COUNTED: [&str; 6] = ["1", "2", "2.00", "10", "-3", "ten"];
const DATES: [&str; 7] = [
    "2020-01-01",
    "2020-01-01T00:00:00Z",
    "2020-01-01T01:00:00+01:00",
    "1577836800",
    "2020-06-01",
    "2020-06-01T00:00:00.000Z",
    "1577836801",
];
const RANGES: [&str; 7] =
    ["10.0.0.0/8", "10.1.0.0/15", "10.1.2.3", "192.168.1.0/25", "2001:db8::/33", "2001:db8::1", "0.0.0.0/0"];
const ADDRESSES: [&str; 8] = [
    "10.1.2.3",
    "10.2.9.9",
    "192.168.1.7",
    "192.168.1.130",
    "192.168.2.7",
    "2001:db8::1",
    "2001:db8:8000::1",
    "::ffff:10.1.2.3",
];
const BYTES: [&str; 3] = ["AQID", "AQ==", "/+8="];

const ORDERS: [&str; 6] =
    ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"];

/// An operator with the key and the values it is given.
fn condition(dice: &mut Dice) -> (String, &'static str, Value) {
    let not = if dice.chance(40) { "Not" } else { "" };
    let (name, key, values) = match dice.roll(10) {
        0 => (format!("String{not}Equals"), dice.pick(&KEYS), dice.some(&TEXTS)),
        1 => (format!("String{not}Like"), dice.pick(&KEYS), dice.some(&TEXTS)),
        2 => (format!("String{not}EqualsIgnoreCase"), dice.pick(&KEYS), dice.some(&VALUES)),
        3 => (format!("Numeric{}", dice.pick(&ORDERS)), "a:Number", dice.some(&NUMBERS)),
        4 => (format!("Date{}", dice.pick(&ORDERS)), "a:Date", dice.some(&DATES)),
        5 => ("Bool".to_owned(), "a:Bool", dice.some(&["true", "false", "True"])),
        6 => (format!("{not}IpAddress"), "a:Ip", dice.some(&RANGES)),
        7 => {
            let test = dice.pick(&["Like", "Equals"]);
            (format!("Arn{not}{test}"), "a:Arn", dice.some(&RESOURCES))
        }
        8 => ("BinaryEquals".to_owned(), "a:Bytes", dice.some(&BYTES)),
        _ => {
            let key = dice.pick(&KEYS);
            let set = if dice.chance(20) { dice.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
            return (format!("{set}Null"), key, dice.some(&["true", "false"]));
        }
    };
    let set = if dice.chance(30) { dice.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
    let exists = if dice.chance(20) { "IfExists" } else { "" };
    (format!("{set}{name}{exists}"), key, values)
}

fn statement(dice: &mut Dice, named: bool, everyone: bool) -> Value {
    let mut statement = json!({ "Effect": if dice.chance(75) { "Allow" } else { "Deny" } });
    statement[if dice.chance(85) { "Action" } else { "NotAction" }] = dice.some(&ACTIONS);
    statement[if dice.chance(85) { "Resource" } else { "NotResource" }] = dice.some(&RESOURCES);
    if everyone {
        statement["Principal"] = json!("*");
    } else if named {
        let mut kinds = json!({ "AWS": dice.some(&PRINCIPALS) });
        if dice.chance(30) {
            kinds["Service"] = dice.some(&SERVICES);
        }
        if dice.chance(30) {
            kinds["Federated"] = dice.some(&PROVIDERS);
        }
        if dice.chance(5) {
            kinds["CanonicalUser"] = json!("79a59df900b949e5");
        }
        let element = if dice.chance(85) { "Principal" } else { "NotPrincipal" };
        statement[element] = if dice.chance(15) { json!("*") } else { kinds };
    }
    for _ in 0..[0, 0, 0, 1, 1, 2][dice.roll(6)] {
        let (operator, key, values) = condition(dice);
        statement["Condition"][operator][key] = values;
    }
    statement
}

fn policy(dice: &mut Dice, named: bool, everyone: bool) -> Value {
    // Some are long enough for the index.
    let length = if dice.chance(15) { 9 + dice.roll(6) } else { 1 + dice.roll(3) };
    let statements: Vec<Value> = (0..length).map(|_| statement(dice, named, everyone)).collect();
    let version = if dice.chance(85) { "2012-10-17" } else { "2008-10-17" };
    json!({ "Version": version, "Statement": statements })
}

fn list(dice: &mut Dice, most: usize, named: bool, everyone: bool) -> Value {
    let length = dice.roll(most + 1);
    (0..length).map(|_| policy(dice, named, everyone)).collect()
}

const GRANTED: [&str; 4] = ["s3:GetObject", "kms:CreateGrant", "kms:DescribeKey", "sqs:SendMessage"];
const OPERATIONS: [&str; 4] = ["CreateGrant", "DescribeKey", "Decrypt", "RetireGrant"];
const GRANTEES: [&str; 9] = [
    "111122223333",
    "999999999999",
    "AIDAEXAMPLEEXAMPLE01",
    "AROAEXAMPLEEXAMPLE01",
    "AROAEXAMPLEEXAMPLE01:s",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:sts::111122223333:federated-user/bob",
    "lambda.amazonaws.com",
    "ec2.amazonaws.com",
];

fn grant(dice: &mut Dice) -> Value {
    let operations: Vec<&str> = (0..1 + dice.roll(3)).map(|_| dice.pick(&GRANTED)).collect();
    let mut grant = json!({
        "key": if dice.chance(70) { "arn:aws:s3:::a/x" } else { dice.pick(&NAMES) },
        "grantee": dice.pick(&GRANTEES),
        "operations": operations,
    });
    match dice.roll(4) {
        0 => grant["equals"] = encryption(dice),
        1 => grant["subset"] = encryption(dice),
        _ => {}
    }
    if dice.chance(20) {
        grant["source"] = json!(dice.pick(&NAMES));
    }
    grant
}

/// Names that differ in their case alone are different.
fn encryption(dice: &mut Dice) -> Value {
    let mut context = json!({});
    for _ in 0..dice.roll(3) {
        context[dice.pick(&["a", "A", "b"])] = json!(dice.pick(&["1", "x", "X"]));
    }
    context
}

fn generated(dice: &mut Dice) -> Value {
    let mut layers = json!({ "identity": list(dice, 3, false, false) });
    let mut put = |dice: &mut Dice, name: &str, percent, make: &dyn Fn(&mut Dice) -> Value| {
        layers[name] = if dice.chance(percent) { make(dice) } else { Value::Null };
    };
    put(dice, "resource", 60, &|d| policy(d, true, false));
    put(dice, "boundary", 20, &|d| list(d, 1, false, false));
    put(dice, "session", 20, &|d| list(d, 2, false, false));
    put(dice, "endpoint", 15, &|d| list(d, 1, true, false));
    put(dice, "scp", 15, &|d| (0..1 + d.roll(2)).map(|_| list(d, 3, false, false)).collect());
    put(dice, "rcp", 15, &|d| (0..1 + d.roll(2)).map(|_| list(d, 2, false, true)).collect());
    put(dice, "grants", 40, &|d| (0..1 + d.roll(3)).map(|_| grant(d)).collect());
    layers
}

/// Kind, ARN, unique id, and the role or user behind a session.
const CALLERS: [(&str, &str, &str, &str); 12] = [
    ("root", "arn:aws:iam::111122223333:root", "111122223333", ""),
    ("user", "arn:aws:iam::111122223333:user/bob", "AIDAEXAMPLEEXAMPLE01", ""),
    ("user", "arn:aws:iam::111122223333:user/bob", "AIDAEXAMPLEEXAMPLE01", ""),
    ("role", ROLE, "AROAEXAMPLEEXAMPLE01", ROLE),
    ("session", SESSION, "AROAEXAMPLEEXAMPLE01:s", ROLE),
    ("session", SESSION, "AROAEXAMPLEEXAMPLE01:s", ROLE),
    ("session", "arn:aws:sts::111122223333:assumed-role/l/s", "AROAEXAMPLEEXAMPLE02:s", LINKED),
    (
        "federated",
        "arn:aws:sts::111122223333:federated-user/bob",
        "111122223333:bob",
        "arn:aws:iam::111122223333:user/bob",
    ),
    ("token", "arn:aws:iam::111122223333:oidc-provider/idp", "", ""),
    ("token", "arn:aws:iam::111122223333:saml-provider/idp", "", ""),
    ("service", "lambda.amazonaws.com", "", ""),
    ("anonymous", "", "", ""),
];
const LINKED: &str = "arn:aws:iam::111122223333:role/aws-service-role/x/l";

fn asked(dice: &mut Dice) -> Ask {
    let (kind, arn, id, behind) = CALLERS[dice.roll(CALLERS.len())];
    let mut keys = Keys::new();
    let mut put = |dice: &mut Dice, key: &str, from: &[&str]| {
        if dice.chance(75) {
            let many = if dice.chance(20) { dice.roll(3) } else { 1 };
            let values = (0..many).map(|_| dice.pick(from).to_owned()).collect();
            keys.insert(key.to_lowercase(), values);
        }
    };
    for key in KEYS {
        put(dice, key, &VALUES);
    }
    put(dice, "a:Number", &COUNTED);
    put(dice, "a:Date", &DATES);
    put(dice, "a:Bool", &["true", "false"]);
    put(dice, "a:Bytes", &BYTES);
    put(dice, "a:Ip", &ADDRESSES);
    put(dice, "a:Arn", &NAMES);
    put(dice, "aws:SourceArn", &NAMES);
    put(dice, "kms:GrantOperations", &OPERATIONS);
    put(dice, "kms:GrantConstraintType", &["EncryptionContextEquals", "EncryptionContextSubset"]);
    put(dice, "kms:GrantConstraintSourceArn", &NAMES);
    Ask {
        kind,
        arn: arn.into(),
        id: id.into(),
        behind: behind.into(),
        account: if matches!(kind, "token" | "service" | "anonymous") {
            String::new()
        } else {
            ACCOUNT.into()
        },
        action: dice.pick(&ASKED).into(),
        resource: dice.pick(&NAMES).into(),
        owner: if dice.chance(75) { ACCOUNT.into() } else { OTHER.into() },
        keys,
        consent: dice.chance(20),
        encryption: serde_json::from_value(encryption(dice)).unwrap(),
    }
}

fn principal(ask: &Ask) -> Principal {
    let kind = match ask.kind {
        "root" => PrincipalKind::Root,
        "user" => PrincipalKind::User,
        "role" => PrincipalKind::Role,
        "session" => PrincipalKind::AssumedRole { role_arn: ask.behind.clone(), session_name: "s".into() },
        "federated" => PrincipalKind::FederatedUser,
        "token" if ask.arn.contains("saml") => PrincipalKind::Saml { provider: ask.arn.clone() },
        "token" => PrincipalKind::WebIdentity { provider: ask.arn.clone() },
        "service" => PrincipalKind::Service(ask.arn.clone()),
        _ => PrincipalKind::Anonymous,
    };
    Principal { arn: ask.arn.clone(), account: ask.account.clone(), id: ask.id.clone(), kind }
}

fn attach(value: &Value, kind: PolicyKind) -> Vec<Attached> {
    let documents = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    documents.iter().map(|d| common::attached(d, kind, "p")).collect()
}

fn attach_levels(value: &Value, kind: PolicyKind) -> Vec<Vec<Attached>> {
    value.as_array().into_iter().flatten().map(|level| attach(level, kind)).collect()
}

/// Whether a statement or a grant had a say, and not silence alone.
fn spoken(verdict: &Verdict<'_>) -> bool {
    verdict.layers.iter().any(|layer| layer.statement.is_some() || layer.layer == Layer::Grant)
}

fn layers<'a>(sets: &'a Sets, ask: &'a Ask) -> Layers<'a> {
    Layers {
        identity: &sets.identity,
        resource: sets.resource.as_ref().and_then(|r| r.first()),
        boundary: sets.boundary.as_deref(),
        session: sets.session.as_deref(),
        scps: &sets.scps,
        rcps: &sets.rcps,
        endpoint: sets.endpoint.as_deref(),
        resource_consent: if ask.consent { Consent::Required } else { Consent::Normal },
        grants: Grants { held: &sets.grants, encryption: Some(&ask.encryption) },
    }
}

struct Sets {
    identity: Vec<Attached>,
    resource: Option<Vec<Attached>>,
    boundary: Option<Vec<Attached>>,
    session: Option<Vec<Attached>>,
    endpoint: Option<Vec<Attached>>,
    scps: Vec<Vec<Attached>>,
    rcps: Vec<Vec<Attached>>,
    grants: Vec<KeyGrant>,
}

fn compiled(policies: &Value) -> Sets {
    let present = |name: &str, kind| (!policies[name].is_null()).then(|| attach(&policies[name], kind));
    Sets {
        identity: attach(&policies["identity"], PolicyKind::Identity),
        resource: present("resource", PolicyKind::Resource),
        boundary: present("boundary", PolicyKind::Boundary),
        session: present("session", PolicyKind::Session),
        endpoint: present("endpoint", PolicyKind::Endpoint),
        scps: attach_levels(&policies["scp"], PolicyKind::Scp),
        rcps: attach_levels(&policies["rcp"], PolicyKind::Rcp),
        grants: common::grants(&policies["grants"]),
    }
}

/// How many cases came to each outcome, and in how many of them a statement had a say.
fn compare(seed: u64, cases: u64) -> [u64; 4] {
    let mut dice = Dice(seed);
    let mut seen = [0_u64; 4];
    for set in 0..cases.div_ceil(ASKS) {
        let policies = generated(&mut dice);
        let sets = compiled(&policies);
        for _ in 0..ASKS {
            let ask = asked(&mut dice);
            let principal = principal(&ask);
            let context: Context = ask.keys.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
            let request = Request {
                principal: &principal,
                action: &ask.action,
                resource: &ask.resource,
                resource_account: Some(&ask.owner),
                context: &context,
            };
            let verdict = evaluate(&request, &layers(&sets, &ask));
            let expected = spec::decide(&policies, &ask);
            let got = format!("{:?}", verdict.outcome);
            assert_eq!(
                got,
                expected,
                "seed {seed:x} set {set}\n{policies}\n{request:?}\n{}",
                verdict.explain()
            );
            assert_eq!(verdict.decisive.is_none(), verdict.is_allowed());
            seen[verdict.outcome as usize] += 1;
            seen[3] += u64::from(spoken(&verdict));
        }
    }
    seen
}

#[test]
fn engine_equals_specification() {
    let cases = std::env::var("COUNTERSIGN_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let seeds = (1..=workers).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let seen = std::thread::scope(|scope| {
        let running: Vec<_> =
            seeds.map(|s| scope.spawn(move || compare(s, cases.div_ceil(workers)))).collect();
        running.into_iter().fold([0; 4], |sum: [u64; 4], worker| {
            let seen = worker.join().unwrap();
            std::array::from_fn(|at| sum[at] + seen[at])
        })
    });
    // A generator that only ever denies, or whose policies are about something else, would
    // prove nothing.
    let [outcomes @ .., spoken] = seen;
    let asked: u64 = outcomes.iter().sum();
    assert!(asked >= cases && outcomes.iter().all(|n| n * 20 > asked), "{seen:?} of {asked}");
    assert!(spoken * 2 > asked, "{seen:?} of {asked}");
}
