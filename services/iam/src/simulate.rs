//! The policy simulators: what the evaluator would say to requests that nobody makes, about policies
//! that are given and those that stand in the account.

use std::collections::BTreeMap;

use model::decision::Outcome;
use model::estate::iam::{Group, InlinePolicy, ManagedPolicy, Role, User};
use model::policy::PolicyCheck;
use model::policy::{Guardrails, NamedPolicy, Simulated, Simulation};
use model::{AccountId, Arn, Fault, PolicyText, Snapshot, Tx};

use crate::page;
use crate::shapes::*;

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidInput", message.into())
}

fn named(name: String, text: String) -> NamedPolicy {
    NamedPolicy { name, text: PolicyText::new(text, None) }
}

/// Policies that are given as texts are told of by their place in the list.
fn given(list: &str, texts: Vec<String>) -> Vec<NamedPolicy> {
    texts.into_iter().enumerate().map(|(at, text)| named(format!("{list}.{}", at + 1), text)).collect()
}

/// A user, group or role, with the policies that it has in the account.
#[derive(Default)]
struct Entity {
    arn: String,
    id: String,
    policies: Vec<NamedPolicy>,
    boundary: Option<Vec<NamedPolicy>>,
}

impl Entity {
    fn find(tx: &Tx<'_>, arn: &str, but: &Excluded) -> Result<Entity, Fault> {
        let snapshot = tx.snapshot();
        let mut entity = Entity { arn: arn.to_owned(), ..Entity::default() };
        if let Some(user) = snapshot.find_arn::<User>(arn) {
            entity.id.clone_from(&user.id);
            entity.add(snapshot, but, ("user", &user.name), (&user.inline, &user.attached));
            for group in user.in_groups(snapshot) {
                entity.add(snapshot, but, ("group", &group.name), (&group.inline, &group.attached));
            }
            entity.boundary =
                user.boundary.as_ref().filter(|arn| !but.boundary(arn)).map(|arn| managed(snapshot, arn));
        } else if let Some(role) = snapshot.find_arn::<Role>(arn) {
            entity.id.clone_from(&role.id);
            entity.add(snapshot, but, ("role", &role.name), (&role.inline, &role.attached));
            entity.boundary =
                role.boundary.as_ref().filter(|arn| !but.boundary(arn)).map(|arn| managed(snapshot, arn));
        } else if let Some(group) = snapshot.find_arn::<Group>(arn) {
            entity.add(snapshot, but, ("group", &group.name), (&group.inline, &group.attached));
        } else {
            return Err(match Arn::parse(arn) {
                Some(_) => {
                    Fault::new("NoSuchEntity", 404, format!("Invalid Entity Arn: {arn} does not exist."))
                }
                None => invalid(format!(
                    "Invalid Entity Arn: {arn} does not clearly define entity type and name."
                )),
            });
        }
        Ok(entity)
    }

    /// The policies of a user, role or group, its own first.
    fn add(
        &mut self,
        snapshot: &Snapshot,
        but: &Excluded,
        (kind, holder): (&str, &str),
        (inline, attached): (&[InlinePolicy], &[String]),
    ) {
        let own = inline.iter().filter(|p| !but.inline(kind, holder, &p.name));
        self.policies.extend(own.map(|p| NamedPolicy { name: p.name.clone(), text: p.document.clone() }));
        let attached = attached.iter().filter(|arn| !but.managed(arn));
        self.policies.extend(attached.flat_map(|arn| managed(snapshot, arn)));
    }
}

/// Policies that a simulation is to leave out.
#[derive(Default)]
struct Excluded {
    /// As the API names them, e.g. `aws-managed`.
    types: Vec<String>,
    arns: Vec<String>,
    inline: Vec<InlinePolicyIdentifierType>,
}

