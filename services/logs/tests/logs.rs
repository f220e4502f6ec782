//! Log groups through their operations: what is kept, what is refused, who may read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what fails here fails the test"
)]

use harness::{ACCOUNT, World};
use model::{AccountId, Caller};
use serde_json::{Value as Json, json};

const DAY: i64 = 86_400_000;

fn world() -> World {
    World::new(vec![&service_logs::SERVICE, &service_kms::SERVICE])
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn group(world: &World, admin: &Caller, name: &str) {
    world.call(admin, "logs", "CreateLogGroup", json!({"logGroupName": name})).unwrap();
    world
        .call(admin, "logs", "CreateLogStream", json!({"logGroupName": name, "logStreamName": "s"}))
        .unwrap();
}

fn put(world: &World, who: &Caller, group: &str, stream: &str, events: &[(i64, &str)]) -> Json {
    let events: Vec<Json> = events.iter().map(|(t, m)| json!({"timestamp": t, "message": m})).collect();
    let input = json!({"logGroupName": group, "logStreamName": stream, "logEvents": events});
    world.call(who, "logs", "PutLogEvents", input).unwrap_or_else(|f| panic!("{f}"))
}

fn messages(answer: &Json) -> Vec<&str> {
    answer["events"].as_array().unwrap().iter().map(|e| e["message"].as_str().unwrap()).collect()
}

fn code(outcome: Result<Json, model::Fault>) -> String {
    outcome.unwrap_err().code.into_owned()
}

#[test]
fn events_are_read_in_either_direction() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    let t = now() - 10_000;
    let events: Vec<(i64, String)> = (0..10).map(|n| (t + n, format!("m{n}"))).collect();
    let events: Vec<(i64, &str)> = events.iter().map(|(t, m)| (*t, m.as_str())).collect();
    put(&world, &admin, "/app", "s", &events);
    let get = |more: Json| {
        let mut input = json!({"logGroupName": "/app", "logStreamName": "s", "limit": 4});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.call(&admin, "logs", "GetLogEvents", input).unwrap()
    };
    let newest = get(json!({}));
    assert_eq!(messages(&newest), ["m6", "m7", "m8", "m9"]);
    let older = get(json!({"nextToken": newest["nextBackwardToken"]}));
    assert_eq!(messages(&older), ["m2", "m3", "m4", "m5"]);
    let oldest = get(json!({"nextToken": older["nextBackwardToken"]}));
    assert_eq!(messages(&oldest), ["m0", "m1"]);
    let none = get(json!({"nextToken": oldest["nextBackwardToken"]}));
    assert_eq!((messages(&none).len(), &none["nextBackwardToken"]), (0, &oldest["nextBackwardToken"]));
    let again = get(json!({"nextToken": older["nextForwardToken"]}));
    assert_eq!(messages(&again), ["m6", "m7", "m8", "m9"]);
    let end = get(json!({"nextToken": again["nextForwardToken"]}));
    assert_eq!((messages(&end).len(), &end["nextForwardToken"]), (0, &again["nextForwardToken"]));
    put(&world, &admin, "/app", "s", &[(t + 20, "late")]);
    assert_eq!(messages(&get(json!({"nextToken": end["nextForwardToken"]}))), ["late"]);
    assert_eq!(
        messages(&get(json!({"startFromHead": true, "startTime": t + 2, "endTime": t + 4}))),
        ["m2", "m3"]
    );
}

