//! Amazon ECR: repositories, their policies and tags. The registry protocol is not served yet, so
//! that a repository holds no images: what a lifecycle policy or a scan would act on is not there.

mod iam;
mod policy;
mod provider;
mod repository;
#[rustfmt::skip]
mod shapes;
mod token;

use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "ecr",
    model: include_str!("../ecr.model"),
    types: include_str!("../ecr.cfn"),
    actions: include_str!("../ecr.iam"),
    operations: model::operations![
        write CreateRepository => repository::create_repository,
        read DescribeRepositories => repository::describe_repositories,
        write DeleteRepository => repository::delete_repository,
        write PutImageTagMutability => repository::put_image_tag_mutability,
        write PutImageScanningConfiguration => repository::put_image_scanning_configuration,
        write TagResource => repository::tag_resource,
        write UntagResource => repository::untag_resource,
        read ListTagsForResource => repository::list_tags_for_resource,
        write SetRepositoryPolicy => policy::set_repository_policy,
        read GetRepositoryPolicy => policy::get_repository_policy,
        write DeleteRepositoryPolicy => policy::delete_repository_policy,
        write PutLifecyclePolicy => policy::put_lifecycle_policy,
        read GetLifecyclePolicy => policy::get_lifecycle_policy,
        write DeleteLifecyclePolicy => policy::delete_lifecycle_policy,
        read GetAuthorizationToken => token::get_authorization_token,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<repository::Repository>()],
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
