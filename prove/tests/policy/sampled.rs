//! Random policies: what fails is shown by a request that the evaluator agrees on, and what
//! passes survives thousands of random requests.

use std::sync::Arc;

use decide_iam::{
    Attached, Context, Layer, Layers, Outcome, Policy, Principal, PrincipalKind, Request, evaluate,
};
use prove::policy::{Answer, PolicyType, Prover};
use serde_json::{Value, json};

use crate::policy;

/// A small generator with a seed of its own (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
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

const ACTIONS: [&str; 8] =
    ["*", "s3:*", "s3:Get*", "s3:getobject", "s3:PutObject", "s3:?etObject", "sqs:*", "s3:*Object*"];
const ASKED: [&str; 5] =
    ["s3:GetObject", "s3:PutObject", "s3:GetObjectAcl", "sqs:SendMessage", "S3:getOBJECT"];
const RESOURCES: [&str; 15] = [
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
    "arn:*:s3:::a/?",
    "arn:aws:s3:::?/${*}",
    "arn:aws:s3:::a/*x*",
    "arn:aws:sqs:eu-west-1:111122223333:q",
    "arn:aws:s3:::*",
];
const NAMES: [&str; 11] = [
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
    "arn:aws-cn:s3:::a/y",
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
const TEXTS: [&str; 10] =
    ["bob", "BOB", "b*", "?ob", "", "red", "*", "${*}", "x${?}*", "${aws:PrincipalTag/team, 'red'}"];
const VALUES: [&str; 9] = ["bob", "BOB", "bobx", "", "red", "*", "x?", "x?y", "eve"];
const KEYS: [&str; 4] = ["aws:PrincipalTag/team", "aws:TagKeys", "a:Text", "a:Set"];
const NUMBERS: [&str; 5] = ["1", "2", "2.0", "10", "-3"];
const DATES: [&str; 3] = ["2020-01-01", "2020-06-01", "2021-01-01"];
const RANGES: [&str; 5] = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.1.0/24", "2001:db8::/32"];
const ADDRESSES: [&str; 6] =
    ["10.1.2.3", "10.9.9.9", "192.168.1.7", "192.168.2.7", "2001:db8::1", "2001:db9::1"];

/// An operator with the key and the values it is given.
fn condition(dice: &mut Dice) -> (String, &'static str, Value) {
    let not = if dice.chance(40) { "Not" } else { "" };
    let (name, key, values) = match dice.roll(13) {
        0 => (format!("String{not}Equals"), dice.pick(&KEYS), dice.some(&TEXTS)),
        1 => (format!("String{not}Like"), dice.pick(&KEYS), dice.some(&TEXTS)),
        2 => (format!("String{not}EqualsIgnoreCase"), dice.pick(&KEYS), dice.some(&VALUES)),
        3 => {
            let names =
                ["Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals", "NotEquals"];
            (format!("Numeric{}", dice.pick(&names)), "a:Number", dice.some(&NUMBERS))
        }
        4 => {
            let name = dice.pick(&["Equals", "NotEquals", "LessThan", "GreaterThanEquals"]);
            (format!("Date{name}"), "a:Date", dice.some(&DATES))
        }
        5 => ("Bool".to_owned(), "a:Bool", dice.some(&["true", "false"])),
        6 => (format!("{not}IpAddress"), "a:Ip", dice.some(&RANGES)),
        7 => (format!("Arn{not}Like"), "a:Arn", dice.some(&RESOURCES)),
        8 => {
            let arns = ["arn:aws:iam::*:role/r", "arn:aws:iam::111122223333:*", "arn:aws:iam::*:user/b*"];
            return (format!("Arn{not}Like"), "aws:PrincipalArn", dice.some(&arns));
        }
        9 => {
            let accounts = ["111122223333", "999999999999", "1111*"];
            return (format!("String{not}Like"), "aws:PrincipalAccount", dice.some(&accounts));
        }
        10 => {
            let names = ["bob", "b*", "eve"];
            return (format!("String{not}Like"), "aws:username", dice.some(&names));
        }
        11 => {
            let ids = ["AIDA*", "*:s", "AROAR:s", "?????X"];
            return (format!("String{not}Like"), "aws:userid", dice.some(&ids));
        }
        _ => {
            let key = dice.pick(&[KEYS[0], KEYS[1], KEYS[2], KEYS[3], "aws:username", "aws:PrincipalArn"]);
            return ("Null".to_owned(), key, dice.some(&["true", "false"]));
        }
    };
    let set = if dice.chance(30) { dice.pick(&["ForAllValues:", "ForAnyValue:"]) } else { "" };
    let exists = if dice.chance(20) { "IfExists" } else { "" };
    (format!("{set}{name}{exists}"), key, values)
}

fn statement(dice: &mut Dice, named: bool) -> Value {
    let mut statement = json!({ "Effect": if dice.chance(75) { "Allow" } else { "Deny" } });
    statement[if dice.chance(85) { "Action" } else { "NotAction" }] = dice.some(&ACTIONS);
    statement[if dice.chance(85) { "Resource" } else { "NotResource" }] = dice.some(&RESOURCES);
    if named {
        let mut kinds = json!({ "AWS": dice.some(&PRINCIPALS) });
        if dice.chance(30) {
            kinds["Service"] = dice.some(&SERVICES);
        }
        let element = if dice.chance(85) { "Principal" } else { "NotPrincipal" };
        statement[element] = if dice.chance(30) { json!("*") } else { kinds };
    }
    for _ in 0..[0, 0, 1, 1, 2][dice.roll(5)] {
        let (operator, key, values) = condition(dice);
        statement["Condition"][operator][key] = values;
    }
    statement
}

pub(crate) fn document(dice: &mut Dice, named: bool) -> Value {
    let statements: Vec<Value> = (0..1 + dice.roll(4)).map(|_| statement(dice, named)).collect();
    let version = if dice.chance(85) { "2012-10-17" } else { "2008-10-17" };
    json!({ "Version": version, "Statement": statements })
}

/// A policy and one that is not far from it.
fn pair(dice: &mut Dice, named: bool) -> (Value, Value) {
    let existing = document(dice, named);
    if dice.chance(40) {
        return (existing, document(dice, named));
    }
    let mut new = existing.clone();
    let statements = new["Statement"].as_array_mut().unwrap();
    let at = dice.roll(statements.len());
    match dice.roll(4) {
        0 => statements[at] = statement(dice, named),
        1 => {
            let (operator, key, values) = condition(dice);
            statements[at]["Condition"][operator][key] = values;
        }
        2 => {
            statements[at].as_object_mut().unwrap().remove("Condition");
        }
        _ => statements.push(statement(dice, named)),
    }
    (existing, new)
}

/// A caller with the identity keys that go with it.
pub(crate) fn caller(dice: &mut Dice, named: bool) -> (Principal, Vec<(&'static str, String)>) {
    let principal = |arn: &str, account: &str, id: &str, kind| Principal {
        arn: arn.into(),
        account: account.into(),
        id: id.into(),
        kind,
    };
    let account = dice.pick(&["111122223333", "999999999999", "111155555555", "123456789012"]).to_owned();
    let (who, arn, kind) = match dice.roll(if named { 9 } else { 5 }) {
        0 | 1 => {
            let name = dice.pick(&["bob", "eve", "x/bob"]);
            let arn = format!("arn:aws:iam::{account}:user/{name}");
            (principal(&arn, &account, dice.pick(&["AIDABX", "AIDAEVE"]), PrincipalKind::User), arn, "User")
        }
        2 | 3 => {
            let (role, session) = (dice.pick(&["r", "x/r", "other"]), dice.pick(&["s", "t"]));
            let arn = format!("arn:aws:iam::{account}:role/{role}");
            let last = role.rsplit('/').next().unwrap();
            let kind = PrincipalKind::AssumedRole { role_arn: arn.clone(), session_name: session.to_owned() };
            let session_arn = format!("arn:aws:sts::{account}:assumed-role/{last}/{session}");
            (principal(&session_arn, &account, &format!("AROAR:{session}"), kind), arn, "AssumedRole")
        }
        4 => {
            let name = dice.pick(&["bob", "x"]);
            let arn = format!("arn:aws:sts::{account}:federated-user/{name}");
            let id = format!("{account}:{name}");
            (principal(&arn, &account, &id, PrincipalKind::FederatedUser), arn, "FederatedUser")
        }
        5 => {
            let arn = format!("arn:aws:iam::{account}:root");
            (principal(&arn, &account, &account, PrincipalKind::Root), arn, "Account")
        }
        6 | 7 => {
            let name = dice.pick(&["lambda.amazonaws.com", "ec2.amazonaws.com", "sns.amazonaws.com"]);
            let who = principal(name, "", "", PrincipalKind::Service(name.to_owned()));
            return (who, vec![("aws:PrincipalServiceName", name.to_owned())]);
        }
        _ => {
            let who = principal("", "", "", PrincipalKind::Anonymous);
            return (who, vec![("aws:PrincipalType", "Anonymous".to_owned())]);
        }
    };
    let mut keys = vec![
        ("aws:PrincipalArn", arn.clone()),
        ("aws:PrincipalAccount", account),
        ("aws:userid", who.id.clone()),
        ("aws:PrincipalType", kind.to_owned()),
    ];
    if kind == "User" {
        keys.push(("aws:username", arn.rsplit('/').next().unwrap().to_owned()));
    }
    if dice.chance(60) {
        keys.push(("aws:PrincipalTag/team", dice.pick(&VALUES).to_owned()));
    }
    (who, keys)
}

pub(crate) fn context(dice: &mut Dice, keys: Vec<(&'static str, String)>) -> Context {
    let mut context = Context::new();
    for (key, value) in keys {
        context.set(key, value);
    }
    let mut put = |dice: &mut Dice, key: &str, many: bool, from: &[&str]| {
        if dice.chance(70) {
            let many = if many && dice.chance(60) { dice.roll(4) } else { 1 };
            context.set_all(key, (0..many).map(|_| dice.pick(from).to_owned()).collect());
        }
    };
    put(dice, "aws:TagKeys", true, &VALUES);
    put(dice, "a:Text", false, &VALUES);
    put(dice, "a:Set", false, &VALUES);
    put(dice, "a:Number", false, &["1", "2", "3", "0", "-3", "-4", "10", "11", "7"]);
    put(dice, "a:Date", false, &["2020-01-01", "2020-06-01", "2021-01-01", "2019-05-05", "2020-03-03"]);
    put(dice, "a:Bool", false, &["true", "false"]);
    put(dice, "a:Ip", false, &ADDRESSES);
    put(dice, "a:Arn", false, &NAMES);
    context
}

fn allowed(policy: &Arc<Policy>, of: PolicyType, request: &Request<'_>) -> bool {
    let attached = Attached { name: String::new(), arn: None, source: None, policy: Arc::clone(policy) };
    let (layer, layers) = match of {
        PolicyType::IdentityPolicy => {
            (Layer::Identity, Layers { identity: std::slice::from_ref(&attached), ..Layers::default() })
        }
        PolicyType::ResourcePolicy => {
            (Layer::Resource, Layers { resource: Some(&attached), ..Layers::default() })
        }
    };
    evaluate(request, &layers).layer(layer).is_some_and(|v| v.outcome == Outcome::Allowed)
}

/// How often each answer was given.
#[derive(Debug, Default)]
struct Seen {
    pass: u32,
    fail: u32,
    unknown: Vec<String>,
}

fn compare(seed: u64, pairs: usize, samples: usize, of: PolicyType) -> Seen {
    let mut dice = Dice(seed);
    let prover = Prover::default();
    let mut seen = Seen::default();
    let named = of == PolicyType::ResourcePolicy;
    for at in 0..pairs {
        let (old, new) = pair(&mut dice, named);
        let (existing, newer) = (policy(&old, of), policy(&new, of));
        let says = || format!("pair {at} of seed {seed:x}\nold {old}\nnew {new}");
        let answer =
            prover.check_no_new_access(std::slice::from_ref(&existing), std::slice::from_ref(&newer), of);
        match answer {
            Answer::Fail { counterexample, reasons } => {
                seen.fail += 1;
                let context = counterexample.context();
                let request = counterexample.request(&context);
                assert!(allowed(&newer, of, &request), "{counterexample}\n{}", says());
                assert!(!allowed(&existing, of, &request), "{counterexample}\n{}", says());
                assert!(!reasons.is_empty());
            }
            Answer::Pass => {
                seen.pass += 1;
                for _ in 0..samples {
                    let (who, keys) = caller(&mut dice, named);
                    let context = context(&mut dice, keys);
                    let request = Request {
                        principal: &who,
                        action: dice.pick(&ASKED),
                        resource: dice.pick(&NAMES),
                        resource_account: Some(&who.account),
                        context: &context,
                    };
                    let more = allowed(&newer, of, &request) && !allowed(&existing, of, &request);
                    assert!(!more, "passed, but {request:?}\n{}", says());
                }
            }
            Answer::Unknown { reason } => {
                assert!(!reason.contains("evaluator"), "{reason}\n{}", says());
                seen.unknown.push(reason);
            }
        }
    }
    seen
}

/// `COUNTERSIGN_CASES` sets the number of pairs.
fn pairs(default: usize) -> usize {
    std::env::var("COUNTERSIGN_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn balanced(seen: &Seen, pairs: usize) {
    let enough = |n: u32| n as usize * 10 > pairs;
    assert!(enough(seen.pass) && enough(seen.fail), "{} pass, {} fail", seen.pass, seen.fail);
    let first: Vec<&String> = seen.unknown.iter().take(5).collect();
    assert!(seen.unknown.len() * 20 < pairs, "{} unknown of {pairs}: {first:?}", seen.unknown.len());
}

#[test]
fn identity_policies_agree_with_the_evaluator() {
    let pairs = pairs(1_500);
    balanced(&compare(0x9e37_79b9_7f4a_7c15, pairs, 200, PolicyType::IdentityPolicy), pairs);
}

#[test]
fn resource_policies_agree_with_the_evaluator() {
    let pairs = pairs(1_500);
    balanced(&compare(0x2545_f491_4f6c_dd1d, pairs, 200, PolicyType::ResourcePolicy), pairs);
}

#[test]
fn what_passes_survives_ten_thousand_requests() {
    for of in [PolicyType::IdentityPolicy, PolicyType::ResourcePolicy] {
        assert!(compare(0x1234_5678_9abc_def1, pairs(60), 10_000, of).pass > 5);
    }
}
