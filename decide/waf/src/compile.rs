//! A web ACL in the form in which it is evaluated. Fields that several rules look at, with
//! the same text transformations, are read once per request.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use model::Snapshot;
use model::estate::waf::rule::{self, OverrideAction, Overrides, Rule, RuleAction, Statement};
use model::estate::waf::{IpSet, RegexPatternSet, RuleGroup, WebAcl, managed};
use serde_json::Value as Json;

use crate::action::{Action, Bodies, action};
use crate::address::Blocks;
use crate::detect::Level;
use crate::field::Field;
use crate::managed as managed_rules;
use crate::matcher::{self, Matcher};
use crate::outcome::Kind;
use crate::rate::{self, RateRule};
use crate::transform::{self, Transform};

/// Statements inside statements; AWS allows far fewer.
const DEEPEST: usize = 24;

/// A compiled web ACL.
pub struct Acl {
    pub arn: String,
    /// The ARNs of all it was made from: if one of these nodes changes, this is stale.
    pub made_from: Vec<String>,
    pub(crate) rules: Vec<AclRule>,
    pub(crate) default: Action,
    pub(crate) inputs: Vec<Input>,
}

/// Texts that statements look at: a field as it is, or another input with one transformation more.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) field: Field,
    pub(crate) from: Option<(usize, Transform)>,
}

pub(crate) struct AclRule {
    pub(crate) name: String,
    pub(crate) metric: String,
    pub(crate) sampled: bool,
    pub(crate) kind: Kind,
    pub(crate) body: Body,
}

pub(crate) enum Body {
    One(Plain),
    Group {
        /// Its ARN, or `VENDOR#NAME`.
        id: String,
        scope: Option<Condition>,
        rules: Vec<(Plain, Option<&'static str>)>,
        /// Whatever it decides is only counted.
        counts: bool,
    },
}

pub(crate) struct Plain {
    pub(crate) name: String,
    pub(crate) metric: String,
    pub(crate) sampled: bool,
    pub(crate) condition: Condition,
    pub(crate) labels: Vec<String>,
    pub(crate) action: Action,
}

pub(crate) enum Condition {
    Text { input: usize, matcher: Matcher },
    Ip { blocks: Blocks, forwarded: Option<rule::ForwardedIp> },
    Label { key: String, namespace: bool },
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Rate { rule: RateRule, scope: Option<Box<Condition>> },
}

/// What is gathered on the way.
pub(crate) struct Builder<'a> {
    snapshot: &'a Snapshot,
    acl: &'a WebAcl,
    made_from: Vec<String>,
    inputs: Vec<Input>,
    known: HashMap<(Field, Vec<Transform>), usize>,
}

/// Compiles a web ACL with what it refers to. The error says what cannot be done.
pub fn compile(snapshot: &Snapshot, acl: &WebAcl) -> Result<Acl, String> {
    let mut builder =
        Builder { snapshot, acl, made_from: vec![acl.arn()], inputs: Vec::new(), known: HashMap::new() };
    let bodies = bodies(&acl.form)?;
    let mut rules = Vec::new();
    for rule in ordered(&acl.form)? {
        let name = rule.name.clone();
        rules.push(builder.acl_rule(rule, &bodies).map_err(|e| format!("rule `{name}`: {e}"))?);
    }
    let default: RuleAction = member(&acl.form, "DefaultAction")?.ok_or("the default action is missing")?;
    let default = action(&default, &bodies)?;
    Ok(Acl { arn: acl.arn(), made_from: builder.made_from, rules, default, inputs: builder.inputs })
}

fn member<T: serde::de::DeserializeOwned>(form: &Json, name: &str) -> Result<Option<T>, String> {
    match form.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|e| format!("`{name}` cannot be read: {e}")),
    }
}

fn bodies(form: &Json) -> Result<Bodies, String> {
    Ok(member::<BTreeMap<_, _>>(form, "CustomResponseBodies")?.unwrap_or_default())
}

fn ordered(form: &Json) -> Result<Vec<Rule>, String> {
    let mut rules = member::<Vec<Rule>>(form, "Rules")?.unwrap_or_default();
    rules.sort_by_key(|r| r.priority);
    Ok(rules)
}

