//! Health of targets: a real request on every interval. Only changes are reported to the service.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use model::estate::elb::HealthCheck;
use model::plane::{Plane, Report};
use serde_json::json;
use tokio::sync::watch;

use super::body;
use super::client::{Address, Client, Failure};
use super::fleet::{Fleet, Group, Target};

/// Whether a target gets requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    /// Not known yet.
    #[default]
    Initial,
    Healthy,
    Unhealthy,
}

#[derive(Debug, Default)]
struct Known {
    state: State,
    /// Checks in a row that said otherwise.
    against: u32,
    reason: Option<&'static str>,
    description: Option<String>,
    told: bool,
}

/// What is known of one target.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Known>);

/// What one check found.
pub(super) enum Found {
    Good,
    Bad { reason: &'static str, description: String },
}

impl Health {
    pub(super) fn state(&self) -> State {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).state
    }

    /// Takes a finding in; gives what is to be reported, if anything changed.
    fn take(&self, found: Found, check: &HealthCheck) -> Option<serde_json::Value> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = (known.state, known.reason, known.description.clone(), known.told);
        match found {
            Found::Good => {
                let needed = match known.state {
                    // A new target is healthy after its first good check.
                    State::Initial | State::Healthy => 1,
                    State::Unhealthy => check.healthy_threshold,
                };
                known.against = if known.state == State::Healthy { 0 } else { known.against + 1 };
                if known.state != State::Healthy && known.against >= needed {
                    (known.state, known.against) = (State::Healthy, 0);
                }
                if known.state == State::Healthy {
                    (known.reason, known.description) = (None, None);
                }
            }
            Found::Bad { reason, description } => {
                if known.state == State::Unhealthy {
                    known.against = 0;
                    (known.reason, known.description) = (Some(reason), Some(description));
                } else {
                    known.against += 1;
                    if known.against >= check.unhealthy_threshold {
                        (known.state, known.against) = (State::Unhealthy, 0);
                        (known.reason, known.description) = (Some(reason), Some(description));
                    } else if known.state == State::Initial {
                        known.reason = Some("Elb.InitialHealthChecking");
                        known.description = Some("Initial health checks in progress".to_owned());
                    }
                }
            }
        }
        known.told = true;
        let now = (known.state, known.reason, known.description.clone(), true);
        if before == now {
            return None;
        }
        let state = match known.state {
            State::Initial => "initial",
            State::Healthy => "healthy",
            State::Unhealthy => "unhealthy",
        };
        Some(json!({"state": state, "reason": known.reason, "description": known.description}))
    }

    /// Forgets everything: the target is looked at no longer.
    fn reset(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }
}

/// Checks a target for as long as it is registered with a group that is used.
pub(super) async fn keep(
    plane: Arc<Plane>,
    fleet: watch::Receiver<Arc<Fleet>>,
    client: Arc<Client>,
    group: String,
    target: Arc<Target>,
) {
    let mut changes = fleet.clone();
    loop {
        let now = changes.borrow_and_update().groups.get(&group).cloned();
        let Some(now) = now.filter(|g| g.used && has(g, &target)) else {
            target.health.reset();
            return;
        };
        let draining = now.members.iter().any(|m| m.draining && Arc::ptr_eq(&m.target, &target));
        if !draining {
            let found = check(&plane, &client, &now, &target).await;
            if let Some(change) = target.health.take(found, now.check()) {
                report(&plane, &now, &target, change).await;
            }
        }
        let pause = tokio::time::sleep(Duration::from_secs(u64::from(now.check().interval)));
        tokio::pin!(pause);
        let left = async {
            let over = |f: &Arc<Fleet>| {
                f.groups.get(&group).is_none_or(|g| !g.used || !has(g, &target) || g.check() != now.check())
            };
            changes.wait_for(over).await.is_err()
        };
        tokio::select! {
            () = &mut pause => {}
            closed = left => if closed { return },
        }
    }
}

fn has(group: &Group, target: &Arc<Target>) -> bool {
    group.members.iter().any(|m| Arc::ptr_eq(&m.target, target))
}

