//! The points a request can come by, and the hops between them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::estate::{Estate, Item, list, number, referred};
use crate::network::{Source, database, groups};
use crate::{gateway, glob};

/// What a way to a database must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    Waf,
    Authorizer,
}

/// A place on the way.
#[derive(Clone, Debug, Default)]
pub struct Point {
    pub label: String,
    pub line: Option<u32>,
    /// The guards that stand here, and their names.
    pub guards: BTreeMap<Guard, String>,
    /// The guards that could stand here, and do not.
    pub open: Vec<Guard>,
    /// The logical id, when this is a database.
    pub database: Option<String>,
    /// A stage: the doors are behind it.
    pub stage: bool,
}

/// Points by name, and which follow which. `the internet` is where every path begins.
#[derive(Default)]
pub struct Graph {
    pub points: BTreeMap<String, Point>,
    pub hops: BTreeMap<String, Vec<String>>,
}

/// No logical id has a space.
pub(crate) const INTERNET: &str = "the internet";

impl Point {
    pub(crate) fn of(label: String, line: u32) -> Point {
        // What was never written in a file has no line.
        Point { label, line: (line > 0).then_some(line), ..Point::default() }
    }

    /// A place where a guard stands, or could.
    pub(crate) fn guarded(mut self, guard: Guard, name: Option<String>) -> Point {
        match name {
            Some(name) => drop(self.guards.insert(guard, name)),
            None => self.open.push(guard),
        }
        self
    }
}

impl Graph {
    pub fn of(estate: &Estate) -> Graph {
        let mut graph = Graph::default();
        graph.points.insert(INTERNET.to_owned(), Point { label: "internet".to_owned(), ..Point::default() });
        gateway::stages(&mut graph, estate);
        for balancer in balancers(estate) {
            let open = balancer.text("Scheme") != Some("internal");
            let admitted = estate.admits(&groups(balancer.list("SecurityGroups")), None, &Source::Internet);
            if open && admitted {
                graph.enter_balancer(estate, INTERNET, balancer, "*", None);
            }
        }
        for item in estate.items.values() {
            let Some(door) = database(estate, item) else { continue };
            let point =
                Point { database: Some(item.name.clone()), ..Point::of(item.name.clone(), item.line) };
            graph.points.insert(item.name.clone(), point);
            if door.public && estate.admits(&door.groups, door.port, &Source::Internet) {
                graph.hop(INTERNET, &item.name);
            }
        }
        for service in estate.of("AWS::ECS::Service") {
            graph.service(estate, service);
        }
        graph
    }

    pub(crate) fn hop(&mut self, from: &str, to: &str) {
        let next = self.hops.entry(from.to_owned()).or_default();
        if !next.iter().any(|n| n == to) {
            next.push(to.to_owned());
        }
    }

    /// A request for `path` comes to a load balancer, to one of its listeners or any.
    pub(crate) fn enter_balancer(
        &mut self,
        estate: &Estate,
        from: &str,
        balancer: &Item,
        path: &str,
        only: Option<&str>,
    ) {
        let id = format!("{} {path} {}", balancer.name, only.unwrap_or("*"));
        self.hop(from, &id);
        if self.points.contains_key(&id) {
            return;
        }
        let waf = gateway::waf(estate, &|arn| referred(arn) == Some(balancer.name.as_str()));
        let point = Point::of(balancer.name.clone(), balancer.line).guarded(Guard::Waf, waf);
        self.points.insert(id.clone(), point);
        let listeners = estate.of("AWS::ElasticLoadBalancingV2::Listener").filter(|l| {
            l.refers("LoadBalancerArn") == Some(balancer.name.as_str()) && only.is_none_or(|o| o == l.name)
        });
        for listener in listeners {
            self.listener(estate, &id, listener, path);
        }
    }

    /// The rules that a path can match, by priority, until one surely takes it; then the default.
    fn listener(&mut self, estate: &Estate, from: &str, listener: &Item, path: &str) {
        let mut rules: Vec<(Option<i64>, &Item)> = estate
            .of("AWS::ElasticLoadBalancingV2::ListenerRule")
            .filter(|r| r.refers("ListenerArn") == Some(listener.name.as_str()))
            .map(|r| (r.at("Priority").and_then(number), r))
            .collect();
        rules.sort_by_key(|(priority, _)| *priority);
        for (priority, rule) in rules {
            let fit = fits(rule, path);
            if fit != Fit::Never {
                self.action(estate, from, rule, "Actions", format!("rule {}", rule.name));
            }
            if fit == Fit::Always && priority.is_some() {
                return;
            }
        }
        self.action(estate, from, listener, "DefaultActions", format!("default of {}", listener.name));
    }

