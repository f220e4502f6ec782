//! cognito-identity.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "cognito-identity",
    model: include_str!("../cognito-identity.model"),
    types: include_str!("../cognito-identity.cfn"),
    actions: include_str!("../cognito-identity.iam"),
    operations: model::operations![
        read ListIdentityPools => list_identity_pools,
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

fn list_identity_pools(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListIdentityPools"))
}
