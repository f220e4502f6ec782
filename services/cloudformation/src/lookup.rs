//! What a template's references stand for, in a stack.

use std::cell::RefCell;

use model::{Members, Tx, Value};
use serde_json::{Value as Json, json};
use template::Lookup;

use crate::stack::{Made, Stack};

pub(crate) struct World<'t, 'h> {
    tx: &'t Tx<'h>,
    name: String,
    id: String,
    made: Vec<Made>,
    /// Names of exports that were asked for.
    pub(crate) imports: RefCell<Vec<String>>,
    /// Values of dynamic references, got before.
    dynamic: Vec<(String, String)>,
}

impl<'t, 'h> World<'t, 'h> {
    pub(crate) fn new(tx: &'t Tx<'h>, name: &str, id: &str) -> World<'t, 'h> {
        World {
            tx,
            name: name.to_owned(),
            id: id.to_owned(),
            made: Vec::new(),
            imports: RefCell::default(),
            dynamic: Vec::new(),
        }
    }

    pub(crate) fn of(tx: &'t Tx<'h>, stack: &Stack) -> World<'t, 'h> {
        World { made: stack.resources.clone(), ..World::new(tx, &stack.name, &stack.id) }
    }

    #[must_use]
    pub(crate) fn with(mut self, dynamic: Vec<(String, String)>) -> World<'t, 'h> {
        self.dynamic = dynamic;
        self
    }
}

/// The values of the dynamic references in a resource, read for the deployer and kept nowhere.
pub(crate) fn dynamic(tx: &mut Tx<'_>, node: &template::Node) -> Result<Vec<(String, String)>, model::Fault> {
    let mut found = Vec::new();
    let text = node.to_json().to_string();
    for (_, from) in
        text.match_indices("{{resolve:").filter_map(|(at, m)| Some((at, text.get(at + m.len()..)?)))
    {
        let Some((reference, _)) = from.split_once("}}") else { continue };
        if found.iter().all(|(r, _)| r != reference) {
            found.push((reference.to_owned(), read(tx, reference)?));
        }
    }
    Ok(found)
}

fn read(tx: &mut Tx<'_>, reference: &str) -> Result<String, model::Fault> {
    let refuse =
        |why: &str| model::Fault::client("ValidationError", format!("`{{{{resolve:{reference}}}}}` {why}"));
    let (service, rest) = reference.split_once(':').ok_or_else(|| refuse("names no service"))?;
    let mut input = Members::default();
    match service {
        "ssm" | "ssm-secure" => {
            input.push("Name", rest);
            input.push("WithDecryption", service == "ssm-secure");
            let got: Value =
                tx.call("cloudformation.amazonaws.com", "ssm", "GetParameter", Value::Map(input))?;
            got.get("Parameter")
                .and_then(|p| p.text("Value"))
                .map(str::to_owned)
                .ok_or_else(|| refuse("has no value"))
        }
        "secretsmanager" => {
            // `id:SecretString:key:stage:version`; the id may be an ARN with colons of its own.
            let (id, rest) = rest.split_once(":SecretString").unwrap_or((rest, ""));
            input.push("SecretId", id);
            let got: Value = tx.call(
                "cloudformation.amazonaws.com",
                "secretsmanager",
                "GetSecretValue",
                Value::Map(input),
            )?;
            let secret = got.text("SecretString").unwrap_or_default().to_owned();
            match rest.trim_start_matches(':').split(':').next().unwrap_or_default() {
                "" => Ok(secret),
                key => {
                    let json: Json = serde_json::from_str(&secret)
                        .map_err(|_| refuse("names a key of what is no JSON"))?;
                    json.get(key)
                        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
                        .ok_or_else(|| refuse("names a key that is not there"))
                }
            }
        }
        _ => Err(refuse("is of a service that is not served")),
    }
}

impl Lookup for World<'_, '_> {
    fn reference(&self, logical: &str) -> Option<Json> {
        self.made.iter().find(|m| m.logical == logical).map(|m| json!(m.physical.id))
    }

    fn attribute(&self, logical: &str, name: &str) -> Option<Json> {
        self.made.iter().find(|m| m.logical == logical)?.physical.attributes.get(name).cloned()
    }

    fn export(&self, name: &str) -> Option<String> {
        self.imports.borrow_mut().push(name.to_owned());
        let stacks = self.tx.list::<Stack>().filter(|s| s.deleted.is_none() && s.id != self.id);
        stacks.flat_map(|s| &s.outputs).find(|o| o.export.as_deref() == Some(name)).map(|o| o.value.clone())
    }

    fn pseudo(&self, name: &str) -> Option<Json> {
        Some(match name {
            "AWS::AccountId" => json!(self.tx.account),
            "AWS::Region" => json!(self.tx.region),
            "AWS::Partition" => json!("aws"),
            "AWS::URLSuffix" => json!("amazonaws.com"),
            "AWS::StackName" => json!(self.name),
            "AWS::StackId" => json!(self.id),
            "AWS::NotificationARNs" => json!([]),
            _ => return None,
        })
    }

    fn zones(&self, region: &str) -> Vec<String> {
        let region = if region.is_empty() { &self.tx.region } else { region };
        ["a", "b", "c"].iter().map(|z| format!("{region}{z}")).collect()
    }

    fn dynamic(&self, reference: &str) -> Result<String, String> {
        let found = self.dynamic.iter().find(|(r, _)| r == reference).map(|(_, v)| v.clone());
        found.ok_or_else(|| format!("`{{{{resolve:{reference}}}}}` is not allowed here"))
    }
}
