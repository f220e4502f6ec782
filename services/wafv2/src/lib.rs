//! AWS WAF: web ACLs and what they are made of. What is kept here is what the edge enforces:
//! a setting that would not be honoured is refused.

mod capacity;
mod check;
mod entity;
mod faults;
mod iam;
mod ip_set;
mod logging;
mod managed;
mod provider;
mod regex_pattern_set;
mod rule_group;
mod samples;
#[rustfmt::skip]
mod shapes;
mod tagging;
mod web_acl;

use model::estate::waf;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "wafv2",
    model: include_str!("../wafv2.model"),
    types: include_str!("../wafv2.cfn"),
    actions: include_str!("../wafv2.iam"),
    operations: model::operations![
        write CreateWebACL => web_acl::create,
        read GetWebACL => web_acl::get,
        write UpdateWebACL => web_acl::update,
        write DeleteWebACL => web_acl::delete,
        read ListWebACLs => web_acl::list,
        write AssociateWebACL => web_acl::associate,
        write DisassociateWebACL => web_acl::disassociate,
        read GetWebACLForResource => web_acl::of_resource,
        read ListResourcesForWebACL => web_acl::resources,
        read CheckCapacity => web_acl::check_capacity,
        write CreateRuleGroup => rule_group::create,
        read GetRuleGroup => rule_group::get,
        write UpdateRuleGroup => rule_group::update,
        write DeleteRuleGroup => rule_group::delete,
        read ListRuleGroups => rule_group::list,
        write CreateIPSet => ip_set::create,
        read GetIPSet => ip_set::get,
        write UpdateIPSet => ip_set::update,
        write DeleteIPSet => ip_set::delete,
        read ListIPSets => ip_set::list,
        write CreateRegexPatternSet => regex_pattern_set::create,
        read GetRegexPatternSet => regex_pattern_set::get,
        write UpdateRegexPatternSet => regex_pattern_set::update,
        write DeleteRegexPatternSet => regex_pattern_set::delete,
        read ListRegexPatternSets => regex_pattern_set::list,
        read ListAvailableManagedRuleGroups => managed::list,
        read ListAvailableManagedRuleGroupVersions => managed::versions,
        read DescribeManagedRuleGroup => managed::describe,
        write PutLoggingConfiguration => logging::put,
        read GetLoggingConfiguration => logging::get,
        write DeleteLoggingConfiguration => logging::delete,
        read ListLoggingConfigurations => logging::list,
        read GetSampledRequests => samples::get,
        write TagResource => tagging::tag,
        write UntagResource => tagging::untag,
        read ListTagsForResource => tagging::list,
    ],
    ask: iam::ask,
    nodes: &[
        NodeKind::of::<waf::WebAcl>(),
        NodeKind::of::<waf::RuleGroup>(),
        NodeKind::of::<waf::IpSet>(),
        NodeKind::of::<waf::RegexPatternSet>(),
        NodeKind::of::<waf::Association>(),
    ],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
