//! wafv2.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "wafv2",
    model: include_str!("../wafv2.model"),
    types: include_str!("../wafv2.cfn"),
    actions: include_str!("../wafv2.iam"),
    operations: model::operations![
        read ListWebACLs => list_web_a_c_ls,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("wafv2:{}", asking.operation), "*")])
}

fn list_web_a_c_ls(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListWebACLs"))
}
