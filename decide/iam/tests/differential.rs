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

use common::{ACCOUNT, OTHER};
use decide_iam::{
    Attached, Consent, Context, Layers, PolicyKind, Principal, PrincipalKind, Request, evaluate,
};
use serde_json::{Value, json};
use spec::{Ask, Keys};

/// Sets of policies, each asked `ASKS` times. `COUNTERSIGN_CASES` sets their number.
const SETS: u64 = 25_000;
const ASKS: u64 = 8;

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

const ACTIONS: [&str; 9] =
    ["*", "s3:*", "s3:Get*", "s3:getobject", "s3:PutObject", "s3:?etObject", "sqs:*", "*:*", "s3:*Object*"];
const ASKED: [&str; 5] =
    ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl", "sqs:SendMessage", "S3:getOBJECT"];
const RESOURCES: [&str; 16] = [
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
const NAMES: [&str; 10] = [
    "*",
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
const PRINCIPALS: [&str; 8] = [
    "*",
    "111122223333",
    "999999999999",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:iam::111122223333:role/r",
    "arn:aws:sts::111122223333:assumed-role/r/s",
    "arn:aws:sts::111122223333:federated-user/bob",
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
const DATES: [&str; 3] = ["2020-01-01", "2020-06-01", "2021-01-01"];
const RANGES: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.1.0/24"];
const ADDRESSES: [&str; 4] = ["10.1.2.3", "10.9.9.9", "192.168.1.7", "192.168.2.7"];

/// An operator with the key and the values it is given.
fn condition(dice: &mut Dice) -> (String, &'static str, Value) {
    let not = if dice.chance(40) { "Not" } else { "" };
    let (name, key, values) = match dice.roll(9) {
        0 => (format!("String{not}Equals"), dice.pick(&KEYS), dice.some(&TEXTS)),
        1 => (format!("String{not}Like"), dice.pick(&KEYS), dice.some(&TEXTS)),
        2 => (format!("String{not}EqualsIgnoreCase"), dice.pick(&KEYS), dice.some(&VALUES)),
        3 => {
            let name = dice.pick(&[
                "Equals",
                "LessThan",
                "LessThanEquals",
                "GreaterThan",
                "GreaterThanEquals",
                "NotEquals",
            ]);
            (format!("Numeric{name}"), "a:Number", dice.some(&NUMBERS))
        }
        4 => {
            let name = dice.pick(&["Equals", "NotEquals", "LessThan", "GreaterThanEquals"]);
            (format!("Date{name}"), "a:Date", dice.some(&DATES))
        }
        5 => ("Bool".to_owned(), "a:Bool", dice.some(&["true", "false"])),
        6 => (format!("{not}IpAddress"), "a:Ip", dice.some(&RANGES)),
        7 => (format!("Arn{not}Like"), "a:Arn", dice.some(&RESOURCES)),
        _ => {
            let key = dice.pick(&KEYS);
            return ("Null".to_owned(), key, dice.some(&["true", "false"]));
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
        let element = if dice.chance(85) { "Principal" } else { "NotPrincipal" };
        statement[element] = if dice.chance(15) { json!("*") } else { kinds };
    }
    for _ in 0..[0, 0, 1, 1, 2][dice.roll(5)] {
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

fn generated(dice: &mut Dice) -> Value {
    let mut layers = json!({ "identity": list(dice, 3, false, false) });
    let mut put = |dice: &mut Dice, name: &str, percent, make: &dyn Fn(&mut Dice) -> Value| {
        layers[name] = if dice.chance(percent) { make(dice) } else { Value::Null };
    };
    put(dice, "resource", 60, &|d| policy(d, true, false));
    put(dice, "boundary", 20, &|d| list(d, 1, false, false));
    put(dice, "session", 20, &|d| list(d, 2, false, false));
    put(dice, "endpoint", 15, &|d| list(d, 1, true, false));
    put(dice, "scp", 15, &|d| (0..1 + d.roll(2)).map(|_| list(d, 2, false, false)).collect());
    put(dice, "rcp", 15, &|d| (0..1 + d.roll(2)).map(|_| list(d, 2, false, true)).collect());
    layers
}

fn asked(dice: &mut Dice) -> Ask {
    let (kind, arn, behind) = match dice.roll(9) {
        0 => ("root", "arn:aws:iam::111122223333:root", ""),
        1 | 2 => ("user", "arn:aws:iam::111122223333:user/bob", ""),
        3 | 4 => {
            ("session", "arn:aws:sts::111122223333:assumed-role/r/s", "arn:aws:iam::111122223333:role/r")
        }
        5 => (
            "session",
            "arn:aws:sts::111122223333:assumed-role/l/s",
            "arn:aws:iam::111122223333:role/aws-service-role/x/l",
        ),
        6 => (
            "federated",
            "arn:aws:sts::111122223333:federated-user/bob",
            "arn:aws:iam::111122223333:user/bob",
        ),
        7 => ("service", "lambda.amazonaws.com", ""),
        _ => ("anonymous", "", ""),
    };
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
    put(dice, "a:Number", &NUMBERS);
    put(dice, "a:Date", &DATES);
    put(dice, "a:Bool", &["true", "false"]);
    put(dice, "a:Ip", &ADDRESSES);
    put(dice, "a:Arn", &NAMES);
    Ask {
        kind,
        arn: arn.into(),
        behind: behind.into(),
        account: if matches!(kind, "service" | "anonymous") { String::new() } else { ACCOUNT.into() },
        action: dice.pick(&ASKED).into(),
        resource: dice.pick(&NAMES).into(),
        owner: if dice.chance(75) { ACCOUNT.into() } else { OTHER.into() },
        keys,
        consent: dice.chance(20),
    }
}

fn principal(ask: &Ask) -> Principal {
    let kind = match ask.kind {
        "root" => PrincipalKind::Root,
        "user" => PrincipalKind::User,
        "session" => PrincipalKind::AssumedRole { role_arn: ask.behind.clone(), session_name: "s".into() },
        "federated" => PrincipalKind::FederatedUser,
        "service" => PrincipalKind::Service(ask.arn.clone()),
        _ => PrincipalKind::Anonymous,
    };
    Principal { arn: ask.arn.clone(), account: ask.account.clone(), id: String::new(), kind }
}

fn attach(value: &Value, kind: PolicyKind) -> Vec<Attached> {
    let documents = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    documents.iter().map(|d| common::attached(d, kind, "p")).collect()
}

fn attach_levels(value: &Value, kind: PolicyKind) -> Vec<Vec<Attached>> {
    value.as_array().into_iter().flatten().map(|level| attach(level, kind)).collect()
}

#[test]
fn engine_equals_specification() {
    let sets = std::env::var("COUNTERSIGN_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(SETS);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut seen = [0_u64; 3];
    for set in 0..sets {
        let policies = generated(&mut dice);
        let present = |name: &str, kind| (!policies[name].is_null()).then(|| attach(&policies[name], kind));
        let identity = attach(&policies["identity"], PolicyKind::Identity);
        let resource = present("resource", PolicyKind::Resource);
        let boundary = present("boundary", PolicyKind::Boundary);
        let session = present("session", PolicyKind::Session);
        let endpoint = present("endpoint", PolicyKind::Endpoint);
        let scps = attach_levels(&policies["scp"], PolicyKind::Scp);
        let rcps = attach_levels(&policies["rcp"], PolicyKind::Rcp);
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
            let layers = Layers {
                identity: &identity,
                resource: resource.as_ref().and_then(|r| r.first()),
                boundary: boundary.as_deref(),
                session: session.as_deref(),
                scps: &scps,
                rcps: &rcps,
                endpoint: endpoint.as_deref(),
                resource_consent: if ask.consent { Consent::Required } else { Consent::Normal },
            };
            let verdict = evaluate(&request, &layers);
            let expected = spec::decide(&policies, &ask);
            let got = format!("{:?}", verdict.outcome);
            assert_eq!(got, expected, "set {set}\n{policies}\n{request:?}\n{}", verdict.explain());
            assert_eq!(verdict.decisive.is_none(), verdict.is_allowed());
            seen[verdict.outcome as usize] += 1;
        }
    }
    // A generator that only ever denies would prove nothing.
    let asked = sets * ASKS;
    assert!(seen.iter().all(|n| n * 20 > asked), "{seen:?} of {asked}");
}
