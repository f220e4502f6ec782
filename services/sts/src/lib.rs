//! AWS Security Token Service: temporary credentials, and who one is. They are
//! stateless: see `model::estate::credentials`.

mod denial;
mod federation;
mod mfa;
mod saml;
#[rustfmt::skip]
mod shapes;

use model::estate::credentials::mint;
use model::estate::iam::{AccessKey, Role};
use model::identity::Session;
use model::policy::PolicyCheck;
use model::{Ask, Asking, Caller, CallerKind, Fault, Service, Tags, Tx, Value};

use shapes::*;

pub static SERVICE: Service = Service {
    name: "sts",
    model: include_str!("../sts.model"),
    types: include_str!("../sts.cfn"),
    actions: include_str!("../sts.iam"),
    operations: model::operations![
        // They remember a one-time password, which is good once.
        noted AssumeRole => assume_role,
        read AssumeRoleWithWebIdentity => federation::assume_role_with_web_identity,
        read AssumeRoleWithSAML => saml::assume_role_with_saml,
        // No APIs of AWS's: what is asked about an identity that a token or an assertion has proved.
        read ConsentToWebIdentity => consent,
        read ConsentToSaml => consent,
        read GetCallerIdentity => get_caller_identity,
        noted GetSessionToken => get_session_token,
        read GetFederationToken => get_federation_token,
        read GetAccessKeyInfo => get_access_key_info,
        read DecodeAuthorizationMessage => denial::decode_authorization_message,
    ],
    ask,
    nodes: &[],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    Ok(match operation {
        // Nobody's credentials are needed for the last two: the token is what is judged.
        "GetCallerIdentity" | "GetSessionToken" | "AssumeRoleWithWebIdentity" | "AssumeRoleWithSAML" => {
            vec![Ask::free(format!("sts:{operation}"))]
        }
        "GetAccessKeyInfo" | "DecodeAuthorizationMessage" => vec![Ask::new(format!("sts:{operation}"), "*")],
        "GetFederationToken" => {
            let name = asking.text("Name").unwrap_or_default();
            let resource = model::ids::arn("sts", "", asking.account, &format!("federated-user/{name}"));
            vec![Ask { request_tags: asking.tags("Tags"), ..Ask::new("sts:GetFederationToken", resource) }]
        }
        "AssumeRole" => assuming(asking, "sts:AssumeRole"),
        "ConsentToWebIdentity" if federated(asking) => assuming(asking, "sts:AssumeRoleWithWebIdentity"),
        "ConsentToSaml" if federated(asking) => assuming(asking, "sts:AssumeRoleWithSAML"),
        _ => Vec::new(),
    })
}

fn federated(asking: &Asking<'_>) -> bool {
    matches!(asking.caller.kind, CallerKind::Federated { .. })
}

/// The decision is all there is to it.
fn consent(_: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    Ok(Value::Null)
}

/// The role's own trust policy must consent, to the session's tags and source identity as well.
fn assuming(asking: &Asking<'_>, action: &'static str) -> Vec<Ask> {
    let role = asking.text("RoleArn").unwrap_or_default();
    let question = |action: &'static str| Ask { consent: true, ..Ask::new(action, role) };
    let source = asking.text("SourceIdentity").map(str::to_owned).or_else(|| inherited_source(asking.caller));
    let tags = asking.tags("Tags");
    let mut assume = question(action)
        .key("sts:ExternalId", asking.text("ExternalId"))
        .key("sts:RoleSessionName", asking.text("RoleSessionName"))
        .key("sts:SourceIdentity", source.clone())
        .key(
            "sts:DurationSeconds",
            asking.input.get("DurationSeconds").and_then(|d| d.as_i64()).map(|d| d.to_string()),
        );
    assume.request_tags.clone_from(&tags);
    let mut asks = vec![mfa::claimed(asking, assume)];
    let transitive = asking.strings("TransitiveTagKeys");
    if !tags.is_empty() || !transitive.is_empty() {
        let mut tagging = question("sts:TagSession");
        tagging.request_tags = tags;
        if !transitive.is_empty() {
            tagging = tagging.keys("sts:TransitiveTagKeys", transitive);
        }
        asks.push(mfa::claimed(asking, tagging));
    }
    if asking.text("SourceIdentity").is_some() {
        let setting = question("sts:SetSourceIdentity").key("sts:SourceIdentity", source);
        asks.push(mfa::claimed(asking, setting));
    }
    asks
}

