//! The route table of one deployment, made once: from a path and a method to what is asked of
//! the request and where it goes.

use std::collections::BTreeMap;

use model::Arn;
use model::estate::apigateway::{Authorizer, Definition, GatewayResponse, IntegrationResponse, Method};
use regex_lite::Regex;

use super::schema::{Schema, Schemas};
use crate::gateway::tree::{Found, Tree};
use crate::gateway::upstream::Pool;

pub(super) struct Table {
    paths: Tree<Spot>,
    pub(super) responses: BTreeMap<String, GatewayResponse>,
    pub(super) has_policy: bool,
    pub(super) pool: Pool,
}

/// A resource.
#[derive(Default)]
pub(super) struct Spot {
    pub(super) id: String,
    pub(super) path: String,
    pub(super) methods: BTreeMap<String, Route>,
}

/// A method, compiled.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) access: Access,
    pub(super) checks_body: bool,
    pub(super) checks_parameters: bool,
    /// By content type.
    pub(super) schemas: Vec<(String, Schema)>,
    /// For MOCK: which response a status selects.
    pub(super) responses: Vec<(Regex, IntegrationResponse)>,
    pub(super) fallback: Option<IntegrationResponse>,
}

/// Who may call a method.
pub(super) enum Access {
    Anyone,
    Iam,
    Cognito(Cognito),
    /// What is configured cannot be carried out: nobody.
    Nobody(String),
}

pub(super) struct Cognito {
    pub(super) authorizer: String,
    /// Issuers with the account that owns each.
    pub(super) issuers: Vec<(String, String)>,
    pub(super) header: String,
    pub(super) pattern: Option<Regex>,
    pub(super) scopes: Vec<String>,
}

impl Table {
    pub(super) fn compile(definition: &Definition, root_pem: &str) -> Table {
        let mut table = Table {
            paths: Tree::default(),
            responses: definition.gateway_responses.clone(),
            has_policy: definition.policy.is_some(),
            pool: Pool::new(root_pem),
        };
        let schemas = Schemas::compile(definition.models.values());
        for place in &definition.resources {
            let methods = place
                .resource_methods
                .iter()
                .map(|(verb, method)| (verb.clone(), route(definition, schemas.as_ref(), method)))
                .collect();
            if let Some(here) = table.paths.place(&place.path) {
                *here = Some(Spot { id: place.id.clone(), path: place.path.clone(), methods });
            }
        }
        table
    }

    /// The most specific resource with methods for these segments; a slash at the end means nothing.
    pub(super) fn find(&self, segments: &[&str]) -> Option<Found<'_, Spot>> {
        let segments = match segments.split_last() {
            Some((&"", rest)) => rest,
            _ => segments,
        };
        self.paths.find(segments, true, |spot| !spot.methods.is_empty())
    }
}

impl Spot {
    pub(super) fn route(&self, verb: &str) -> Option<&Route> {
        self.methods.get(verb).or_else(|| self.methods.get("ANY"))
    }
}

fn route(definition: &Definition, schemas: Option<&std::sync::Arc<Schemas>>, method: &Method) -> Route {
    let validator = method.request_validator_id.as_ref().and_then(|id| definition.request_validators.get(id));
    let mut access = access(definition, method);
    if method.request_validator_id.is_some() && validator.is_none() {
        access = Access::Nobody("the request validator is gone".to_owned());
    }
    let checks_body = validator.is_some_and(|v| v.validate_request_body);
    let mut compiled = Vec::new();
    for (content_type, name) in method.request_models.iter().filter(|_| checks_body) {
        match schemas.and_then(|s| s.schema(name)) {
            Some(schema) => compiled.push((content_type.to_ascii_lowercase(), schema)),
            None => access = Access::Nobody(format!("the model `{name}` cannot be read")),
        }
    }
    let answers = method.method_integration.as_ref().map(|i| &i.integration_responses);
    let (mut responses, mut fallback) = (Vec::new(), None);
    for response in answers.into_iter().flat_map(BTreeMap::values) {
        match response.selection_pattern.as_deref().filter(|p| !p.is_empty()) {
            None => fallback = Some(response.clone()),
            Some(pattern) => match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => responses.push((pattern, response.clone())),
                Err(_) => {
                    access = Access::Nobody(format!("the selection pattern `{pattern}` cannot be read"))
                }
            },
        }
    }
    Route {
        method: method.clone(),
        access,
        checks_body,
        checks_parameters: validator.is_some_and(|v| v.validate_request_parameters),
        schemas: compiled,
        responses,
        fallback,
    }
}

