//! The resources of an estate, each with its own policy.

use std::sync::Arc;

use decide_iam::{Attached, Policy, PolicyKind, Source};
use serde_json::{Value as Json, json};

use super::Owned;
use super::names::Called;
use super::read::{Reader, Res, Unreadable, account, nameless, shown, tags, unknown};
use super::resources::{POLICIES, ROLES};
use crate::Item;

impl Reader<'_> {
    pub(super) fn resources(&mut self) -> Res<()> {
        for item in self.estate.items.values() {
            // What the rights of the caller are made of is no target, but for roles and policies.
            if matches!(item.kind.as_str(), "Countersign::Grant" | "Countersign::Limit")
                || is_part(&item.kind)
            {
                continue;
            }
            let called = Called::item(item, &self.around.place);
            let kind = item.text("Kind").unwrap_or(&item.kind).to_owned();
            let role = ROLES.iter().find(|(of, _)| *of == kind).and_then(|(_, p)| item.text(p));
            let blocks = item.at("PublicAccessBlockConfiguration/RestrictPublicBuckets");
            self.rights.owned.push(Owned {
                name: shown(item, &called),
                called: called.name,
                account: match account(&called.arn) {
                    none if none.is_empty() => {
                        item.text("Account").unwrap_or(&self.around.place.account).to_owned()
                    }
                    account => account,
                },
                arn: called.arn,
                kind,
                policy: None,
                restricted: blocks.is_some_and(|b| b.as_bool() == Some(true) || b.as_str() == Some("true")),
                role: role.map(str::to_owned),
                tags: tags(item),
                doubts: Vec::from_iter(nameless(item)),
                spot: self.spot(item, ""),
            });
        }
        for item in self.estate.items.values() {
            let Some((_, pointer, to)) = POLICIES.iter().find(|(kind, ..)| *kind == item.kind) else {
                continue;
            };
            let kind = match (item.kind.as_str(), item.text("Kind")) {
                ("AWS::IAM::Role", _) => PolicyKind::Trust,
                _ => PolicyKind::Resource,
            };
            let read = self.document(item, pointer, "resource policy", kind)?;
            let Some(read) = read else { continue };
            let lost = if to.is_empty() { None } else { unknown(item, to) };
            let arn = Called::item(item, &self.around.place).arn;
            let targets: Vec<&str> = item.list(to).iter().filter_map(Json::as_str).collect();
            for owned in &mut self.rights.owned {
                let is = |t: &&str| {
                    owned.arn == *t || owned.called == *t || t.ends_with(&format!("/{}", owned.called))
                };
                let own = if to.is_empty() { owned.arn == arn } else { targets.iter().any(is) };
                match &read {
                    _ if lost.is_some() => owned
                        .doubts
                        .extend(lost.iter().map(|why| format!("whose policy `{}` is: {why}", item.name))),
                    _ if !own => {}
                    Ok(attached) => owned.policy = Some(attached.clone()),
                    Err(why) => owned.doubts.push(why.clone()),
                }
            }
        }
        self.invocations()?;
        for item in self.estate.of("AWS::KMS::Key") {
            let arn = Called::item(item, &self.around.place).arn;
            let default = self.of_account(item);
            let bare = |o: &&mut Owned| o.arn == arn && o.policy.is_none() && o.doubts.is_empty();
            self.rights.owned.iter_mut().filter(bare).for_each(|o| o.policy = Some(default.clone()));
        }
        Ok(())
    }

    /// The policy that KMS gives to a key without one.
    fn of_account(&self, item: &Item) -> Attached {
        let account = &self.around.place.account;
        let text = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{account}:root")},
            "Action": "kms:*", "Resource": "*",
        }]});
        let policy = Policy::read(&text.to_string(), PolicyKind::Resource).unwrap_or_default();
        let spot = self.spot(item, "");
        let source = Some(Source { file: spot.file, statement_lines: vec![spot.line] });
        Attached { name: "default key policy".to_owned(), arn: None, source, policy: Arc::new(policy) }
    }

    /// The policies of functions, which are written a permission at a time.
    fn invocations(&mut self) -> Res<()> {
        let mut given: Vec<(&str, Json, u32)> = Vec::new();
        for item in self.estate.of("AWS::Lambda::Permission") {
            let text = |name: &str| item.text(name).unwrap_or_default();
            let principal = match text("Principal") {
                "*" => json!("*"),
                service if service.ends_with(".amazonaws.com") => json!({"Service": service}),
                other => json!({"AWS": other}),
            };
            let mut condition = serde_json::Map::new();
            for (property, operator, key) in [
                ("SourceArn", "ArnLike", "aws:SourceArn"),
                ("SourceAccount", "StringEquals", "aws:SourceAccount"),
                ("PrincipalOrgID", "StringEquals", "aws:PrincipalOrgID"),
                ("FunctionUrlAuthType", "StringEquals", "lambda:FunctionUrlAuthType"),
                ("EventSourceToken", "StringEquals", "lambda:EventSourceToken"),
            ] {
                if let Some(value) = item.text(property) {
                    let entry = condition.entry(operator).or_insert_with(|| json!({}));
                    entry.as_object_mut().map(|e| e.insert(key.to_owned(), json!(value)));
                }
            }
            let statement = json!({
                "Sid": item.name.replace(|c: char| !c.is_ascii_alphanumeric(), ""), "Effect": "Allow",
                "Principal": principal, "Action": text("Action"), "Resource": "*", "Condition": condition,
            });
            given.push((text("FunctionName"), statement, item.line));
        }
        let file = self.around.file.clone();
        for owned in self.rights.owned.iter_mut().filter(|o| o.kind == "AWS::Lambda::Function") {
            let of = |name: &str| name == owned.arn || name == owned.called;
            let own: Vec<&(&str, Json, u32)> = given.iter().filter(|(name, ..)| of(name)).collect();
            if own.is_empty() {
                continue;
            }
            let statements: Vec<&Json> = own.iter().map(|(_, statement, _)| statement).collect();
            let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
            let policy = Policy::read(&text, PolicyKind::Resource).map_err(|malformed| Unreadable {
                spot: owned.spot.clone(),
                message: format!("the permissions of `{}`: {}", owned.name, malformed.detail),
            })?;
            let lines = own.iter().map(|(_, _, line)| *line).collect();
            let source = Some(Source { file: file.clone(), statement_lines: lines });
            let name = "permissions".to_owned();
            owned.policy = Some(Attached { name, arn: None, source, policy: Arc::new(policy) });
        }
        Ok(())
    }
}

fn is_part(kind: &str) -> bool {
    POLICIES.iter().any(|(of, _, to)| *of == kind && !to.is_empty())
        || (kind.starts_with("AWS::IAM::") && kind.ends_with("Policy") && kind != "AWS::IAM::ManagedPolicy")
        || kind == "AWS::IAM::UserToGroupAddition"
}
