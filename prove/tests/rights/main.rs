//! Questions about rights on small templates and plans: what is found, with which statement, and that it is
//! gone with the control that stops it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod change;
mod idle;
mod inside;
mod plan;
mod raise;
mod who;

use std::collections::BTreeMap;

use prove::Estate;
use prove::rights::{Document, Finding, Outcome, Rights, Surroundings};

pub(crate) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

pub(crate) fn around() -> Surroundings {
    let everything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let read = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}}"#;
    let document = |name: &str, text: &str| Document { name: name.to_owned(), text: text.to_owned() };
    Surroundings {
        file: "t.yaml".to_owned(),
        managed: vec![
            document(ADMINISTRATOR, everything),
            document("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess", read),
        ],
        ..Surroundings::default()
    }
}

pub(crate) fn rights_in(template: &str, around: &Surroundings) -> Rights {
    let estate = Estate::named(template, &BTreeMap::new(), &around.place)
        .unwrap_or_else(|problem| panic!("{problem}\n{template}"));
    Rights::of(&estate, around).unwrap_or_else(|unread| panic!("{unread}\n{template}"))
}

pub(crate) fn rights(template: &str) -> Rights {
    rights_in(template, &around())
}

/// A role with one inline policy, whose statements are lines of flow YAML.
pub(crate) fn role(name: &str, trusted: &str, statements: &[&str]) -> String {
    let lines: String = statements.iter().map(|s| format!("\n              - {s}")).collect();
    let own = "      Policies:\n        - PolicyName: own\n          PolicyDocument:\n            Version: \"2012-10-17\"\n            Statement:";
    let own = if statements.is_empty() { String::new() } else { format!("{own}{lines}\n") };
    format!(
        "  {name}:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {name}
      AssumeRolePolicyDocument:
        Version: \"2012-10-17\"
        Statement:
          - {{Effect: Allow, Principal: {trusted}, Action: sts:AssumeRole}}
{own}"
    )
}

pub(crate) fn template(resources: &[String]) -> String {
    format!("Resources:\n{}", resources.concat())
}

/// The subjects of one outcome.
pub(crate) fn subjects(found: &[Finding], outcome: Outcome) -> Vec<&str> {
    found.iter().filter(|f| f.outcome == outcome).map(|f| f.subject.as_str()).collect()
}
