//! The shipped shop keeps the theorem; each way of breaking it is found, with its path.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use std::collections::{BTreeMap, BTreeSet};

use prove::{Estate, Graph, Guard, Verdict, verify};

const SHOP: &str = include_str!("../../examples/securecart/template.yaml");

const AT_STAGE: &str = "  FirewallAtStage:
    Type: AWS::WAFv2::WebACLAssociation
    DependsOn: Stage
    Properties:
      ResourceArn: !Sub \"arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/prod\"
      WebACLArn: !GetAtt Firewall.Arn
";
const AT_BALANCER: &str = "  FirewallAtBalancer:
    Type: AWS::WAFv2::WebACLAssociation
    Properties:
      ResourceArn: !Ref LoadBalancer
      WebACLArn: !GetAtt Firewall.Arn
";
const ORDERS_METHOD: &str = "      ResourceId: !Ref OrdersPath
      HttpMethod: ANY
      AuthorizationType: COGNITO_USER_POOLS
      AuthorizerId: !Ref Authorizer
";
const ORDERS_OPEN: &str = "      ResourceId: !Ref OrdersPath
      HttpMethod: ANY
      AuthorizationType: NONE
";
const READ_ROUTE: &str = "      AuthorizationType: JWT
      AuthorizerId: !Ref ReadAuthorizer
      AuthorizationScopes: [aws.cognito.signin.user.admin]