#[test]
fn a_filter_looks_through_all_streams_in_order_of_time() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    world
        .call(&admin, "logs", "CreateLogStream", json!({"logGroupName": "/app", "logStreamName": "t"}))
        .unwrap();
    let t = now() - 10_000;
    put(&world, &admin, "/app", "s", &[(t, r#"{"level":"error","n":1}"#), (t + 2, r#"{"level":"info"}"#)]);
    put(
        &world,
        &admin,
        "/app",
        "t",
        &[(t + 1, r#"{"level":"error","n":2}"#), (t + 3, r#"{"level":"error","n":3}"#)],
    );
    let filter = |more: Json| {
        let mut input = json!({"logGroupName": "/app", "filterPattern": "{ $.level = \"error\" }"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.call(&admin, "logs", "FilterLogEvents", input)
    };
    let all = filter(json!({})).unwrap();
    let streams: Vec<_> =
        all["events"].as_array().unwrap().iter().map(|e| e["logStreamName"].as_str().unwrap()).collect();
    assert_eq!(streams, ["s", "t", "t"]);
    assert!(all.get("nextToken").is_none());
    let first = filter(json!({"limit": 1})).unwrap();
    let second = filter(json!({"limit": 2, "nextToken": first["nextToken"]})).unwrap();
    assert_eq!(second["events"].as_array().unwrap().len(), 2);
    assert_eq!(messages(&filter(json!({"logStreamNames": ["s"]})).unwrap()).len(), 1);
    assert_eq!(code(filter(json!({"logStreamNames": ["gone"]}))), "ResourceNotFoundException");
    assert_eq!(code(filter(json!({"filterPattern": "{ $.a = "}))), "InvalidParameterException");
    world
        .call(&admin, "logs", "DeleteLogStream", json!({"logGroupName": "/app", "logStreamName": "t"}))
        .unwrap();
    assert_eq!(messages(&filter(json!({})).unwrap()).len(), 1);
}

#[test]
fn batches_are_checked() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    let t = now();
    let refused = |events: Json| {
        code(world.call(
            &admin,
            "logs",
            "PutLogEvents",
            json!({"logGroupName": "/app", "logStreamName": "s", "logEvents": events}),
        ))
    };
    let event = |time: i64| json!({"timestamp": time, "message": "m"});
    assert_eq!(refused(json!([event(t), event(t - 1)])), "InvalidParameterException");
    assert_eq!(refused(json!([event(t - DAY - 5), event(t)])), "InvalidParameterException");
    assert_eq!(
        refused(json!([{"timestamp": t, "message": "x".repeat(1_048_576)}])),
        "InvalidParameterException"
    );
    let answer = put(&world, &admin, "/app", "s", &[(t - 20 * DAY, "old"), (t, "now"), (t + DAY, "soon")]);
    assert_eq!(
        answer["rejectedLogEventsInfo"],
        json!({"tooNewLogEventStartIndex": 2, "tooOldLogEventEndIndex": 1})
    );
    let all = world.call(&admin, "logs", "FilterLogEvents", json!({"logGroupName": "/app"})).unwrap();
    assert_eq!(messages(&all), ["now"]);
}

#[test]
fn what_is_past_retention_is_gone() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    let t = now();
    put(&world, &admin, "/app", "s", &[(t - 3 * DAY, "old")]);
    put(&world, &admin, "/app", "s", &[(t, "new")]);
    let bad = world.call(
        &admin,
        "logs",
        "PutRetentionPolicy",
        json!({"logGroupName": "/app", "retentionInDays": 2}),
    );
    assert_eq!(code(bad), "InvalidParameterException");
    let days = |n: i64| json!({"logGroupName": "/app", "retentionInDays": n});
    world.call(&admin, "logs", "PutRetentionPolicy", days(1)).unwrap();
    let read = || world.call(&admin, "logs", "FilterLogEvents", json!({"logGroupName": "/app"})).unwrap();
    assert_eq!(messages(&read()), ["new"]);
    world.run_jobs_until(model::Timestamp(now()));
    // The old event was removed, not only hidden.
    world.call(&admin, "logs", "DeleteRetentionPolicy", json!({"logGroupName": "/app"})).unwrap();
    assert_eq!(messages(&read()), ["new"]);
}

/// The key's policy lets the service in for this group alone.
fn key(world: &World, admin: &Caller, group: &str) -> String {
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
         "Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"], "Resource": "*",
         "Condition": {"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}")}}},
    ]});
    let made = world.call(admin, "kms", "CreateKey", json!({"Policy": policy.to_string()})).unwrap();
    made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn events_under_a_key_need_the_key() {
    let world = world();
    let admin = world.admin();
    let arn = key(&world, &admin, "/sealed");
    let create = |name: &str| {
        world.call(&admin, "logs", "CreateLogGroup", json!({"logGroupName": name, "kmsKeyId": arn}))
    };
    // The context names another group, which the key policy does not let in.
    assert_eq!(code(create("/other")), "AccessDeniedException");
    create("/sealed").unwrap();
    world
        .call(&admin, "logs", "CreateLogStream", json!({"logGroupName": "/sealed", "logStreamName": "s"}))
        .unwrap();
    put(&world, &admin, "/sealed", "s", &[(now(), "sealed")]);
    let read = || {
        world.call(&admin, "logs", "GetLogEvents", json!({"logGroupName": "/sealed", "logStreamName": "s"}))
    };
    assert_eq!(messages(&read().unwrap()), ["sealed"]);
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": arn})).unwrap();
    assert_eq!(code(read()), "AccessDeniedException");
    let write = json!({"logGroupName": "/sealed", "logStreamName": "s", "logEvents": [{"timestamp": now(), "message": "m"}]});
    assert_eq!(code(world.call(&admin, "logs", "PutLogEvents", write)), "AccessDeniedException");
    world.call(&admin, "kms", "EnableKey", json!({"KeyId": arn})).unwrap();
    // What comes in later is free of the key; what came before is not.
    world.call(&admin, "logs", "DisassociateKmsKey", json!({"logGroupName": "/sealed"})).unwrap();
    put(&world, &admin, "/sealed", "s", &[(now(), "open")]);
    assert_eq!(messages(&read().unwrap()), ["sealed", "open"]);
    world.call(&admin, "kms", "DisableKey", json!({"KeyId": arn})).unwrap();
    assert_eq!(code(read()), "AccessDeniedException");
}

