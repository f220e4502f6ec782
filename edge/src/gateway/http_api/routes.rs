//! The route table of one deployment of an HTTP API, made once.

use std::collections::BTreeMap;

use model::estate::apigateway::{Cors, HttpAuthorizer, HttpDefinition, HttpIntegration, Route};

use crate::gateway::tree::Tree;
use crate::gateway::upstream::Pool;

pub(super) struct Table {
    paths: Tree<BTreeMap<String, Compiled>>,
    fallback: Option<Compiled>,
    pub(super) cors: Option<Cors>,
    pub(super) pool: Pool,
}

/// A route with all that it names; what is named but gone makes it answer with an error.
pub(super) struct Compiled {
    pub(super) route: Route,
    pub(super) authorizer: Option<HttpAuthorizer>,
    pub(super) integration: Option<HttpIntegration>,
}

impl Table {
    pub(super) fn compile(definition: &HttpDefinition, root_pem: &str) -> Table {
        let mut table = Table {
            paths: Tree::default(),
            fallback: None,
            cors: definition.cors.clone(),
            pool: Pool::new(root_pem),
        };
        for route in definition.routes.values() {
            let target = route.target.as_deref().and_then(|t| t.strip_prefix("integrations/"));
            let authorizer = route.authorizer_id.as_ref().and_then(|id| definition.authorizers.get(id));
            let compiled = Compiled {
                route: route.clone(),
                authorizer: authorizer.cloned(),
                integration: target.and_then(|id| definition.integrations.get(id)).cloned(),
            };
            match route.route_key.split_once(' ') {
                None => table.fallback = Some(compiled),
                Some((verb, path)) => {
                    if let Some(here) = table.paths.place(path) {
                        here.get_or_insert_default().insert(verb.to_owned(), compiled);
                    }
                }
            }
        }
        table
    }

    /// A full match, else a greedy one, else `$default`; each with the method itself before `ANY`.
    pub(super) fn find(&self, verb: &str, segments: &[&str]) -> Option<(&Compiled, Vec<(String, String)>)> {
        let accept =
            |routes: &BTreeMap<String, Compiled>| routes.contains_key(verb) || routes.contains_key("ANY");
        let found =
            self.paths.find(segments, false, accept).or_else(|| self.paths.find(segments, true, accept));
        match found {
            Some(found) => {
                let route = found.here.get(verb).or_else(|| found.here.get("ANY"))?;
                Some((route, found.variables))
            }
            None => self.fallback.as_ref().map(|route| (route, Vec::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_before_greedy_before_default() {
        let keys = ["GET /a/{proxy+}", "GET /{x}/b", "ANY /a", "POST /a", "$default", "GET /"];
        let route = |key: &&str| {
            (
                (*key).to_owned(),
                Route { route_id: (*key).to_owned(), route_key: (*key).to_owned(), ..Route::default() },
            )
        };
        let definition =
            HttpDefinition { routes: keys.iter().map(route).collect(), ..HttpDefinition::default() };
        let table = Table::compile(&definition, "");
        for (verb, path, expected) in [
            ("GET", "/a/b", "GET /{x}/b"),
            ("GET", "/a/c", "GET /a/{proxy+}"),
            ("POST", "/a/c", "$default"),
            ("POST", "/a", "POST /a"),
            ("PUT", "/a", "ANY /a"),
            ("GET", "/", "GET /"),
            ("GET", "/none", "$default"),
        ] {
            let segments: Vec<&str> = path.strip_prefix('/').unwrap_or_default().split('/').collect();
            let (found, _) = table.find(verb, &segments).expect("a route");
            assert_eq!(found.route.route_key, expected, "{verb} {path}");
        }
    }
}