impl Excluded {
    fn of(list: Option<Vec<PolicyIdentifier>>) -> Excluded {
        let mut excluded = Excluded::default();
        for identifier in list.unwrap_or_default() {
            excluded.types.extend(identifier.policy_type);
            excluded.arns.extend(identifier.policy_arn);
            excluded.inline.extend(identifier.inline_policy_identifier);
        }
        excluded
    }

    fn all(&self, policy_type: &str) -> bool {
        self.types.iter().any(|t| t == policy_type)
    }

    fn inline(&self, kind: &str, holder: &str, policy: &str) -> bool {
        let same = |i: &InlinePolicyIdentifierType| {
            i.attachment_type.eq_ignore_ascii_case(kind)
                && i.attachment_name == holder
                && i.policy_name == policy
        };
        self.all("inline") || self.inline.iter().any(same)
    }

    fn managed(&self, arn: &String) -> bool {
        let aws = arn.starts_with("arn:aws:iam::aws:");
        self.arns.contains(arn) || self.all(if aws { "aws-managed" } else { "user-managed" })
    }

    fn boundary(&self, arn: &String) -> bool {
        self.arns.contains(arn) || self.all("permission-boundary")
    }
}

/// A managed policy; nothing, which allows nothing, when it is gone.
fn managed(snapshot: &Snapshot, arn: &str) -> Vec<NamedPolicy> {
    let policy = snapshot.find_arn::<ManagedPolicy>(arn);
    let text = policy.and_then(|p| p.document()).cloned();
    policy.zip(text).map(|(p, text)| NamedPolicy { name: p.name.clone(), text }).into_iter().collect()
}

/// What both simulators ask in the same way.
struct Scene {
    entity: Entity,
    boundary: Option<Vec<NamedPolicy>>,
    scps: Option<Vec<Vec<NamedPolicy>>>,
    resource_policy: Option<PolicyText>,
    actions: Vec<String>,
    resources: Vec<String>,
    owner: Option<String>,
    context: Vec<(String, Vec<String>)>,
}

impl Scene {
    fn results(&self, tx: &Tx<'_>) -> Result<Vec<EvaluationResult>, Fault> {
        self.actions.iter().map(|action| self.result(tx, action)).collect()
    }

    fn result(&self, tx: &Tx<'_>, action: &str) -> Result<EvaluationResult, Fault> {
        let one = |resource: &String| Ok((resource.clone(), self.simulate(tx, action, resource)?));
        let each = self.resources.iter().map(one).collect::<Result<Vec<(String, Simulated)>, Fault>>()?;
        let specific = each.iter().any(|(resource, _)| resource != "*");
        let rank = |outcome: Outcome| match outcome {
            Outcome::Allowed => 0,
            Outcome::ImplicitDeny => 1,
            Outcome::ExplicitDeny => 2,
        };
        let outcome =
            each.iter().map(|(_, s)| s.outcome).max_by_key(|o| rank(*o)).unwrap_or(Outcome::ImplicitDeny);
        let (mut statements, mut missing) = (Vec::new(), Vec::new());
        for (_, simulated) in each.iter().filter(|(_, s)| s.outcome == outcome) {
            let new = self::statements(simulated)
                .into_iter()
                .filter(|s| !statements.contains(s))
                .collect::<Vec<_>>();
            statements.extend(new);
        }
        for name in each.iter().flat_map(|(_, s)| &s.missing) {
            if !missing.contains(name) {
                missing.push(name.clone());
            }
        }
        let all = |flag: fn(&Simulated) -> Option<bool>| {
            let flags: Vec<bool> = each.iter().filter_map(|(_, s)| flag(s)).collect();
            (!flags.is_empty()).then(|| flags.iter().all(|f| *f))
        };
        let (boundary, organization) = (all(|s| s.boundary), all(|s| s.organization));
        let resource = match each.as_slice() {
            [(only, _)] => only.clone(),
            _ => "*".to_owned(),
        };
        Ok(EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(resource),
            eval_decision: word(outcome).to_owned(),
            matched_statements: Some(statements),
            missing_context_values: Some(missing),
            organizations_decision_detail: organization
                .map(|allowed| OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }),
            permissions_boundary_decision_detail: boundary.map(bounded),
            eval_decision_details: specific
                .then(|| each.iter().find_map(|(_, s)| sides(s)).unwrap_or_default()),
            resource_specific_results: specific.then(|| each.iter().map(specifically).collect()),
        })
    }

    fn simulate(&self, tx: &Tx<'_>, action: &str, resource: &str) -> Result<Simulated, Fault> {
        let account = match Arn::parse(&self.entity.arn) {
            Some(arn) => AccountId::parse(arn.account).unwrap_or_else(|| tx.account.clone()),
            None => tx.account.clone(),
        };
        let of_resource = resource.split(':').nth(4).and_then(AccountId::parse);
        let given = self.owner.as_deref().and_then(Arn::parse).and_then(|arn| AccountId::parse(arn.account));
        let owner = of_resource.or(given).unwrap_or_else(|| account.clone());
        let boundary = self.boundary.as_deref().or(self.entity.boundary.as_deref());
        let simulated = tx.host().policies().simulate(
            tx.snapshot(),
            &Simulation {
                principal: &self.entity.arn,
                account: &account,
                principal_id: &self.entity.id,
                identity: &self.entity.policies,
                boundary,
                organization: match &self.scps {
                    Some(levels) => Guardrails::Given(levels),
                    None => Guardrails::Of(&account),
                },
                resource_policy: self.resource_policy.as_ref(),
                action,
                resource,
                owner: &owner,
                context: &self.context,
            },
        );
        simulated.map_err(|fault| invalid(fault.message))
    }
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "allowed",
        Outcome::ImplicitDeny => "implicitDeny",
        Outcome::ExplicitDeny => "explicitDeny",
    }
}

