//! Block Public Access: which policies are public, what is refused, and that what is not known counts as public.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::World;
use model::Caller;
use serde_json::{Value as Json, json};

const OPEN: Json = Json::Null;

fn policy(principal: &Json, condition: &Json) -> String {
    let mut statement = json!({
        "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*",
    });
    if !condition.is_null() {
        statement["Condition"] = condition.clone();
    }
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

struct Bucket {
    world: World,
    admin: Caller,
}

impl Bucket {
    fn new(blocked: bool) -> Bucket {
        let world = World::new(vec![&service_s3::SERVICE, &service_kms::SERVICE]);
        let admin = world.admin();
        let bucket = Bucket { world, admin };
        bucket.call("CreateBucket", json!({})).unwrap();
        if !blocked {
            bucket.call("DeletePublicAccessBlock", json!({})).unwrap();
        }
        bucket
    }

    fn call(&self, operation: &str, mut input: Json) -> Result<Json, model::Fault> {
        input["Bucket"] = json!("box");
        self.world.call(&self.admin, "s3", operation, input)
    }
}

#[test]
fn everyone_is_public_unless_confined() {
    let (open, blocked) = (Bucket::new(false), Bucket::new(true));
    let star = json!("*");
    let when = |operator: &str, key: &str, value: &str| json!({operator: {key: value}});
    let cases = [
        (&star, OPEN, true),
        (&json!({"AWS": "*"}), OPEN, true),
        (&json!({"AWS": "111122223333"}), OPEN, false),
        (&star, when("StringEquals", "aws:PrincipalOrgID", "o-abc"), false),
        (&star, when("StringNotEquals", "aws:PrincipalOrgID", "o-abc"), true),
        (&star, when("StringLike", "aws:PrincipalArn", "arn:*"), true),
        (&star, when("IpAddress", "aws:SourceIp", "10.0.0.0/8"), false),
        (&star, when("IpAddress", "aws:SourceIp", "0.0.0.0/1"), true),
        (&star, when("Bool", "aws:SecureTransport", "true"), true),
        // Not known: a name compared as a number.
        (&star, when("NumericLessThan", "aws:username", "5"), true),
    ];
    for (principal, condition, public) in cases {
        let text = policy(principal, &condition);
        open.call("PutBucketPolicy", json!({"Policy": text})).unwrap();
        let status = open.call("GetBucketPolicyStatus", json!({})).unwrap();
        assert_eq!(status["PolicyStatus"]["IsPublic"], json!(public), "{text}");
        let put = blocked.call("PutBucketPolicy", json!({"Policy": text}));
        assert_eq!(
            put.err().map(|fault| fault.code.to_string()),
            public.then(|| "AccessDenied".into()),
            "{text}"
        );
    }
}
