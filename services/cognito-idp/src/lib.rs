//! cognito-idp.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "cognito-idp",
    model: include_str!("../cognito-idp.model"),
    types: include_str!("../cognito-idp.cfn"),
    actions: include_str!("../cognito-idp.iam"),
    operations: model::operations![
        read ListUserPools => list_user_pools,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("cognito:{}", asking.operation), "*")])
}

fn list_user_pools(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListUserPools"))
}
