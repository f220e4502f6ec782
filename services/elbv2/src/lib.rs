//! Elastic Load Balancing v2: application load balancers. Here is what was asked for; the
//! balancer at the edge carries it out. What it cannot carry out is refused here.

mod action;
mod attribute;
mod certificate;
mod condition;
mod facts;
mod fault;
mod iam;
mod listener;
mod load_balancer;
mod network;
mod page;
mod provider;
mod rule;
#[rustfmt::skip]
mod shapes;
mod tag;
mod target;
mod target_group;
mod trust_store;

use model::Service;
use model::estate::elb;

pub static SERVICE: Service = Service {
    name: "elbv2",
    model: include_str!("../elbv2.model"),
    types: include_str!("../elbv2.cfn"),
    actions: include_str!("../elbv2.iam"),
    operations: model::operations![
        write CreateLoadBalancer => load_balancer::create_load_balancer,
        read DescribeLoadBalancers => load_balancer::describe_load_balancers,
        write DeleteLoadBalancer => load_balancer::delete_load_balancer,
        write SetSecurityGroups => load_balancer::set_security_groups,
        write SetSubnets => load_balancer::set_subnets,
        write ModifyLoadBalancerAttributes => load_balancer::modify_load_balancer_attributes,
        read DescribeLoadBalancerAttributes => load_balancer::describe_load_balancer_attributes,
        write CreateListener => listener::create_listener,
        read DescribeListeners => listener::describe_listeners,
        write ModifyListener => listener::modify_listener,
        write DeleteListener => listener::delete_listener,
        write ModifyListenerAttributes => listener::modify_listener_attributes,
        read DescribeListenerAttributes => listener::describe_listener_attributes,
        write AddListenerCertificates => certificate::add_listener_certificates,
        write RemoveListenerCertificates => certificate::remove_listener_certificates,
        read DescribeListenerCertificates => certificate::describe_listener_certificates,
        write CreateRule => rule::create_rule,
        read DescribeRules => rule::describe_rules,
        write ModifyRule => rule::modify_rule,
        write DeleteRule => rule::delete_rule,
        write SetRulePriorities => rule::set_rule_priorities,
        write CreateTargetGroup => target_group::create_target_group,
        read DescribeTargetGroups => target_group::describe_target_groups,
        write ModifyTargetGroup => target_group::modify_target_group,
        write DeleteTargetGroup => target_group::delete_target_group,
        write ModifyTargetGroupAttributes => target_group::modify_target_group_attributes,
        read DescribeTargetGroupAttributes => target_group::describe_target_group_attributes,
        write RegisterTargets => target::register_targets,
        write DeregisterTargets => target::deregister_targets,
        read DescribeTargetHealth => target::describe_target_health,
        write CreateTrustStore => trust_store::create_trust_store,
        write ModifyTrustStore => trust_store::modify_trust_store,
        read DescribeTrustStores => trust_store::describe_trust_stores,
        read DescribeTrustStoreAssociations => trust_store::describe_trust_store_associations,
        write DeleteTrustStore => trust_store::delete_trust_store,
        write AddTags => tag::add_tags,
        write RemoveTags => tag::remove_tags,
        read DescribeTags => tag::describe_tags,
        read DescribeSSLPolicies => facts::describe_ssl_policies,
        read DescribeAccountLimits => facts::describe_account_limits,
    ],
    ask: iam::ask,
    nodes: elb::NODES,
    resources: provider::RESOURCES,
    jobs: model::jobs![
        Activate => load_balancer::activate,
        Drained => target::drained,
        TargetHealth => target::health_seen,
    ],
    founding: model::service::nothing,
};
