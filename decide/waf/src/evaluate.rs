//! Rules one after the other, in order of priority, until one decides.

use std::cell::OnceCell;

use crate::action::{Action, interstitial};
use crate::address::{Forwarded, forwarded};
use crate::compile::{Acl, AclRule, Body, Condition, Plain};
use crate::field::{Seen, Text};
use crate::matcher::Matcher;
use crate::outcome::{Detail, Hit, Inspection, RateHit, Verdict};
use crate::rate::{self, Key, Rates, Uncounted};
use crate::request::Request;
use crate::transform;

/// A matched text is shown up to so many bytes.
const SHOWN: usize = 64;

/// Inspects a request.
pub fn evaluate(acl: &Acl, request: &Request<'_>, rates: &dyn Rates) -> Inspection {
    run(acl, request, rates, false).0
}

/// Every rule that the request meets, also behind the one that decides; nothing is counted.
pub fn explain(acl: &Acl, request: &Request<'_>) -> Vec<Hit> {
    run(acl, request, &Uncounted, true).1
}

fn run(acl: &Acl, request: &Request<'_>, rates: &dyn Rates, all: bool) -> (Inspection, Vec<Hit>) {
    let mut run = Run {
        acl,
        request,
        rates,
        cells: acl.inputs.iter().map(|_| OnceCell::new()).collect(),
        all,
        labels: Vec::new(),
        inserted: Vec::new(),
        counted: Vec::new(),
        met: Vec::new(),
        details: Vec::new(),
        rate: None,
    };
    let mut decided: Option<(Hit, Action)> = None;
    for rule in &acl.rules {
        if let Some(end) = run.rule(rule)
            && decided.is_none()
        {
            decided = Some(end);
        }
        if decided.is_some() && !all {
            break;
        }
    }
    let (terminating, action) = match decided {
        Some((hit, action)) => (Some(hit), action),
        None => (None, acl.default.clone()),
    };
    let name = action.name();
    let verdict = match action {
        Action::Allow(headers) => {
            run.inserted.extend(headers);
            Verdict::Pass
        }
        Action::Count(_) => Verdict::Pass,
        Action::Block(answer) => Verdict::Refuse(answer),
        Action::Captcha => Verdict::Refuse(interstitial(true)),
        Action::Challenge => Verdict::Refuse(interstitial(false)),
    };
    let inspection = Inspection {
        verdict,
        terminating,
        action: name,
        counted: run.counted,
        labels: run.labels,
        inserted: run.inserted,
    };
    (inspection, run.met)
}

struct Run<'a, 'r> {
    acl: &'a Acl,
    request: &'a Request<'r>,
    rates: &'a dyn Rates,
    /// What each input holds, once it has been looked at.
    cells: Vec<OnceCell<Seen<'r>>>,
    all: bool,
    labels: Vec<String>,
    inserted: Vec<(String, String)>,
    counted: Vec<Hit>,
    met: Vec<Hit>,
    /// Of the rule at hand.
    details: Vec<Detail>,
    rate: Option<RateHit>,
}

impl<'a, 'r> Run<'a, 'r> {
    /// The hit and the action, if the rule decides.
    fn rule(&mut self, rule: &'a AclRule) -> Option<(Hit, Action)> {
        match &rule.body {
            Body::One(plain) => {
                let hit = self.plain(rule, plain, None)?;
                self.conclude(hit, &plain.action, None, false)
            }
            Body::Group { id, scope, rules, counts } => {
                self.details.clear();
                if scope.as_ref().is_some_and(|s| !self.holds(s)) {
                    return None;
                }
                let mut decided = None;
                for (plain, was) in rules {
                    let Some(hit) = self.plain(rule, plain, Some(id)) else { continue };
                    let ends = !matches!(plain.action, Action::Count(_));
                    decided = decided.or(self.conclude(hit, &plain.action, *was, *counts));
                    // A group that is only counted still ends at the rule that would have decided.
                    if ends && !self.all {
                        break;
                    }
                }
                decided
            }
        }
    }

    /// The rule's hit, if it matches; its labels are on the request from then on.
    fn plain(&mut self, rule: &AclRule, plain: &Plain, group: Option<&String>) -> Option<Hit> {
        self.details.clear();
        self.rate = None;
        if !self.holds(&plain.condition) {
            return None;
        }
        for label in &plain.labels {
            if !self.labels.contains(label) {
                self.labels.push(label.clone());
            }
        }
        Some(Hit {
            rule: rule.name.clone(),
            metric: if group.is_some() { rule.metric.clone() } else { plain.metric.clone() },
            sampled: rule.sampled && plain.sampled,
            kind: rule.kind,
            group: group.map(|id| (id.clone(), plain.name.clone())),
            action: plain.action.name(),
            overridden: None,
            details: std::mem::take(&mut self.details),
            labels: plain.labels.clone(),
            rate: self.rate.take(),
        })
    }

