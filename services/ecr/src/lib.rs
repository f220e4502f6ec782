//! ecr.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "ecr",
    model: include_str!("../ecr.model"),
    types: include_str!("../ecr.cfn"),
    actions: include_str!("../ecr.iam"),
    operations: model::operations![
        read DescribeRepositories => describe_repositories,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("ecr:{}", asking.operation), "*")])
}

fn describe_repositories(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("DescribeRepositories"))
}
