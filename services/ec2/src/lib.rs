//! ec2.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "ec2",
    model: include_str!("../ec2.model"),
    types: include_str!("../ec2.cfn"),
    actions: include_str!("../ec2.iam"),
    operations: model::operations![
        read DescribeVpcs => describe_vpcs,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("ec2:{}", asking.operation), "*")])
}

fn describe_vpcs(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("DescribeVpcs"))
}
