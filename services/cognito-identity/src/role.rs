//! Which role an identity gets: the pool's own, or one that a mapping takes from the token. Whether
//! it really gets it is for the role's trust policy to say.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html>

use std::collections::BTreeMap;

use model::{Fault, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::login::{Login, not_authorized};
use crate::pool::{self, Pool, invalid};
use crate::shapes::*;

/// Rules of one mapping.
const MOST: usize = 25;

/// How the role is chosen from a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    /// `None`: by the token's own `cognito:preferred_role`.
    rules: Option<Vec<Rule>>,
    /// Where nothing is chosen, the authenticated role; else nothing.
    else_authenticated: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rule {
    claim: String,
    /// `Equals`, `Contains`, `StartsWith`, `NotEqual`.
    matching: String,
    value: String,
    role: String,
}

fn mapping(one: RoleMapping) -> Result<Mapping, Fault> {
    let rules = one.rules_configuration.map(|c| c.rules).unwrap_or_default();
    let Some(ambiguous) = one.ambiguous_role_resolution else {
        return Err(invalid("AmbiguousRoleResolution must be given with the types Token and Rules"));
    };
    let rule =
        |r: MappingRule| Rule { claim: r.claim, matching: r.match_type, value: r.value, role: r.role_arn };
    let rules = match one.r#type.as_str() {
        "Token" if rules.is_empty() => None,
        "Token" => return Err(invalid("a mapping of the type Token has no rules")),
        _ if rules.is_empty() || rules.len() > MOST => {
            return Err(invalid(format!("a mapping of the type Rules has 1 to {MOST} rules")));
        }
        _ => Some(rules.into_iter().map(rule).collect()),
    };
    Ok(Mapping { rules, else_authenticated: ambiguous == "AuthenticatedRole" })
}

/// A mapping that is for nobody whom the pool takes would silently do nothing.
fn mappings(
    pool: &Pool,
    given: Option<BTreeMap<String, RoleMapping>>,
) -> Result<BTreeMap<String, Mapping>, Fault> {
    let known = |name: &String| pool.providers.iter().any(|p| format!("{}:{}", p.name, p.client) == *name);
    let one = |(name, one): (String, RoleMapping)| match known(&name) {
        true => Ok((name, mapping(one)?)),
        false => Err(invalid(format!("{name} is not an identity provider of this identity pool"))),
    };
    given.unwrap_or_default().into_iter().map(one).collect()
}

/// <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_SetIdentityPoolRoles.html>
pub(crate) fn set_identity_pool_roles(
    tx: &mut Tx<'_>,
    input: SetIdentityPoolRolesInput,
) -> Result<(), Fault> {
    let mut pool = pool::find(tx, &input.identity_pool_id)?;
    if input.roles.keys().any(|kind| kind != "authenticated" && kind != "unauthenticated") {
        return Err(invalid("Roles are named authenticated and unauthenticated"));
    }
    pool.mappings = mappings(&pool, input.role_mappings)?;
    pool.roles = input.roles;
    tx.put(pool)
}

pub(crate) fn get_identity_pool_roles(
    tx: &mut Tx<'_>,
    input: GetIdentityPoolRolesInput,
) -> Result<GetIdentityPoolRolesResponse, Fault> {
    let pool = pool::find(tx, &input.identity_pool_id)?;
    let rule =
        |r: Rule| MappingRule { claim: r.claim, match_type: r.matching, value: r.value, role_arn: r.role };
    let shown = |one: Mapping| RoleMapping {
        r#type: if one.rules.is_some() { "Rules" } else { "Token" }.to_owned(),
        ambiguous_role_resolution: Some(
            if one.else_authenticated { "AuthenticatedRole" } else { "Deny" }.to_owned(),
        ),
        rules_configuration: one
            .rules
            .map(|rules| RulesConfigurationType { rules: rules.into_iter().map(rule).collect() }),
    };
    let mappings: BTreeMap<_, _> = pool.mappings.into_iter().map(|(name, one)| (name, shown(one))).collect();
    Ok(GetIdentityPoolRolesResponse {
        identity_pool_id: Some(pool.id),
        roles: Some(pool.roles),
        role_mappings: (!mappings.is_empty()).then_some(mappings),
    })
}

pub(crate) fn not_configured() -> Fault {
    Fault::client(
        "InvalidIdentityPoolConfigurationException",
        "Invalid identity pool configuration. Check assigned IAM roles for this pool.",
    )
}

/// `wanted`: the role that the application asks for, among those it may have.
pub(crate) fn of(pool: &Pool, login: Option<&Login>, wanted: Option<&str>) -> Result<String, Fault> {
    let own = |kind: &str| pool.roles.get(kind).cloned().ok_or_else(not_configured);
    let mapping = login.and_then(|l| pool.mappings.get(&format!("{}:{}", l.provider, l.client)));
    match (login, mapping) {
        (None, _) | (Some(_), None) if wanted.is_some() => {
            Err(invalid("CustomRoleArn is only for identities whose role is mapped from a token"))
        }
        (None, _) => own("unauthenticated"),
        (Some(_), None) => own("authenticated"),
        (Some(login), Some(mapping)) => match (mapped(mapping, login, wanted), wanted) {
            (Some(role), _) => Ok(role),
            (None, Some(_)) => Err(not_authorized("the token does not allow this role")),
            (None, None) if mapping.else_authenticated => own("authenticated"),
            (None, None) => {
                Err(not_authorized("Invalid identity pool configuration. No role matches the token."))
            }
        },
    }
}

fn mapped(mapping: &Mapping, login: &Login, wanted: Option<&str>) -> Option<String> {
    let Some(rules) = &mapping.rules else {
        let roles = login.claims.get("cognito:roles").and_then(Value::as_list).unwrap_or_default();
        return match wanted {
            Some(wanted) => roles.iter().any(|r| r.as_str() == Some(wanted)).then(|| wanted.to_owned()),
            None => login.claims.text("cognito:preferred_role").map(str::to_owned),
        };
    };
    let matching = rules.iter().filter(|rule| holds(rule, login));
    // The first rule that holds decides; another that holds may be asked for.
    matching.map(|r| &r.role).find(|role| wanted.is_none_or(|w| w == role.as_str())).cloned()
}

fn holds(rule: &Rule, login: &Login) -> bool {
    let values: Vec<String> = match login.claims.get(&rule.claim) {
        None => Vec::new(),
        Some(Value::List(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::Text(text)) => vec![text.clone()],
        Some(other) => vec![other.to_json().to_string()],
    };
    let wanted = rule.value.as_str();
    match rule.matching.as_str() {
        "Equals" => values.iter().any(|v| v == wanted),
        "Contains" => values.iter().any(|v| v.contains(wanted)),
        "StartsWith" => values.iter().any(|v| v.starts_with(wanted)),
        "NotEqual" => !values.is_empty() && values.iter().all(|v| v != wanted),
        _ => false,
    }
}
