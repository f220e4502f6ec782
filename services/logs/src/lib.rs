//! logs.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "logs",
    model: include_str!("../logs.model"),
    types: include_str!("../logs.cfn"),
    actions: include_str!("../logs.iam"),
    operations: model::operations![
        read DescribeLogGroups => describe_log_groups,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("logs:{}", asking.operation), "*")])
}

fn describe_log_groups(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("DescribeLogGroups"))
}