fn bounded(allowed: bool) -> PermissionsBoundaryDecisionDetail {
    PermissionsBoundaryDecisionDetail { allowed_by_permissions_boundary: Some(allowed) }
}

/// What each side said, of another account's resource.
fn sides(simulated: &Simulated) -> Option<BTreeMap<String, String>> {
    let (identity, resource) = simulated.sides?;
    let side = |name: &str, outcome| (name.to_owned(), word(outcome).to_owned());
    Some(BTreeMap::from([side("IAM Policy", identity), side("Resource Policy", resource)]))
}

fn statements(simulated: &Simulated) -> Vec<Statement> {
    let position = |(line, column): (u32, u32)| {
        Some(Position { line: Some(i64::from(line)), column: Some(i64::from(column)) })
    };
    let each = simulated.matched.iter().map(|m| Statement {
        source_policy_id: Some(m.policy.clone()),
        source_policy_type: Some(
            if m.policy == "ResourcePolicy" { "Resource Policy" } else { "IAM Policy" }.to_owned(),
        ),
        start_position: position(m.start),
        end_position: position(m.end),
    });
    each.collect()
}

fn specifically((resource, simulated): &(String, Simulated)) -> ResourceSpecificResult {
    ResourceSpecificResult {
        eval_resource_name: resource.clone(),
        eval_resource_decision: word(simulated.outcome).to_owned(),
        matched_statements: Some(statements(simulated)),
        missing_context_values: Some(simulated.missing.clone()),
        eval_decision_details: sides(simulated),
        permissions_boundary_decision_detail: simulated.boundary.map(bounded),
    }
}

fn actions(names: Vec<String>) -> Result<Vec<String>, Fault> {
    let fine = |name: &String| {
        let parts = name.split_once(':');
        parts.is_some_and(|(service, action)| !service.is_empty() && !action.is_empty())
            && !name.contains(['*', '?'])
    };
    match names.iter().find(|name| !fine(name)) {
        Some(wrong) => Err(invalid(format!(
            "Invalid Action Name: {wrong} must be service:operation, without wildcards."
        ))),
        None => Ok(names),
    }
}

