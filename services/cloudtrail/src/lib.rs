//! AWS CloudTrail: the log of calls, as AWS shows it. Nothing is stored here: every
//! event is a view of the runtime's own record.

mod lookup;
#[rustfmt::skip]
mod shapes;
mod view;

use model::{Ask, Asking, Fault, Service};

pub static SERVICE: Service = Service {
    name: "cloudtrail",
    model: include_str!("../cloudtrail.model"),
    types: include_str!("../cloudtrail.cfn"),
    actions: include_str!("../cloudtrail.iam"),
    operations: model::operations![read LookupEvents => lookup::lookup_events],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(match asking.operation {
        "LookupEvents" => vec![Ask::new("cloudtrail:LookupEvents", "*")],
        _ => Vec::new(),
    })
}
