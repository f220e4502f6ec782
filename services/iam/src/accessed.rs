//! Which services a principal may use, and when it last did: a job names the principals and the services,
//! the record of calls tells the rest when the report is read.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_access-advisor.html>

use std::collections::{BTreeMap, BTreeSet};

use model::estate::iam::{Group, ManagedPolicy, Role, User};
use model::tx::Range;
use model::{AccountId, Caller, CallerKind, Fault, PolicyText, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::page;
use crate::shapes::*;
use crate::usage;

const TABLE: &str = "iam-last-accessed";
/// Seconds that a report can be read.
const KEPT: i64 = 7 * 86_400;

#[derive(Serialize, Deserialize)]
struct Job {
    at: Timestamp,
    actions: bool,
    /// Prefixes of the services that the policies allow something of.
    services: BTreeSet<String>,
    entities: Vec<Entity>,
}

/// A user or role that the report is about.
#[derive(Clone, Serialize, Deserialize)]
struct Entity {
    kind: String,
    arn: String,
    name: String,
    id: String,
    path: String,
    created: Timestamp,
}

impl Entity {
    fn user(user: &User) -> Entity {
        Entity {
            kind: "USER".to_owned(),
            arn: user.arn(),
            name: user.name.clone(),
            id: user.id.clone(),
            path: user.path.clone(),
            created: user.created,
        }
    }

    fn role(role: &Role) -> Entity {
        Entity {
            kind: "ROLE".to_owned(),
            arn: role.arn(),
            name: role.name.clone(),
            id: role.id.clone(),
            path: role.path.clone(),
            created: role.created,
        }
    }

    /// Whether the call was this very principal's: not of another that had its name before.
    fn is(&self, caller: &Caller) -> bool {
        match caller.kind {
            CallerKind::User { .. } => caller.principal_id == self.id,
            CallerKind::Role { .. } => caller.principal_id.split(':').next() == Some(self.id.as_str()),
            CallerKind::Root
            | CallerKind::FederatedUser { .. }
            | CallerKind::Federated { .. }
            | CallerKind::Service { .. }
            | CallerKind::Anonymous => false,
        }
    }

    fn details(&self, at: Option<Timestamp>) -> EntityDetails {
        let entity_info = EntityInfo {
            arn: self.arn.clone(),
            name: self.name.clone(),
            r#type: self.kind.clone(),
            id: self.id.clone(),
            path: Some(self.path.clone()),
        };
        EntityDetails { entity_info, last_authenticated: at }
    }
}

/// The prefixes of the actions that a policy allows some of.
fn allowed(text: &PolicyText, known: &BTreeMap<String, String>, into: &mut BTreeSet<String>) {
    let document: Json = serde_json::from_str(&text.text).unwrap_or_default();
    let all = |json: Option<&Json>| match json {
        Some(Json::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    for statement in all(document.get("Statement")) {
        if statement.get("Effect").and_then(Json::as_str) != Some("Allow") {
            continue;
        }
        if statement.get("NotAction").is_some() {
            into.extend(known.keys().cloned());
        }
        for action in all(statement.get("Action")) {
            match action.as_str().unwrap_or_default().split_once(':') {
                Some((prefix, _)) => drop(into.insert(prefix.to_ascii_lowercase())),
                None => into.extend(known.keys().cloned()),
            }
        }
    }
}

/// What the report is about: its principals, and the policies that bear on them.
#[derive(Default)]
struct Subject {
    entities: Vec<Entity>,
    policies: Vec<PolicyText>,
}

impl Subject {
    fn managed(&mut self, tx: &Tx<'_>, arns: &[String]) {
        let found = arns.iter().filter_map(|arn| tx.find_arn::<ManagedPolicy>(arn));
        self.policies.extend(found.filter_map(ManagedPolicy::document).cloned());
    }

    fn members(&mut self, tx: &Tx<'_>, group: &Group) {
        self.entities.extend(group.members(tx.snapshot()).map(Entity::user));
    }

    fn of(tx: &Tx<'_>, arn: &str) -> Option<Subject> {
        let own = |account: &AccountId| *account == tx.account;
        let mut subject = Subject::default();
        if let Some(user) = tx.find_arn::<User>(arn).filter(|u| own(&u.account)) {
            subject.entities.push(Entity::user(user));
            subject.policies.extend(user.inline.iter().map(|p| p.document.clone()));
            subject.managed(tx, &user.attached);
            for group in user.in_groups(tx.snapshot()) {
                subject.policies.extend(group.inline.iter().map(|p| p.document.clone()));
                subject.managed(tx, &group.attached);
            }
        } else if let Some(role) = tx.find_arn::<Role>(arn).filter(|r| own(&r.account)) {
            subject.entities.push(Entity::role(role));
            subject.policies.extend(role.inline.iter().map(|p| p.document.clone()));
            subject.managed(tx, &role.attached);
        } else if let Some(group) = tx.find_arn::<Group>(arn).filter(|g| own(&g.account)) {
            subject.members(tx, group);
            subject.policies.extend(group.inline.iter().map(|p| p.document.clone()));
            subject.managed(tx, &group.attached);
        } else {
            let policy = tx.find_arn::<ManagedPolicy>(arn)?;
            let known = own(&policy.account) || policy.account == AccountId::none();
            subject.policies.extend(policy.document().filter(|_| known).cloned());
            subject.holders(tx, arn);
        }
        Some(subject)
    }

    /// Who has the policy, by themselves or by a group.
    fn holders(&mut self, tx: &Tx<'_>, arn: &str) {
        let held = |attached: &[String]| attached.iter().any(|a| a == arn);
        self.entities.extend(tx.list_global::<User>().filter(|u| held(&u.attached)).map(Entity::user));
        self.entities.extend(tx.list_global::<Role>().filter(|r| held(&r.attached)).map(Entity::role));
        for group in tx.list_global::<Group>().filter(|g| held(&g.attached)) {
            self.members(tx, group);
        }
    }
}

fn key(account: &AccountId, id: &str) -> Vec<u8> {
    format!("{account}/{id}").into_bytes()
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html>
pub(crate) fn generate_service_last_accessed_details(
    tx: &mut Tx<'_>,
    input: GenerateServiceLastAccessedDetailsRequest,
) -> Result<GenerateServiceLastAccessedDetailsResponse, Fault> {
    let missing = || Fault::new("NoSuchEntity", 404, format!("ARN {} was not found.", input.arn));
    let mut subject = Subject::of(tx, &input.arn).ok_or_else(missing)?;
    subject.entities.sort_by(|a, b| a.arn.cmp(&b.arn));
    subject.entities.dedup_by(|a, b| a.arn == b.arn);
    let known = usage::namespaces(tx);
    let mut services = BTreeSet::new();
    for policy in &subject.policies {
        allowed(policy, &known, &mut services);
    }
    services.retain(|prefix| known.contains_key(prefix));
    let actions = input.granularity.as_deref() == Some("ACTION_LEVEL");
    forget_old(tx)?;
    let id = tx.uuid();
    let job = Job { at: tx.now, actions, services, entities: subject.entities };
    tx.put_record_as(TABLE, &key(&tx.account, &id), &job)?;
    Ok(GenerateServiceLastAccessedDetailsResponse { job_id: Some(id) })
}

/// Takes away what can be read no more.
fn forget_old(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let (from, to) = (key(&tx.account, ""), key(&tx.account, "~"));
    let range = Range { from: &from, to: Some(&to), reverse: false, limit: 1000 };
    for (key, bytes) in tx.records(TABLE, range)? {
        let old = serde_json::from_slice::<Job>(&bytes).is_ok_and(|job| expired(tx, &job));
        if old {
            tx.remove_record(TABLE, &key)?;
        }
    }
    Ok(())
}

fn expired(tx: &Tx<'_>, job: &Job) -> bool {
    job.at.plus_seconds(KEPT) <= tx.now
}

fn find(tx: &Tx<'_>, id: &str) -> Result<Job, Fault> {
    let job: Option<Job> = tx.record_as(TABLE, &key(&tx.account, id))?;
    let missing = || Fault::new("NoSuchEntity", 404, format!("Job with id {id} was not found."));
    job.filter(|job| !expired(tx, job)).ok_or_else(missing)
}

/// A use of a service, or of one action of it.
#[derive(Clone)]
struct Last {
    at: Timestamp,
    entity: String,
    region: String,
}

/// What the record of calls tells of the job's principals.
#[derive(Default)]
struct Seen {
    /// By service: who used it, and when last.
    services: BTreeMap<String, BTreeMap<String, Last>>,
    /// By service and action.
    actions: BTreeMap<(String, String), Last>,
}

fn seen(tx: &Tx<'_>, job: &Job) -> Result<Seen, Fault> {
    let mut seen = Seen::default();
    let Some(since) = job.entities.iter().map(|entity| entity.created).min() else { return Ok(seen) };
    usage::calls(tx, since, job.at, &mut |event, call| {
        if let Some(entity) = job.entities.iter().find(|entity| entity.is(&call.caller)) {
            let service = usage::namespace(tx, &call.service).0;
            let last = || Last { at: event.time, entity: entity.arn.clone(), region: event.region.clone() };
            // The newest comes first.
            let users = seen.services.entry(service.clone()).or_default();
            users.entry(entity.arn.clone()).or_insert_with(last);
            seen.actions.entry((service, call.operation.clone())).or_insert_with(last);
        }
        true
    })?;
    Ok(seen)
}

fn service(job: &Job, seen: &Seen, prefix: &str, name: String) -> ServiceLastAccessed {
    let users = seen.services.get(prefix);
    let last = users.into_iter().flat_map(BTreeMap::values).max_by_key(|last| last.at);
    let actions = seen.actions.iter().filter(|((service, _), _)| service == prefix);
    let tracked = actions.map(|((_, action), last)| TrackedActionLastAccessed {
        action_name: Some(action.clone()),
        last_accessed_entity: Some(last.entity.clone()),
        last_accessed_time: Some(last.at),
        last_accessed_region: Some(last.region.clone()),
    });
    ServiceLastAccessed {
        service_name: name,
        service_namespace: prefix.to_owned(),
        last_authenticated: last.map(|last| last.at),
        last_authenticated_entity: last.map(|last| last.entity.clone()),
        last_authenticated_region: last.map(|last| last.region.clone()),
        total_authenticated_entities: i64::try_from(users.map_or(0, BTreeMap::len)).ok(),
        tracked_actions_last_accessed: job.actions.then(|| tracked.collect()),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html>
pub(crate) fn get_service_last_accessed_details(
    tx: &mut Tx<'_>,
    input: GetServiceLastAccessedDetailsRequest,
) -> Result<GetServiceLastAccessedDetailsResponse, Fault> {
    let job = find(tx, &input.job_id)?;
    let known = usage::namespaces(tx);
    let (prefixes, is_truncated, marker) = page::page(
        job.services.iter(),
        |prefix| (*prefix).clone(),
        input.marker.as_deref(),
        input.max_items,
    )?;
    let seen = seen(tx, &job)?;
    let services = prefixes.into_iter().map(|prefix| {
        let name = known.get(prefix).cloned().unwrap_or_else(|| prefix.clone());
        service(&job, &seen, prefix, name)
    });
    let level = if job.actions { "ACTION_LEVEL" } else { "SERVICE_LEVEL" };
    Ok(GetServiceLastAccessedDetailsResponse {
        job_status: "COMPLETED".to_owned(),
        job_type: Some(level.to_owned()),
        job_creation_date: job.at,
        services_last_accessed: services.collect(),
        job_completion_date: job.at,
        is_truncated,
        marker,
        error: None,
    })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetailsWithEntities.html>
pub(crate) fn get_service_last_accessed_details_with_entities(
    tx: &mut Tx<'_>,
    input: GetServiceLastAccessedDetailsWithEntitiesRequest,
) -> Result<GetServiceLastAccessedDetailsWithEntitiesResponse, Fault> {
    let job = find(tx, &input.job_id)?;
    let prefix = input.service_namespace;
    if !usage::namespaces(tx).contains_key(&prefix) {
        return Err(Fault::client("InvalidInput", format!("{prefix} is not a namespace of a service.")));
    }
    let able = job.entities.iter().filter(|_| job.services.contains(&prefix));
    let (entities, is_truncated, marker) =
        page::page(able, |entity| entity.arn.clone(), input.marker.as_deref(), input.max_items)?;
    let seen = seen(tx, &job)?;
    let users = seen.services.get(&prefix);
    let last = |entity: &Entity| users.and_then(|users| users.get(&entity.arn)).map(|last| last.at);
    Ok(GetServiceLastAccessedDetailsWithEntitiesResponse {
        job_status: "COMPLETED".to_owned(),
        job_creation_date: job.at,
        job_completion_date: job.at,
        entity_details_list: entities.into_iter().map(|entity| entity.details(last(entity))).collect(),
        is_truncated,
        marker,
        error: None,
    })
}