fn access(definition: &Definition, method: &Method) -> Access {
    match method.authorization_type.as_str() {
        "NONE" => Access::Anyone,
        "AWS_IAM" => Access::Iam,
        "COGNITO_USER_POOLS" => {
            let authorizer = method.authorizer_id.as_ref().and_then(|id| definition.authorizers.get(id));
            match authorizer.and_then(|a| cognito(a, method)) {
                Some(cognito) => Access::Cognito(cognito),
                None => Access::Nobody("the authorizer is gone or cannot be read".to_owned()),
            }
        }
        other => Access::Nobody(format!("the authorization type `{other}` is not served")),
    }
}

fn cognito(authorizer: &Authorizer, method: &Method) -> Option<Cognito> {
    let issuer = |arn: &String| {
        let arn = Arn::parse(arn)?;
        let pool = arn.resource.strip_prefix("userpool/")?;
        let issuer = format!("https://cognito-idp.{}.amazonaws.com/{pool}", arn.region);
        Some((issuer, arn.account.to_owned()))
    };
    let pattern = match authorizer.identity_validation_expression.as_deref().filter(|p| !p.is_empty()) {
        None => None,
        Some(pattern) => Some(Regex::new(&format!("^(?:{pattern})$")).ok()?),
    };
    Some(Cognito {
        authorizer: authorizer.id.clone(),
        issuers: authorizer.provider_arns.iter().map(issuer).collect::<Option<_>>()?,
        header: authorizer.identity_source.strip_prefix("method.request.header.")?.to_owned(),
        pattern,
        scopes: method.authorization_scopes.clone(),
    })
}

#[cfg(test)]
mod tests {
    use model::estate::apigateway::Place;

    use super::*;

    #[test]
    fn the_most_specific_resource_is_found() {
        let place = |path: &str| Place {
            id: path.to_owned(),
            path: path.to_owned(),
            resource_methods: BTreeMap::from([(
                "ANY".to_owned(),
                Method { authorization_type: "NONE".into(), ..Method::default() },
            )]),
            ..Place::default()
        };
        let definition = Definition {
            resources: [
                "/",
                "/orders",
                "/orders/{id}",
                "/orders/{id}/items",
                "/orders/new",
                "/{proxy+}",
                "/files/{path+}",
            ]
            .map(place)
            .to_vec(),
            ..Definition::default()
        };
        let table = Table::compile(&definition, "");
        let cases = [
            ("/", "/", ""),
            ("/orders", "/orders", ""),
            ("/orders/", "/orders", ""),
            ("/orders/new", "/orders/new", ""),
            ("/orders/7", "/orders/{id}", "id=7"),
            ("/orders/7/items", "/orders/{id}/items", "id=7"),
            ("/orders/7/other", "/{proxy+}", "proxy=orders/7/other"),
            ("/files/a%2Fb/c", "/files/{path+}", "path=a%2Fb/c"),
            ("/%6Frders", "/orders", ""),
        ];
        for (path, expected, variables) in cases {
            let segments: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
            let found = table.find(&segments).unwrap_or_else(|| panic!("nothing for {path}"));
            let given: Vec<String> = found.variables.iter().map(|(n, v)| format!("{n}={v}")).collect();
            assert_eq!((found.here.path.as_str(), given.join("&").as_str()), (expected, variables), "{path}");
        }
    }
}
