//! The sentence that AWS gives a caller who was denied.
//!
//! Follows "Troubleshoot access denied error messages". The ARN of a denying policy is told
//! only within the account, as AWS does.

use crate::verdict::{Layer, Outcome, Verdict};

impl Verdict<'_> {
    /// Empty when the request was allowed.
    pub fn aws_message(&self, principal_arn: &str, action: &str, resource: &str) -> String {
        let Some(layer) = self.decisive else { return String::new() };
        let trust = self.trust && layer == Layer::Resource;
        let why = match (self.outcome, trust) {
            (Outcome::Allowed, _) => return String::new(),
            (Outcome::ExplicitDeny, true) => "with an explicit deny in the role trust policy".to_owned(),
            (Outcome::ExplicitDeny, false) => {
                format!(
                    "with an explicit deny in {} {}{}",
                    article(layer),
                    layer.name(),
                    self.policy_arn(layer)
                )
            }
            (Outcome::ImplicitDeny, true) => {
                format!("because no role trust policy allows the {action} action")
            }
            (Outcome::ImplicitDeny, false) => {
                format!("because no {} allows the {action} action", layer.name())
            }
        };
        format!("User: {principal_arn} is not authorized to perform: {action} on resource: {resource} {why}")
    }

    fn policy_arn(&self, layer: Layer) -> String {
        let told = match layer {
            Layer::ResourceControl
            | Layer::ServiceControl
            | Layer::Identity
            | Layer::Boundary
            | Layer::Session => !self.cross_account,
            Layer::Endpoint | Layer::Resource | Layer::Grant => false,
        };
        let arn = self.layer(layer).and_then(|v| v.statement).and_then(|s| s.arn).filter(|_| told);
        arn.map(|arn| format!(": {arn}")).unwrap_or_default()
    }
}

fn article(layer: Layer) -> &'static str {
    if layer == Layer::Identity { "an" } else { "a" }
}
