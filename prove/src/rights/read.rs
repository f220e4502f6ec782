//! Reads the rights out of an estate's items, which have the form of a template's resources.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use decide_iam::{Attached, Policy, PolicyKind, Source};
use serde_json::Value as Json;

use super::granted::grants;
use super::names::{Called, Whereabouts};
use super::{Group, Holder, Rights, Spot};
use crate::{Estate, Item};

/// A policy from elsewhere.
#[derive(Clone, Debug)]
pub struct Document {
    /// The file, or the ARN.
    pub name: String,
    pub text: String,
}

/// What an estate stands in.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The file that the estate was read from.
    pub file: String,
    pub place: Whereabouts,
    /// Managed policies that stand elsewhere, by their ARNs.
    pub managed: Vec<Document>,
    /// The services about which AWS's own policies are complete; empty: about all.
    pub served: Vec<String>,
    /// Service control policies of the account, a level each.
    pub scps: Vec<Document>,
    /// The estate is everything that its accounts hold.
    pub whole: bool,
}

/// A policy that is none, or a file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub spot: Spot,
    pub message: String,
}

impl Display for Unreadable {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.spot, self.message)
    }
}

pub(super) type Res<T> = Result<T, Unreadable>;

impl Rights {
    pub fn of(estate: &Estate, around: &Surroundings) -> Result<Rights, Unreadable> {
        let (whole, served) = (around.whole, around.served.clone());
        let mut reader = Reader { estate, around, rights: Rights { whole, served, ..Rights::default() } };
        reader.managed()?;
        reader.groups()?;
        reader.holders()?;
        reader.loose()?;
        reader.members();
        reader.resources()?;
        reader.limits()?;
        reader.rights.grants = grants(estate);
        Ok(reader.rights)
    }
}

pub(super) struct Reader<'a> {
    pub(super) estate: &'a Estate,
    pub(super) around: &'a Surroundings,
    pub(super) rights: Rights,
}

/// Where the managed policies and the inline ones of an identity go.
struct Into<'a> {
    identity: &'a mut Vec<Attached>,
    managed: &'a mut Vec<String>,
    doubts: &'a mut Vec<String>,
}

