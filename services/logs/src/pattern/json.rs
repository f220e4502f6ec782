//! `{ $.eventType = "UpdateTrail" && $.list[*].id > 1 }`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::condition::{Condition, Test};
use super::scan::Scan;

pub(crate) struct Selection(Condition<Selector>);

struct Selector {
    written: String,
    steps: Vec<Step>,
}

enum Step {
    Member(String),
    Element(usize),
    Each,
}

pub(super) fn parse(text: &str) -> Option<Selection> {
    let mut scan = Scan::new(text);
    if !scan.eat("{") {
        return None;
    }
    let condition = Condition::parse(&mut scan, selector)?;
    scan.skip_space();
    (scan.eat("}") && scan.done()).then_some(Selection(condition))
}

fn selector(scan: &mut Scan<'_>) -> Option<Selector> {
    if !scan.eat("$") {
        return None;
    }
    let mut steps = Vec::new();
    loop {
        if scan.eat("[") {
            steps.push(bracketed(scan)?);
        } else if scan.eat(".") {
            if scan.eat("[") {
                steps.push(bracketed(scan)?);
                continue;
            }
            let name = scan.take(|c| c.is_alphanumeric() || "_-@".contains(c));
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
        } else {
            break;
        }
    }
    if steps.is_empty() {
        return None;
    }
    let written = steps.iter().fold("$".to_owned(), |text, step| match step {
        Step::Member(name) => format!("{text}.{name}"),
        Step::Element(at) => format!("{text}[{at}]"),
        Step::Each => format!("{text}[*]"),
    });
    Some(Selector { written, steps })
}

fn bracketed(scan: &mut Scan<'_>) -> Option<Step> {
    let step = if scan.eat("*") {
        Step::Each
    } else if scan.eat("'") {
        Step::Member(scan.until('\'')?)
    } else if scan.eat("\"") {
        Step::Member(scan.until('"')?)
    } else {
        Step::Element(scan.take(|c| c.is_ascii_digit()).parse().ok()?)
    };
    scan.eat("]").then_some(step)
}

impl Selector {
    fn values<'j>(&self, event: &'j Json) -> Vec<&'j Json> {
        let mut found = vec![event];
        for step in &self.steps {
            found = found
                .into_iter()
                .flat_map(|value| match step {
                    Step::Member(name) => value.get(name).into_iter().collect::<Vec<_>>(),
                    Step::Element(at) => value.get(at).into_iter().collect(),
                    Step::Each => value.as_array().into_iter().flatten().collect(),
                })
                .collect();
        }
        found
    }
}

/// A value as a test sees it; arrays and objects are none.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn holds(test: &Test, value: &Json) -> bool {
    match test {
        Test::Null => value.is_null(),
        Test::True => *value == Json::Bool(true),
        Test::False => *value == Json::Bool(false),
        Test::Missing => false,
        Test::Compare(..) => text(value).is_some_and(|text| test.holds(&text)),
    }
}

impl Selection {
    pub(crate) fn matches(&self, message: &str) -> bool {
        let Ok(event) = serde_json::from_str::<Json>(message) else { return false };
        self.0.holds(&|selector, test| {
            let values = selector.values(&event);
            match test {
                Test::Missing => event.is_object() && values.is_empty(),
                test => values.into_iter().any(|value| holds(test, value)),
            }
        })
    }

    pub(crate) fn extracted(&self, message: &str) -> BTreeMap<String, String> {
        let event: Json = serde_json::from_str(message).unwrap_or_default();
        let mut selectors = Vec::new();
        self.0.subjects(&mut selectors);
        let value = |s: &Selector| text(s.values(&event).first()?);
        selectors.into_iter().filter_map(|s| Some((s.written.clone(), value(s)?))).collect()
    }
}
