//! Which target group, and which of its targets, a request goes to.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, HeaderMap};
use model::Timestamp;
use model::estate::elb::Forward;
use model::plane::Plane;

use super::fleet::{Fleet, Group, Member, Target};
use super::health::State;

/// Cookies by which a client stays with a target, and with a target group.
const TARGET: &str = "AWSALB";
const GROUP: &str = "AWSALBTG";
/// What the cookies are sealed for.
const PURPOSE: &str = "elb-stickiness";

/// Where a request goes.
pub(super) struct Chosen {
    pub(super) group: Arc<Group>,
    pub(super) target: Arc<Target>,
    /// `Set-Cookie` values that make the client stay.
    pub(super) cookies: Vec<String>,
}

/// What decides beside the fleet.
pub(super) struct Facts<'a> {
    pub(super) plane: &'a Plane,
    pub(super) headers: &'a HeaderMap,
    pub(super) secure: bool,
    /// A target that was tried without success.
    pub(super) but: Option<&'a Arc<Target>>,
}

/// Chooses; `None` if there is no target that may be asked.
pub(super) fn choose(fleet: &Fleet, to: &Forward, facts: &Facts<'_>) -> Option<Chosen> {
    let now = facts.plane.estate.now();
    let (group, mut cookies) = group(fleet, to, facts, now)?;
    let candidates = candidates(&group, facts.but);
    let sticky = group.attribute("stickiness.enabled") == "true";
    let kept = sticky.then(|| read(facts, TARGET, &group.arn, now)).flatten();
    let kept = kept.and_then(|name| candidates.iter().find(|t| t.name() == name).cloned());
    let target = match kept {
        Some(target) => target,
        None => among(&group, &candidates, facts)?,
    };
    if sticky {
        let seconds = group.attribute("stickiness.lb_cookie.duration_seconds").parse().unwrap_or(86_400);
        cookies.extend(written(facts, TARGET, &group.arn, &target.name(), now.plus_seconds(seconds)));
    }
    Some(Chosen { group, target, cookies })
}

fn group(
    fleet: &Fleet,
    to: &Forward,
    facts: &Facts<'_>,
    now: Timestamp,
) -> Option<(Arc<Group>, Vec<String>)> {
    let known: Vec<(&Arc<Group>, u32)> = to
        .target_groups
        .iter()
        .filter(|t| t.weight > 0)
        .filter_map(|t| Some((fleet.groups.get(&t.target_group)?, t.weight)))
        .collect();
    let scope = known.first()?.0.arn.clone();
    if let Some(seconds) = to.stickiness {
        let kept = read(facts, GROUP, &scope, now);
        let found = kept.and_then(|arn| known.iter().find(|(g, _)| g.arn == arn));
        let group = match found {
            Some((group, _)) => Arc::clone(group),
            None => weighted(&known, facts.plane)?,
        };
        let cookies = written(facts, GROUP, &scope, &group.arn, now.plus_seconds(seconds));
        return Some((group, cookies));
    }
    Some((weighted(&known, facts.plane)?, Vec::new()))
}

/// A number below `below`, without a preference that would matter.
fn number(plane: &Plane, below: u32) -> u32 {
    let mut bytes = [0; 4];
    plane.estate.random(&mut bytes);
    u32::from_be_bytes(bytes).checked_rem(below).unwrap_or(0)
}

fn weighted(groups: &[(&Arc<Group>, u32)], plane: &Plane) -> Option<Arc<Group>> {
    if let [(only, _)] = groups {
        return Some(Arc::clone(only));
    }
    let mut point = number(plane, groups.iter().map(|(_, w)| w).sum());
    for (group, weight) in groups {
        match point.checked_sub(*weight) {
            Some(rest) => point = rest,
            None => return Some(Arc::clone(group)),
        }
    }
    None
}

/// The targets that may be asked: the healthy ones. Where fewer are healthy than the group's
/// attributes want, the unhealthy ones too: "if a target group contains only unhealthy registered
/// targets, the load balancer routes requests to all those targets".
fn candidates(group: &Group, but: Option<&Arc<Target>>) -> Vec<Arc<Target>> {
    let members: Vec<&Member> = group.members.iter().filter(|m| !m.draining).collect();
    let healthy = members.iter().filter(|m| m.target.health.state() == State::Healthy).count();
    let wanted = |name: &str| {
        group
            .attribute(&format!("target_group_health.unhealthy_state_routing.minimum_healthy_targets.{name}"))
            .parse()
            .ok()
    };
    let count: usize = wanted("count").unwrap_or(1);
    let percentage: usize = wanted("percentage").unwrap_or(0);
    let enough = healthy >= count && healthy * 100 >= percentage * members.len();
    let asked = |m: &&&Member| match m.target.health.state() {
        State::Healthy => true,
        State::Unhealthy => !enough,
        State::Initial => false,
    };
    let all: Vec<Arc<Target>> = members.iter().filter(asked).map(|m| Arc::clone(&m.target)).collect();
    let others: Vec<Arc<Target>> = match but {
        Some(but) => all.iter().filter(|t| !Arc::ptr_eq(t, but)).cloned().collect(),
        None => Vec::new(),
    };
    if others.is_empty() { all } else { others }
}

fn among(group: &Group, candidates: &[Arc<Target>], facts: &Facts<'_>) -> Option<Arc<Target>> {
    let turn = group.next();
    let at = match group.attribute("load_balancing.algorithm.type") {
        "weighted_random" => number(facts.plane, u32::try_from(candidates.len()).ok()?) as usize,
        "least_outstanding_requests" => {
            let rotated = (0..candidates.len()).map(|i| (turn.wrapping_add(i)) % candidates.len());
            // The first with the fewest; which is first goes round.
            rotated.min_by_key(|i| candidates.get(*i).map(|t| t.outstanding.load(Ordering::Relaxed)))?
        }
        _ => turn.checked_rem(candidates.len())?,
    };
    candidates.get(at).cloned()
}

/// The value of a cookie of ours, if it is ours and of its time.
fn read(facts: &Facts<'_>, name: &str, scope: &str, now: Timestamp) -> Option<String> {
    let cookies =
        facts.headers.get_all(COOKIE).iter().filter_map(|c| c.to_str().ok()).flat_map(|c| c.split(';'));
    let mut values = cookies.filter_map(|c| c.trim().split_once('=')).filter(|(n, _)| *n == name);
    values.find_map(|(_, value)| {
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = facts.plane.estate.unseal(PURPOSE, format!("{name} {scope}").as_bytes(), &sealed).ok()?;
        let text = String::from_utf8(plain).ok()?;
        let (until, value) = text.split_once(' ')?;
        (until.parse::<i64>().ok()? > now.seconds()).then(|| value.to_owned())
    })
}

/// The cookie, and its twin for requests from other sites.
fn written(facts: &Facts<'_>, name: &str, scope: &str, value: &str, until: Timestamp) -> Vec<String> {
    let plain = format!("{} {value}", until.seconds());
    let sealed = facts.plane.estate.seal(PURPOSE, format!("{name} {scope}").as_bytes(), plain.as_bytes());
    let Ok(sealed) = sealed else { return Vec::new() };
    let (value, until) = (URL_SAFE_NO_PAD.encode(sealed), until.to_http_date());
    let secure = if facts.secure { "; Secure" } else { "" };
    vec![
        format!("{name}={value}; Expires={until}; Path=/"),
        format!("{name}CORS={value}; Expires={until}; Path=/; SameSite=None{secure}"),
    ]
}
