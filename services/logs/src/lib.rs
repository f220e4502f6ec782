//! Amazon CloudWatch Logs: groups, streams and their events. Events are records, sealed at
//! rest; those of a group with a KMS key can only be read while the key may be used.
//! Never answered from a cache: each reading asks KMS again.

mod event;
mod group;
mod iam;
mod key;
mod pattern;
mod policy;
mod provider;
mod purge;
mod read;
#[rustfmt::skip]
mod shapes;
mod stream;
mod tags;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "logs",
    model: include_str!("../logs.model"),
    types: include_str!("../logs.cfn"),
    actions: include_str!("../logs.iam"),
    operations: model::operations![
        write CreateLogGroup => group::create_log_group,
        write DeleteLogGroup => group::delete_log_group,
        read DescribeLogGroups => group::describe_log_groups,
        write PutRetentionPolicy => group::put_retention_policy,
        write DeleteRetentionPolicy => group::delete_retention_policy,
        write PutLogGroupDeletionProtection => group::put_log_group_deletion_protection,
        write AssociateKmsKey => key::associate_kms_key,
        write DisassociateKmsKey => key::disassociate_kms_key,
        write CreateLogStream => stream::create_log_stream,
        write DeleteLogStream => stream::delete_log_stream,
        read DescribeLogStreams => stream::describe_log_streams,
        write PutLogEvents => event::put_log_events,
        read GetLogEvents => read::get_log_events,
        read FilterLogEvents => read::filter_log_events,
        read TestMetricFilter => read::test_metric_filter,
        write PutResourcePolicy => policy::put_resource_policy,
        read DescribeResourcePolicies => policy::describe_resource_policies,
        write DeleteResourcePolicy => policy::delete_resource_policy,
        write TagResource => tags::tag_resource,
        write UntagResource => tags::untag_resource,
        read ListTagsForResource => tags::list_tags_for_resource,
        write TagLogGroup => tags::tag_log_group,
        write UntagLogGroup => tags::untag_log_group,
        read ListTagsLogGroup => tags::list_tags_log_group,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<group::Group>(), NodeKind::of::<policy::AccountPolicy>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![Expire => purge::expire, PurgeGroup => purge::group, PurgeStream => purge::stream],
    founding: model::service::nothing,
};
