//! What a template's references stand for, in a stack.

use std::cell::RefCell;
use std::collections::BTreeMap;

use model::{Members, Tx, Value};
use serde_json::{Value as Json, json};
use template::Lookup;

use crate::stack::{Made, Stack, Version, given};

pub(crate) struct World<'t, 'h> {
    tx: &'t Tx<'h>,
    name: String,
    id: String,
    made: Vec<Made>,
    /// Names of exports that were asked for.
    pub(crate) imports: RefCell<Vec<String>>,
    /// Values of Systems Manager parameters, read when the version was admitted.
    stored: BTreeMap<String, String>,
}

impl<'t, 'h> World<'t, 'h> {
    pub(crate) fn new(tx: &'t Tx<'h>, stored: BTreeMap<String, String>) -> World<'t, 'h> {
        World {
            tx,
            name: String::new(),
            id: String::new(),
            stored,
            made: Vec::new(),
            imports: RefCell::default(),
        }
    }

    pub(crate) fn of(
        tx: &'t Tx<'h>,
        stack: &Stack,
        version: &Version,
    ) -> Result<World<'t, 'h>, model::Fault> {
        let stored = given(tx, version)?.stored;
        let (name, id, made) = (stack.name.clone(), stack.id.clone(), stack.resources.clone());
        Ok(World { name, id, made, ..World::new(tx, stored) })
    }
}

/// Puts what dynamic references stand for, read for the deployer, in their places.
pub(crate) fn fill(tx: &mut Tx<'_>, value: &mut Json) -> Result<(), model::Fault> {
    let mut known = BTreeMap::new();
    for reference in template::dynamic_references(value) {
        let text = read(tx, &reference)?;
        known.insert(reference, text);
    }
    template::fill_dynamic(value, &known);
    Ok(())
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

    fn stored(&self, name: &str) -> Option<String> {
        self.stored.get(name).cloned()
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
        model::estate::ec2::ZONES.iter().map(|z| format!("{region}{z}")).collect()
    }
}
