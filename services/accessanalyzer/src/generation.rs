//! Policy generation: a policy with the actions that a user or a role has used, as the record of calls tells.
//!
//! A job looks whether the access role can be assumed and may read the trail; what the principal did is
//! looked up when the policy is read. Only management events of times and regions that the trail covers
//! count; calls that were denied do not.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-policy-generation.html>

use std::collections::{BTreeMap, BTreeSet};

use model::estate::iam::{Role, User};
use model::event::{Call, Event, EventBody};
use model::tx::Effect;
use model::{AccountId, Caller, CallerKind, Fault, Snapshot, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::analyzer::SERVICE;
use crate::fault::{conflict, invalid};
use crate::finding::{self, key};
use crate::page::page;
use crate::shapes::*;

const TABLE: &str = "accessanalyzer/generations";
/// Seconds that a generation is kept.
const KEPT: i64 = 7 * 86_400;
/// Seconds that one may look at.
const WIDEST: i64 = 90 * 86_400;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Generation {
    id: String,
    principal: String,
    /// The unique id: another one of the same name is not meant.
    principal_id: String,
    trails: Vec<Covered>,
    role: String,
    since: Timestamp,
    until: Timestamp,
    started: Timestamp,
    completed: Option<Timestamp>,
    /// `IN_PROGRESS`, `SUCCEEDED`, `FAILED` or `CANCELED`.
    status: String,
    error: Option<(String, String)>,
}

/// What of a trail is looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Covered {
    arn: String,
    regions: Vec<String>,
    all: Option<bool>,
}

/// A trail, as the graph has it.
#[derive(Deserialize)]
struct Trail {
    region: String,
    bucket: String,
    multi_region: bool,
    started: Option<Timestamp>,
    logging: bool,
    stopped: Option<Timestamp>,
}

fn trail(snapshot: &Snapshot, account: &AccountId, arn: &str) -> Option<Trail> {
    let node = snapshot.by_arn(arn).filter(|n| n.key().kind == "AWS::CloudTrail::Trail")?;
    (node.key().account == *account).then(|| serde_json::from_value(node.to_json()).ok())?
}

/// The unique id of a user or a role of the account.
fn principal_id(tx: &Tx<'_>, arn: &str) -> Option<String> {
    let user = tx.find_arn::<User>(arn).filter(|u| u.account == tx.account).map(|u| u.id.clone());
    user.or_else(|| tx.find_arn::<Role>(arn).filter(|r| r.account == tx.account).map(|r| r.id.clone()))
}

fn find(tx: &Tx<'_>, id: &str) -> Result<Generation, Fault> {
    let found: Option<Generation> = tx.record_as(TABLE, &key(tx.account.as_str(), id))?;
    let kept = found.filter(|g| g.started.plus_seconds(KEPT) > tx.now);
    kept.ok_or_else(|| invalid(format!("The job {id} was not found.")))
}

fn keep(tx: &mut Tx<'_>, generation: &Generation) -> Result<(), Fault> {
    let place = key(tx.account.as_str(), &generation.id);
    tx.put_record_as(TABLE, &place, generation)
}

