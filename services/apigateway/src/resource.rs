//! Resources: the paths of an API, a tree.

use model::estate::apigateway::{Place, RestResource};
use model::{Fault, Tx};
use serde_json::{Value as Json, json};

use crate::document::{api, bad_request, conflict, new_id, not_found, not_served, page, shown};
use crate::patch::operations;
use crate::shapes::{self, *};

pub(crate) fn find(tx: &Tx<'_>, api_id: &str, id: &str) -> Result<RestResource, Fault> {
    api(tx, api_id)?;
    let found = tx.find::<RestResource>(&format!("{api_id}/{id}")).cloned();
    found.ok_or_else(|| not_found("Invalid Resource identifier specified"))
}

pub(crate) fn of_api<'t>(tx: &'t Tx<'_>, api_id: &str) -> impl Iterator<Item = &'t RestResource> {
    let api_id = api_id.to_owned();
    tx.list::<RestResource>().filter(move |r| r.api == api_id)
}

/// A path with its methods: only their names, unless they are asked for.
fn show(place: &Place, methods: bool) -> Result<shapes::Resource, Fault> {
    let mut json = serde_json::to_value(place).map_err(|e| Fault::internal(e.to_string()))?;
    if let Some(members) = json.as_object_mut() {
        if place.resource_methods.is_empty() {
            members.remove("resourceMethods");
        } else if !methods {
            let names: serde_json::Map<String, Json> =
                place.resource_methods.keys().map(|m| (m.clone(), json!({}))).collect();
            members.insert("resourceMethods".to_owned(), Json::Object(names));
        }
    }
    shown(&json)
}

fn embeds(embed: Option<&[String]>) -> bool {
    embed.unwrap_or_default().iter().any(|e| e == "methods")
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateResource.html>
pub(crate) fn create_resource(
    tx: &mut Tx<'_>,
    input: CreateResourceRequest,
) -> Result<shapes::Resource, Fault> {
    let parent = find(tx, &input.rest_api_id, &input.parent_id)?;
    let part = input.path_part;
    valid_part(&part)?;
    if parent.place.path_part.as_deref().is_some_and(|p| p.ends_with("+}")) {
        return Err(bad_request(format!(
            "Cannot create a child of a resource with a greedy path variable: {}",
            parent.place.path
        )));
    }
    let variable = part.starts_with('{');
    for sibling in of_api(tx, &parent.api).filter(|r| r.place.parent_id.as_ref() == Some(&parent.place.id)) {
        let other = sibling.place.path_part.as_deref().unwrap_or_default();
        if other == part {
            return Err(conflict(
                "Another resource with the same parent already has this name: ".to_owned() + &part,
            ));
        }
        if variable && other.starts_with('{') && other.ends_with("+}") == part.ends_with("+}") {
            return Err(bad_request(format!(
                "A sibling ({other}) of this resource already has a variable path part -- only one is allowed"
            )));
        }
    }
    let id = new_id(tx, 6);
    let resource = RestResource {
        account: tx.account.clone(),
        region: tx.region.clone(),
        key: format!("{}/{id}", parent.api),
        api: parent.api,
        place: Place {
            id,
            path: format!("{}/{part}", parent.place.path.trim_end_matches('/')),
            parent_id: Some(parent.place.id),
            path_part: Some(part),
            ..Place::default()
        },
    };
    tx.put(resource.clone())?;
    show(&resource.place, true)
}

fn valid_part(part: &str) -> Result<(), Fault> {
    let inner = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
    let name = inner.map_or(part, |p| p.strip_suffix('+').unwrap_or(p));
    let good = |c: char| {
        c.is_ascii_alphanumeric() || "._-:".contains(c) || (inner.is_none() && "~$@,;!*'()&=+".contains(c))
    };
    // A dot segment would be taken away on the way.
    if name.is_empty() || !name.chars().all(good) || name == "." || name == ".." {
        return Err(bad_request(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.",
        ));
    }
    Ok(())
}

pub(crate) fn get_resource(tx: &mut Tx<'_>, input: GetResourceRequest) -> Result<shapes::Resource, Fault> {
    let resource = find(tx, &input.rest_api_id, &input.resource_id)?;
    show(&resource.place, embeds(input.embed.as_deref()))
}

pub(crate) fn get_resources(tx: &mut Tx<'_>, input: GetResourcesRequest) -> Result<Resources, Fault> {
    api(tx, &input.rest_api_id)?;
    let all = of_api(tx, &input.rest_api_id).map(|r| (r.place.id.clone(), r));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let methods = embeds(input.embed.as_deref());
    let items = found.into_iter().map(|r| show(&r.place, methods)).collect::<Result<_, _>>()?;
    Ok(Resources { items: Some(items), position })
}

/// Renaming would change the paths of all children; replace the resource instead.
pub(crate) fn update_resource(
    tx: &mut Tx<'_>,
    input: UpdateResourceRequest,
) -> Result<shapes::Resource, Fault> {
    let resource = find(tx, &input.rest_api_id, &input.resource_id)?;
    if !operations(input.patch_operations).is_empty() {
        return Err(not_served("renaming or moving a resource"));
    }
    show(&resource.place, true)
}

pub(crate) fn delete_resource(tx: &mut Tx<'_>, input: DeleteResourceRequest) -> Result<(), Fault> {
    let resource = find(tx, &input.rest_api_id, &input.resource_id)?;
    if resource.place.parent_id.is_none() {
        return Err(bad_request("Root resource cannot be deleted"));
    }
    let under = format!("{}/", resource.place.path);
    let children: Vec<RestResource> =
        of_api(tx, &resource.api).filter(|r| r.place.path.starts_with(&under)).cloned().collect();
    for child in children {
        tx.remove(&child)?;
    }
    tx.remove(&resource)
}
