//! What depends on what, and an order in which resources can be made.

use std::collections::{BTreeMap, BTreeSet};

use crate::Problem;
use crate::node::{Node, Val};

/// Resources in an order in which each comes behind what it needs; those that `wanted` leaves out do not count.
pub fn order(template: &Node, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<String>, Problem> {
    let Some(resources) = template.get("Resources").and_then(Node::map) else { return Ok(Vec::new()) };
    let names: BTreeSet<&str> = resources.iter().map(|(n, _, _)| n.as_str()).filter(|n| wanted(n)).collect();
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (name, _, resource) in resources.iter().filter(|(n, _, _)| wanted(n)) {
        let mut found = BTreeSet::new();
        references(resource, &names, &mut found);
        match resource.get("DependsOn").map(|d| &d.val) {
            Some(Val::Text(one)) => found.extend(names.get(one.as_str())),
            Some(Val::List(list)) => {
                found.extend(list.iter().filter_map(Node::text).filter_map(|t| names.get(t).copied()))
            }
            _ => {}
        }
        found.remove(name.as_str());
        needs.insert(name, found);
    }
    let mut ordered: Vec<String> = Vec::new();
    while !needs.is_empty() {
        let ready: Vec<&str> =
            needs.iter().filter(|(_, n)| n.iter().all(|d| !needs.contains_key(d))).map(|(n, _)| *n).collect();
        if ready.is_empty() {
            let circle: Vec<&str> = needs.keys().copied().collect();
            let place = template.get("Resources").map(|r| r.place).unwrap_or_default();
            return Err(Problem::new(
                place,
                format!("Circular dependency between resources: [{}]", circle.join(", ")),
            ));
        }
        for name in ready {
            needs.remove(name);
            ordered.push(name.to_owned());
        }
    }
    Ok(ordered)
}

/// The resources that a value refers to.
fn references<'a>(node: &'a Node, names: &BTreeSet<&'a str>, found: &mut BTreeSet<&'a str>) {
    let mut name = |text: &str| {
        if let Some(name) = names.get(text) {
            found.insert(name);
        }
    };
    match node.function() {
        Some(("Ref", argument)) => name(argument.text().unwrap_or_default()),
        Some(("Fn::GetAtt", argument)) => match &argument.val {
            Val::Text(text) => name(text.split('.').next().unwrap_or_default()),
            Val::List(list) => name(list.first().and_then(Node::text).unwrap_or_default()),
            _ => {}
        },
        Some(("Fn::Sub", argument)) => {
            let text = argument.text().or_else(|| argument.list()?.first()?.text()).unwrap_or_default();
            for variable in crate::resolve::variables(text) {
                name(variable.split('.').next().unwrap_or_default());
            }
        }
        _ => {}
    }
    match &node.val {
        Val::List(list) => list.iter().for_each(|n| references(n, names, found)),
        Val::Map(entries) => entries.iter().for_each(|(_, _, n)| references(n, names, found)),
        _ => {}
    }
}
