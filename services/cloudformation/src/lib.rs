//! AWS CloudFormation: stacks. A stack converges on its template step by step, each
//! step a transaction of its own, made for the deployer and recorded; a crash between two
//! steps loses nothing. Rolling back is converging on what was before.

mod change_set;
mod converge;
mod iam;
mod lookup;
mod operation;
mod plan;
mod provider;
mod rollback;
#[rustfmt::skip]
mod shapes;
mod show;
mod source;
mod stack;
mod summary;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "cloudformation",
    model: include_str!("../cloudformation.model"),
    types: include_str!("../cloudformation.cfn"),
    actions: include_str!("../cloudformation.iam"),
    operations: model::operations![
        write CreateStack => stack::create_stack,
        write UpdateStack => stack::update_stack,
        write DeleteStack => stack::delete_stack,
        read ValidateTemplate => source::validate_template,
        read DescribeStacks => show::describe_stacks,
        read ListStacks => show::list_stacks,
        read DescribeStackEvents => show::describe_stack_events,
        read DescribeStackResources => show::describe_stack_resources,
        read DescribeStackResource => show::describe_stack_resource,
        read ListStackResources => show::list_stack_resources,
        read GetTemplate => show::get_template,
        read ListExports => show::list_exports,
        read ListImports => show::list_imports,
        read DescribeEvents => operation::describe_events,
        read GetTemplateSummary => summary::get_template_summary,
        write RollbackStack => rollback::rollback_stack,
        write ContinueUpdateRollback => rollback::continue_update_rollback,
        write CancelUpdateStack => rollback::cancel_update_stack,
        write UpdateTerminationProtection => rollback::update_termination_protection,
        write CreateChangeSet => change_set::create_change_set,
        read DescribeChangeSet => change_set::describe_change_set,
        write ExecuteChangeSet => change_set::execute_change_set,
        write DeleteChangeSet => change_set::delete_change_set,
        read ListChangeSets => change_set::list_change_sets,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<stack::Stack>(), NodeKind::of::<change_set::ChangeSet>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![Advance => converge::advance, Deploy => stack::deploy],
    founding: model::service::nothing,
};
