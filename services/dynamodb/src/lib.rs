//! Amazon DynamoDB: tables, their indexes, and items, each table sealed under a key of its own.
//!
//! Tables are nodes of the graph; items are records under places whose bytes are in the order
//! of sort keys. Everything that a change of an item entails is one commit.

mod attribute;
mod batch;
mod capacity;
mod change;
mod codec;
mod create;
mod expression;
mod iam;
mod index;
mod item;
mod number;
mod place;
mod provider;
mod query;
mod schema;
mod seal;
mod setting;
#[rustfmt::skip]
mod shapes;
mod stats;
mod table;
mod transact;
mod ttl;
mod update_table;
mod write;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "dynamodb",
    model: include_str!("../dynamodb.model"),
    types: include_str!("../dynamodb.cfn"),
    actions: include_str!("../dynamodb.iam"),
    operations: model::operations![
        write CreateTable => create::create_table,
        read DescribeTable => table::describe_table,
        read ListTables => table::list_tables,
        write UpdateTable => update_table::update_table,
        write DeleteTable => table::delete_table,
        write PutItem => item::put_item,
        read GetItem => item::get_item,
        write UpdateItem => item::update_item,
        write DeleteItem => item::delete_item,
        read Query => query::query,
        read Scan => query::scan,
        read BatchGetItem => batch::batch_get_item,
        write BatchWriteItem => batch::batch_write_item,
        write TransactWriteItems => transact::transact_write_items,
        read TransactGetItems => transact::transact_get_items,
        write UpdateTimeToLive => ttl::update_time_to_live,
        read DescribeTimeToLive => ttl::describe_time_to_live,
        write TagResource => setting::tag_resource,
        write UntagResource => setting::untag_resource,
        read ListTagsOfResource => setting::list_tags_of_resource,
        write PutResourcePolicy => setting::put_resource_policy,
        read GetResourcePolicy => setting::get_resource_policy,
        write DeleteResourcePolicy => setting::delete_resource_policy,
        write UpdateContinuousBackups => setting::update_continuous_backups,
        read DescribeContinuousBackups => setting::describe_continuous_backups,
        read DescribeLimits => setting::describe_limits,
        read DescribeEndpoints => setting::describe_endpoints,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<table::Table>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![Expire => ttl::expire_due, Purge => table::purge_due],
    founding: model::service::nothing,
};
