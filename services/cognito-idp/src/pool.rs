//! User pools and what is set on them. What this runtime cannot honour it refuses.

use model::{AccountId, Fault, IntoValue as _, Members, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::fault::{invalid, no_pool, not_honoured};
use crate::password::{self, PasswordPolicy};
use crate::schema::{self, Attribute};
use crate::shapes::*;
use crate::{client, group, key, scope, user};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserPool {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// `us-east-1_AbCdEfGhI`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// `OFF`, `ON`, `OPTIONAL`.
    pub(crate) mfa: String,
    pub(crate) software_token: bool,
    pub(crate) schema: Vec<Attribute>,
    /// The members of `CreateUserPool`, as given.
    pub(crate) settings: Map<String, Json>,
    /// The prefix of the pool's domain.
    pub(crate) domain: Option<String>,
    pub(crate) tags: Tags,
}

model::regional_node!(UserPool, "AWS::Cognito::UserPool", id);

/// Members that only `CreateUserPool` may set.
const FIXED: [&str; 3] = ["AliasAttributes", "UsernameAttributes", "UsernameConfiguration"];
/// Members that an update sets, to their default where it does not name them.
const MUTABLE: [&str; 15] = [
    "Policies",
    "DeletionProtection",
    "AutoVerifiedAttributes",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "VerificationMessageTemplate",
    "SmsAuthenticationMessage",
    "UserAttributeUpdateSettings",
    "EmailConfiguration",
    "SmsConfiguration",
    "AdminCreateUserConfig",
    "UserPoolAddOns",
    "AccountRecoverySetting",
    "UserPoolTier",
];

pub(crate) fn arn(region: &str, account: &AccountId, id: &str) -> String {
    model::ids::arn("cognito-idp", region, account, &format!("userpool/{id}"))
}

impl UserPool {
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, &self.account, &self.id)
    }

    fn setting(&self, pointer: &[&str]) -> Option<&Json> {
        let (first, rest) = pointer.split_first()?;
        rest.iter().try_fold(self.settings.get(*first)?, |value, name| value.get(*name))
    }

    pub(crate) fn is_set(&self, pointer: &[&str]) -> bool {
        self.setting(pointer).and_then(Json::as_bool).unwrap_or(false)
    }

    pub(crate) fn text(&self, pointer: &[&str]) -> Option<&str> {
        self.setting(pointer)?.as_str()
    }

    /// Whether a list of names holds this one.
    pub(crate) fn lists(&self, pointer: &[&str], name: &str) -> bool {
        self.setting(pointer).and_then(Json::as_array).is_some_and(|l| l.iter().any(|n| n == name))
    }

    pub(crate) fn password_policy(&self) -> PasswordPolicy {
        let given = self.setting(&["Policies", "PasswordPolicy"]);
        given.and_then(|p| serde_json::from_value(p.clone()).ok()).unwrap_or_else(password::of_new_pools)
    }

    /// Attributes that users sign in with instead of a name of their own.
    pub(crate) fn named_by(&self, attribute: &str) -> bool {
        self.lists(&["UsernameAttributes"], attribute)
    }

    pub(crate) fn has_names_of_their_own(&self) -> bool {
        !self.named_by("email") && !self.named_by("phone_number")
    }

    pub(crate) fn aliased_by(&self, attribute: &str) -> bool {
        self.lists(&["AliasAttributes"], attribute)
    }

    pub(crate) fn verifies(&self, attribute: &str) -> bool {
        self.lists(&["AutoVerifiedAttributes"], attribute)
    }

    pub(crate) fn case_sensitive(&self) -> bool {
        self.setting(&["UsernameConfiguration", "CaseSensitive"]).and_then(Json::as_bool).unwrap_or(true)
    }

    /// The ways to recover an account, first choice first.
    pub(crate) fn recovery(&self) -> Vec<String> {
        let given = self.setting(&["AccountRecoverySetting", "RecoveryMechanisms"]).and_then(Json::as_array);
        let mut ways: Vec<(i64, String)> = given.into_iter().flatten().filter_map(way).collect();
        ways.sort();
        match ways.is_empty() {
            true => vec!["verified_phone_number".to_owned(), "verified_email".to_owned()],
            false => ways.into_iter().map(|(_, name)| name).collect(),
        }
    }
}

