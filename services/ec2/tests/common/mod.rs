//! What the tests of this service share.
#![allow(clippy::panic, dead_code, reason = "what fails here fails the test; each test uses its part")]

use harness::World;
use model::Caller;
use serde_json::{Value as Json, json};

pub(crate) fn world() -> (World, Caller) {
    let world = World::new(vec![&service_ec2::SERVICE]);
    let admin = world.admin();
    (world, admin)
}

/// Calls of one principal.
pub(crate) struct Ec2<'w>(pub(crate) &'w World, pub(crate) &'w Caller);

impl Ec2<'_> {
    pub(crate) fn call(&self, operation: &str, input: Json) -> Json {
        self.0.call(self.1, "ec2", operation, input).unwrap_or_else(|f| panic!("{operation}: {f}"))
    }

    pub(crate) fn code(&self, operation: &str, input: Json) -> String {
        match self.0.call(self.1, "ec2", operation, input) {
            Ok(answer) => panic!("{operation} should be refused: {answer}"),
            Err(fault) => fault.code.into_owned(),
        }
    }

    pub(crate) fn vpc(&self, cidr: &str) -> String {
        text(&self.call("CreateVpc", json!({"CidrBlock": cidr})), "/Vpc/VpcId")
    }

    pub(crate) fn subnet(&self, vpc: &str, cidr: &str) -> String {
        text(&self.call("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr})), "/Subnet/SubnetId")
    }

    pub(crate) fn group(&self, vpc: &str, name: &str) -> String {
        let input = json!({"VpcId": vpc, "GroupName": name, "Description": "a group"});
        text(&self.call("CreateSecurityGroup", input), "/GroupId")
    }
}

pub(crate) fn text(json: &Json, pointer: &str) -> String {
    json.pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {json}"))
        .to_owned()
}

pub(crate) fn count(json: &Json, member: &str) -> usize {
    json[member].as_array().map_or(0, Vec::len)
}
