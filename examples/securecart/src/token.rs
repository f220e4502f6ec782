//! Who is the customer? The gateway has checked the token; the service checks it again, for
//! being inside the network proves nothing.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value as Json;

use crate::Shop;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::server::Asked;

pub(crate) struct Verifier {
    pool: String,
    client: String,
    region: String,
    keys: Mutex<Option<(Instant, JwkSet)>>,
}

/// The pool's keys are asked for again after this long: a pool that is gone vouches for nobody.
const KEYS_LAST: Duration = Duration::from_secs(10);

/// The customer.
pub(crate) struct Customer {
    /// The pool's id of the user: never changes, never used again.
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Verifier {
    pub(crate) fn new(environment: &Environment) -> Verifier {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        Verifier {
            pool: variable("USER_POOL_ID"),
            client: variable("USER_POOL_CLIENT_ID"),
            region: environment.region.clone(),
            keys: Mutex::default(),
        }
    }

    fn issuer(&self) -> String {
        format!("https://cognito-idp.{}.amazonaws.com/{}", self.region, self.pool)
    }

    fn known(&self, kid: &str) -> Option<DecodingKey> {
        let keys = self.keys.lock().ok()?;
        let (fetched, set) = keys.as_ref()?;
        let fresh = fetched.elapsed() < KEYS_LAST;
        DecodingKey::from_jwk(set.find(kid).filter(|_| fresh)?).ok()
    }

    fn verify(&self, token: &str, key: &DecodingKey) -> Result<Customer, Failure> {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[self.issuer()]);
        validation.set_required_spec_claims(&["exp", "iss"]);
        // Access tokens name their client, not an audience.
        validation.validate_aud = false;
        validation.validate_nbf = true;
        validation.leeway = 5;
        let claims = decode::<Json>(token, key, &validation).map_err(Failure::unauthorized)?.claims;
        let text = |name: &str| claims.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        if text("token_use") != "access" || text("client_id") != self.client {
            return Err(Failure::unauthorized("the token is not for this shop"));
        }
        Ok(Customer { id: text("sub"), name: text("username") })
    }
}

impl Shop {
    /// The customer who asks.
    pub(crate) async fn customer(&self, asked: &Asked) -> Result<Customer, Failure> {
        let header = asked.header("authorization");
        let token = header.strip_prefix("Bearer ").unwrap_or(header);
        let kid = decode_header(token).map_err(Failure::unauthorized)?.kid;
        let kid = kid.ok_or_else(|| Failure::unauthorized("the token names no key"))?;
        let key = match self.tokens.known(&kid) {
            Some(key) => key,
            None => {
                self.fetch_keys().await?;
                self.tokens.known(&kid).ok_or_else(|| Failure::unauthorized("the token's key is unknown"))?
            }
        };
        self.tokens.verify(token, &key)
    }

    async fn fetch_keys(&self) -> Result<(), Failure> {
        let base = self.environment.service("cognito-idp");
        let request = http::Request::get(format!("{base}/{}/.well-known/jwks.json", self.tokens.pool))
            .body(Full::<Bytes>::default())
            .map_err(Failure::config)?;
        let (status, body) = self.aws.send(request).await?;
        if !status.is_success() {
            return Err(Failure::upstream("the pool's keys", status));
        }
        let set = serde_json::from_slice(&body).map_err(|e| Failure::upstream("the pool's keys", e))?;
        if let Ok(mut keys) = self.tokens.keys.lock() {
            *keys = Some((Instant::now(), set));
        }
        Ok(())
    }
}
