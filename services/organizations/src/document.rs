//! Whether a management policy's document is in order: one member of its type's, and in it only settings
//! made by operators.
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_syntax-and-examples.html>
//!
//! What backup plans and opt-outs hold is not judged: nothing here acts by them.

use model::Fault;
use model::estate::management::{ALLOWED, OPERATORS};
use serde_json::{Map, Value as Json};

fn malformed(why: impl Into<String>) -> Fault {
    Fault::client("MalformedPolicyDocumentException", why)
}

pub(crate) fn check(member: &str, content: &str) -> Result<(), Fault> {
    let document: Json =
        serde_json::from_str(content).map_err(|e| malformed(format!("the document is no JSON: {e}")))?;
    let only = document.as_object().filter(|members| members.len() == 1).and_then(|all| all.get(member));
    let inside = only.and_then(Json::as_object).ok_or_else(|| {
        malformed(format!("the document must have `{member}`, an object, and nothing else"))
    })?;
    settings(inside, &mut vec![member])?;
    match member {
        "tags" => inside
            .iter()
            .filter(|(name, _)| !name.starts_with("@@"))
            .try_for_each(|(key, rule)| tag(key, rule)),
        _ => Ok(()),
    }
}

/// Places with operators, and nothing that no operator sets.
fn settings<'d>(place: &'d Map<String, Json>, path: &mut Vec<&'d str>) -> Result<(), Fault> {
    let at = path.join("/");
    if path.len() > 12 {
        return Err(malformed(format!("`{at}` is nested too deeply")));
    }
    for (name, value) in place {
        match (name.as_str(), value) {
            (ALLOWED, value) => {
                let known = |item: &Json| {
                    item.as_str().is_some_and(|o| OPERATORS.contains(&o) || o == "@@all" || o == "@@none")
                };
                if !value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(known)) {
                    return Err(malformed(format!("`{ALLOWED}` of `{at}` must be a list of operators")));
                }
            }
            ("@@assign", Json::String(_) | Json::Array(_) | Json::Bool(_) | Json::Number(_)) => {}
            ("@@append" | "@@remove", Json::Array(_)) => {}
            (operator, _) if operator.starts_with("@@") => {
                return Err(malformed(format!(
                    "`{operator}` of `{at}` is no operator, or not with this value"
                )));
            }
            (name, Json::Object(inside)) => {
                path.push(name);
                settings(inside, path)?;
                path.pop();
            }
            (name, _) => return Err(malformed(format!("`{name}` of `{at}` is set by no operator"))),
        }
    }
    Ok(())
}

fn tag(key: &str, rule: &Json) -> Result<(), Fault> {
    const KNOWN: [&str; 4] = ["tag_key", "tag_value", "enforced_for", "report_required_tag_for"];
    let members = rule.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with("@@"));
    for (name, setting) in members {
        if !KNOWN.contains(&name.as_str()) {
            return Err(malformed(format!("`{name}` is nothing that a tag policy says of `{key}`")));
        }
        let set = OPERATORS.iter().filter_map(|operator| setting.get(operator));
        for value in set {
            let right = match name.as_str() {
                "tag_key" => value.as_str().is_some_and(|text| text.to_lowercase() == key.to_lowercase()),
                "tag_value" => texts(value, |_| true),
                _ => texts(value, is_resource_type),
            };
            if !right {
                return Err(malformed(format!("`{name}` of `{key}` has a value that it cannot have")));
            }
        }
    }
    Ok(())
}

fn texts(value: &Json, right: impl Fn(&str) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|item| item.as_str().is_some_and(&right)))
}

fn is_resource_type(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_*".contains(c);
    let part = |part: &str| !part.is_empty() && part.chars().all(letters);
    text.split_once(':').is_some_and(|(service, kind)| part(service) && part(kind))
}