fn all(tx: &Tx<'_>) -> Result<Vec<Generation>, Fault> {
    finding::under(tx, TABLE, &key(tx.account.as_str(), ""))
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_StartPolicyGeneration.html>
pub(crate) fn start_policy_generation(
    tx: &mut Tx<'_>,
    input: StartPolicyGenerationRequest,
) -> Result<StartPolicyGenerationResponse, Fault> {
    let principal = input.policy_generation_details.principal_arn;
    let missing = || invalid(format!("The principal {principal} was not found."));
    let principal_id = principal_id(tx, &principal).ok_or_else(missing)?;
    let details = input.cloud_trail_details.ok_or_else(|| invalid("The CloudTrail details are missing."))?;
    if details.trails.is_empty() {
        return Err(invalid("At least one trail must be specified."));
    }
    if let Some(wrong) =
        details.trails.iter().find(|t| trail(tx.snapshot(), &tx.account, &t.cloud_trail_arn).is_none())
    {
        return Err(invalid(format!("The trail {} was not found.", wrong.cloud_trail_arn)));
    }
    let (since, until) = (details.start_time, details.end_time.unwrap_or(tx.now));
    if since >= until || since.plus_seconds(WIDEST) < until {
        return Err(invalid("The time range must be of 90 days at most, and begin before it ends."));
    }
    let mut known = all(tx)?;
    known.retain(|g| g.started.plus_seconds(KEPT) > tx.now);
    if known.iter().any(|g| g.principal == principal && g.status == "IN_PROGRESS") {
        return Err(conflict("policy generation", &principal));
    }
    let covered = |t: crate::shapes::Trail| Covered {
        arn: t.cloud_trail_arn,
        regions: t.regions.unwrap_or_default(),
        all: t.all_regions,
    };
    let generation = Generation {
        id: tx.uuid(),
        principal,
        principal_id,
        trails: details.trails.into_iter().map(covered).collect(),
        role: details.access_role,
        since,
        until,
        started: tx.now,
        completed: None,
        status: "IN_PROGRESS".to_owned(),
        error: None,
    };
    keep(tx, &generation)?;
    tx.effect(Effect::Schedule {
        id: format!("accessanalyzer/generate/{}", generation.id),
        at: tx.now,
        service: "accessanalyzer".to_owned(),
        job: "Generate".to_owned(),
        payload: json!({"id": generation.id}),
    })?;
    Ok(StartPolicyGenerationResponse { job_id: generation.id })
}

/// The job: the access role is assumed, and asked for the trails and their buckets.
pub(crate) fn generate(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let id = payload.get("id").and_then(Json::as_str).unwrap_or_default();
    let Some(mut generation) = tx.record_as::<Generation>(TABLE, &key(tx.account.as_str(), id))? else {
        return Ok(());
    };
    if generation.status != "IN_PROGRESS" {
        return Ok(());
    }
    let refused = readable(tx, &generation).err();
    generation.status = if refused.is_some() { "FAILED" } else { "SUCCEEDED" }.to_owned();
    generation.error = refused.map(|fault| ("AUTHORIZATION_ERROR".to_owned(), fault.message));
    generation.completed = Some(tx.now);
    keep(tx, &generation)
}

fn readable(tx: &mut Tx<'_>, generation: &Generation) -> Result<(), Fault> {
    const SESSION: &str = "AccessAnalyzer";
    let lost = |what: &str| Fault::access_denied(format!("{what} is no more."));
    let service = Caller::service(SERVICE, &tx.account);
    let assume = json!({"RoleArn": generation.role, "RoleSessionName": SESSION});
    let _: Value = tx.call_as(service, None, "sts", "AssumeRole", Value::from_json(assume))?;
    let role = tx.find_arn::<Role>(&generation.role).cloned().ok_or_else(|| lost("The access role"))?;
    let session = Caller {
        arn: model::ids::arn("sts", "", &role.account, &format!("assumed-role/{}/{SESSION}", role.name)),
        principal_id: format!("{}:{SESSION}", role.id),
        kind: CallerKind::Role { role_arn: role.arn(), session_name: SESSION.to_owned() },
        account: role.account,
        access_key: None,
        session: None,
    };
    for covered in &generation.trails {
        let account = tx.account.clone();
        let trail = trail(tx.snapshot(), &account, &covered.arn).ok_or_else(|| lost("The trail"))?;
        let get = Value::from_json(json!({"Name": covered.arn}));
        let _: Value = tx.call_as(session.clone(), None, "cloudtrail", "GetTrail", get)?;
        let list = Value::from_json(json!({"Bucket": trail.bucket, "MaxKeys": 1}));
        let _: Value = tx.call_as(session.clone(), None, "s3", "ListObjectsV2", list)?;
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetGeneratedPolicy.html>
pub(crate) fn get_generated_policy(
    tx: &mut Tx<'_>,
    input: GetGeneratedPolicyRequest,
) -> Result<GetGeneratedPolicyResponse, Fault> {
    let generation = find(tx, &input.job_id)?;
    if input.include_service_level_template == Some(true) {
        return Err(invalid("Templates on the level of services are not served by this runtime."));
    }
    let policies = match generation.status.as_str() {
        "SUCCEEDED" => {
            let actions = used(tx, &generation)?;
            let policy = document(tx, &actions, input.include_resource_placeholders == Some(true));
            vec![GeneratedPolicy { policy }]
        }
        _ => Vec::new(),
    };
    let trails = generation.trails.iter().map(|t| TrailProperties {
        cloud_trail_arn: t.arn.clone(),
        regions: Some(t.regions.clone()),
        all_regions: t.all,
    });
    let properties = CloudTrailProperties {
        trail_properties: trails.collect(),
        start_time: generation.since,
        end_time: generation.until,
    };
    let job_error = generation.error.clone().map(|(code, message)| JobError { code, message });
    Ok(GetGeneratedPolicyResponse {
        job_details: JobDetails {
            job_id: generation.id,
            status: generation.status,
            started_on: generation.started,
            completed_on: generation.completed,
            job_error,
        },
        generated_policy_result: GeneratedPolicyResult {
            properties: GeneratedPolicyProperties {
                is_complete: Some(false),
                principal_arn: generation.principal,
                cloud_trail_properties: Some(properties),
            },
            generated_policies: Some(policies),
        },
    })
}

/// The actions that the principal has used, as the trails would tell.
fn used(tx: &Tx<'_>, generation: &Generation) -> Result<BTreeSet<String>, Fault> {
    let trails: Vec<(Trail, &Covered)> = generation
        .trails
        .iter()
        .filter_map(|c| Some((trail(tx.snapshot(), &tx.account, &c.arn)?, c)))
        .collect();
    let told = |event: &Event| trails.iter().any(|(trail, covered)| covers(trail, covered, event));
    let until = generation.until.min(generation.completed.unwrap_or(generation.started));
    let mut actions = BTreeSet::new();
    tx.host().events(&mut |_, event| {
        if event.time < generation.since {
            return false;
        }
        if let EventBody::Call(call) = &event.body
            && event.time <= until
            && call.caller.principal_id.split(':').next() == Some(generation.principal_id.as_str())
            && call.is_management()
            && !call.error_code.as_deref().is_some_and(denied)
            && told(&event)
        {
            actions.extend(actions_of(tx, call));
        }
        true
    })?;
    Ok(actions)
}

fn denied(code: &str) -> bool {
    code.contains("AccessDenied") || code.contains("Unauthorized")
}

/// Whether a trail was there for an event, in a region that is asked for.
fn covers(trail: &Trail, covered: &Covered, event: &Event) -> bool {
    let logged = trail.started.is_some_and(|at| at <= event.time)
        && (trail.logging || trail.stopped.is_none_or(|at| event.time <= at));
    let of_trail = trail.multi_region || event.region == trail.region;
    let wanted = covered.all == Some(true)
        || covered.regions.contains(&event.region)
        || (covered.regions.is_empty() && event.region == trail.region);
    logged && of_trail && wanted
}

/// The actions that a call needs: its own name, or what the action table says it means.
fn actions_of(tx: &Tx<'_>, call: &Call) -> Vec<String> {
    let Some(served) = tx.host().registry().service(&call.service) else { return Vec::new() };
    let meant = served.service.actions.lines().find_map(|line| {
        let (operation, actions) = line.strip_prefix("operation ")?.split_once(" = ")?;
        (operation == call.operation).then_some(actions)
    });
    // What everyone may do needs no policy.
    let names = meant.unwrap_or(&call.operation).split(' ').filter(|name| *name != "free");
    names.map(|name| format!("{}:{name}", served.api.signing_name)).collect()
}

/// One statement, or one for each set of resources that actions are about.
fn document(tx: &Tx<'_>, actions: &BTreeSet<String>, placeholders: bool) -> String {
    let mut groups: BTreeMap<Vec<String>, Vec<&String>> = BTreeMap::new();
    for action in actions {
        let resources = if placeholders { resources(tx, action) } else { vec!["*".to_owned()] };
        groups.entry(resources).or_default().push(action);
    }
    let statement = |(at, (resources, actions)): (usize, (Vec<String>, Vec<&String>))| {
        let resource = match resources.as_slice() {
            [one] => json!(one),
            several => json!(several),
        };
        json!({"Sid": format!("SupportedServiceSid{at}"), "Effect": "Allow", "Action": actions, "Resource": resource})
    };
    let statements: Vec<Json> = groups.into_iter().enumerate().map(statement).collect();
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// The forms of the ARNs that an action is about, with names in the place of what differs.
fn resources(tx: &Tx<'_>, action: &str) -> Vec<String> {
    let (prefix, name) = action.split_once(':').unwrap_or_default();
    let tables = tx.host().registry().services.iter().filter(|s| s.api.signing_name == prefix);
    let mut arns: Vec<String> = Vec::new();
    for table in tables.map(|s| s.service.actions) {
        let row = table
            .lines()
            .find_map(|line| line.strip_prefix("action ")?.strip_prefix(name)?.strip_prefix(' '));
        let kinds = row.and_then(|row| row.split(' ').find_map(|word| word.strip_prefix("resources=")));
        for kind in kinds.into_iter().flat_map(|kinds| kinds.split(',')).map(|k| k.trim_end_matches('*')) {
            let form = table.lines().find_map(|line| {
                let (name, arn) = line.strip_prefix("resource ")?.split_once(' ')?;
                (name == kind).then(|| arn.replace("${Partition}", "aws"))
            });
            arns.extend(form);
        }
    }
    if arns.is_empty() { vec!["*".to_owned()] } else { arns }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListPolicyGenerations.html>
pub(crate) fn list_policy_generations(
    tx: &mut Tx<'_>,
    input: ListPolicyGenerationsRequest,
) -> Result<ListPolicyGenerationsResponse, Fault> {
    let mut found = all(tx)?;
    found.retain(|g| g.started.plus_seconds(KEPT) > tx.now);
    found.retain(|g| input.principal_arn.as_ref().is_none_or(|arn| *arn == g.principal));
    found.sort_by_key(|g| std::cmp::Reverse(g.started));
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    let shown = |g: Generation| PolicyGeneration {
        job_id: g.id,
        principal_arn: g.principal,
        status: g.status,
        started_on: g.started,
        completed_on: g.completed,
    };
    Ok(ListPolicyGenerationsResponse {
        policy_generations: found.into_iter().map(shown).collect(),
        next_token,
    })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CancelPolicyGeneration.html>
pub(crate) fn cancel_policy_generation(
    tx: &mut Tx<'_>,
    input: CancelPolicyGenerationRequest,
) -> Result<CancelPolicyGenerationResponse, Fault> {
    let mut generation = find(tx, &input.job_id)?;
    if generation.status != "IN_PROGRESS" {
        let message = format!("The job {} is not in progress.", generation.id);
        return Err(invalid(message));
    }
    generation.status = "CANCELED".to_owned();
    generation.completed = Some(tx.now);
    keep(tx, &generation)?;
    Ok(CancelPolicyGenerationResponse {})
}