impl Reader<'_> {
    pub(super) fn spot(&self, item: &Item, pointer: &str) -> Spot {
        let file = item.file.clone().unwrap_or_else(|| self.around.file.clone());
        Spot { file, line: item.line_of(pointer) }
    }

    /// A document of an item; `Err` inside: why it is not known.
    pub(super) fn document(
        &self,
        item: &Item,
        pointer: &str,
        name: &str,
        kind: PolicyKind,
    ) -> Res<Option<Result<Attached, String>>> {
        if let Some(why) = unknown(item, pointer) {
            return Ok(Some(Err(format!("the policy `{name}` is not known: {why}"))));
        }
        let Some(value) = item.at(pointer).filter(|v| !v.is_null()) else { return Ok(None) };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let spot = self.spot(item, pointer);
        let policy = Policy::read(&text, kind).or_else(|malformed| match kind {
            // Who only simulates writes a resource into a trust policy.
            PolicyKind::Trust => Policy::read(&text, PolicyKind::Resource).map_err(|_| malformed),
            _ => Err(malformed),
        });
        let policy = policy.map_err(|malformed| Unreadable {
            spot: Spot { file: spot.file.clone(), line: line_of(item, pointer, &malformed.element) },
            message: format!(
                "`{}`, {pointer}.{}: {} {}",
                item.name, malformed.element, malformed.message, malformed.detail
            ),
        })?;
        let line = |at: usize| {
            let one = format!("/{pointer}/Statement/{at}");
            let line = item.lines.get(&one).or_else(|| item.lines.get(&format!("/{pointer}/Statement")));
            line.copied().unwrap_or(spot.line)
        };
        let statement_lines = (0..policy.statements().len()).map(line).collect();
        let source = Some(Source { file: spot.file.clone(), statement_lines });
        Ok(Some(Ok(Attached { name: name.to_owned(), arn: None, source, policy: Arc::new(policy) })))
    }

    fn managed(&mut self) -> Res<()> {
        for Document { name, text } in &self.around.managed {
            let policy = Policy::read(text, PolicyKind::Identity).map_err(|malformed| Unreadable {
                spot: Spot { file: name.clone(), line: 1 },
                message: malformed.to_string(),
            })?;
            let short = name.rsplit('/').next().unwrap_or(name).to_owned();
            let attached =
                Attached { name: short, arn: Some(name.clone()), source: None, policy: Arc::new(policy) };
            self.rights.policies.insert(name.clone(), attached);
        }
        for item in self.estate.of("AWS::IAM::ManagedPolicy") {
            let called = Called::item(item, &self.around.place);
            // One that is not known is missed where it is attached.
            if let Some(Ok(mut attached)) =
                self.document(item, "PolicyDocument", &item.name, PolicyKind::Identity)?
            {
                attached.arn = Some(called.arn.clone());
                self.rights.policies.insert(called.arn, attached);
            }
        }
        Ok(())
    }

    /// The policies that an identity writes and names itself.
    fn own(&self, item: &Item, into: Into<'_>) -> Res<()> {
        for at in 0..item.list("Policies").len() {
            let pointer = format!("Policies/{at}");
            let name = item.text(&format!("{pointer}/PolicyName")).unwrap_or("inline").to_owned();
            let pointer = format!("{pointer}/PolicyDocument");
            match self.document(item, &pointer, &name, PolicyKind::Identity)? {
                Some(Ok(attached)) => into.identity.push(attached),
                Some(Err(why)) => into.doubts.push(why),
                None => {}
            }
        }
        if let Some(why) = ["Policies", "ManagedPolicyArns"].iter().find_map(|p| exactly_unknown(item, p)) {
            into.doubts.push(format!("its policies are not known: {why}"));
        }
        for (at, arn) in item.list("ManagedPolicyArns").iter().enumerate() {
            match (arn.as_str(), unknown(item, &format!("ManagedPolicyArns/{at}"))) {
                (Some(arn), None) => into.managed.push(arn.to_owned()),
                (_, why) => into.doubts.push(format!("a managed policy: {}", why.unwrap_or_default())),
            }
        }
        Ok(())
    }

    fn groups(&mut self) -> Res<()> {
        for item in self.estate.of("AWS::IAM::Group") {
            let called = Called::item(item, &self.around.place);
            let (mut identity, mut managed, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
            let into = Into { identity: &mut identity, managed: &mut managed, doubts: &mut doubts };
            self.own(item, into)?;
            let group = Group { name: item.name.clone(), arn: called.arn, identity, managed, doubts };
            self.rights.groups.push(group);
        }
        Ok(())
    }

    fn holders(&mut self) -> Res<()> {
        for item in self.estate.items.values() {
            let is_user = match item.kind.as_str() {
                "AWS::IAM::User" => true,
                "AWS::IAM::Role" => false,
                _ => continue,
            };
            let called = Called::item(item, &self.around.place);
            let (mut identity, mut managed, mut doubts) = (Vec::new(), Vec::new(), Vec::new());
            let into = Into { identity: &mut identity, managed: &mut managed, doubts: &mut doubts };
            self.own(item, into)?;
            let bound_by = item.text("PermissionsBoundary").filter(|b| !b.is_empty()).map(str::to_owned);
            let boundary = bound_by.as_ref().map(|arn| match self.rights.policies.get(arn) {
                Some(attached) => vec![attached.clone()],
                None => {
                    doubts.push(format!("what the permissions boundary `{arn}` says is not known"));
                    Vec::new()
                }
            });
            if let Some(why) = unknown(item, "PermissionsBoundary") {
                doubts.push(format!("its permissions boundary: {why}"));
            }
            doubts.extend(nameless(item));
            self.rights.holders.push(Holder {
                name: shown(item, &called),
                account: account(&called.arn),
                arn: called.arn,
                id: item.text("Id").unwrap_or_default().to_owned(),
                is_user,
                identity,
                boundary,
                bound_by,
                tags: tags(item),
                groups: item.list("Groups").iter().filter_map(Json::as_str).map(str::to_owned).collect(),
                managed,
                doubts,
                spot: self.spot(item, ""),
            });
        }
        Ok(())
    }

    /// Policies that are resources of their own, and what they are attached to.
    fn loose(&mut self) -> Res<()> {
        const KINDS: [&str; 6] = [
            "AWS::IAM::GroupPolicy",
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::Policy",
            "AWS::IAM::RolePolicy",
            "AWS::IAM::UserPolicy",
            "Countersign::Attachment",
        ];
        const TO: [&str; 6] = ["Roles", "Users", "Groups", "RoleName", "UserName", "GroupName"];
        let estate = self.estate;
        for item in estate.items.values().filter(|item| KINDS.contains(&item.kind.as_str())) {
            let name = item.text("PolicyName").unwrap_or(&item.name).to_owned();
            let managed = item.kind == "AWS::IAM::ManagedPolicy";
            let read = self.document(item, "PolicyDocument", &name, PolicyKind::Identity)?;
            let own = Called::item(item, &self.around.place).arn;
            let arn = item.text("PolicyArn").unwrap_or(&own).to_owned();
            let attachment = item.kind == "Countersign::Attachment";
            let lost = unknown(item, "PolicyArn").filter(|_| attachment);
            for to in TO {
                if let Some(why) = exactly_unknown(item, to) {
                    let doubt = format!("whom `{}` is attached to is not known: {why}", item.name);
                    self.rights.holders.iter_mut().for_each(|h| h.doubts.push(doubt.clone()));
                    continue;
                }
                for (at, target) in item.list(to).iter().enumerate() {
                    let user = to.starts_with("User");
                    if let Some(why) = unknown(item, &format!("{to}/{at}")) {
                        let doubt = format!("whom `{}` is attached to is not known: {why}", item.name);
                        self.rights.holders.iter_mut().for_each(|h| h.doubts.push(doubt.clone()));
                        continue;
                    }
                    let Some(target) = target.as_str() else { continue };
                    let Some(into) = self.identity(target, to, item, user) else { continue };
                    match &read {
                        _ if attachment => match &lost {
                            None => into.managed.push(arn.clone()),
                            Some(why) => into.doubts.push(format!("a managed policy that it has: {why}")),
                        },
                        Some(Ok(_)) if managed => into.managed.push(arn.clone()),
                        Some(Ok(attached)) => into.identity.push(attached.clone()),
                        Some(Err(why)) => into.doubts.push(why.clone()),
                        None => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// The identity of a name. One that is not there gets its place, and what else it has is not known.
    fn identity(&mut self, target: &str, to: &str, item: &Item, is_user: bool) -> Option<Into<'_>> {
        let place = &self.around.place;
        let kind = if to.starts_with("Group") {
            "group"
        } else if is_user {
            "user"
        } else {
            "role"
        };
        let fits = |arn: &str| arn == target || (named(arn, kind, target, &place.account));
        let whence = self.around.file.clone();
        let spot = self.spot(item, "");
        let arn = match target.starts_with("arn:") {
            true => target.to_owned(),
            false => format!("arn:aws:iam::{}:{kind}/{target}", place.account),
        };
        let doubts = vec![format!("it is not in `{whence}`: its other policies are not known")];
        let rights = &mut self.rights;
        if kind == "group" {
            if !rights.groups.iter().any(|g| fits(&g.arn)) {
                let (name, arn) = (target.to_owned(), arn.clone());
                rights.groups.push(Group { name, arn, identity: vec![], managed: vec![], doubts });
            }
            let Group { identity, managed, doubts, .. } =
                rights.groups.iter_mut().find(|g| fits(&g.arn) || g.arn == arn)?;
            return Some(Into { identity, managed, doubts });
        }
        if !rights.holders.iter().any(|h| fits(&h.arn)) {
            rights.holders.push(Holder {
                name: target.to_owned(),
                account: account(&arn),
                arn: arn.clone(),
                id: String::new(),
                is_user,
                identity: vec![],
                boundary: None,
                bound_by: None,
                tags: None,
                groups: vec![],
                managed: vec![],
                doubts,
                spot,
            });
        }
        let Holder { identity, managed, doubts, .. } =
            rights.holders.iter_mut().find(|h| fits(&h.arn) || h.arn == arn)?;
        Some(Into { identity, managed, doubts })
    }

    /// Gives users what their groups have, and everyone the managed policies.
    fn members(&mut self) {
        let mut rights = std::mem::take(&mut self.rights);
        let account = &self.around.place.account;
        for item in self.estate.of("AWS::IAM::UserToGroupAddition") {
            let lost = unknown(item, "GroupName").or_else(|| unknown(item, "Users"));
            if let Some(why) = lost {
                let doubt = format!("who is in which group is not known: {why}");
                let users = rights.holders.iter_mut().filter(|h| h.is_user);
                users.for_each(|h| h.doubts.push(doubt.clone()));
            }
            for user in item.list("Users").iter().filter_map(Json::as_str) {
                let users = rights.holders.iter_mut().filter(|h| h.is_user);
                let groups = || item.list("GroupName").iter().filter_map(Json::as_str).map(str::to_owned);
                users
                    .filter(|h| h.arn == user || named(&h.arn, "user", user, account))
                    .for_each(|h| h.groups.extend(groups()));
            }
        }
        for holder in &mut rights.holders {
            let mut managed = holder.managed.clone();
            for name in &mut holder.groups {
                match rights.groups.iter().find(|g| g.arn == *name || named(&g.arn, "group", name, account)) {
                    Some(group) => {
                        holder.identity.extend(group.identity.iter().cloned());
                        holder.doubts.extend(group.doubts.iter().cloned());
                        managed.extend(group.managed.iter().cloned());
                        name.clone_from(&group.arn);
                    }
                    None => holder.doubts.push(format!("what the group `{name}` may do is not known")),
                }
            }
            managed.dedup();
            for arn in &managed {
                match rights.policies.get(arn) {
                    Some(attached) => holder.identity.push(attached.clone()),
                    None => {
                        holder.doubts.push(format!("what the managed policy `{arn}` says is not known"));
                    }
                }
            }
            holder.managed = managed;
        }
        self.rights = rights;
    }
}

/// The logical id; of what runs, its name.
pub(super) fn shown(item: &Item, called: &Called) -> String {
    if item.text("Arn").is_some() { called.name.clone() } else { item.name.clone() }
}

/// The line of an element of a document such as `Statement[2].Effect`, or of what it is in.
fn line_of(item: &Item, pointer: &str, element: &str) -> u32 {
    let mut at = format!("/{pointer}");
    let mut line = item.line_of(pointer);
    for part in element.split(['.', '[']) {
        // Statements are counted from 1.
        let step =
            part.strip_suffix(']').and_then(|n| n.parse::<usize>().ok()).and_then(|n| n.checked_sub(1));
        at = format!("{at}/{}", step.map_or_else(|| part.to_owned(), |n| n.to_string()));
        line = item.lines.get(&at).copied().unwrap_or(line);
    }
    line
}

/// Whether an ARN is that of a name in the account.
fn named(arn: &str, kind: &str, name: &str, account: &str) -> bool {
    let head = format!("arn:aws:iam::{account}:{kind}/");
    arn.strip_prefix(&head).is_some_and(|rest| rest == name || rest.ends_with(&format!("/{name}")))
}

pub(crate) fn account(arn: &str) -> String {
    arn.split(':').nth(4).unwrap_or_default().to_owned()
}

/// Why a value, or a part of it, is not known.
pub(crate) fn unknown(item: &Item, pointer: &str) -> Option<String> {
    let within = |a: &str, b: &str| a == b || a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
    let hit = |at: &str| within(at, pointer) || within(pointer, at);
    item.unknown.iter().find(|(at, _)| hit(at)).map(|(_, why)| why.clone())
}

fn exactly_unknown(item: &Item, pointer: &str) -> Option<String> {
    item.unknown.iter().find(|(at, _)| at == pointer).map(|(_, why)| why.clone())
}

/// Why its name is not known, if it is not.
pub(super) fn nameless(item: &Item) -> Option<String> {
    let name = |at: &str| at == "Path" || at == "Name" || at.ends_with("Name");
    let (_, why) = item.unknown.iter().find(|(at, _)| name(at))?;
    Some(format!("its name: {why}"))
}

/// `None`: not known.
pub(super) fn tags(item: &Item) -> Option<Vec<(String, String)>> {
    if unknown(item, "Tags").is_some() {
        return None;
    }
    let pair = |tag: &Json| {
        let text = |name: &str| tag.get(name)?.as_str().map(str::to_owned);
        Some((text("Key")?, text("Value")?))
    };
    Some(match item.at("Tags") {
        Some(Json::Object(map)) => {
            map.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
        }
        Some(Json::Array(list)) => list.iter().filter_map(pair).collect(),
        _ => Vec::new(),
    })
}
