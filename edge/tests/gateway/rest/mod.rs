//! REST APIs: the API that the tests share, and what is refused everywhere.

mod access;
mod answer;
mod forwarding;
mod link;
mod request;

use harness::{ACCOUNT, REGION};
use serde_json::{Value as Json, json};

use crate::scene::{Ask, NAME, Scene};

fn id(answer: &Json) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// A REST API with `/orders/{id}` and what a test adds.
struct Api<'s> {
    scene: &'s Scene,
    id: String,
    root: String,
    orders: String,
    order: String,
    link: String,
}

impl<'s> Api<'s> {
    fn new(scene: &'s Scene, more: Json) -> Api<'s> {
        let mut input = json!({"name": "shop", "endpointConfiguration": {"types": ["REGIONAL"]}});
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        let made = scene.rest("CreateRestApi", input);
        let (api, root) = (id(&made), made["rootResourceId"].as_str().expect("a root").to_owned());
        let child = |parent: &str, part: &str| {
            id(&scene.rest("CreateResource", json!({"restApiId": api, "parentId": parent, "pathPart": part})))
        };
        let orders = child(&root, "orders");
        let order = child(&orders, "{id}");
        Api { scene, link: scene.link(), id: api, root, orders, order }
    }

    fn method(&self, resource: &str, verb: &str, more: Json) {
        let mut input = json!({
            "restApiId": self.id, "resourceId": resource, "httpMethod": verb, "authorizationType": "NONE",
            "requestParameters": {"method.request.path.id": true},
        });
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        self.scene.rest("PutMethod", input);
    }

    fn private(&self, resource: &str, verb: &str, more: Json) {
        let mut input = json!({
            "restApiId": self.id, "resourceId": resource, "httpMethod": verb, "type": "HTTP_PROXY",
            "integrationHttpMethod": "ANY", "connectionType": "VPC_LINK", "connectionId": self.link,
            "integrationTarget": self.scene.balancer, "uri": format!("https://{NAME}"),
        });
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        self.scene.rest("PutIntegration", input);
    }

    fn authorizer(&self) -> String {
        let pool = format!("arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{}", crate::scene::POOL);
        id(&self.scene.rest(
            "CreateAuthorizer",
            json!({"restApiId": self.id, "name": "pool", "type": "COGNITO_USER_POOLS", "providerARNs": [pool],
                   "identitySource": "method.request.header.Authorization"}),
        ))
    }

    fn deploy(&self) {
        self.scene.rest("CreateDeployment", json!({"restApiId": self.id, "stageName": "prod"}));
    }

    fn ask(&self, ask: Ask<'_>) -> crate::scene::Reply {
        self.scene.ask(&self.id, ask)
    }
}

const UNAUTHORIZED: &str = r#"401 {"message":"Unauthorized"} UnauthorizedException"#;
const MISSING: &str = r#"403 {"message":"Missing Authentication Token"} MissingAuthenticationTokenException"#;
const FORBIDDEN: &str = r#"403 {"message":"Forbidden"} ForbiddenException"#;
const UNAVAILABLE: &str = r#"503 {"message":"Service Unavailable"} ServiceUnavailableException"#;