async fn report(plane: &Plane, group: &Group, target: &Target, change: serde_json::Value) {
    let mut payload = json!({"target_group": group.arn, "id": target.id, "port": target.port});
    if let (Some(payload), serde_json::Value::Object(change)) = (payload.as_object_mut(), change) {
        payload.extend(change);
    }
    let report = Report {
        service: "elbv2",
        job: "TargetHealth",
        account: group.node.account.clone(),
        region: group.node.region.clone(),
        payload,
    };
    // Whether it can be told or not, requests go by what is known here.
    let _ = plane.estate.report(report).await;
}

async fn check(plane: &Plane, client: &Arc<Client>, group: &Group, target: &Target) -> Found {
    let failed = |why: &str| Found::Bad { reason: "Target.FailedHealthChecks", description: why.to_owned() };
    let check = group.check();
    let port = check.port.parse().unwrap_or(target.port);
    let tls = check.protocol == "HTTPS";
    let Some(socket) = super::forward::socket(plane, group, target, port) else {
        return failed("Health checks failed");
    };
    let request = Request::get(check.path.as_str())
        .header(http::header::HOST, format!("{}:{port}", target.id))
        .header(http::header::USER_AGENT, "ELB-HealthChecker/2.0")
        .header(http::header::CONNECTION, "close")
        .header(http::header::ACCEPT_ENCODING, "gzip, compressed")
        .body(body::empty());
    let Ok(request) = request else { return failed("Health checks failed") };
    let asked = async {
        let response = client.send(Address { socket, tls }, request).await?;
        let status = response.status().as_u16();
        // A target that begins an answer has answered.
        let _ = response.into_body().frame().await;
        Ok::<u16, Failure>(status)
    };
    match tokio::time::timeout(Duration::from_secs(u64::from(check.timeout)), asked).await {
        Err(_) => Found::Bad { reason: "Target.Timeout", description: "Request timed out".to_owned() },
        Ok(Err(_)) => failed("Health checks failed"),
        Ok(Ok(status)) if matched(&check.matcher, status) => Found::Good,
        Ok(Ok(status)) => Found::Bad {
            reason: "Target.ResponseCodeMismatch",
            description: format!("Health checks failed with these codes: [{status}]"),
        },
    }
}

/// `200`, `200,202`, `200-299`.
fn matched(matcher: &str, status: u16) -> bool {
    matcher.split(',').any(|part| match part.split_once('-') {
        None => part.parse() == Ok(status),
        Some((from, to)) => match (from.parse::<u16>(), to.parse::<u16>()) {
            (Ok(from), Ok(to)) => (from..=to).contains(&status),
            _ => false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers() {
        for (matcher, status, expected) in [
            ("200", 200, true),
            ("200,301", 301, true),
            ("200-299", 204, true),
            ("200-299", 300, false),
            ("", 200, false),
        ] {
            assert_eq!(matched(matcher, status), expected, "{matcher} {status}");
        }
    }

    #[test]
    fn thresholds() {
        let check = HealthCheck {
            protocol: "HTTP".into(),
            port: "traffic-port".into(),
            path: "/".into(),
            interval: 5,
            timeout: 2,
            healthy_threshold: 3,
            unhealthy_threshold: 2,
            matcher: "200".into(),
        };
        let health = Health::default();
        let bad = || Found::Bad { reason: "Target.Timeout", description: "Request timed out".into() };
        let mut seen = Vec::new();
        for good in [false, true, false, true, false, false, true, true, false, true, true, true] {
            let told = health.take(if good { Found::Good } else { bad() }, &check).is_some();
            seen.push((health.state(), told));
        }
        use State::{Healthy as H, Initial as I, Unhealthy as U};
        let expected = [
            (I, true),
            (H, true),
            (H, false),
            (H, false),
            (H, false),
            (U, true),
            (U, false),
            (U, false),
            (U, false),
            (U, false),
            (U, false),
            (H, true),
        ];
        assert_eq!(seen, expected);
    }
}
