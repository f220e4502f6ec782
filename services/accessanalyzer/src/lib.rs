//! IAM Access Analyzer: what policies allow over all requests at once. The runtime's prover
//! answers; what it does not know is refused, never passed. And what is wrong with a policy's text.

mod check;
#[rustfmt::skip]
mod shapes;
mod validation;

use model::{Ask, Asking, Fault, Service};

pub static SERVICE: Service = Service {
    name: "accessanalyzer",
    model: include_str!("../accessanalyzer.model"),
    types: include_str!("../accessanalyzer.cfn"),
    actions: include_str!("../accessanalyzer.iam"),
    operations: model::operations![
        read CheckAccessNotGranted => check::check_access_not_granted,
        read CheckNoNewAccess => check::check_no_new_access,
        read CheckNoPublicAccess => check::check_no_public_access,
        read ValidatePolicy => validation::validate_policy,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    Ok(vec![Ask::new(format!("access-analyzer:{}", asking.operation), "*")])
}
