//! acm.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "acm",
    model: include_str!("../acm.model"),
    types: include_str!("../acm.cfn"),
    actions: include_str!("../acm.iam"),
    operations: model::operations![
        read ListCertificates => list_certificates,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("acm:{}", asking.operation), "*")])
}

fn list_certificates(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListCertificates"))
}
