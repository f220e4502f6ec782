//! What the graph says about load balancers, made ready to serve: listeners with their rules and
//! certificates, target groups with their targets. A new fleet is made whenever the graph
//! changes; what has not changed is carried over. What cannot be read serves nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::Snapshot;
use model::estate::elb::{self, Action, HealthCheck, Rule};
use model::plane::Plane;
use tokio::sync::watch;

use super::health::Health;
use super::tls::{self, Certificates};

/// Everything that is served.
#[derive(Default)]
pub(super) struct Fleet {
    /// By the listener's ARN.
    pub(super) fronts: BTreeMap<String, Arc<Front>>,
    /// By the target group's ARN.
    pub(super) groups: BTreeMap<String, Arc<Group>>,
}

/// One listener.
pub(super) struct Front {
    pub(super) arn: String,
    pub(super) balancer: Arc<elb::LoadBalancer>,
    pub(super) listener: elb::Listener,
    /// In the order in which they are looked at.
    pub(super) rules: Vec<Rule>,
    /// What is done with a request that no rule matches; empty if it cannot be read.
    pub(super) default: Vec<Action>,
    /// `None`: the listener is not for TLS.
    pub(super) tls: Option<Tls>,
    /// The trust store it verifies clients by; a change of it makes a new front.
    store: Option<elb::TrustStore>,
}

/// How a listener speaks TLS.
pub(super) struct Tls {
    pub(super) certificates: Certificates,
    /// `None`: it cannot be spoken, and every handshake is refused.
    pub(super) config: Option<Arc<rustls::ServerConfig>>,
}

/// One target group.
pub(super) struct Group {
    pub(super) arn: String,
    pub(super) node: elb::TargetGroup,
    pub(super) members: Vec<Member>,
    /// Whether a listener or a rule sends to it. Only then are its targets checked.
    pub(super) used: bool,
    pub(super) turn: Arc<AtomicUsize>,
}

#[derive(Clone)]
pub(super) struct Member {
    pub(super) draining: bool,
    pub(super) target: Arc<Target>,
}

/// One target, for as long as it is registered.
pub(super) struct Target {
    pub(super) id: String,
    pub(super) port: u16,
    pub(super) health: Health,
    pub(super) outstanding: AtomicUsize,
    /// Turns true when it is no longer registered.
    pub(super) gone: watch::Sender<bool>,
}

impl Target {
    fn new(id: String, port: u16) -> Target {
        let (gone, _) = watch::channel(false);
        Target { id, port, health: Health::default(), outstanding: AtomicUsize::new(0), gone }
    }

    pub(super) fn address(&self) -> Option<IpAddr> {
        self.id.parse().ok()
    }

    pub(super) fn name(&self) -> String {
        format!("{}:{}", self.id, self.port)
    }
}

impl Group {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.node.attributes.get(name).map(String::as_str).unwrap_or_default()
    }

    /// The next number of a count that goes on over all fleets.
    pub(super) fn next(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn check(&self) -> &HealthCheck {
        &self.node.check
    }
}

impl Front {
    pub(super) fn attribute(&self, name: &str) -> &str {
        self.balancer.attributes.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn is_on(&self, name: &str) -> bool {
        self.attribute(name) == "true"
    }

    pub(super) fn seconds(&self, name: &str, default: u64) -> std::time::Duration {
        std::time::Duration::from_secs(self.attribute(name).parse().unwrap_or(default))
    }

    /// What clients' certificates are verified by.
    pub(super) fn trust(&self) -> Option<&str> {
        self.store.as_ref().map(|s| s.bundle.as_str())
    }

    /// Whether clients must show a certificate.
    pub(super) fn mutual(&self) -> bool {
        self.listener.mutual_authentication.is_some()
    }
}

impl Fleet {
    /// The fleet of this snapshot.
    pub(super) fn of(plane: &Plane, snapshot: &Snapshot, before: &Fleet) -> Fleet {
        let mut fleet = Fleet::default();
        let balancers: BTreeMap<String, Arc<elb::LoadBalancer>> = snapshot
            .all::<elb::LoadBalancer>()
            .filter(|b| b.state == "active")
            .map(|b| (b.arn(), Arc::new(b.clone())))
            .collect();
        let mut rules: BTreeMap<&str, Vec<Rule>> = BTreeMap::new();
        for rule in snapshot.all::<Rule>() {
            rules.entry(&rule.listener).or_default().push(rule.clone());
        }
        for listener in snapshot.all::<elb::Listener>() {
            let Some(balancer) = balancers.get(&listener.load_balancer) else { continue };
            let mut rules = rules.remove(listener.arn().as_str()).unwrap_or_default();
            rules.sort_by_key(|r| r.priority);
            let front = front(plane, snapshot, before, Parts { balancer, listener, rules });
            fleet.fronts.insert(front.arn.clone(), front);
        }
        let used = fleet.used();
        for node in snapshot.all::<elb::TargetGroup>() {
            let arn = node.arn();
            let group = group(node, before.groups.get(&arn), used.contains(&arn));
            fleet.groups.insert(arn, group);
        }
        fleet
    }

