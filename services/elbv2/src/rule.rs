//! Rules of listeners, in the order of their priorities. A listener's default rule is its default
//! actions: it has an ARN and a place in answers, but no node of its own.

use model::estate::elb;
use model::{Fault, Tx};

use crate::fault::{invalid, no_rule, not_served, too_many};
use crate::load_balancer::{self, HEX};
use crate::page::page;
use crate::shapes::*;
use crate::{action, condition, listener, tag};

/// Rules of one load balancer, not counting defaults.
const MOST: usize = 100;

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<elb::Rule, Fault> {
    if !arn.contains(":listener-rule/") {
        return Err(invalid(format!("'{arn}' is not a valid listener rule ARN")));
    }
    let found = tx.find_arn::<elb::Rule>(arn).filter(|r| r.account == tx.account && r.region == tx.region);
    found.cloned().ok_or_else(no_rule)
}

/// The rules of a listener, first the one that is looked at first.
pub(crate) fn of(tx: &Tx<'_>, listener: &str) -> Vec<elb::Rule> {
    let mut found: Vec<elb::Rule> =
        tx.list::<elb::Rule>().filter(|r| r.listener == listener).cloned().collect();
    found.sort_by_key(|r| r.priority);
    found
}

/// The ARN of the default rule: the listener's digits from behind stand for it.
fn default_arn(listener: &elb::Listener) -> String {
    let digits = listener.id.rsplit('/').next().unwrap_or_default();
    let id: String = digits.chars().rev().collect();
    format!("{}/{id}", listener.arn().replace(":listener/", ":listener-rule/"))
}

fn default_of(tx: &Tx<'_>, arn: &str) -> Option<elb::Listener> {
    let listener = arn.rsplit_once('/')?.0.replace(":listener-rule/", ":listener/");
    tx.find_arn::<elb::Listener>(&listener).filter(|l| default_arn(l) == arn).cloned()
}

fn shown(rule: &elb::Rule) -> Rule {
    Rule {
        rule_arn: Some(rule.arn()),
        priority: Some(rule.priority.to_string()),
        conditions: Some(rule.conditions.iter().map(condition::shown).collect()),
        actions: Some(rule.actions.iter().map(action::shown).collect()),
        is_default: Some(false),
        transforms: None,
    }
}

fn default_shown(listener: &elb::Listener) -> Rule {
    Rule {
        rule_arn: Some(default_arn(listener)),
        priority: Some("default".to_owned()),
        conditions: Some(Vec::new()),
        actions: Some(listener.actions().unwrap_or_default().iter().map(action::shown).collect()),
        is_default: Some(true),
        transforms: None,
    }
}