    fn conclude(
        &mut self,
        mut hit: Hit,
        action: &Action,
        was: Option<&'static str>,
        only_counted: bool,
    ) -> Option<(Hit, Action)> {
        hit.overridden = was;
        if only_counted && !matches!(action, Action::Count(_)) {
            hit.overridden = was.or(Some(hit.action));
            hit.action = "COUNT";
        }
        if self.all {
            self.met.push(hit.clone());
        }
        if hit.action != "COUNT" {
            return Some((hit, action.clone()));
        }
        if let Action::Count(headers) = action {
            self.inserted.extend(headers.iter().cloned());
        }
        self.counted.push(hit);
        None
    }

    fn holds(&mut self, condition: &Condition) -> bool {
        match condition {
            Condition::And(all) => {
                let before = self.details.len();
                let held = all.iter().all(|c| self.holds(c));
                if !held {
                    self.details.truncate(before);
                }
                held
            }
            Condition::Or(any) => any.iter().any(|c| self.holds(c)),
            Condition::Not(inner) => {
                let before = self.details.len();
                let held = self.holds(inner);
                self.details.truncate(before);
                !held
            }
            Condition::Text { input, matcher } => self.text(*input, matcher),
            Condition::Label { key, namespace } => {
                self.labels.iter().any(|l| if *namespace { in_namespace(l, key) } else { is_label(l, key) })
            }
            Condition::Ip { blocks, forwarded: None } => blocks.holds(self.request.source_ip),
            Condition::Ip { blocks, forwarded: Some(config) } => match forwarded(self.request, config) {
                Forwarded::Absent => false,
                Forwarded::Invalid => config.fallback_behavior == "MATCH",
                Forwarded::Addresses(all) => match config.position.as_deref() {
                    Some("LAST") => all.last().is_some_and(|a| blocks.holds(*a)),
                    Some("ANY") => all.iter().any(|a| blocks.holds(*a)),
                    _ => all.first().is_some_and(|a| blocks.holds(*a)),
                },
            },
            Condition::Rate { rule, scope } => {
                if scope.as_ref().is_some_and(|s| !self.holds(s)) {
                    return false;
                }
                let over = match rate::key(rule, self.request, &self.labels) {
                    Key::None => false,
                    Key::Match => true,
                    Key::Of(key) => self.rates.count(rule, &key) > rule.limit,
                };
                if over {
                    self.rate = Some(RateHit {
                        id: rule.id.clone(),
                        limit: rule.limit,
                        window_seconds: rule.window_seconds,
                        aggregate: rule.aggregate.clone(),
                    });
                }
                over
            }
        }
    }

    /// What an input holds. An input stands behind the one it is made from.
    fn seen(&self, input: usize) -> Option<&Seen<'r>> {
        let (cell, given) = (self.cells.get(input)?, self.acl.inputs.get(input)?);
        if let Some(seen) = cell.get() {
            return Some(seen);
        }
        let seen = match given.from {
            None => given.field.seen(self.request),
            Some((from, step)) => match self.seen(from)? {
                Seen::Settled(verdict) => Seen::Settled(*verdict),
                Seen::Texts(texts) => Seen::Texts(
                    texts
                        .iter()
                        .map(|text| match transform::one(step, &text.bytes) {
                            None => text.clone(),
                            Some(changed) => Text { name: text.name, bytes: changed.into() },
                        })
                        .collect(),
                ),
            },
        };
        Some(cell.get_or_init(|| seen))
    }

    fn text(&mut self, input: usize, matcher: &Matcher) -> bool {
        // A place that does not exist cannot be: what cannot be judged does not pass.
        let (Some(seen), Some(given)) = (self.seen(input), self.acl.inputs.get(input)) else { return true };
        let (name, shown) = match seen {
            Seen::Settled(false) => return false,
            Seen::Settled(true) => (None, None),
            Seen::Texts(texts) => match texts.iter().find(|t| matcher.matches(&t.bytes)) {
                None => return false,
                Some(text) => {
                    let bytes = text.bytes.get(..text.bytes.len().min(SHOWN)).unwrap_or_default();
                    let shown = String::from_utf8_lossy(bytes).into_owned();
                    (text.name.map(str::to_owned), given.field.may_be_shown().then_some(shown))
                }
            },
        };
        self.details.push(Detail {
            condition: matcher.condition(),
            sensitivity: matcher.sensitivity(),
            location: given.field.location(),
            field: name,
            text: shown,
        });
        true
    }
}

/// The whole label, or its end from the beginning of a component.
fn is_label(label: &str, key: &str) -> bool {
    label.strip_suffix(key).is_some_and(|front| front.is_empty() || front.ends_with(':'))
}

/// Whole components in a row, before the label's name.
fn in_namespace(label: &str, key: &str) -> bool {
    let namespace = label.rsplit_once(':').map_or("", |(n, _)| n);
    format!(":{namespace}:").contains(&format!(":{}:", key.trim_matches(':')))
}