#[test]
fn a_role_may_write_where_its_policy_says() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/mine");
    group(&world, &admin, "/other");
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents","logs:DescribeLogStreams"],"Resource":"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/mine:*"}}]}}"#
    );
    let writer = world.user("writer", Some(&policy));
    put(&world, &writer, "/mine", "s", &[(now(), "m")]);
    world.call(&writer, "logs", "DescribeLogStreams", json!({"logGroupName": "/mine"})).unwrap();
    let other = json!({"logGroupName": "/other", "logStreamName": "s", "logEvents": [{"timestamp": now(), "message": "m"}]});
    assert_eq!(code(world.call(&writer, "logs", "PutLogEvents", other)), "AccessDeniedException");
    let read = json!({"logGroupIdentifier": format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/mine"), "logStreamName": "s"});
    assert_eq!(code(world.call(&writer, "logs", "GetLogEvents", read.clone())), "AccessDeniedException");
    world.call(&admin, "logs", "GetLogEvents", read).unwrap();
}

#[test]
fn a_service_writes_only_by_a_resource_policy() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "aws-waf-logs-shop");
    let account = AccountId::parse(ACCOUNT).unwrap();
    let delivery = Caller::service("delivery.logs.amazonaws.com", &account);
    let input = json!({"logGroupName": "aws-waf-logs-shop", "logStreamName": "s", "logEvents": [{"timestamp": now(), "message": "m"}]});
    let write = || world.call(&delivery, "logs", "PutLogEvents", input.clone());
    assert_eq!(code(write()), "AccessDeniedException");
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "delivery.logs.amazonaws.com"}, "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
         "Resource": format!("arn:aws:logs:us-east-1:{ACCOUNT}:log-group:aws-waf-logs-*:log-stream:*"),
         "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}}},
        // Users are beyond resource policies.
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "logs:*", "Resource": "*"},
    ]});
    world
        .call(
            &admin,
            "logs",
            "PutResourcePolicy",
            json!({"policyName": "waf", "policyDocument": policy.to_string()}),
        )
        .unwrap();
    write().unwrap();
    let nobody = world.user("nobody", None);
    assert_eq!(
        code(world.call(&nobody, "logs", "FilterLogEvents", json!({"logGroupName": "aws-waf-logs-shop"}))),
        "AccessDeniedException"
    );
    // A group made later is under the policy as well.
    group(&world, &admin, "aws-waf-logs-later");
    let later = json!({"logGroupName": "aws-waf-logs-later", "logStreamName": "new"});
    world.call(&delivery, "logs", "CreateLogStream", later).unwrap();
    world.call(&admin, "logs", "DeleteResourcePolicy", json!({"policyName": "waf"})).unwrap();
    assert_eq!(code(write()), "AccessDeniedException");
}

#[test]
fn messages_never_reach_the_record() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    put(&world, &admin, "/app", "s", &[(now(), "card 4111111111111111")]);
    let mut seen = 0;
    use model::Host as _;
    world
        .estate
        .events(&mut |_, event| {
            let text = serde_json::to_string(&event).unwrap();
            seen += usize::from(text.contains("PutLogEvents"));
            assert!(!text.contains("4111111111111111"), "{text}");
            true
        })
        .unwrap();
    assert!(seen > 0);
}

#[test]
fn a_group_made_anew_knows_nothing_of_the_old_one() {
    let world = world();
    let admin = world.admin();
    group(&world, &admin, "/app");
    put(&world, &admin, "/app", "s", &[(now(), "old")]);
    let protect = |on: bool| json!({"logGroupIdentifier": "/app", "deletionProtectionEnabled": on});
    world.call(&admin, "logs", "PutLogGroupDeletionProtection", protect(true)).unwrap();
    let delete = || world.call(&admin, "logs", "DeleteLogGroup", json!({"logGroupName": "/app"}));
    assert_eq!(code(delete()), "ValidationException");
    world.call(&admin, "logs", "PutLogGroupDeletionProtection", protect(false)).unwrap();
    delete().unwrap();
    world.run_jobs_until(model::Timestamp(now()));
    assert_eq!(code(delete()), "ResourceNotFoundException");
    group(&world, &admin, "/app");
    assert_eq!(
        code(world.call(&admin, "logs", "CreateLogGroup", json!({"logGroupName": "/app"}))),
        "ResourceAlreadyExistsException"
    );
    let all = world.call(&admin, "logs", "FilterLogEvents", json!({"logGroupName": "/app"})).unwrap();
    assert!(messages(&all).is_empty());
}
