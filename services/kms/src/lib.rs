//! AWS KMS.

mod shapes;

use model::{Asking, Ask, Fault, Service};
pub static SERVICE: Service = Service { name: "kms", model: include_str!("../kms.model"), types: "", actions: "", operations: &[], ask, nodes: &[], resources: &[], jobs: &[], founding: model::service::nothing };
fn ask(_: &Asking<'_>) -> Result<Vec<Ask>, Fault> { Ok(Vec::new()) }
