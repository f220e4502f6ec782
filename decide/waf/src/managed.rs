//! Managed rule groups, compiled from their files. The form is told in `model::estate::waf::managed`.

use model::estate::waf::managed::{ManagedGroup, ManagedRule};

use crate::action::Action;
use crate::compile::{Builder, Condition, Plain};
use crate::detect::Level;
use crate::field::{Field, On, Pick, Scope};
use crate::matcher::{self, Comparison, Matcher};
use crate::transform::{self, Transform};

pub(crate) fn rules(group: &ManagedGroup, builder: &mut Builder<'_>) -> Result<Vec<Plain>, String> {
    let mut rules = Vec::new();
    for given in &group.rules {
        rules.push(Plain {
            name: given.name.to_owned(),
            metric: given.name.to_owned(),
            sampled: true,
            condition: condition(given, builder).map_err(|e| format!("{}: {e}", given.name))?,
            labels: vec![format!("{}{}", group.label_namespace, given.label)],
            action: if given.counts { Action::Count(Vec::new()) } else { Action::block() },
        });
    }
    Ok(rules)
}

/// The lines under one `in`.
struct Block {
    fields: Vec<Field>,
    chain: Vec<Transform>,
    patterns: Vec<&'static str>,
    found: Vec<Condition>,
}

fn condition(rule: &ManagedRule, builder: &mut Builder<'_>) -> Result<Condition, String> {
    let mut block = Block { fields: Vec::new(), chain: Vec::new(), patterns: Vec::new(), found: Vec::new() };
    for line in &rule.body {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "in" => {
                block.end(builder)?;
                // A header's name has a colon of its own before it.
                let (fields, chain) = rest.rsplit_once(':').ok_or("a colon is missing")?;
                block.fields = fields.split_whitespace().map(field).collect::<Result<_, _>>()?;
                let named: Result<Vec<_>, String> = chain.split_whitespace().map(transform::named).collect();
                block.chain = named?.into_iter().flatten().collect();
            }
            "match" => block.patterns.push(rest),
            "sqli" => {
                let level = if rest == "EXTENDED" { Level::Extended } else { Level::Low };
                block.add(builder, || Matcher::Sqli(level));
            }
            "xss" => block.add(builder, || Matcher::Xss),
            "size" => {
                let size = rest.trim_start_matches('>').trim().parse().map_err(|_| "a size is missing")?;
                block.add(builder, || Matcher::Size(Comparison::Gt, size));
            }
            "absent" => {
                let mut inner = Block { found: Vec::new(), patterns: Vec::new(), ..block };
                inner.add(builder, || Matcher::Size(Comparison::Gt, 0));
                let there = Condition::Or(std::mem::take(&mut inner.found));
                block = Block { found: vec![Condition::Not(Box::new(there))], ..inner };
            }
            "never" => block.found.push(Condition::Or(Vec::new())),
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    block.end(builder)?;
    Ok(Condition::Or(block.found))
}

impl Block {
    fn add(&mut self, builder: &mut Builder<'_>, matcher: impl Fn() -> Matcher) {
        for field in &self.fields {
            let input = builder.input(field.clone(), self.chain.clone());
            self.found.push(Condition::Text { input, matcher: matcher() });
        }
    }

    /// Several patterns are one expression.
    fn end(&mut self, builder: &mut Builder<'_>) -> Result<(), String> {
        if self.patterns.is_empty() {
            return Ok(());
        }
        let joined = format!("(?:{})", self.patterns.join(")|(?:"));
        self.patterns.clear();
        let regex = matcher::regex(&joined, true)?;
        self.add(builder, || Matcher::Regex(regex.clone()));
        Ok(())
    }
}

fn field(name: &str) -> Result<Field, String> {
    Ok(match name {
        "args" => Field::Arguments { names: true },
        "query" => Field::Query,
        "path" => Field::Path,
        "method" => Field::Method,
        "body" => Field::Pieces,
        "rawbody" => Field::Body(On::Match),
        "cookies" => Field::Cookies { pick: Pick::All, scope: Scope::Value, oversize: On::Continue },
        "headers" => Field::Headers {
            pick: Pick::Except(vec!["cookie".to_owned()]),
            scope: Scope::Value,
            oversize: On::Continue,
        },
        other => match other.strip_prefix("header:") {
            Some(header) => Field::Header(header.to_owned()),
            None => return Err(format!("`{other}` is no field")),
        },
    })
}
