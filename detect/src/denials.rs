//! One principal is denied again and again: it probes, or what it needs was taken from it.
//! (MITRE ATT&CK T1526, cloud service discovery.)

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::event::{Event, EventBody, Finding};
use model::{CallerKind, Timestamp};

use crate::{Detector, Reported};

/// Denials within so many seconds count together.
pub(crate) const WINDOW: i64 = 300;
/// So many of them are a finding.
const THRESHOLD: usize = 5;
/// Principals that are remembered; the one that was quiet longest goes first.
const PRINCIPALS: usize = 10_000;
/// Request ids that are kept as evidence.
const EVIDENCE: usize = 50;

/// A denied call of somebody who can be named.
pub(crate) fn wants(event: &Event) -> bool {
    let EventBody::Call(call) = &event.body else { return false };
    let denied = |code: &str| {
        code.contains("AccessDenied")
            || code.contains("UnauthorizedOperation")
            || code == "AuthorizationError"
    };
    call.error_code.as_deref().is_some_and(denied)
        && !matches!(call.caller.kind, CallerKind::Service { .. } | CallerKind::Anonymous)
}

#[derive(Default)]
pub(crate) struct RepeatedDenials {
    seen: BTreeMap<(String, String), Principal>,
}

#[derive(Default)]
struct Principal {
    denials: VecDeque<Denial>,
    /// The finding that is open: since when, and how many denials it has.
    open: Option<(Timestamp, u64)>,
}

struct Denial {
    time: Timestamp,
    request: String,
    action: String,
}

impl Detector for RepeatedDenials {
    fn name(&self) -> &'static str {
        "repeated-denials"
    }

    fn see(&mut self, event: &Event) -> Vec<Reported> {
        let EventBody::Call(call) = &event.body else { return Vec::new() };
        if !wants(event) {
            return Vec::new();
        }
        let key = (event.account.clone(), call.caller.arn.clone());
        self.make_room(&key);
        let principal = self.seen.entry(key).or_default();
        let action = format!("{}:{}", call.service, call.operation);
        principal.denials.push_back(Denial { time: event.time, request: event.request.clone(), action });
        while principal.denials.front().is_some_and(|d| d.time.plus_seconds(WINDOW) < event.time) {
            principal.denials.pop_front();
        }
        if principal.denials.len() == 1 {
            // It was quiet for a while: what comes now is another matter.
            principal.open = None;
        }
        if principal.denials.len() < THRESHOLD {
            return Vec::new();
        }
        let first = principal.denials.front().map_or(event.time, |d| d.time);
        let within = u64::try_from(principal.denials.len()).unwrap_or(u64::MAX);
        let (since, count) = match principal.open {
            None => (first, within),
            Some((since, count)) => (since, count + 1),
        };
        principal.open = Some((since, count));
        let finding = finding(event, &call.caller.arn, principal, since, count);
        vec![Reported { account: event.account.clone(), region: event.region.clone(), finding }]
    }
}

impl RepeatedDenials {
    fn make_room(&mut self, key: &(String, String)) {
        if self.seen.len() < PRINCIPALS || self.seen.contains_key(key) {
            return;
        }
        let last = |p: &Principal| p.denials.back().map(|d| d.time);
        if let Some(quietest) = self.seen.iter().min_by_key(|(_, p)| last(p)).map(|(k, _)| k.clone()) {
            self.seen.remove(&quietest);
        }
    }
}

fn finding(event: &Event, arn: &str, principal: &Principal, since: Timestamp, count: u64) -> Finding {
    let actions: BTreeSet<&str> = principal.denials.iter().map(|d| d.action.as_str()).collect();
    let shown: Vec<&str> = actions.iter().take(10).copied().collect();
    let skipped = principal.denials.len().saturating_sub(EVIDENCE);
    Finding {
        id: format!("repeated-denials/{}/{arn}/{}", event.account, since.seconds()),
        detector: "repeated-denials".to_owned(),
        title: format!("{arn} was denied {count} times"),
        description: format!(
            "{count} calls were denied since {}; the last were {}.",
            since.to_rfc3339(),
            shown.join(", ")
        ),
        severity: if actions.len() >= THRESHOLD { 70 } else { 40 },
        types: vec!["TTPs/Discovery/RepeatedDenials".to_owned()],
        resources: vec![arn.to_owned()],
        principal: Some(arn.to_owned()),
        first_seen: since,
        last_seen: event.time,
        count,
        evidence: principal.denials.iter().skip(skipped).map(|d| d.request.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::event::Call;
    use model::{AccountId, Caller, Origin};

    fn denied(second: i64, user: &str, error: Option<&str>) -> Event {
        let account = AccountId::parse("111122223333").unwrap();
        let caller = Caller {
            arn: format!("arn:aws:iam::{account}:user/{user}"),
            principal_id: user.to_owned(),
            kind: CallerKind::User { name: user.to_owned() },
            account: account.clone(),
            access_key: None,
            session: None,
        };
        let call = Call {
            caller,
            origin: Origin::internal("test"),
            service: "kms".to_owned(),
            operation: "ListKeys".to_owned(),
            read_only: true,
            parameters: Default::default(),
            response: Default::default(),
            error_code: error.map(str::to_owned),
            error_message: None,
            resources: Vec::new(),
            invoked_by: None,
        };
        Event {
            time: Timestamp::from_seconds(second),
            request: format!("r{second}"),
            trace: String::new(),
            account: account.to_string(),
            region: "us-east-1".to_owned(),
            body: EventBody::Call(Box::new(call)),
        }
    }

    /// Counts and ids of the findings that a row of seconds, each a denial, gives.
    fn findings(seconds: &[i64]) -> Vec<(u64, String)> {
        let mut detector = RepeatedDenials::default();
        let events = seconds.iter().map(|s| denied(*s, "eve", Some("AccessDeniedException")));
        let found: Vec<Reported> = events.flat_map(|e| detector.see(&e)).collect();
        found
            .into_iter()
            .map(|r| (r.finding.count, r.finding.id.rsplit('/').next().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn five_denials_within_five_minutes_are_a_finding_and_more_of_them_the_same_one() {
        let since = "0".to_owned();
        assert_eq!(findings(&[0, 1, 2, 3]), []);
        assert_eq!(findings(&[0, 1, 2, 3, 4]), [(5, since.clone())]);
        assert_eq!(findings(&[0, 1, 2, 3, 4, 5, 200]), [(5, since.clone()), (6, since.clone()), (7, since)]);
        assert_eq!(findings(&[0, 100, 200, 301, 402]), [], "they are too far apart");
        let again = [0, 1, 2, 3, 4, 1000, 1001, 1002, 1003, 1004];
        assert_eq!(findings(&again), [(5, "0".to_owned()), (5, "1000".to_owned())]);
    }

    #[test]
    fn other_errors_other_principals_and_successes_do_not_count() {
        let mut detector = RepeatedDenials::default();
        for second in 0..20 {
            assert_eq!(detector.see(&denied(second, "eve", Some("NotFoundException"))), []);
            assert_eq!(detector.see(&denied(second, "eve", None)), []);
            let user = format!("user{second}");
            assert_eq!(detector.see(&denied(second, &user, Some("AccessDenied"))), []);
        }
    }
}
