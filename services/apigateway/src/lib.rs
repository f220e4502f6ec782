//! apigateway.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "apigateway",
    model: include_str!("../apigateway.model"),
    types: include_str!("../apigateway.cfn"),
    actions: include_str!("../apigateway.iam"),
    operations: model::operations![
        read GetRestApis => get_rest_apis,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("apigateway:{}", asking.operation), "*")])
}

fn get_rest_apis(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("GetRestApis"))
}