fn way(mechanism: &Json) -> Option<(i64, String)> {
    Some((mechanism.get("Priority")?.as_i64()?, mechanism.get("Name")?.as_str()?.to_owned()))
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<UserPool, Fault> {
    tx.find::<UserPool>(id).cloned().ok_or_else(|| no_pool(id))
}

/// Refuses what a pool here would not do.
fn honourable(settings: &Map<String, Json>, input: &Value) -> Result<(), Fault> {
    let given = |name: &str| input.get(name).map(Value::to_json).filter(|v| *v != json!({}) && !v.is_null());
    for name in ["LambdaConfig", "DeviceConfiguration"] {
        if given(name).is_some() {
            return Err(not_honoured(name));
        }
    }
    let text = |pointer: &[&str]| {
        let (first, rest) = pointer.split_first()?;
        rest.iter().try_fold(settings.get(*first)?, |value, name| value.get(*name)).cloned()
    };
    let only = |pointer: &[&str], value: Json| match text(pointer) {
        Some(other) if other != value => Err(not_honoured(&pointer.join("."))),
        _ => Ok(()),
    };
    only(&["UserPoolAddOns", "AdvancedSecurityMode"], json!("OFF"))?;
    only(&["VerificationMessageTemplate", "DefaultEmailOption"], json!("CONFIRM_WITH_CODE"))?;
    only(&["Policies", "SignInPolicy", "AllowedFirstAuthFactors"], json!(["PASSWORD"]))?;
    if let Some(policy) = text(&["Policies", "PasswordPolicy"]) {
        let policy: PasswordPolicy = serde_json::from_value(policy)
            .map_err(|e| invalid(format!("the password policy is invalid: {e}")))?;
        policy.sound()?;
    }
    for (pointer, what) in [
        (["VerificationMessageTemplate", "EmailMessage"].as_slice(), "verification message"),
        (["EmailVerificationMessage"].as_slice(), "verification message"),
        (["AdminCreateUserConfig", "InviteMessageTemplate", "EmailMessage"].as_slice(), "invitation message"),
    ] {
        if text(pointer).and_then(|t| t.as_str().map(|t| !t.contains("{####}"))) == Some(true) {
            return Err(invalid(format!("the {what} must contain {{####}}")));
        }
    }
    if settings.contains_key("AliasAttributes") && settings.contains_key("UsernameAttributes") {
        return Err(invalid(
            "Only one of the aliasAttributes or usernameAttributes can be set in a user pool.",
        ));
    }
    Ok(())
}

fn taken(input: &Value, names: &[&str], into: &mut Map<String, Json>) {
    for name in names {
        match input.get(name).map(Value::to_json) {
            Some(value) if !value.is_null() && value != json!([]) && value != json!({}) => {
                into.insert((*name).to_owned(), value)
            }
            _ => into.remove(*name),
        };
    }
}

/// What `MfaConfiguration` may be, given the factors that are on.
fn mfa(pool: &UserPool, wanted: Option<&str>) -> Result<String, Fault> {
    let wanted = wanted.unwrap_or("OFF");
    if wanted != "OFF" && !pool.software_token {
        return Err(invalid(
            "SMS is not served as a second factor by this runtime; turn on software tokens with SetUserPoolMfaConfig",
        ));
    }
    Ok(wanted.to_owned())
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPool.html>
pub(crate) fn create_user_pool(tx: &mut Tx<'_>, typed: CreateUserPoolRequest) -> Result<Value, Fault> {
    let input = typed.clone().into_value();
    let mut settings = Map::new();
    taken(&input, &FIXED, &mut settings);
    taken(&input, &MUTABLE, &mut settings);
    honourable(&settings, &input)?;
    let random = tx.random_text(9, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    let mut pool = UserPool {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}_{random}", tx.region),
        name: typed.pool_name,
        created: tx.now,
        modified: tx.now,
        mfa: "OFF".to_owned(),
        software_token: false,
        schema: schema::with(typed.schema.unwrap_or_default())?,
        settings,
        domain: None,
        tags: typed.user_pool_tags.unwrap_or_default(),
    };
    pool.mfa = mfa(&pool, typed.mfa_configuration.as_deref())?;
    key::make(tx, &pool.id)?;
    let shown = described(tx, &pool)?;
    tx.put(pool)?;
    Ok(shown)
}

fn described(tx: &Tx<'_>, pool: &UserPool) -> Result<Value, Fault> {
    let mut shown = Members::default();
    shown.push("Id", pool.id.as_str());
    shown.push("Name", pool.name.as_str());
    shown.push("Arn", pool.arn());
    shown.push("CreationDate", pool.created);
    shown.push("LastModifiedDate", pool.modified);
    shown.push("MfaConfiguration", pool.mfa.as_str());
    shown.put("SchemaAttributes", pool.schema.iter().map(schema::shape).collect::<Vec<_>>());
    shown.put("UserPoolTags", pool.tags.clone());
    shown.put("LambdaConfig", Value::Map(Members::default()));
    shown.push("EstimatedNumberOfUsers", i64::try_from(user::count(tx, &pool.id)?).unwrap_or(i64::MAX));
    shown.push_some("Domain", pool.domain.as_deref());
    let mut settings = pool.settings.clone();
    let mut default = |name: &str, value: Json| {
        settings.entry(name).or_insert(value);
    };
    default("DeletionProtection", json!("INACTIVE"));
    default("EmailConfiguration", json!({"EmailSendingAccount": "COGNITO_DEFAULT"}));
    default(
        "AdminCreateUserConfig",
        json!({"AllowAdminCreateUserOnly": false, "UnusedAccountValidityDays": 7}),
    );
    default("VerificationMessageTemplate", json!({"DefaultEmailOption": "CONFIRM_WITH_CODE"}));
    default("UserPoolTier", json!("ESSENTIALS"));
    let policy = serde_json::to_value(pool.password_policy()).unwrap_or_default();
    settings.insert("Policies".to_owned(), json!({"PasswordPolicy": policy}));
    for (name, value) in settings {
        shown.0.push((name.into(), Value::from_json(value)));
    }
    let mut answer = Members::default();
    answer.0.push(("UserPool".into(), Value::Map(shown)));
    Ok(Value::Map(answer))
}

pub(crate) fn describe_user_pool(tx: &mut Tx<'_>, input: DescribeUserPoolRequest) -> Result<Value, Fault> {
    let pool = find(tx, &input.user_pool_id)?;
    described(tx, &pool)
}

/// What an update does not name returns to its default, as in AWS.
pub(crate) fn update_user_pool(tx: &mut Tx<'_>, typed: UpdateUserPoolRequest) -> Result<(), Fault> {
    let input = typed.clone().into_value();
    let mut pool = find(tx, &typed.user_pool_id)?;
    taken(&input, &MUTABLE, &mut pool.settings);
    honourable(&pool.settings, &input)?;
    pool.mfa = match typed.mfa_configuration.as_deref() {
        None => pool.mfa.clone(),
        given => mfa(&pool, given)?,
    };
    if let Some(name) = typed.pool_name {
        pool.name = name;
    }
    if let Some(tags) = typed.user_pool_tags {
        pool.tags = tags;
    }
    pool.modified = tx.now;
    tx.put(pool)
}

pub(crate) fn delete_user_pool(tx: &mut Tx<'_>, input: DeleteUserPoolRequest) -> Result<(), Fault> {
    let pool = find(tx, &input.user_pool_id)?;
    if pool.text(&["DeletionProtection"]) == Some("ACTIVE") {
        return Err(invalid(
            "The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.",
        ));
    }
    if pool.domain.is_some() {
        return Err(invalid(
            "User pool cannot be deleted. It has a domain configured that should be deleted first.",
        ));
    }
    user::remove_all(tx, &pool.id)?;
    client::remove_all(tx, &pool.id)?;
    group::remove_all(tx, &pool.id)?;
    scope::remove_all(tx, &pool.id)?;
    key::remove(tx, &pool.id)?;
    tx.remove(&pool)
}

pub(crate) fn list_user_pools(
    tx: &mut Tx<'_>,
    input: ListUserPoolsRequest,
) -> Result<ListUserPoolsResponse, Fault> {
    let pools = tx.list::<UserPool>().map(|pool| (pool.id.clone(), pool.clone()));
    let page = crate::page::of(pools, input.next_token.as_deref(), Some(input.max_results))?;
    let described = |pool: UserPool| UserPoolDescriptionType {
        id: Some(pool.id),
        name: Some(pool.name),
        creation_date: Some(pool.created),
        last_modified_date: Some(pool.modified),
        lambda_config: Some(LambdaConfigType::default()),
        ..UserPoolDescriptionType::default()
    };
    Ok(ListUserPoolsResponse {
        user_pools: Some(page.items.into_iter().map(described).collect()),
        next_token: page.next,
    })
}

pub(crate) fn add_custom_attributes(tx: &mut Tx<'_>, input: AddCustomAttributesRequest) -> Result<(), Fault> {
    let mut pool = find(tx, &input.user_pool_id)?;
    for attribute in input.custom_attributes {
        schema::add_custom(&mut pool.schema, attribute)?;
    }
    pool.modified = tx.now;
    tx.put(pool)
}

fn mfa_config(pool: &UserPool) -> SetUserPoolMfaConfigResponse {
    let token = SoftwareTokenMfaConfigType { enabled: Some(pool.software_token) };
    SetUserPoolMfaConfigResponse {
        software_token_mfa_configuration: Some(token),
        mfa_configuration: Some(pool.mfa.clone()),
        ..SetUserPoolMfaConfigResponse::default()
    }
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SetUserPoolMfaConfig.html>
pub(crate) fn set_user_pool_mfa_config(
    tx: &mut Tx<'_>,
    input: SetUserPoolMfaConfigRequest,
) -> Result<SetUserPoolMfaConfigResponse, Fault> {
    let mut pool = find(tx, &input.user_pool_id)?;
    for (given, name) in [
        (input.sms_mfa_configuration.is_some(), "SmsMfaConfiguration"),
        (input.email_mfa_configuration.is_some(), "EmailMfaConfiguration"),
        (input.web_authn_configuration.is_some(), "WebAuthnConfiguration"),
    ] {
        if given {
            return Err(not_honoured(name));
        }
    }
    pool.software_token = input.software_token_mfa_configuration.and_then(|c| c.enabled).unwrap_or(false);
    let wanted = input.mfa_configuration.unwrap_or_else(|| "OFF".to_owned());
    if wanted != "OFF" && !pool.software_token {
        return Err(invalid(
            "Invalid MFA configuration given, can't turn on MFA and disable all MFAs together.",
        ));
    }
    if wanted == "OFF" && pool.software_token {
        return Err(invalid(
            "Invalid MFA configuration given, can't disable MFA and enable a factor together.",
        ));
    }
    pool.mfa = wanted;
    pool.modified = tx.now;
    let answer = mfa_config(&pool);
    tx.put(pool)?;
    Ok(answer)
}

pub(crate) fn get_user_pool_mfa_config(
    tx: &mut Tx<'_>,
    input: GetUserPoolMfaConfigRequest,
) -> Result<GetUserPoolMfaConfigResponse, Fault> {
    let SetUserPoolMfaConfigResponse { software_token_mfa_configuration, mfa_configuration, .. } =
        mfa_config(&find(tx, &input.user_pool_id)?);
    Ok(GetUserPoolMfaConfigResponse {
        software_token_mfa_configuration,
        mfa_configuration,
        ..GetUserPoolMfaConfigResponse::default()
    })
}

fn by_arn(tx: &Tx<'_>, arn: &str) -> Result<UserPool, Fault> {
    let found = tx.find_arn::<UserPool>(arn).filter(|p| p.account == tx.account);
    found.cloned().ok_or_else(|| no_pool(arn.rsplit('/').next().unwrap_or_default()))
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<(), Fault> {
    let mut pool = by_arn(tx, &input.resource_arn)?;
    pool.tags.extend(input.tags);
    tx.put(pool)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    let mut pool = by_arn(tx, &input.resource_arn)?;
    pool.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(pool)
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    Ok(ListTagsForResourceResponse { tags: Some(by_arn(tx, &input.resource_arn)?.tags) })
}