impl Builder<'_> {
    /// The place of a field with its transformations among the inputs.
    pub(crate) fn input(&mut self, field: Field, mut chain: Vec<Transform>) -> usize {
        let key = (field.clone(), chain.clone());
        if let Some(at) = self.known.get(&key) {
            return *at;
        }
        let from = chain.pop().map(|last| (self.input(field.clone(), chain), last));
        let at = self.inputs.len();
        self.known.insert(key, at);
        self.inputs.push(Input { field, from });
        at
    }

    fn acl_rule(&mut self, rule: Rule, bodies: &Bodies) -> Result<AclRule, String> {
        let counts = matches!(rule.override_action, Some(OverrideAction::Count(_)));
        let (kind, body) = match &rule.statement {
            Statement::RuleGroup(reference) => {
                let group = self.find::<RuleGroup>(&reference.arn)?;
                let rules = self.group_rules(&group)?;
                let rules = overridden(rules, &reference.overrides, bodies)?;
                (Kind::Group, Body::Group { id: reference.arn.clone(), scope: None, rules, counts })
            }
            Statement::ManagedRuleGroup(reference) => {
                let (vendor, name) = (&reference.vendor_name, &reference.name);
                let group = managed::group(vendor, name)
                    .ok_or_else(|| format!("there is no managed rule group `{vendor}` `{name}`"))?;
                let scope = match &reference.scope_down_statement {
                    Some(scope) => Some(self.condition(scope, &self.acl.label_namespace(), 0)?),
                    None => None,
                };
                let rules = managed_rules::rules(group, self)?;
                let rules = overridden(rules, &reference.overrides, bodies)?;
                (Kind::ManagedGroup, Body::Group { id: format!("{vendor}#{name}"), scope, rules, counts })
            }
            Statement::RateBased(_) => {
                let namespace = self.acl.label_namespace();
                (Kind::RateBased, Body::One(self.plain(&rule, &namespace, &self.acl.arn(), bodies)?))
            }
            _ => {
                let namespace = self.acl.label_namespace();
                (Kind::Regular, Body::One(self.plain(&rule, &namespace, &self.acl.arn(), bodies)?))
            }
        };
        let visibility = rule.visibility_config;
        Ok(AclRule {
            name: rule.name,
            metric: visibility.metric_name,
            sampled: visibility.sampled_requests_enabled,
            kind,
            body,
        })
    }

    fn group_rules(&mut self, group: &RuleGroup) -> Result<Vec<Plain>, String> {
        let bodies = bodies(&group.form)?;
        let id = format!("{}/{}", self.acl.arn(), group.arn());
        let rules = ordered(&group.form)?;
        rules.iter().map(|r| self.plain(r, &group.label_namespace(), &id, &bodies)).collect()
    }

    fn plain(&mut self, rule: &Rule, namespace: &str, owner: &str, bodies: &Bodies) -> Result<Plain, String> {
        let condition = match &rule.statement {
            Statement::RateBased(given) => {
                let scope = match &given.scope_down_statement {
                    Some(scope) => Some(Box::new(self.condition(scope, namespace, 0)?)),
                    None if given.aggregate_key_type == "CONSTANT" => {
                        return Err("counting all requests together needs a scope-down statement".to_owned());
                    }
                    None => None,
                };
                Condition::Rate { rule: rate::rule(format!("{owner}/{}", rule.name), given)?, scope }
            }
            statement => self.condition(statement, namespace, 0)?,
        };
        let given = rule.action.as_ref().ok_or("an action is missing")?;
        Ok(Plain {
            name: rule.name.clone(),
            metric: rule.visibility_config.metric_name.clone(),
            sampled: rule.visibility_config.sampled_requests_enabled,
            condition,
            labels: rule.rule_labels.iter().map(|l| format!("{namespace}{}", l.name)).collect(),
            action: action(given, bodies)?,
        })
    }

    fn condition(&mut self, given: &Statement, namespace: &str, depth: usize) -> Result<Condition, String> {
        if depth > DEEPEST {
            return Err("statements are nested too deeply".to_owned());
        }
        let deeper = depth + 1;
        Ok(match given {
            Statement::And(nested) => Condition::And(self.all(&nested.statements, namespace, deeper)?),
            Statement::Or(nested) => Condition::Or(self.all(&nested.statements, namespace, deeper)?),
            Statement::Not(negated) => {
                Condition::Not(Box::new(self.condition(&negated.statement, namespace, deeper)?))
            }
            Statement::IpSet(reference) => {
                let set = self.find::<IpSet>(&reference.arn)?;
                Condition::Ip {
                    blocks: Blocks::read(&set.addresses)?,
                    forwarded: reference.forwarded.clone(),
                }
            }
            Statement::LabelMatch(label) => {
                Condition::Label { key: label.key.clone(), namespace: label.scope == "NAMESPACE" }
            }
            Statement::GeoMatch(_) => {
                return Err("the countries of addresses are not known to this runtime".to_owned());
            }
            Statement::AsnMatch(_) => {
                return Err("the networks of addresses are not known to this runtime".to_owned());
            }
            Statement::RateBased(_) | Statement::RuleGroup(_) | Statement::ManagedRuleGroup(_) => {
                return Err("this statement cannot be nested".to_owned());
            }
            text => {
                let (field, matcher) = self.text(text)?;
                let input = self.input(
                    Field::read(&field.field_to_match)?,
                    transform::chain(&field.text_transformations)?,
                );
                Condition::Text { input, matcher }
            }
        })
    }

    fn all(&mut self, given: &[Statement], namespace: &str, depth: usize) -> Result<Vec<Condition>, String> {
        given.iter().map(|s| self.condition(s, namespace, depth)).collect()
    }

    fn text<'s>(&mut self, given: &'s Statement) -> Result<(&'s rule::TextMatch, Matcher), String> {
        Ok(match given {
            Statement::ByteMatch(bytes) => {
                let needle = base64::engine::general_purpose::STANDARD.decode(&bytes.search_string);
                let needle = needle.map_err(|_| "the search string is not in base64".to_owned())?;
                (&bytes.text, matcher::bytes(needle, &bytes.positional_constraint)?)
            }
            Statement::RegexMatch(regex) => {
                (&regex.text, Matcher::Regex(matcher::regex(&regex.regex_string, false)?))
            }
            Statement::RegexPatternSet(reference) => {
                let set = self.find::<RegexPatternSet>(&reference.arn)?;
                let all: Result<Vec<_>, String> =
                    set.patterns.iter().map(|p| matcher::regex(p, false)).collect();
                (&reference.text, Matcher::AnyRegex(all?))
            }
            Statement::SqliMatch(sqli) => {
                let high = sqli.sensitivity_level.as_deref() == Some("HIGH");
                (&sqli.text, Matcher::Sqli(if high { Level::High } else { Level::Low }))
            }
            Statement::XssMatch(text) => (text, Matcher::Xss),
            Statement::SizeConstraint(size) => {
                (&size.text, Matcher::Size(matcher::comparison(&size.comparison_operator)?, size.size))
            }
            _ => return Err("this statement looks at no text".to_owned()),
        })
    }

    fn find<N: model::Node>(&mut self, arn: &str) -> Result<N, String> {
        self.made_from.push(arn.to_owned());
        self.snapshot.find_arn::<N>(arn).cloned().ok_or_else(|| format!("`{arn}` does not exist"))
    }
}

/// Gives rules the actions that the web ACL wants, and keeps the name of their own.
fn overridden(
    rules: Vec<Plain>,
    overrides: &Overrides,
    bodies: &Bodies,
) -> Result<Vec<(Plain, Option<&'static str>)>, String> {
    let mut changed = Vec::with_capacity(rules.len());
    for mut rule in rules {
        let own = rule.action.name();
        let mut was = None;
        if overrides.excluded_rules.iter().any(|r| r.name == rule.name) {
            (rule.action, was) = (Action::Count(Vec::new()), Some(own));
        }
        if let Some(wanted) = overrides.rule_action_overrides.iter().find(|o| o.name == rule.name) {
            (rule.action, was) = (action(&wanted.action_to_use, bodies)?, Some(own));
        }
        changed.push((rule, was));
    }
    Ok(changed)
}
