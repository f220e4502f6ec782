//! The nodes that more than one part reads: what `decide` judges by, what the
//! edge routes by, what `act` runs. A node that only its own service reads
//! lives in that service's folder.

pub mod acm;
pub mod analyzer;
pub mod apigateway;
pub mod cognito;
pub mod credentials;
pub mod denial;
pub mod ec2;
pub mod ecs;
pub mod elb;
pub mod iam;
pub mod kms;
pub mod management;
pub mod ram;
pub mod rds;
pub mod tag_policy;
pub mod waf;

/// Implements [`Node`](crate::Node) for a regional resource with an `arn()` and `tags`.
#[macro_export]
macro_rules! regional_node {
    ($type:ty, $kind:literal, $id:ident) => {
        impl $crate::Node for $type {
            const KIND: &'static str = $kind;
            fn account(&self) -> &$crate::AccountId {
                &self.account
            }
            fn region(&self) -> &str {
                &self.region
            }
            fn local_id(&self) -> &str {
                &self.$id
            }
            fn arn(&self) -> Option<String> {
                Some(self.arn())
            }
            fn tags(&self) -> &$crate::Tags {
                &self.tags
            }
        }
    };
}
