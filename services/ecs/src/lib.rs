//! ecs.

#[rustfmt::skip]
mod shapes;

use model::{Ask, Asking, Fault, Service, Tx, Value};

pub static SERVICE: Service = Service {
    name: "ecs",
    model: include_str!("../ecs.model"),
    types: include_str!("../ecs.cfn"),
    actions: include_str!("../ecs.iam"),
    operations: model::operations![
        read ListClusters => list_clusters,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("ecs:{}", asking.operation), "*")])
}

fn list_clusters(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Err(Fault::not_served("ListClusters"))
}
