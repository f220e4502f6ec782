//! The rules of a web ACL or rule group, read from the API's own form. Blobs are base64 text.
//! What is not named here is not served: reading such a rule fails.

use serde::{Deserialize, Deserializer};

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Rule {
    pub name: String,
    pub priority: i64,
    pub statement: Statement,
    pub action: Option<RuleAction>,
    pub override_action: Option<OverrideAction>,
    #[serde(default)]
    pub rule_labels: Vec<Named>,
    pub visibility_config: Visibility,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Visibility {
    pub sampled_requests_enabled: bool,
    pub metric_name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Named {
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Empty {}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum OverrideAction {
    Count(IgnoredMembers),
    None(Empty),
}

/// A structure of which nothing matters but that it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IgnoredMembers;

impl<'de> Deserialize<'de> for IgnoredMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| IgnoredMembers)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum RuleAction {
    Allow(Handling),
    Count(Handling),
    Captcha(Handling),
    Challenge(Handling),
    Block(Blocking),
}

impl RuleAction {
    /// As logs and samples name it.
    pub fn name(&self) -> &'static str {
        match self {
            RuleAction::Allow(_) => "ALLOW",
            RuleAction::Count(_) => "COUNT",
            RuleAction::Captcha(_) => "CAPTCHA",
            RuleAction::Challenge(_) => "CHALLENGE",
            RuleAction::Block(_) => "BLOCK",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Handling {
    pub custom_request_handling: Option<RequestHandling>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RequestHandling {
    pub insert_headers: Vec<Header>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Blocking {
    pub custom_response: Option<CustomResponse>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomResponse {
    pub response_code: u16,
    pub custom_response_body_key: Option<String>,
    #[serde(default)]
    pub response_headers: Vec<Header>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Header {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ResponseBody {
    /// `TEXT_PLAIN`, `TEXT_HTML`, `APPLICATION_JSON`.
    pub content_type: String,
    pub content: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub enum Statement {
    #[serde(rename = "ByteMatchStatement")]
    ByteMatch(ByteMatch),
    #[serde(rename = "RegexMatchStatement")]
    RegexMatch(RegexMatch),
    #[serde(rename = "RegexPatternSetReferenceStatement")]
    RegexPatternSet(PatternSetReference),
    #[serde(rename = "SqliMatchStatement")]
    SqliMatch(SqliMatch),
    #[serde(rename = "XssMatchStatement")]
    XssMatch(TextMatch),
    #[serde(rename = "SizeConstraintStatement")]
    SizeConstraint(SizeConstraint),
    #[serde(rename = "IPSetReferenceStatement")]
    IpSet(IpSetReference),
    #[serde(rename = "LabelMatchStatement")]
    LabelMatch(LabelMatch),
    #[serde(rename = "AndStatement")]
    And(Nested),
    #[serde(rename = "OrStatement")]
    Or(Nested),
    #[serde(rename = "NotStatement")]
    Not(Negated),
    #[serde(rename = "RateBasedStatement")]
    RateBased(RateBased),
    #[serde(rename = "RuleGroupReferenceStatement")]
    RuleGroup(RuleGroupReference),
    #[serde(rename = "ManagedRuleGroupStatement")]
    ManagedRuleGroup(ManagedReference),
    /// Needs to know where an address is; there is no such data here.
    #[serde(rename = "GeoMatchStatement")]
    GeoMatch(IgnoredMembers),
    #[serde(rename = "AsnMatchStatement")]
    AsnMatch(IgnoredMembers),
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Nested {
    pub statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Negated {
    pub statement: Box<Statement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TextMatch {
    pub field_to_match: FieldToMatch,
    pub text_transformations: Vec<Transformation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ByteMatch {
    /// Base64.
    pub search_string: String,
    /// `EXACTLY`, `STARTS_WITH`, `ENDS_WITH`, `CONTAINS`, `CONTAINS_WORD`.
    pub positional_constraint: String,
    #[serde(flatten)]
    pub text: TextMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegexMatch {
    pub regex_string: String,
    #[serde(flatten)]
    pub text: TextMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PatternSetReference {
    #[serde(rename = "ARN")]
    pub arn: String,
    #[serde(flatten)]
    pub text: TextMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SqliMatch {
    /// `LOW` (the default) or `HIGH`.
    pub sensitivity_level: Option<String>,
    #[serde(flatten)]
    pub text: TextMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SizeConstraint {
    /// `EQ`, `NE`, `LE`, `LT`, `GE`, `GT`.
    pub comparison_operator: String,
    pub size: u64,
    #[serde(flatten)]
    pub text: TextMatch,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct IpSetReference {
    #[serde(rename = "ARN")]
    pub arn: String,
    #[serde(rename = "IPSetForwardedIPConfig")]
    pub forwarded: Option<ForwardedIp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ForwardedIp {
    pub header_name: String,
    /// `MATCH` or `NO_MATCH`, where the header holds no address.
    pub fallback_behavior: String,
    /// `FIRST`, `LAST`, `ANY`; only for IP sets.
    pub position: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LabelMatch {
    /// `LABEL` or `NAMESPACE`.
    pub scope: String,
    pub key: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RateBased {
    pub limit: u64,
    pub evaluation_window_sec: Option<u32>,
    /// `IP`, `FORWARDED_IP`, `CUSTOM_KEYS`, `CONSTANT`.
    pub aggregate_key_type: String,
    pub scope_down_statement: Option<Box<Statement>>,
    #[serde(rename = "ForwardedIPConfig")]
    pub forwarded: Option<ForwardedIp>,
    #[serde(default)]
    pub custom_keys: Vec<RateKey>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum RateKey {
    Header(NamedText),
    Cookie(NamedText),
    QueryArgument(NamedText),
    QueryString(PlainText),
    UriPath(PlainText),
    #[serde(rename = "HTTPMethod")]
    Method(Empty),
    #[serde(rename = "ForwardedIP")]
    ForwardedIp(Empty),
    #[serde(rename = "IP")]
    Ip(Empty),
    LabelNamespace(Namespace),
    #[serde(rename = "JA3Fingerprint")]
    Ja3(IgnoredMembers),
    #[serde(rename = "JA4Fingerprint")]
    Ja4(IgnoredMembers),
    #[serde(rename = "ASN")]
    Asn(IgnoredMembers),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NamedText {
    pub name: String,
    pub text_transformations: Vec<Transformation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PlainText {
    pub text_transformations: Vec<Transformation>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Namespace {
    pub namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Transformation {
    pub priority: i64,
    pub r#type: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RuleGroupReference {
    #[serde(rename = "ARN")]
    pub arn: String,
    #[serde(flatten)]
    pub overrides: Overrides,
}

/// What a web ACL changes about a group's rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Overrides {
    #[serde(default)]
    pub excluded_rules: Vec<Named>,
    #[serde(default)]
    pub rule_action_overrides: Vec<ActionOverride>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ActionOverride {
    pub name: String,
    pub action_to_use: RuleAction,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManagedReference {
    pub vendor_name: String,
    pub name: String,
    pub version: Option<String>,
    pub scope_down_statement: Option<Box<Statement>>,
    #[serde(default)]
    pub managed_rule_group_configs: Vec<IgnoredMembers>,
    #[serde(flatten)]
    pub overrides: Overrides,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum FieldToMatch {
    SingleHeader(FieldName),
    SingleQueryArgument(FieldName),
    AllQueryArguments(NoMembers),
    UriPath(NoMembers),
    QueryString(NoMembers),
    Method(NoMembers),
    Body(Oversized),
    JsonBody(JsonBody),
    Headers(HeaderMatch),
    Cookies(CookieMatch),
    HeaderOrder(Oversized),
    UriFragment(Fallback),
    /// Needs the bytes of the TLS handshake, which are not kept here.
    #[serde(rename = "JA3Fingerprint")]
    Ja3(Fallback),
    #[serde(rename = "JA4Fingerprint")]
    Ja4(Fallback),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct NoMembers {}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldName {
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Oversized {
    /// `CONTINUE` (the default), `MATCH`, `NO_MATCH`.
    pub oversize_handling: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Fallback {
    pub fallback_behavior: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct JsonBody {
    pub match_pattern: JsonPattern,
    /// `ALL`, `KEY`, `VALUE`.
    pub match_scope: String,
    /// `MATCH`, `NO_MATCH`, `EVALUATE_AS_STRING`; absent: what could be read counts.
    pub invalid_fallback_behavior: Option<String>,
    pub oversize_handling: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum JsonPattern {
    All(NoMembers),
    /// JSON pointers.
    IncludedPaths(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HeaderMatch {
    pub match_pattern: HeaderPattern,
    pub match_scope: String,
    pub oversize_handling: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum HeaderPattern {
    All(NoMembers),
    IncludedHeaders(Vec<String>),
    ExcludedHeaders(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CookieMatch {
    pub match_pattern: CookiePattern,
    pub match_scope: String,
    pub oversize_handling: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum CookiePattern {
    All(NoMembers),
    IncludedCookies(Vec<String>),
    ExcludedCookies(Vec<String>),
}
