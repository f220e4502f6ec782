//! AWS Systems Manager: the Parameter Store. Secure strings are KMS ciphertexts, bound
//! to the parameter's ARN: reading one is the caller's own `kms:Decrypt`.

mod iam;
mod parameter;
mod provider;
#[rustfmt::skip]
mod shapes;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "ssm",
    model: include_str!("../ssm.model"),
    types: include_str!("../ssm.cfn"),
    actions: include_str!("../ssm.iam"),
    operations: model::operations![
        write PutParameter => parameter::put_parameter,
        read GetParameter => parameter::get_parameter,
        read GetParameters => parameter::get_parameters,
        read GetParametersByPath => parameter::get_parameters_by_path,
        read GetParameterHistory => parameter::get_parameter_history,
        read DescribeParameters => parameter::describe_parameters,
        write DeleteParameter => parameter::delete_parameter,
        write DeleteParameters => parameter::delete_parameters,
        write AddTagsToResource => parameter::add_tags_to_resource,
        write RemoveTagsFromResource => parameter::remove_tags_from_resource,
        read ListTagsForResource => parameter::list_tags_for_resource,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<parameter::Stored>()],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
