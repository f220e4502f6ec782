//! Amazon RDS for PostgreSQL: instances, and what they are made with. The engine is a real
//! PostgreSQL that `act` runs; logins are judged by the front in `edge`. This service holds
//! what both go by, and turns what they report into states.
//!
//! Never served: clusters, snapshots, replicas, other engines.

mod change;
mod create;
mod encryption;
mod fault;
mod iam;
mod jobs;
mod master;
mod name;
mod parameter;
mod parameter_group;
mod placement;
mod power;
mod provider;
#[rustfmt::skip]
mod shapes;
mod show;
mod subnet_group;
mod tags;
mod version;

use model::estate::rds::{DbInstance, DbParameterGroup, DbSubnetGroup};
use model::{NodeKind, Service};

/// As whom and on whose behalf RDS calls other services.
pub(crate) const SERVICE_PRINCIPAL: &str = "rds.amazonaws.com";

pub static SERVICE: Service = Service {
    name: "rds",
    model: include_str!("../rds.model"),
    types: include_str!("../rds.cfn"),
    actions: include_str!("../rds.iam"),
    operations: model::operations![
        write CreateDBInstance => create::create_db_instance,
        read DescribeDBInstances => show::describe_db_instances,
        write ModifyDBInstance => change::modify_db_instance,
        write StartDBInstance => power::start_db_instance,
        write StopDBInstance => power::stop_db_instance,
        write RebootDBInstance => power::reboot_db_instance,
        write DeleteDBInstance => power::delete_db_instance,
        write CreateDBSubnetGroup => subnet_group::create_db_subnet_group,
        read DescribeDBSubnetGroups => subnet_group::describe_db_subnet_groups,
        write ModifyDBSubnetGroup => subnet_group::modify_db_subnet_group,
        write DeleteDBSubnetGroup => subnet_group::delete_db_subnet_group,
        write CreateDBParameterGroup => parameter_group::create_db_parameter_group,
        read DescribeDBParameterGroups => parameter_group::describe_db_parameter_groups,
        write ModifyDBParameterGroup => parameter_group::modify_db_parameter_group,
        write ResetDBParameterGroup => parameter_group::reset_db_parameter_group,
        write DeleteDBParameterGroup => parameter_group::delete_db_parameter_group,
        read DescribeDBParameters => parameter_group::describe_db_parameters,
        read DescribeDBEngineVersions => version::describe_db_engine_versions,
        read DescribeOrderableDBInstanceOptions => version::describe_orderable_db_instance_options,
        write AddTagsToResource => tags::add_tags_to_resource,
        write RemoveTagsFromResource => tags::remove_tags_from_resource,
        read ListTagsForResource => tags::list_tags_for_resource,
    ],
    ask: iam::ask,
    nodes: &[
        NodeKind::of::<DbInstance>(),
        NodeKind::of::<DbSubnetGroup>(),
        NodeKind::of::<DbParameterGroup>(),
    ],
    resources: provider::RESOURCES,
    jobs: model::jobs![
        EngineReport => jobs::engine_report,
        Listening => jobs::listening,
        StartAgain => jobs::start_again,
    ],
    founding: model::service::nothing,
};