    /// ARNs of the groups that something sends to.
    fn used(&self) -> std::collections::BTreeSet<String> {
        let actions = self
            .fronts
            .values()
            .flat_map(|f| f.default.iter().chain(f.rules.iter().flat_map(|r| &r.actions)));
        let groups = actions.filter_map(|a| match a {
            Action::Forward { to } => Some(&to.target_groups),
            Action::Redirect { .. } | Action::FixedResponse { .. } => None,
        });
        groups.flatten().map(|t| t.target_group.clone()).collect()
    }

    /// The listener that answers on the shared port for this DNS name. An internal load balancer has
    /// none: its name means nothing outside its network.
    pub(super) fn named(&self, dns_name: &str, secure: bool) -> Option<&Arc<Front>> {
        let label = dns_name.split('.').next()?;
        let is_named = |f: &&Arc<Front>| {
            f.balancer.scheme == "internet-facing"
                && f.balancer.dns_name.split('.').next().is_some_and(|l| l.eq_ignore_ascii_case(label))
                && (f.listener.protocol == "HTTPS") == secure
        };
        let found: Vec<&Arc<Front>> = self.fronts.values().filter(is_named).collect();
        let usual = if secure { 443 } else { 80 };
        match found.iter().find(|f| f.listener.port == usual) {
            Some(front) => Some(front),
            None if found.len() == 1 => found.first().copied(),
            None => None,
        }
    }
}

struct Parts<'a> {
    balancer: &'a Arc<elb::LoadBalancer>,
    listener: &'a elb::Listener,
    rules: Vec<Rule>,
}

fn front(plane: &Plane, snapshot: &Snapshot, before: &Fleet, parts: Parts<'_>) -> Arc<Front> {
    let Parts { balancer, listener, rules } = parts;
    let arn = listener.arn();
    let store =
        listener.mutual_authentication.as_ref().and_then(|m| m.get("TrustStoreArn")).and_then(|a| a.as_str());
    let store = store.and_then(|a| snapshot.find_arn::<elb::TrustStore>(a)).cloned();
    let old = before.fronts.get(&arn);
    let tls = (listener.protocol == "HTTPS").then(|| {
        let old = old.and_then(|f| f.tls.as_ref()).map(|t| &t.certificates);
        Certificates::of(plane, snapshot, &listener.certificates, old)
    });
    if let Some(old) = old {
        let same_tls = match (&tls, &old.tls) {
            (Some(now), Some(old)) => now.same_as(&old.certificates),
            (None, None) => true,
            _ => false,
        };
        let same = same_tls && old.listener == *listener && old.balancer == *balancer && old.rules == rules;
        if same && old.store == store {
            return Arc::clone(old);
        }
    }
    let http2 = balancer.attributes.get("routing.http2.enabled").is_none_or(|v| v == "true");
    let tls = tls.map(|certificates| {
        let wanted = tls::Wanted { listener, store: store.as_ref(), http2 };
        Tls { config: tls::config(&certificates, &wanted), certificates }
    });
    Arc::new(Front {
        arn,
        balancer: Arc::clone(balancer),
        listener: listener.clone(),
        rules,
        default: listener.actions().unwrap_or_default(),
        tls,
        store,
    })
}

fn group(node: &elb::TargetGroup, old: Option<&Arc<Group>>, used: bool) -> Arc<Group> {
    let carried = |t: &elb::Target| {
        let members = old.map(|g| g.members.as_slice()).unwrap_or_default();
        let found = members.iter().find(|m| m.target.id == t.id && m.target.port == t.port);
        found.map(|m| Arc::clone(&m.target))
    };
    let member = |t: &elb::Target| Member {
        draining: t.draining_until.is_some(),
        target: carried(t).unwrap_or_else(|| Arc::new(Target::new(t.id.clone(), t.port))),
    };
    let members: Vec<Member> = node.targets.iter().map(member).collect();
    let kept = |target: &Arc<Target>| members.iter().any(|m| Arc::ptr_eq(&m.target, target));
    for gone in old.iter().flat_map(|g| &g.members).filter(|m| !kept(&m.target)) {
        gone.target.gone.send_replace(true);
    }
    Arc::new(Group {
        arn: node.arn(),
        node: node.clone(),
        members,
        used,
        turn: old.map(|g| Arc::clone(&g.turn)).unwrap_or_default(),
    })
}