fn inherited_source(caller: &Caller) -> Option<String> {
    caller.session.as_ref()?.source_identity.clone()
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
fn get_caller_identity(
    tx: &mut Tx<'_>,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, Fault> {
    let caller = tx.caller();
    Ok(GetCallerIdentityResponse {
        user_id: Some(caller.principal_id.clone()),
        account: Some(caller.account.to_string()),
        arn: Some(caller.arn.clone()),
    })
}

fn credentials(tx: &Tx<'_>, caller: Caller) -> Result<Credentials, Fault> {
    let minted = mint(tx.host(), caller)?;
    Ok(Credentials {
        access_key_id: minted.access_key,
        secret_access_key: minted.secret,
        session_token: minted.token,
        expiration: minted.expires,
    })
}

/// Session policies: at most 2,048 characters inline, ten managed ones.
fn session_policies(
    tx: &Tx<'_>,
    inline: Option<String>,
    arns: Option<Vec<PolicyDescriptorType>>,
) -> Result<(Vec<String>, Vec<String>), Fault> {
    if let Some(text) = &inline {
        tx.host().policies().check(PolicyCheck::Session, text)?;
        if text.chars().count() > 2048 {
            return Err(Fault::client(
                "PackedPolicyTooLarge",
                "Packed policy consumes more than 100% of allotted space, please use smaller policy.",
            ));
        }
    }
    let arns: Vec<String> = arns.unwrap_or_default().into_iter().filter_map(|p| p.arn).collect();
    if arns.len() > 10 {
        return Err(Fault::validation("at most ten managed session policies may be given"));
    }
    Ok((inline.into_iter().collect(), arns))
}

fn session_tags(given: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        if tags.keys().any(|k: &String| k.eq_ignore_ascii_case(&tag.key)) {
            return Err(Fault::client(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            ));
        }
        tags.insert(tag.key, tag.value);
    }
    Ok(tags)
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn assume_role(tx: &mut Tx<'_>, input: AssumeRoleRequest) -> Result<AssumeRoleResponse, Fault> {
    if tx.caller().kind == CallerKind::Root {
        return Err(Fault::access_denied("Roles may not be assumed by root accounts."));
    }
    mfa::checked(tx, input.serial_number, input.token_code)?;
    // Who asks for a role that is not there was refused by its missing trust already.
    let role = tx
        .find_arn::<Role>(&input.role_arn)
        .cloned()
        .ok_or_else(|| Fault::access_denied("the role does not exist"))?;
    let chained = tx.caller().session.as_ref();
    let most = if chained.is_some() { 3600.min(role.max_session) } else { role.max_session };
    let seconds = input.duration_seconds.unwrap_or(3600);
    if seconds > most {
        let message = match chained {
            Some(_) => "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.".to_owned(),
            None => "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
        };
        return Err(Fault::validation(message));
    }
    let (policies, policy_arns) = session_policies(tx, input.policy, input.policy_arns)?;
    let mut tags = session_tags(input.tags)?;
    let mut transitive = input.transitive_tag_keys.unwrap_or_default();
    if let Some(session) = chained {
        // Transitive tags stay with every role of the chain, and cannot be overridden.
        for key in &session.transitive_tag_keys {
            if tags.keys().any(|k| k.eq_ignore_ascii_case(key)) {
                return Err(Fault::client(
                    "InvalidParameterValue",
                    format!(
                        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session: {key}"
                    ),
                ));
            }
            if let Some(value) = session.tags.get(key) {
                tags.insert(key.clone(), value.clone());
                transitive.push(key.clone());
            }
        }
    }
    let source_identity = match (input.source_identity, chained.and_then(|s| s.source_identity.clone())) {
        (Some(new), Some(old)) if new != old => {
            return Err(Fault::access_denied("the source identity of a session cannot be changed"));
        }
        (new, old) => new.or(old),
    };
    let name = input.role_session_name;
    let packed = packed(&policies);
    let session = Session {
        policies,
        policy_arns,
        tags,
        transitive_tag_keys: transitive,
        issued: tx.now,
        expires: tx.now.plus_seconds(seconds),
        source_identity: source_identity.clone(),
        ..Session::default()
    };
    let caller = session_of(&role, &name, session);
    let user = AssumedRoleUser { assumed_role_id: caller.principal_id.clone(), arn: caller.arn.clone() };
    Ok(AssumeRoleResponse {
        credentials: Some(credentials(tx, caller)?),
        assumed_role_user: Some(user),
        packed_policy_size: packed,
        source_identity,
        ..AssumeRoleResponse::default()
    })
}

/// Whoever has assumed the role, under this name.
fn session_of(role: &Role, name: &str, session: Session) -> Caller {
    Caller {
        arn: model::ids::arn("sts", "", &role.account, &format!("assumed-role/{}/{name}", role.name)),
        account: role.account.clone(),
        principal_id: format!("{}:{name}", role.id),
        kind: CallerKind::Role { role_arn: role.arn(), session_name: name.to_owned() },
        access_key: None,
        session: Some(session),
    }
}

/// Percent of the room for inline session policies; nothing where there are none.
fn packed(policies: &[String]) -> Option<i64> {
    let characters: usize = policies.iter().map(|p| p.chars().count()).sum();
    i64::try_from(characters * 100 / 2048).ok().filter(|percent| *percent > 0)
}

/// Only long-lived credentials may be exchanged for temporary ones of the same user.
fn must_be_user(tx: &Tx<'_>, operation: &str) -> Result<(), Fault> {
    match &tx.caller().session {
        Some(_) => Err(Fault::access_denied(format!("Cannot call {operation} with session credentials"))),
        None => Ok(()),
    }
}

fn get_session_token(
    tx: &mut Tx<'_>,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, Fault> {
    must_be_user(tx, "GetSessionToken")?;
    let mfa = mfa::checked(tx, input.serial_number, input.token_code)?;
    let root = tx.caller().kind == CallerKind::Root;
    let seconds = input.duration_seconds.unwrap_or(if root { 3600 } else { 43_200 });
    let session = Session {
        issued: tx.now,
        expires: tx.now.plus_seconds(if root { seconds.min(3600) } else { seconds }),
        mfa,
        ..Session::default()
    };
    let caller = Caller { session: Some(session), ..tx.caller().clone() };
    Ok(GetSessionTokenResponse {
        credentials: Some(credentials(tx, caller)?),
        ..GetSessionTokenResponse::default()
    })
}

/// A federated user has what both the user and the session policies allow.
fn get_federation_token(
    tx: &mut Tx<'_>,
    input: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, Fault> {
    must_be_user(tx, "GetFederationToken")?;
    let CallerKind::User { name } = tx.caller().kind.clone() else {
        return Err(Fault::access_denied("only users may get federation tokens here"));
    };
    let (policies, policy_arns) = session_policies(tx, input.policy, input.policy_arns)?;
    let arn = model::ids::arn("sts", "", &tx.account, &format!("federated-user/{}", input.name));
    let federated_user_id = format!("{}:{}", tx.account, input.name);
    let caller = Caller {
        arn: arn.clone(),
        account: tx.account.clone(),
        principal_id: federated_user_id.clone(),
        kind: CallerKind::FederatedUser { name },
        access_key: None,
        session: Some(Session {
            policies,
            policy_arns,
            tags: session_tags(input.tags)?,
            issued: tx.now,
            expires: tx.now.plus_seconds(input.duration_seconds.unwrap_or(43_200)),
            ..Session::default()
        }),
    };
    Ok(GetFederationTokenResponse {
        credentials: Some(credentials(tx, caller)?),
        federated_user: Some(FederatedUser { federated_user_id, arn }),
        ..GetFederationTokenResponse::default()
    })
}

fn get_access_key_info(
    tx: &mut Tx<'_>,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, Fault> {
    let named = format!("access-key/{}", input.access_key_id);
    let account = tx.snapshot().find_named::<AccessKey>(&named).map(|k| k.account.to_string());
    account
        .map(|account| GetAccessKeyInfoResponse { account: Some(account) })
        .ok_or_else(|| Fault::validation("The access key id is not valid"))
}
