//! securityhub.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "securityhub",
    model: include_str!("../securityhub.model"),
    types: include_str!("../securityhub.cfn"),
    actions: include_str!("../securityhub.iam"),
    operations: model::operations![
        read GetFindings => get_findings,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("securityhub:{}", asking.operation), "*")])
}

fn get_findings(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("GetFindings"))
}
