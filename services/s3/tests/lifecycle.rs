//! Lifecycle rules delete what they name, when it is due, and nothing else.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use model::{Caller, Timestamp};
use serde_json::{Value as Json, json};

const DAY: i64 = 86_400;

struct Bucket {
    world: World,
    admin: Caller,
}

impl Bucket {
    fn new(versioned: bool) -> Bucket {
        let world = World::new(vec![&service_s3::SERVICE, &service_kms::SERVICE]);
        let admin = world.admin();
        let bucket = Bucket { world, admin };
        bucket.call("CreateBucket", json!({}));
        if versioned {
            bucket.call("PutBucketVersioning", json!({"VersioningConfiguration": {"Status": "Enabled"}}));
        }
        bucket
    }

    fn call(&self, operation: &str, mut input: Json) -> Json {
        input["Bucket"] = json!("lifecycle-test");
        self.world.call(&self.admin, "s3", operation, input).unwrap()
    }

    fn put(&self, key: &str) {
        self.call("PutObject", json!({"Key": key}));
    }

    fn rule(&self, rule: Json) {
        let mut rule = rule;
        rule["Status"] = json!("Enabled");
        self.call("PutBucketLifecycleConfiguration", json!({"LifecycleConfiguration": {"Rules": [rule]}}));
    }

    /// Lets so many days pass.
    fn wait(&self, days: i64) {
        let now = estate_now();
        for day in 1..=days {
            self.world.run_jobs_until(now.plus_seconds(day * DAY));
        }
    }

    fn keys(&self) -> Vec<String> {
        let listed = self.call("ListObjectsV2", json!({}));
        let contents = listed["Contents"].as_array().cloned().unwrap_or_default();
        contents.iter().map(|o| o["Key"].as_str().unwrap().to_owned()).collect()
    }

    fn versions(&self) -> usize {
        let listed = self.call("ListObjectVersions", json!({}));
        ["Versions", "DeleteMarkers"].iter().map(|l| listed[l].as_array().map_or(0, Vec::len)).sum()
    }
}

fn estate_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap())
}

#[test]
fn what_is_not_due_stays() {
    let bucket = Bucket::new(false);
    bucket.put("logs/a");
    bucket.put("kept");
    bucket.rule(json!({"Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}));
    bucket.wait(2);
    assert_eq!(bucket.keys(), ["kept", "logs/a"]);
}

#[test]
fn rules_that_are_not_served_or_do_nothing_are_refused() {
    let bucket = Bucket::new(false);
    let refused = |rule: Json| {
        let input = json!({"Bucket": "lifecycle-test", "LifecycleConfiguration": {"Rules": [rule]}});
        bucket.world.call(&bucket.admin, "s3", "PutBucketLifecycleConfiguration", input).unwrap_err().code
    };
    let filter = json!({"Prefix": ""});
    let transition = json!([{"Days": 1, "StorageClass": "GLACIER"}]);
    assert_eq!(
        refused(json!({"Status": "Enabled", "Filter": filter, "Transitions": transition})),
        "NotImplemented"
    );
    assert_eq!(refused(json!({"Status": "Enabled", "Filter": filter})), "InvalidRequest");
    assert_eq!(
        refused(json!({"Status": "Enabled", "Filter": filter, "Expiration": {"Days": 0}})),
        "InvalidArgument"
    );
}

#[test]
fn nothing_is_deleted_once_the_rules_are_gone() {
    let bucket = Bucket::new(true);
    bucket.put("a");
    bucket.put("a");
    bucket.rule(json!({"Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}));
    bucket.call("DeleteBucketLifecycle", json!({}));
    bucket.wait(9);
    assert_eq!(bucket.versions(), 2);
}