";
const READ_OPEN: &str = "      AuthorizationType: NONE
";
const FROM_LINK: &str = "          SourceSecurityGroupId: !Ref LinkGroup\n";
const FROM_WORLD: &str = "          CidrIp: 0.0.0.0/0\n";
const FROM_ORDERS: &str = "          SourceSecurityGroupId: !Ref OrdersGroup\n";
const FROM_SERVICES: &str = "          SourceSecurityGroupId: !Ref ServiceGroup\n";
const FROM_HALF: &str = "          CidrIp: 128.0.0.0/1\n";
const FROM_SUBNETS: &str = "          CidrIp: 10.20.0.0/23\n";
const PRIVATE: &str = "PubliclyAccessible: false";
const PUBLIC: &str = "PubliclyAccessible: true";
const RULE: &str = "  OrdersService:\n    Type";
const SHORTCUT: &str = "  Shortcut:
    Type: AWS::ElasticLoadBalancingV2::ListenerRule
    Properties:
      ListenerArn: !Ref Listener
      Priority: 99
      Conditions: [{Field: path-pattern, Values: [\"/catalogue*\"]}]
      Actions: [{Type: forward, TargetGroupArn: !Ref OrdersTargets}]
  OrdersService:
    Type";
const ATTACHED: &str = "  Attached:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt DatabaseGroup.GroupId, IpProtocol: tcp, FromPort: 5000, ToPort: 6000, SourceSecurityGroupId: !Ref ServiceGroup}
  OrdersService:
    Type";
const TO_ORDERS: &str = "  Aside:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref OrdersGroup, IpProtocol: \"-1\", SourceSecurityGroupId: !Ref ServiceGroup}
  OrdersService:
    Type";
const BLOCK: &str = "Action: {Block: {}}";
const OVERRIDE: &str = "OverrideAction: {None: {}}";

type Edits = &'static [(&'static str, &'static str)];

/// The edits, and what a violating path then says; nothing when the theorem still holds.
const CASES: &[(&str, Edits, &[&str])] = &[
    ("as shipped", &[], &[]),
    (
        "orders without authorizer",
        &[(ORDERS_METHOD, ORDERS_OPEN)],
        &[
            "ANY /orders AnyOrders (line ",
            "[NO AUTHORIZER] → LoadBalancer",
            "rule OrdersRule",
            "OrdersService",
            "Database",
        ],
    ),
    // The load balancer has the web ACL, too.
    ("no web ACL at the stage", &[(AT_STAGE, "")], &[]),
    // HTTP APIs can have none: for what comes through them, the balancer's is the only one.
    (
        "no web ACL at the balancer",
        &[(AT_BALANCER, "")],
        &["stage ReadStage (line ", "[NO WAF]", "GET /orders ReadOrdersRoute", "Database"],
    ),
    (
        "orders to read without authorizer",
        &[(READ_ROUTE, READ_OPEN)],
        &["GET /orders ReadOrdersRoute (line ", "[NO AUTHORIZER] → LoadBalancer", "Database"],
    ),
    (
        "no web ACL at all",
        &[(AT_STAGE, ""), (AT_BALANCER, "")],
        &["stage Stage (line ", "[NO WAF]", "Database"],
    ),
    (
        "the balancer on the internet",
        &[("Scheme: internal", "Scheme: internet-facing"), (FROM_LINK, FROM_WORLD)],
        &["internet → LoadBalancer (line ", "[waf Firewall] → rule OrdersRule", "[NO AUTHORIZER]"],
    ),
    (
        "a public balancer that lets only the gateway in",
        &[("Scheme: internal", "Scheme: internet-facing")],
        &[],
    ),
    (
        "a private balancer that lets everybody in",
        &[(FROM_LINK, FROM_WORLD)],
        &["CatalogueService", "OrdersService"],
    ),
    ("a public database", &[(PRIVATE, PUBLIC), (FROM_ORDERS, FROM_WORLD)], &["internet → Database (line "]),
    (
        "a public database for half the world",
        &[(PRIVATE, PUBLIC), (FROM_ORDERS, FROM_HALF)],
        &["internet → Database"],
    ),
    ("a public database for the orders service", &[(PRIVATE, PUBLIC)], &[]),
    (
        "all services at the database",
        &[(FROM_ORDERS, FROM_SERVICES)],
        &["GET /catalogue GetCatalogue", "CatalogueService"],
    ),
    (
        "all subnets at the database",
        &[(FROM_ORDERS, FROM_SUBNETS)],
        &["GET /catalogue GetCatalogue", "CatalogueService"],
    ),
    (
        "a rule attached to the group",
        &[(RULE, ATTACHED)],
        &["GET /catalogue GetCatalogue", "CatalogueService"],
    ),
    (
        "a rule for the catalogue's path",
        &[(RULE, SHORTCUT)],
        &["GET /catalogue GetCatalogue", "rule Shortcut"],
    ),
    ("from service to service", &[(RULE, TO_ORDERS)], &["CatalogueService", " → OrdersService"]),
    (
        "only counting",
        &[(BLOCK, "Action: {Count: {}}"), (OVERRIDE, "OverrideAction: {Count: {}}")],
        &["[NO WAF]"],
    ),
];

fn graph(edits: Edits) -> Graph {
    let mut text = SHOP.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "the template no longer has `{old}`");
        text = text.replace(old, new);
    }
    Graph::of(&Estate::read(&text, &BTreeMap::new()).unwrap())
}

#[test]
fn each_opening_is_found_with_its_path() {
    for (name, edits, parts) in CASES {
        let found = verify(&graph(edits));
        let paths: Vec<String> = found.violations.iter().map(ToString::to_string).collect();
        assert_eq!(paths.is_empty(), parts.is_empty(), "{name}: {paths:#?}");
        let told = paths.iter().any(|path| parts.iter().all(|part| path.contains(part)));
        assert!(parts.is_empty() || told, "{name}: {paths:#?}");
    }
}

/// All simple paths, one by one.
fn walk(graph: &Graph, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    let last = path.last().unwrap().clone();
    if graph.points[&last].database.is_some() {
        out.push(path.clone());
    }
    for next in graph.hops.get(&last).into_iter().flatten() {
        if !path.contains(next) {
            path.push(next.clone());
            walk(graph, path, out);
            path.pop();
        }
    }
}

/// What the paths say: by door and database, the sets of guards that no other path undercuts.
type Findings = BTreeSet<(Vec<String>, String, Vec<Guard>)>;

fn naive(graph: &Graph) -> Findings {
    let mut paths = Vec::new();
    walk(graph, &mut vec!["the internet".to_owned()], &mut paths);
    let all: Vec<(Vec<String>, String, Vec<Guard>)> = paths
        .iter()
        .map(|path| {
            let guards: BTreeSet<Guard> =
                path.iter().flat_map(|p| graph.points[p].guards.keys().copied()).collect();
            let missing: Vec<Guard> =
                [Guard::Waf, Guard::Authorizer].into_iter().filter(|g| !guards.contains(g)).collect();
            let length = if graph.points[&path[1]].stage { 3 } else { 2 };
            let door = path[..length].iter().map(|p| graph.points[p].label.clone()).collect();
            (door, path.last().unwrap().clone(), missing)
        })
        .collect();
    let worse = |a: &[Guard], b: &[Guard]| a != b && b.iter().all(|g| a.contains(g));
    let undercut = |(door, end, missing): &(Vec<String>, String, Vec<Guard>)| {
        all.iter().any(|(d, e, m)| d == door && e == end && worse(m, missing))
    };
    all.iter().filter(|path| !undercut(path)).cloned().collect()
}

fn quick(found: &Verdict) -> Findings {
    let of = |path: &prove::Path| {
        let length = if path.points[1].stage { 3 } else { 2 };
        let door = path.points[..length].iter().map(|p| p.label.clone()).collect();
        (door, path.database.clone(), path.missing.clone())
    };
    found.guarded.iter().chain(&found.violations).map(of).collect()
}

#[test]
fn the_procedure_says_what_listing_every_path_says() {
    for (name, edits, _) in CASES {
        let graph = graph(edits);
        let expected = naive(&graph);
        assert!(!expected.is_empty(), "{name}");
        assert_eq!(quick(&verify(&graph)), expected, "{name}");
    }
}
