//! apigatewayv2.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "apigatewayv2",
    model: include_str!("../apigatewayv2.model"),
    types: include_str!("../apigatewayv2.cfn"),
    actions: include_str!("../apigatewayv2.iam"),
    operations: model::operations![
        read GetApis => get_apis,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("apigatewayv2:{}", asking.operation), "*")])
}

fn get_apis(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("GetApis"))
}