/// The kinds of resources that a scenario of EC2 must have.
const SCENARIOS: [(&str, &[&str]); 6] = [
    ("EC2-Classic-InstanceStore", &["instance", "image", "security-group"]),
    ("EC2-Classic-EBS", &["instance", "image", "security-group", "volume"]),
    ("EC2-VPC-InstanceStore", &["instance", "image", "security-group", "network-interface"]),
    ("EC2-VPC-InstanceStore-Subnet", &["instance", "image", "security-group", "network-interface", "subnet"]),
    ("EC2-VPC-EBS", &["instance", "image", "security-group", "network-interface", "volume"]),
    ("EC2-VPC-EBS-Subnet", &["instance", "image", "security-group", "network-interface", "subnet", "volume"]),
];

fn resources(arns: Option<Vec<String>>, scenario: Option<&str>) -> Result<Vec<String>, Fault> {
    let arns = arns.filter(|arns| !arns.is_empty()).unwrap_or_else(|| vec!["*".to_owned()]);
    if let Some(wrong) = arns.iter().find(|arn| *arn != "*" && Arn::parse(arn).is_none()) {
        return Err(invalid(format!("Invalid Resource Arn: {wrong} is neither an ARN nor *.")));
    }
    let Some(scenario) = scenario else { return Ok(arns) };
    let Some((_, kinds)) = SCENARIOS.iter().find(|(name, _)| *name == scenario) else {
        return Err(invalid(format!("Invalid ResourceHandlingOption: {scenario}.")));
    };
    let lacks = |kind: &&&str| !arns.iter().any(|arn| arn.contains(&format!(":{kind}/")));
    match kinds.iter().find(lacks) {
        Some(kind) => Err(invalid(format!("{scenario} needs a resource of the type {kind}."))),
        None => Ok(arns),
    }
}

fn context(entries: Option<Vec<ContextEntry>>) -> Vec<(String, Vec<String>)> {
    let entries = entries.unwrap_or_default().into_iter();
    entries
        .map(|e| (e.context_key_name.unwrap_or_default(), e.context_key_values.unwrap_or_default()))
        .collect()
}

fn only_boundary(texts: Option<Vec<String>>) -> Result<Option<Vec<NamedPolicy>>, Fault> {
    match texts {
        Some(texts) if texts.len() > 1 => Err(invalid("Only one permissions boundary can be given.")),
        Some(texts) if texts.len() == 1 => Ok(Some(given("PermissionsBoundaryPolicyInputList", texts))),
        _ => Ok(None),
    }
}