    fn action(&mut self, estate: &Estate, from: &str, item: &Item, property: &str, label: String) {
        let actions = item.list(property);
        let id = format!("action {}", item.name);
        let mut targets: Vec<&str> = Vec::new();
        for action in actions {
            let groups = list(action.pointer("/ForwardConfig/TargetGroups"));
            let named = groups.iter().chain([action]).filter_map(|g| g.get("TargetGroupArn")?.as_str());
            targets.extend(named.filter_map(referred));
        }
        if targets.is_empty() {
            return;
        }
        self.hop(from, &id);
        let authorizer = actions.iter().find_map(authenticates);
        let point = Point::of(label, item.line_of(property)).guarded(Guard::Authorizer, authorizer);
        self.points.entry(id.clone()).or_insert(point);
        for service in estate.of("AWS::ECS::Service") {
            let mut bound =
                service.list("LoadBalancers").iter().filter_map(|l| l.get("TargetGroupArn")?.as_str());
            if bound.any(|arn| referred(arn).is_some_and(|name| targets.contains(&name))) {
                self.hop(&id, &service.name);
            }
        }
    }

    /// What a service can reach: databases, other services, load balancers that let it in.
    fn service(&mut self, estate: &Estate, service: &Item) {
        let network = "NetworkConfiguration/AwsvpcConfiguration";
        self.points.insert(service.name.clone(), Point::of(service.name.clone(), service.line));
        let own = service_groups(service);
        let subnets = estate.subnets(service.list(&format!("{network}/Subnets")));
        let public = service.text(&format!("{network}/AssignPublicIp")) == Some("ENABLED");
        if public && estate.admits(&own, None, &Source::Internet) {
            self.hop(INTERNET, &service.name);
        }
        let source = Source::Members { groups: &own, subnets: &subnets };
        for item in estate.items.values().filter(|i| i.name != service.name) {
            let reached = match item.kind.as_str() {
                "AWS::ECS::Service" => estate.admits(&service_groups(item), None, &source),
                "AWS::ElasticLoadBalancingV2::LoadBalancer" => {
                    if estate.admits(&groups(item.list("SecurityGroups")), None, &source) {
                        self.enter_balancer(estate, &service.name, item, "*", None);
                    }
                    false
                }
                _ => database(estate, item).is_some_and(|d| estate.admits(&d.groups, d.port, &source)),
            };
            if reached {
                self.hop(&service.name, &item.name);
            }
        }
    }
}

/// Tasks without an interface of their own share their host's, of which nothing is known.
fn service_groups(service: &Item) -> std::collections::BTreeSet<String> {
    match service.at("NetworkConfiguration/AwsvpcConfiguration") {
        Some(_) => groups(service.list("NetworkConfiguration/AwsvpcConfiguration/SecurityGroups")),
        None => groups(&[Json::String("host".to_owned())]),
    }
}

pub(crate) fn balancers(estate: &Estate) -> impl Iterator<Item = &Item> {
    estate.of("AWS::ElasticLoadBalancingV2::LoadBalancer").filter(|b| b.text("Type") != Some("network"))
}

#[derive(PartialEq, Eq)]
enum Fit {
    Never,
    Perhaps,
    Always,
}

/// A rule matches when each of its conditions does; what is not a path may match or not.
fn fits(rule: &Item, path: &str) -> Fit {
    let mut fit = Fit::Always;
    for condition in rule.list("Conditions") {
        let values = ["/PathPatternConfig/Values", "/Values"].iter().find_map(|p| condition.pointer(p));
        let patterns: Option<Vec<&str>> = list(values).iter().map(Json::as_str).collect();
        let is_path = condition.get("Field").and_then(Json::as_str) == Some("path-pattern");
        match patterns.filter(|p| is_path && !p.is_empty() && !p.iter().any(|p| p.contains("@{"))) {
            None => fit = Fit::Perhaps,
            Some(patterns) if !patterns.iter().any(|p| glob::meet(p, path)) => return Fit::Never,
            Some(patterns) if !patterns.iter().any(|p| glob::covers(p, path)) => fit = Fit::Perhaps,
            Some(_) => {}
        }
    }
    fit
}

/// An action that lets nobody pass without a proof of who they are.
fn authenticates(action: &Json) -> Option<String> {
    let kind = action.get("Type")?.as_str()?;
    let config = match kind {
        "authenticate-oidc" => "AuthenticateOidcConfig",
        "authenticate-cognito" => "AuthenticateCognitoConfig",
        "jwt-validation" => return Some(kind.to_owned()),
        _ => return None,
    };
    let otherwise = action.get(config).and_then(|c| c.get("OnUnauthenticatedRequest"));
    let refuses = match otherwise {
        None => true,
        Some(value) => matches!(value.as_str(), Some("authenticate" | "deny")),
    };
    refuses.then(|| kind.to_owned())
}
