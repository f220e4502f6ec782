//! dynamodb.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "dynamodb",
    model: include_str!("../dynamodb.model"),
    types: include_str!("../dynamodb.cfn"),
    actions: include_str!("../dynamodb.iam"),
    operations: model::operations![
        read ListTables => list_tables,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("dynamodb:{}", asking.operation), "*")])
}

fn list_tables(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListTables"))
}
