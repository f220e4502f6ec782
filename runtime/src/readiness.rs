//! Whether what ran before a restart runs again: no task outlives the runtime, so every service
//! starts anew, and until its tasks are healthy behind their load balancer whoever asks is refused.
//! Only waits and tells; starting tasks is the scheduler's, checking them the balancer's.

use std::time::{Duration, Instant};

use edge::balancer::Balancers;
use estate::Estate;
use model::estate::ecs::{Service, Task};
use model::estate::elb::TargetGroup;
use model::{Snapshot, Timestamp};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// The services that ran when the data folder was opened.
pub(crate) struct Awaited {
    /// ARNs.
    services: Vec<String>,
    /// What started earlier ended with the runtime that started it.
    since: Timestamp,
}

impl Awaited {
    /// Only services that had come up: one that never did would hold up every start.
    pub(crate) fn of(snapshot: &Snapshot, since: Timestamp) -> Awaited {
        let ran = |s: &&Service| s.deployments.first().is_some_and(|d| d.rollout == "COMPLETED");
        let services = snapshot.all::<Service>().filter(|s| runs(s)).filter(ran).map(Service::arn).collect();
        Awaited { services, since }
    }

    /// Waits until all are back, at most so long; gives what is not.
    pub(crate) async fn back(
        &self,
        estate: &Estate,
        balancers: &Balancers,
        patience: Duration,
    ) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let snapshot = estate.snapshot();
            let healthy = |group: &str, task: &Task, port: u16| {
                balancers.answers(group, &task.interface.private_ip, port)
            };
            let lacks: Vec<String> =
                self.services.iter().filter_map(|arn| self.lack(&snapshot, arn, &healthy)).collect();
            if lacks.is_empty() || begun.elapsed() > patience {
                return lacks;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// What a service is short of.
    fn lack(
        &self,
        snapshot: &Snapshot,
        arn: &str,
        healthy: &dyn Fn(&str, &Task, u16) -> bool,
    ) -> Option<String> {
        // It may have been taken away or changed since.
        let service = snapshot.find_arn::<Service>(arn).filter(|s| runs(s))?;
        let running: Vec<&Task> = snapshot
            .all::<Task>()
            .filter(|t| t.service.as_deref() == Some(&service.id) && t.account == service.account)
            .filter(|t| t.region == service.region && t.desired == "RUNNING" && t.status == "RUNNING")
            .filter(|t| t.started.is_some_and(|at| at >= self.since))
            .collect();
        let wanted = usize::try_from(service.desired).unwrap_or_default();
        if running.len() < wanted {
            return Some(format!("service {}: {} of {wanted} tasks are running", service.id, running.len()));
        }
        let balanced = service.load_balancers.iter().filter(|b| {
            // Of a group that is gone nothing is to be expected.
            snapshot.find_arn::<TargetGroup>(&b.target_group).is_some()
        });
        balanced.into_iter().find_map(|b| {
            let port = u16::try_from(b.port).unwrap_or_default();
            let good = running.iter().filter(|t| healthy(&b.target_group, t, port)).count();
            let group = b.target_group.split('/').nth(1).unwrap_or(&b.target_group);
            (good < wanted)
                .then(|| format!("service {}: {good} of {wanted} targets in {group} are healthy", service.id))
        })
    }
}

fn runs(service: &Service) -> bool {
    service.status == "ACTIVE" && service.desired > 0
}
