//! The service's types in CloudFormation. Their properties are in the `.cfn` file beside this crate.

use model::Resource;

/// One entry for each type; its functions call the service's own operations through `deploy.call`, so that
/// each step is decided and recorded for the deployer:
/// `Resource { type_name: "AWS::Service::Type", create, update, delete, ready: None }`
pub(crate) const RESOURCES: &[Resource] = &[];
