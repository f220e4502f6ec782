//! An organization with an owner and a consumer, an account apart, and an advanced parameter.
#![allow(dead_code, clippy::unwrap_used, reason = "a scene that several tests share")]

use std::sync::Arc;

use harness::World;
use model::estate::iam::{Account, Organization, OrganizationPolicy, OrganizationalUnit};
use model::graph::Change;
use model::{AccountId, Caller, PolicyText, Tags, Timestamp};
use serde_json::{Value as Json, json};

pub(crate) const MANAGEMENT: &str = "999988887777";
pub(crate) const OWNER: &str = "111122223333";
pub(crate) const CONSUMER: &str = "444455556666";
pub(crate) const OUTSIDER: &str = "777788889999";
pub(crate) const ORGANIZATION: &str = "arn:aws:organizations::999988887777:organization/o-test";
pub(crate) const UNIT: &str = "arn:aws:organizations::999988887777:ou/o-test/ou-work";
pub(crate) const PARAMETER: &str = "arn:aws:ssm:us-east-1:111122223333:parameter/shop/url";

pub(crate) const ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) owner: Caller,
    pub(crate) consumer: Caller,
    pub(crate) outsider: Caller,
}

fn id(text: &str) -> AccountId {
    AccountId::parse(text).unwrap()
}

pub(crate) fn account(number: &str, parent: Option<&str>) -> Account {
    Account {
        account: id(number),
        name: number.to_owned(),
        email: format!("{number}@example.com"),
        status: "ACTIVE".to_owned(),
        joined: Timestamp(0),
        parent: parent.map(str::to_owned),
        policies: vec!["p-FullAWSAccess".to_owned()],
        tags: Tags::new(),
    }
}

fn organization() -> Vec<Change> {
    let organization = Organization {
        account: id(MANAGEMENT),
        id: "o-test".to_owned(),
        root: "r-test".to_owned(),
        feature_set: "ALL".to_owned(),
        policy_types: vec!["SERVICE_CONTROL_POLICY".to_owned()],
        created: Timestamp(0),
        policies: vec!["p-FullAWSAccess".to_owned()],
        root_tags: Tags::new(),
    };
    let unit = |name: &str| OrganizationalUnit {
        account: id(MANAGEMENT),
        id: name.to_owned(),
        name: name.to_owned(),
        parent: "r-test".to_owned(),
        policies: vec!["p-FullAWSAccess".to_owned()],
        tags: Tags::new(),
    };
    vec![
        Change::Put(Arc::new(organization)),
        Change::Put(Arc::new(OrganizationPolicy::full_access(&id(MANAGEMENT), "SERVICE_CONTROL_POLICY"))),
        Change::Put(Arc::new(unit("ou-work"))),
        Change::Put(Arc::new(unit("ou-idle"))),
        Change::Put(Arc::new(account(MANAGEMENT, Some("r-test")))),
        Change::Put(Arc::new(account(OWNER, Some("r-test")))),
        Change::Put(Arc::new(account(CONSUMER, Some("ou-work")))),
    ]
}

impl Scene {
    /// Sharing within the organization is on.
    pub(crate) fn new() -> Scene {
        let scene = Scene::without_sharing();
        let management = scene.world.user_in(MANAGEMENT, "chief", Some(ALL));
        scene.world.call(&management, "ram", "EnableSharingWithAwsOrganization", json!({})).unwrap();
        scene
    }

    pub(crate) fn without_sharing() -> Scene {
        let world = World::new(vec![
            &service_ram::SERVICE,
            &service_ssm::SERVICE,
            &service_ec2::SERVICE,
            &service_organizations::SERVICE,
            &service_iam::SERVICE,
        ]);
        world.change(organization());
        let owner = world.user_in(OWNER, "olga", Some(ALL));
        let consumer = world.user_in(CONSUMER, "carl", Some(ALL));
        let outsider = world.user_in(OUTSIDER, "otto", Some(ALL));
        let put = json!({"Name": "/shop/url", "Type": "String", "Value": "https://shop", "Tier": "Advanced"});
        world.call(&owner, "ssm", "PutParameter", put).unwrap();
        Scene { world, owner, consumer, outsider }
    }

    /// An SCP for the consumer's unit.
    pub(crate) fn forbid(&self, document: &str) {
        let policy = OrganizationPolicy {
            id: "p-guard".to_owned(),
            name: "guard".to_owned(),
            document: PolicyText::new(document, None),
            aws_managed: false,
            ..OrganizationPolicy::full_access(&id(MANAGEMENT), "SERVICE_CONTROL_POLICY")
        };
        let mut member = account(CONSUMER, Some("ou-work"));
        member.policies.push("p-guard".to_owned());
        self.world.change(vec![Change::Put(Arc::new(policy)), Change::Put(Arc::new(member))]);
    }

    pub(crate) fn share(&self, principal: &str, resource: &str) -> String {
        self.try_share(principal, resource).unwrap()
    }

    pub(crate) fn try_share(&self, principal: &str, resource: &str) -> Result<String, model::Fault> {
        let input = json!({"name": "shared", "principals": [principal], "resourceArns": [resource]});
        let made = self.world.call(&self.owner, "ram", "CreateResourceShare", input)?;
        Ok(made["resourceShare"]["resourceShareArn"].as_str().unwrap().to_owned())
    }

    pub(crate) fn owner(&self, operation: &str, input: Json) -> Json {
        self.world.call(&self.owner, "ram", operation, input).unwrap()
    }

    /// What comes of reading the parameter.
    pub(crate) fn read(&self, caller: &Caller) -> String {
        self.outcome(caller, "ssm", "GetParameter", json!({"Name": PARAMETER}))
    }

    /// `ok`, or the code of the fault.
    pub(crate) fn outcome(&self, caller: &Caller, service: &str, operation: &str, input: Json) -> String {
        match self.world.call(caller, service, operation, input) {
            Ok(_) => "ok".to_owned(),
            Err(fault) => fault.code.to_string(),
        }
    }
}
