//! What a review can find: a row per check, with AWS's issue code, its severity and its words.
//! `{}` stands for what the finding is about in particular.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html>

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// A part of the policy does not work.
    Error,
    /// It lets more through than it should.
    SecurityWarning,
    Warning,
    Suggestion,
}

/// One thing that is looked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    pub code: &'static str,
    pub severity: Severity,
    pub(super) message: &'static str,
}

impl Check {
    pub(super) fn words(&self, about: &[&str]) -> String {
        let mut about = about.iter();
        let mut pieces = self.message.split("{}");
        let mut words = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            words.push_str(about.next().copied().unwrap_or_default());
            words.push_str(piece);
        }
        words
    }
}

macro_rules! checks {
    ($($severity:ident $code:ident $message:literal)*) => {
        $(pub(super) static $code: Check =
            Check { code: stringify!($code), severity: Severity::$severity, message: $message };)*
        #[cfg(test)]
        pub(super) static ALL: &[&Check] = &[$(&$code),*];
    };
}

checks! {
    Error ARN_ACCOUNT_NOT_ALLOWED "The service {} does not support specifying an account ID in the resource ARN."
    Error ARN_REGION_NOT_ALLOWED "The service {} does not support specifying a Region in the resource ARN."
    Error DATA_TYPE_MISMATCH "The text does not match the expected JSON data type {}."
    Error DUPLICATE_KEYS_WITH_DIFFERENT_CASE "The condition key {} appears more than once with different capitalization in the same condition block. Remove the duplicate condition keys."
    Error EMPTY_VARIABLE "Empty policy variable. Remove the variable structure or provide a variable within the structure."
    Error INVALID_ACTION "The action {} does not exist.{}"
    Error INVALID_ARN_ACCOUNT "The resource ARN account ID {} is not valid. Provide a 12-digit account ID."
    Error INVALID_ARN_PREFIX "Add the required prefix (arn) to the resource ARN."
    Error INVALID_ARN_REGION "The Region {} is not valid for this resource. Update the resource ARN to include a supported Region."
    Error INVALID_ARN_RESOURCE "Resource ARN does not match the expected ARN format. Update the resource portion of the ARN."
    Error INVALID_ARN_SERVICE_CASE "Update the service name {} in the resource ARN to use all lowercase letters."
    Error INVALID_CONDITION_DATA_TYPE "The condition value data types do not match. Use condition values of the same JSON data type."
    Error INVALID_CONDITION_KEY_FORMAT "The condition key format is not valid. Use the format service:keyname."
    Error INVALID_CONDITION_MULTIPLE_BOOLEAN "The condition key does not support multiple Boolean values. Use a single Boolean value."
    Error INVALID_CONDITION_OPERATOR "The condition operator {} is not valid. Use a valid condition operator."
    Error INVALID_EFFECT "The effect {} is not valid. Use Allow or Deny."
    Error INVALID_GLOBAL_CONDITION_KEY "The condition key {} does not exist. Use a valid condition key."
    Error INVALID_PARTITION "The resource ARN for the service {} does not support the partition {}. Use the supported values: {}"
    Error INVALID_POLICY_ELEMENT "The policy element {} is not valid."
    Error INVALID_PRINCIPAL_FORMAT "The Principal element contents are not valid. Specify a key-value pair in the Principal element."
    Error INVALID_PRINCIPAL_KEY "The principal key {} is not valid."
    Error INVALID_SERVICE "The service {} does not exist. Use a valid service name."
    Error INVALID_SERVICE_CONDITION_KEY "The condition key {} does not exist in the service {}. Use a valid condition key."
    Error INVALID_SERVICE_IN_ACTION "The service {} specified in the action does not exist.{}"
    Error INVALID_VARIABLE_FOR_OPERATOR "Policy variables can only be used with String and ARN operators."
    Error INVALID_VERSION "The version {} is not valid. Use one of the following versions: {}"
    Error JSON_SYNTAX_ERROR "Fix the JSON syntax error at index {} line {} column {}."
    Error MISMATCHED_ACTION_FOR_PRINCIPAL "The {} action is invalid with the following principal(s): {}. Use a SAML provider principal with the sts:AssumeRoleWithSAML action or use an OIDC provider principal with the sts:AssumeRoleWithWebIdentity action. Ensure the provider is Federated if you use either of the two options."
    Error MISSING_ACTION "Add an Action or NotAction element to the policy statement."
    Error MISSING_ARN_FIELD "Resource ARNs must include at least {} fields in the following structure: arn:partition:service:region:account:resource"
    Error MISSING_ARN_REGION "Add a Region to the {} resource ARN."
    Error MISSING_BRACE_IN_VARIABLE "The policy variable is missing a closing curly brace. Add } after the variable text."
    Error MISSING_EFFECT "Add an Effect element to the policy statement with a value of Allow or Deny."
    Error MISSING_PRINCIPAL "Add a Principal element to the policy statement."
    Error MISSING_QUALIFIER "The request context key {} has multiple values. Use the ForAllValues or ForAnyValue condition key qualifiers in your policy."
    Error MISSING_QUOTE_IN_VARIABLE "The policy variable default value must begin and end with a single quote. Add the missing quote."
    Error MISSING_RESOURCE "Add a Resource or NotResource element to the policy statement."
    Error MISSING_STATEMENT "Add a statement to the policy"
    Error MISSING_TAG_CONDITION_KEY "The condition key {} must include a tag key to control access based on tags. Use the format {}tag-key and specify a key name for tag-key."
    Error NULL_WITH_IF_EXISTS "The Null condition operator cannot be used with the IfExists suffix. Update the operator or the suffix."
    Error POLICY_SIZE_EXCEEDS_RCP_QUOTA "The {} characters in the resource control policy (RCP) exceed the {} character maximum for RCPs. We recommend that you use multiple granular policies."
    Error POLICY_SIZE_EXCEEDS_SCP_QUOTA "The {} characters in the service control policy (SCP) exceed the {} character maximum for SCPs. We recommend that you use multiple granular policies."
    Error PRIVATE_IP_ADDRESS "aws:SourceIp works only for public IP address ranges. The values for condition key aws:SourceIp include only private IP addresses and will not have the desired effect. Update the value to include only public IP addresses."
    Error PRIVATE_NOT_IP_ADDRESS "The values for condition key aws:SourceIp include only private IP addresses and has no effect. aws:SourceIp works only for public IP address ranges. Update the value to include only public IP addresses."
    Error RCP_SYNTAX_ERROR_ALLOW "RCPs only support specifying all principals and all resources with no conditions in an Allow statement. Update the policy to use the effect Deny."
    Error RCP_SYNTAX_ERROR_NOTACTION "RCPs do not support the NotAction element. Update the policy to use Action instead."
    Error RCP_SYNTAX_ERROR_PRINCIPAL "RCPs only support specifying all principals (\"*\") in the Principal element. The NotPrincipal element is not supported for RCPs."
    Error ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE "Role trust policies apply to the role that they are attached to. You cannot specify a resource. Remove the Resource or NotResource element."
    Error SCP_SYNTAX_ERROR_PRINCIPAL "SCPs do not support specifying principals. Remove the Principal or NotPrincipal element."
    Error UNIQUE_SIDS_REQUIRED "Duplicate statement IDs are not supported for this policy type. Update the Sid value."
    Error UNSUPPORTED_ACTION_IN_POLICY "The action {} is not supported for the resource-based policy attached to the resource type {}."
    Error UNSUPPORTED_ELEMENT_COMBINATION "The policy elements {} and {} can not be used in the same statement. Remove one of these elements."
    Error UNSUPPORTED_GLOBAL_CONDITION_KEY "The condition key aws:ARN is not supported. Use aws:PrincipalArn or aws:SourceArn instead."
    Error UNSUPPORTED_PRINCIPAL "The policy type {} does not support the Principal element. Remove the Principal element."
    Error UNSUPPORTED_RESOURCE_ARN_IN_POLICY "The resource ARN is not supported for the resource-based policy attached to the resource type {}."
    Error UNSUPPORTED_SID "Update the characters in the Sid element to use one of the following character types: [a-z, A-Z, 0-9]"
    Error UNSUPPORTED_SPACE_IN_VARIABLE "A space is not supported within the policy variable text. Remove the space."
    Error UNSUPPORTED_WILDCARD_IN_PRINCIPAL "Wildcards (*, ?) are not supported with the principal key {}. Replace the wildcard with a valid principal value."
    Error VARIABLE_UNSUPPORTED_IN_ELEMENT "Policy variables are supported in the Resource and Condition elements. Remove the policy variable {} from this element."
    Error VARIABLE_UNSUPPORTED_IN_VERSION "To include variables in your policy, use the policy version 2012-10-17 or later."

    SecurityWarning ALLOW_WITH_NOT_PRINCIPAL "Using Allow with NotPrincipal can be overly permissive. We recommend that you use Principal instead."
    SecurityWarning DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE "Using the effect Deny with NotAction and the tag condition key {} can be overly permissive because some service actions are not denied by this statement. This is because the condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."
    SecurityWarning DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE "Using the effect Deny with the tag condition key {} and actions for services with the following prefixes can be overly permissive: {}. Actions for the listed services are not denied by this statement. We recommend that you move these actions to a different statement without this condition key."
    SecurityWarning FORALLVALUES_WITH_SINGLE_VALUED_KEY "Using ForAllValues qualifier with the single-valued condition key {} can be overly permissive. We recommend that you remove ForAllValues:."
    SecurityWarning MISSING_PAIRED_CONDITION_KEYS "Using the condition key {} can be overly permissive without also using the following condition keys: {}. Condition keys like this one are more secure when paired with a related key. We recommend that you add the related condition keys to the same condition block."
    SecurityWarning PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE "Using NotAction with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."
    SecurityWarning PASS_ROLE_WITH_NOT_RESOURCE "Using the iam:PassRole action with NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."
    SecurityWarning PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE "Using an action with a wildcard (*) and NotResource can be overly permissive because it can allow iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs instead."
    SecurityWarning PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE "Using wildcards (*) in the action and the resource can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."
    SecurityWarning PASS_ROLE_WITH_STAR_IN_RESOURCE "Using the iam:PassRole action with wildcards (*) in the resource can be overly permissive because it allows iam:PassRole permissions on multiple resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."
    SecurityWarning PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION "Using a resource with wildcards (*) and NotAction can be overly permissive because it allows iam:PassRole permissions on all resources. We recommend that you specify resource ARNs or add the iam:PassedToService condition key to your statement."

    Warning CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE "Using NotAction with NotResource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."
    Warning CREATE_SLR_WITH_NOT_RESOURCE "Using the iam:CreateServiceLinkedRole action with NotResource can allow creation of unintended service-linked roles for multiple resources. We recommend that you specify resource ARNs instead."
    Warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE "Using an action with a wildcard(*) and NotResource can allow creation of unintended service-linked roles because it can allow iam:CreateServiceLinkedRole permissions on multiple resources. We recommend that you specify resource ARNs instead."
    Warning CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE "Using wildcards (*) in the action and the resource can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."
    Warning CREATE_SLR_WITH_STAR_IN_RESOURCE "Using the iam:CreateServiceLinkedRole action with wildcards (*) in the resource can allow creation of unintended service-linked roles. We recommend that you specify resource ARNs instead."
    Warning CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION "Using a resource with wildcards (*) and NotAction can allow creation of unintended service-linked roles because it allows iam:CreateServiceLinkedRole permissions on all resources. We recommend that you specify resource ARNs instead."
    Warning INVALID_DATE_VALUE "The date {} might not resolve as expected. We recommend that you use the YYYY-MM-DD format."
    Warning INVALID_ROLE_REFERENCE "The Principal element includes the IAM role ID {}. We recommend that you use a role ARN instead."
    Warning INVALID_USER_REFERENCE "The Principal element includes the IAM user ID {}. We recommend that you use a user ARN instead."
    Warning MISSING_VERSION "We recommend that you specify the Version element to help you with debugging permission issues."
    Warning POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA "The {} characters in the identity policy, excluding whitespace, exceed the {} character maximum for inline and {} character maximum for managed policies. We recommend that you use multiple granular policies."
    Warning TYPE_MISMATCH "Use the operator type {} instead of operator {} for the condition key {}."
    Warning TYPE_MISMATCH_BOOLEAN "Add a valid Boolean value (true or false) for the condition operator {}."
    Warning TYPE_MISMATCH_DATE "The date condition operator is used with an invalid value. Specify a valid date using YYYY-MM-DD or other ISO 8601 date/time format."
    Warning TYPE_MISMATCH_IP_RANGE "The condition operator {} is used with an invalid IP range value. Specify the IP range in standard CIDR format."
    Warning TYPE_MISMATCH_NUMBER "Add a valid numeric value for the condition operator {}."
    Warning TYPE_MISMATCH_STRING "Add a valid base64-encoded string value for the condition operator {}."
    Warning UNIQUE_SIDS_RECOMMENDED "We recommend that you use statement IDs that are unique to your policy. Update the Sid value."
    Warning WILDCARD_WITHOUT_LIKE_OPERATOR "Your condition value includes a * or ? character. If you meant to use a wildcard (*, ?), update the condition operator to include Like."

    Suggestion ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE "Using the effect Allow with NotAction and the tag condition key {} allows only service actions that support the condition key. The condition key doesn't apply to some service actions. We recommend that you use Action instead of NotAction."
    Suggestion ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE "Using the effect Allow with the tag condition key {} and actions for services with the following prefixes does not affect the policy: {}. Actions for the listed service are not allowed by this statement. We recommend that you move these actions to a different statement without this condition key."
    Suggestion EMPTY_ARRAY_ACTION "This statement includes no actions and does not affect the policy. Specify actions."
    Suggestion EMPTY_ARRAY_CONDITION "There are no values for the condition key {} and it does not affect the policy. Specify conditions."
    Suggestion EMPTY_ARRAY_CONDITION_FORALLVALUES "The ForAllValues prefix with an empty condition key matches only if the key {} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."
    Suggestion EMPTY_ARRAY_CONDITION_FORANYVALUE "The ForAnyValue prefix with an empty condition key {} never matches the request context and it does not affect the policy. Specify conditions."
    Suggestion EMPTY_ARRAY_CONDITION_IFEXISTS "The IfExists suffix with an empty condition key matches only if the key {} is missing from the request context. To determine if the request context is empty, we recommend that you use the Null condition operator with the value of true instead."
    Suggestion EMPTY_ARRAY_PRINCIPAL "This statement includes no principals and does not affect the policy. Specify principals."
    Suggestion EMPTY_ARRAY_RESOURCE "This statement includes no resources and does not affect the policy. Specify resources."
    Suggestion EMPTY_OBJECT_CONDITION "This condition block is empty and it does not affect the policy. Specify conditions."
    Suggestion EMPTY_OBJECT_PRINCIPAL "This statement includes no principals and does not affect the policy. Specify principals."
    Suggestion EMPTY_SID_VALUE "Add a value to the empty string in the Sid element."
    Suggestion IMPROVE_IP_RANGE "The non-zero bits in the IP address after the masked bits are ignored. Replace address with {}."
    Suggestion NULL_WITH_QUALIFIER "Avoid using the Null condition operator with the ForAllValues or ForAnyValue qualifiers because they always return a true or false respectively."
    Suggestion PRIVATE_IP_ADDRESS_SUBSET "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses will not have the desired effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."
    Suggestion PRIVATE_NOT_IP_ADDRESS_SUBSET "The values for condition key aws:SourceIp include a mix of private and public IP addresses. The private addresses have no effect. aws:SourceIp works only for public IP address ranges. To define permissions for private IP ranges, use aws:VpcSourceIp."
    Suggestion REDUNDANT_ACTION "The {} action(s) are redundant because they provide similar permissions. Update the policy to remove the redundant action such as: {}."
    Suggestion REDUNDANT_CONDITION_VALUE_NUM "Multiple values in {} are redundant. Replace with the {} single value for {}."
    Suggestion REDUNDANT_RESOURCE "The {} resource ARN(s) are redundant because they reference the same resource. Review the use of wildcards (*)"
    Suggestion REDUNDANT_STATEMENT "The statements are redundant because they provide identical permissions. Update the policy to remove the redundant statement."
    Suggestion WILDCARD_IN_SERVICE_NAME "Avoid using wildcards (*, ?) in the service name because it might grant unintended access to other AWS services with similar names."
}