fn answer(
    results: Vec<EvaluationResult>,
    marker: Option<&str>,
    max: Option<i64>,
) -> Result<SimulatePolicyResponse, Fault> {
    // In the order of the request: an action may be given twice.
    let numbered = results.into_iter().enumerate();
    let (page, is_truncated, marker) = page::page(numbered, |(at, _)| format!("{at:08}"), marker, max)?;
    let results = page.into_iter().map(|(_, result)| result).collect();
    Ok(SimulatePolicyResponse { evaluation_results: Some(results), is_truncated, marker })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>
pub(crate) fn simulate_custom_policy(
    tx: &mut Tx<'_>,
    input: SimulateCustomPolicyRequest,
) -> Result<SimulatePolicyResponse, Fault> {
    let mut entity = caller(tx, input.caller_arn, input.resource_policy.is_some())?;
    entity.policies = given("PolicyInputList", input.policy_input_list);
    entity.boundary = None;
    let levels = input.ordered_organization_policy_input_list.unwrap_or_default().into_iter().enumerate();
    let scene = Scene {
        entity,
        boundary: only_boundary(input.permissions_boundary_policy_input_list)?,
        scps: Some(
            levels
                .map(|(at, level)| {
                    let texts = level.service_control_policy_input_list.unwrap_or_default();
                    given(&format!("OrderedOrganizationPolicyInputList.{}", at + 1), texts)
                })
                .collect(),
        ),
        resource_policy: input.resource_policy.map(|text| PolicyText::new(text, None)),
        actions: actions(input.action_names)?,
        resources: resources(input.resource_arns, input.resource_handling_option.as_deref())?,
        owner: input.resource_owner,
        context: context(input.context_entries),
    };
    answer(scene.results(tx)?, input.marker.as_deref(), input.max_items)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
pub(crate) fn simulate_principal_policy(
    tx: &mut Tx<'_>,
    input: SimulatePrincipalPolicyRequest,
) -> Result<SimulatePolicyResponse, Fault> {
    let excluded = Excluded::of(input.policy_exclusion_list);
    let mut entity = Entity::find(tx, &input.policy_source_arn, &excluded)?;
    entity.policies.extend(given("PolicyInputList", input.policy_input_list.unwrap_or_default()));
    if let Some(arn) = input.caller_arn {
        let caller = caller(tx, Some(arn), true)?;
        (entity.arn, entity.id) = (caller.arn, caller.id);
    } else if input.resource_policy.is_some() && tx.find_arn::<Group>(&entity.arn).is_some() {
        return Err(invalid("CallerArn is required: a group is no principal."));
    }
    let scene = Scene {
        entity,
        boundary: only_boundary(input.permissions_boundary_policy_input_list)?,
        scps: excluded.all("scp").then(Vec::new),
        resource_policy: input.resource_policy.map(|text| PolicyText::new(text, None)),
        actions: actions(input.action_names)?,
        resources: resources(input.resource_arns, input.resource_handling_option.as_deref())?,
        owner: input.resource_owner,
        context: context(input.context_entries),
    };
    answer(scene.results(tx)?, input.marker.as_deref(), input.max_items)
}

/// Whom the requests would be from. It need not exist.
fn caller(tx: &Tx<'_>, arn: Option<String>, required: bool) -> Result<Entity, Fault> {
    let Some(arn) = arn else {
        return match required {
            true => Err(invalid("CallerArn is required with a resource policy.")),
            false => Ok(Entity::default()),
        };
    };
    let iam = Arn::parse(&arn).is_some_and(|a| a.service == "iam");
    if !iam || !(arn.contains(":user/") || arn.contains(":role/")) {
        return Err(invalid(format!("Invalid Caller Arn: {arn} is no IAM user or role.")));
    }
    Ok(Entity::find(tx, &arn, &Excluded::default()).unwrap_or(Entity { arn, ..Entity::default() }))
}

fn keys(tx: &Tx<'_>, policies: &[NamedPolicy]) -> Result<GetContextKeysForPolicyResponse, Fault> {
    let mut names: Vec<String> = Vec::new();
    for policy in policies {
        let asked = tx.host().policies().context_keys(PolicyCheck::Identity, &policy.text.text);
        let asked = asked.map_err(|fault| invalid(format!("{}: {}", policy.name, fault.message)))?;
        for name in asked {
            if !names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                names.push(name);
            }
        }
    }
    Ok(GetContextKeysForPolicyResponse { context_key_names: Some(names) })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForCustomPolicy.html>
pub(crate) fn get_context_keys_for_custom_policy(
    tx: &mut Tx<'_>,
    input: GetContextKeysForCustomPolicyRequest,
) -> Result<GetContextKeysForPolicyResponse, Fault> {
    keys(tx, &given("PolicyInputList", input.policy_input_list))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html>
pub(crate) fn get_context_keys_for_principal_policy(
    tx: &mut Tx<'_>,
    input: GetContextKeysForPrincipalPolicyRequest,
) -> Result<GetContextKeysForPolicyResponse, Fault> {
    let mut entity = Entity::find(tx, &input.policy_source_arn, &Excluded::default())?;
    entity.policies.extend(given("PolicyInputList", input.policy_input_list.unwrap_or_default()));
    keys(tx, &entity.policies)
}