fn priority(tx: &Tx<'_>, listener: &str, wanted: i64, but: &[String]) -> Result<u32, Fault> {
    let priority = u32::try_from(wanted).ok().filter(|p| (1..=50_000).contains(p));
    let priority = priority.ok_or_else(|| invalid("The priority must be from 1 to 50000"))?;
    let taken = of(tx, listener).iter().any(|r| r.priority == priority && !but.contains(&r.id));
    match taken {
        true => Err(Fault::client("PriorityInUse", format!("Priority '{priority}' is currently in use"))),
        false => Ok(priority),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html>
pub(crate) fn create_rule(tx: &mut Tx<'_>, input: CreateRuleInput) -> Result<CreateRuleOutput, Fault> {
    let listener = listener::find(tx, &input.listener_arn)?;
    let balancer = load_balancer::find(tx, &listener.load_balancer)?;
    if input.transforms.is_some_and(|t| !t.is_empty()) {
        return Err(not_served("A rule with transforms"));
    }
    let all: usize =
        load_balancer::listeners(tx, &listener.load_balancer).iter().map(|l| of(tx, &l.arn()).len()).sum();
    if all >= MOST {
        return Err(too_many("TooManyRules", "rules of a load balancer", MOST));
    }
    let made = elb::Rule {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}/{}", listener.id, tx.random_text(16, HEX)),
        priority: priority(tx, &input.listener_arn, input.priority, &[])?,
        listener: input.listener_arn,
        conditions: condition::read(input.conditions)?,
        actions: action::read(tx, &balancer, &listener.protocol, input.actions)?,
        tags: tag::checked(input.tags)?,
    };
    let answer = shown(&made);
    tx.put(made)?;
    Ok(CreateRuleOutput { rules: Some(vec![answer]) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html>
pub(crate) fn describe_rules(
    tx: &mut Tx<'_>,
    input: DescribeRulesInput,
) -> Result<DescribeRulesOutput, Fault> {
    let arns = input.rule_arns.unwrap_or_default();
    let mut rules = Vec::new();
    match (&input.listener_arn, arns.is_empty()) {
        (Some(arn), true) => {
            let listener = listener::find(tx, arn)?;
            rules.extend(of(tx, arn).iter().map(shown));
            rules.push(default_shown(&listener));
        }
        (None, false) => {
            for arn in &arns {
                rules.push(match default_of(tx, arn) {
                    Some(listener) => default_shown(&listener),
                    None => shown(&find(tx, arn)?),
                });
            }
        }
        _ => return Err(invalid("You must specify either a listener ARN or rule ARNs")),
    }
    let (rules, next_marker) = page(rules, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeRulesOutput { rules: Some(rules), next_marker })
}

fn not_default(tx: &Tx<'_>, arn: &str, what: &str) -> Result<(), Fault> {
    match default_of(tx, arn) {
        Some(_) => {
            Err(Fault::client("OperationNotPermitted", format!("Default rule '{arn}' cannot be {what}")))
        }
        None => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyRule.html>
pub(crate) fn modify_rule(tx: &mut Tx<'_>, input: ModifyRuleInput) -> Result<ModifyRuleOutput, Fault> {
    not_default(tx, &input.rule_arn, "modified")?;
    let mut found = find(tx, &input.rule_arn)?;
    let listener = listener::find(tx, &found.listener)?;
    let balancer = load_balancer::find(tx, &listener.load_balancer)?;
    if input.transforms.is_some_and(|t| !t.is_empty()) {
        return Err(not_served("A rule with transforms"));
    }
    if let Some(conditions) = input.conditions {
        found.conditions = condition::read(conditions)?;
    }
    if let Some(actions) = input.actions {
        found.actions = action::read(tx, &balancer, &listener.protocol, actions)?;
    }
    let answer = shown(&found);
    tx.put(found)?;
    Ok(ModifyRuleOutput { rules: Some(vec![answer]) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteRule.html>
pub(crate) fn delete_rule(tx: &mut Tx<'_>, input: DeleteRuleInput) -> Result<DeleteRuleOutput, Fault> {
    not_default(tx, &input.rule_arn, "deleted")?;
    let found = find(tx, &input.rule_arn)?;
    tx.remove(&found)?;
    Ok(DeleteRuleOutput {})
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetRulePriorities.html>
pub(crate) fn set_rule_priorities(
    tx: &mut Tx<'_>,
    input: SetRulePrioritiesInput,
) -> Result<SetRulePrioritiesOutput, Fault> {
    let mut found = Vec::with_capacity(input.rule_priorities.len());
    for pair in input.rule_priorities {
        let arn = pair.rule_arn.ok_or_else(no_rule)?;
        not_default(tx, &arn, "given a priority")?;
        let wanted = pair.priority.ok_or_else(|| invalid("A priority must be specified"))?;
        found.push((find(tx, &arn)?, wanted));
    }
    let moved: Vec<String> = found.iter().map(|(r, _)| r.id.clone()).collect();
    let mut rules: Vec<Rule> = Vec::with_capacity(found.len());
    for (mut rule, wanted) in found {
        rule.priority = priority(tx, &rule.listener, wanted, &moved)?;
        let text = Some(rule.priority.to_string());
        if rules.iter().any(|r| r.priority == text) {
            return Err(Fault::client("PriorityInUse", format!("Priority '{wanted}' is given twice")));
        }
        rules.push(shown(&rule));
        tx.put(rule)?;
    }
    Ok(SetRulePrioritiesOutput { rules: Some(rules) })
}
