//! Models: JSON schemas (draft 4) of request bodies. A schema that says something the data
//! plane does not check is refused: nobody may think it is checked.

use model::estate::apigateway::{Model, RestApi, RestResource};
use model::{Fault, Tx};
use serde_json::Value as Json;

use crate::document::{api, bad_request, conflict, new_id, not_found, not_served, page, shown, taken};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const RULES: Rules = &[("/schema", Slot::Text), ("/description", Slot::Text)];

/// Keywords whose value says nothing about instances.
const SILENT: &[&str] = &["$schema", "id", "title", "description", "default", "example"];
const PLAIN: &[&str] = &[
    "$ref",
    "type",
    "enum",
    "required",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
];
const SCHEMAS: &[&str] = &["not", "additionalItems", "additionalProperties"];
const LISTS: &[&str] = &["allOf", "anyOf", "oneOf"];
const MAPS: &[&str] = &["properties", "patternProperties", "definitions"];

/// The models that every API has.
pub(crate) fn built_in(tx: &Tx<'_>) -> Vec<Model> {
    let schema = |title: &str, more: &str| {
        format!(
            "{{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"{title} Schema\",\n  \"type\" : \"object\"{more}\n}}"
        )
    };
    let message = ",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }";
    [
        ("Empty", "This is a default empty schema model", ""),
        ("Error", "This is a default error schema model", message),
    ]
    .into_iter()
    .map(|(name, description, more)| Model {
        id: new_id(tx, 6),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        schema: schema(name, more),
        content_type: "application/json".to_owned(),
    })
    .collect()
}

fn check(model: &Model) -> Result<(), Fault> {
    if model.content_type != "application/json" {
        return Err(not_served(&format!("a model for `{}`", model.content_type)));
    }
    if model.name.is_empty() || !model.name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(bad_request("Model name must be alphanumeric: ".to_owned() + &model.name));
    }
    let invalid = |what: String| {
        bad_request(format!("Invalid model specified: Validation Result: warnings : [], errors : [{what}]"))
    };
    let schema: Json = serde_json::from_str(&model.schema)
        .map_err(|_| invalid("Invalid model schema specified. Unable to parse".to_owned()))?;
    keywords(&schema, 0).map_err(invalid)
}

fn keywords(schema: &Json, depth: u8) -> Result<(), String> {
    let members = schema.as_object().ok_or("a schema must be an object")?;
    if depth > 32 {
        return Err("the schema is nested too deeply".to_owned());
    }
    for (name, value) in members {
        let name = name.as_str();
        if SILENT.contains(&name) || PLAIN.contains(&name) {
            if name == "$ref"
                && !value.as_str().is_some_and(|r| r.starts_with('#'))
                && !model_reference(value)
            {
                return Err(format!("Invalid reference: {value}"));
            }
        } else if SCHEMAS.contains(&name) {
            if !value.is_boolean() || name == "not" {
                keywords(value, depth + 1)?;
            }
        } else if LISTS.contains(&name) {
            for one in value.as_array().ok_or_else(|| format!("`{name}` must be a list"))? {
                keywords(one, depth + 1)?;
            }
        } else if MAPS.contains(&name) {
            let map = value.as_object().ok_or_else(|| format!("`{name}` must be an object"))?;
            for (key, one) in map {
                if name == "patternProperties" {
                    pattern(key)?;
                }
                keywords(one, depth + 1)?;
            }
        } else if name == "items" {
            match value.as_array() {
                Some(list) => list.iter().try_for_each(|one| keywords(one, depth + 1))?,
                None => keywords(value, depth + 1)?,
            }
        } else if name == "dependencies" {
            let map = value.as_object().ok_or("`dependencies` must be an object")?;
            for one in map.values().filter(|v| !v.is_array()) {
                keywords(one, depth + 1)?;
            }
        } else if name == "pattern" {
            pattern(value.as_str().ok_or("`pattern` must be a string")?)?;
        } else {
            return Err(format!("the keyword `{name}` is not served by this runtime"));
        }
    }
    Ok(())
}

fn pattern(text: &str) -> Result<(), String> {
    regex_lite::Regex::new(text).map(|_| ()).map_err(|_| format!("the pattern `{text}` cannot be used"))
}

/// `https://apigateway.amazonaws.com/restapis/API/models/NAME`.
fn model_reference(value: &Json) -> bool {
    value.as_str().is_some_and(|r| r.starts_with("https://apigateway.amazonaws.com/restapis/"))
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateModel.html>
pub(crate) fn create_model(tx: &mut Tx<'_>, input: CreateModelRequest) -> Result<shapes::Model, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    if api.models.contains_key(&input.name) {
        return Err(conflict("Model name already exists for this REST API"));
    }
    let mut model: Model =
        taken(CreateModelRequest { schema: Some(input.schema.unwrap_or_else(|| "{}".to_owned())), ..input })?;
    model.id = new_id(tx, 6);
    check(&model)?;
    api.models.insert(model.name.clone(), model.clone());
    tx.put(api)?;
    shown(&model)
}

fn find(api: &RestApi, name: &str) -> Result<Model, Fault> {
    api.models.get(name).cloned().ok_or_else(|| not_found(format!("Invalid model name specified: {name}")))
}

pub(crate) fn get_model(tx: &mut Tx<'_>, input: GetModelRequest) -> Result<shapes::Model, Fault> {
    if input.flatten == Some(true) {
        return Err(not_served("flattening a model"));
    }
    shown(&find(&api(tx, &input.rest_api_id)?, &input.model_name)?)
}

pub(crate) fn get_models(tx: &mut Tx<'_>, input: GetModelsRequest) -> Result<Models, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let (found, position) = page(api.models, input.position.as_deref(), input.limit)?;
    let items = found.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Models { items: Some(items), position })
}

pub(crate) fn update_model(tx: &mut Tx<'_>, input: UpdateModelRequest) -> Result<shapes::Model, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let old = find(&api, &input.model_name)?;
    let new: Model = patched(&old, &operations(input.patch_operations), RULES)?;
    check(&new)?;
    api.models.insert(new.name.clone(), new.clone());
    tx.put(api)?;
    shown(&new)
}

pub(crate) fn delete_model(tx: &mut Tx<'_>, input: DeleteModelRequest) -> Result<(), Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let gone = find(&api, &input.model_name)?;
    let uses = |r: &RestResource| {
        r.api == api.id
            && r.place.resource_methods.values().any(|m| m.request_models.values().any(|n| *n == gone.name))
    };
    if tx.list::<RestResource>().any(uses) {
        return Err(conflict(format!(
            "Cannot delete model '{}', is referenced in method request",
            gone.name
        )));
    }
    api.models.remove(&gone.name);
    tx.put(api)
}
