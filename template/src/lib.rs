//! CloudFormation templates: parse, resolve, plan.
