//! elbv2.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "elbv2",
    model: include_str!("../elbv2.model"),
    types: include_str!("../elbv2.cfn"),
    actions: include_str!("../elbv2.iam"),
    operations: model::operations![
        read DescribeLoadBalancers => describe_load_balancers,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("elbv2:{}", asking.operation), "*")])
}

fn describe_load_balancers(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("DescribeLoadBalancers"))
}
