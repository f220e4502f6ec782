//! rds.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "rds",
    model: include_str!("../rds.model"),
    types: include_str!("../rds.cfn"),
    actions: include_str!("../rds.iam"),
    operations: model::operations![
        read DescribeDBInstances => describe_d_b_instances,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("rds:{}", asking.operation), "*")])
}

fn describe_d_b_instances(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("DescribeDBInstances"))
}
