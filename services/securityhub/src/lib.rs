//! AWS Security Hub: where findings come together, in the AWS Security Finding Format. The
//! runtime's own detectors report here; so may any principal that is allowed to.

mod filter;
mod finding;
mod hub;

use model::{Ask, Asking, Fault, NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "securityhub",
    model: include_str!("../securityhub.model"),
    types: include_str!("../securityhub.cfn"),
    actions: include_str!("../securityhub.iam"),
    operations: model::operations![
        write EnableSecurityHub => hub::enable_security_hub,
        write DisableSecurityHub => hub::disable_security_hub,
        read DescribeHub => hub::describe_hub,
        read GetFindings => finding::get_findings,
        write BatchImportFindings => finding::batch_import_findings,
        write BatchUpdateFindings => finding::batch_update_findings,
    ],
    ask,
    nodes: &[NodeKind::of::<hub::Hub>()],
    resources: hub::RESOURCES,
    jobs: model::jobs![Import => finding::import, Report => finding::report],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let action = format!("securityhub:{}", asking.operation);
    let resource = match asking.operation {
        "BatchImportFindings" => asking.arn("securityhub", "product/*"),
        _ => asking.arn("securityhub", "hub/default"),
    };
    let mut ask = Ask::new(action, resource);
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("Tags");
    Ok(vec![ask])
}
