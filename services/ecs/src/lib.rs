//! Amazon ECS on Fargate: clusters, task definitions, services and tasks. Decides what is to run;
//! `act` runs it, and reports back through the job `Observe`. Nothing here starts a process.

mod cluster;
mod definition;
mod fault;
mod iam;
mod name;
mod network;
mod provider;
mod service;
#[rustfmt::skip]
mod shapes;
mod tags;
mod targets;
mod task;

use model::{NodeKind, Service, estate::ecs};

pub static SERVICE: Service = Service {
    name: "ecs",
    model: include_str!("../ecs.model"),
    types: include_str!("../ecs.cfn"),
    actions: include_str!("../ecs.iam"),
    operations: model::operations![
        write CreateCluster => cluster::create_cluster,
        write DeleteCluster => cluster::delete_cluster,
        read DescribeClusters => cluster::describe_clusters,
        read ListClusters => cluster::list_clusters,
        write UpdateCluster => cluster::update_cluster,
        write UpdateClusterSettings => cluster::update_cluster_settings,
        write PutClusterCapacityProviders => cluster::put_cluster_capacity_providers,
        read DescribeCapacityProviders => cluster::describe_capacity_providers,
        read ListAccountSettings => cluster::list_account_settings,
        write RegisterTaskDefinition => definition::register_task_definition,
        write DeregisterTaskDefinition => definition::deregister_task_definition,
        write DeleteTaskDefinitions => definition::delete_task_definitions,
        read DescribeTaskDefinition => definition::describe_task_definition,
        read ListTaskDefinitions => definition::list_task_definitions,
        read ListTaskDefinitionFamilies => definition::list_task_definition_families,
        write CreateService => service::create_service,
        write UpdateService => service::update_service,
        write DeleteService => service::delete_service,
        read DescribeServices => service::describe_services,
        read ListServices => service::list_services,
        write RunTask => task::run_task,
        write StopTask => task::stop_task,
        read DescribeTasks => task::describe_tasks,
        read ListTasks => task::list_tasks,
        write TagResource => tags::tag_resource,
        write UntagResource => tags::untag_resource,
        read ListTagsForResource => tags::list_tags_for_resource,
    ],
    ask: iam::ask,
    nodes: &[
        NodeKind::of::<ecs::Cluster>(),
        NodeKind::of::<ecs::TaskDefinition>(),
        NodeKind::of::<ecs::Service>(),
        NodeKind::of::<ecs::Task>(),
    ],
    resources: provider::RESOURCES,
    jobs: model::jobs![
        Observe => task::report::observe,
        Drain => task::report::drain,
        Forget => task::report::forget,
        Reconcile => service::scheduler::due,
    ],
    founding: model::service::nothing,
};
