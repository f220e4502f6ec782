//! The runtime's own pages, under `/_countersign/`. All that tell anything of the estate are for
//! whoever can read `console-token` in the data folder, and for nobody else.

mod journey;
mod map;
mod shell;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use edge::listen::Answer;
use edge::plain;
use estate::Estate;
use hyper::Request;
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderValue, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use model::Host as _;
use ring::hmac;
use serde_json::json;

/// The file that holds the token, made anew at each start.
pub(crate) const TOKEN_FILE: &str = "console-token";

pub(crate) struct Pages {
    estate: Arc<Estate>,
    token: String,
}

impl Pages {
    /// Makes the token, readable by the owner of the data folder only.
    pub(crate) fn open(estate: &Arc<Estate>, data: &Path) -> Result<Pages, String> {
        let mut random = [0; 32];
        estate.random(&mut random);
        let token = hex::encode(random);
        let (path, partial) = (data.join(TOKEN_FILE), data.join("console-token.partial"));
        // A file left behind might be open to others, or be a link.
        let _ = std::fs::remove_file(&partial);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .and_then(|mut file| file.write_all(token.as_bytes()))
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|e| format!("`{}`: {e}", path.display()))?;
        Ok(Pages { estate: Arc::clone(estate), token })
    }

    /// `path` is without the prefix.
    pub(crate) fn answer(&self, path: &str, request: &Request<Incoming>) -> Answer {
        if let Some(answer) = shell::answer(path) {
            return answer;
        }
        match path {
            "/health" => plain::whole(200, "text/plain", "running\n"),
            "/outbox" => self.shown(request.headers(), Pages::outbox),
            "/estate" => {
                let estate = crate::living::estate(&self.estate.snapshot());
                self.shown(request.headers(), |_| plain::json(200, &crate::living::written(&estate)))
            }
            "/map" => self.shown(request.headers(), Pages::map),
            "/events" => {
                let wanted = journey::Wanted::read(request.uri().query().unwrap_or_default());
                self.shown(request.headers(), |pages| pages.events(&wanted))
            }
            "/explain" => {
                let query = request.uri().query().unwrap_or_default();
                self.shown(request.headers(), |pages| pages.explain(query))
            }
            _ => plain::whole(404, "text/plain", "there is no such page\n"),
        }
    }

    /// A page for those who have the token.
    fn shown(&self, headers: &HeaderMap, page: impl FnOnce(&Pages) -> Answer) -> Answer {
        if !self.admits(headers) {
            let mut answer = plain::whole(401, "text/plain", "the token in the data folder is needed\n");
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            return guarded(answer);
        }
        // The log and the store are read from disk.
        guarded(tokio::task::block_in_place(|| page(self)))
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|h| h.to_str().ok());
        let Some(given) = given.and_then(|h| h.strip_prefix("Bearer ")) else { return false };
        // Digests are compared: the time tells nothing about the token.
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"console");
        hmac::verify(&key, given.as_bytes(), hmac::sign(&key, self.token.as_bytes()).as_ref()).is_ok()
    }

    /// What follows `#` in the console's address: browsers keep it to themselves.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    fn map(&self) -> Answer {
        plain::json(200, &map::of(&self.estate.snapshot()))
    }

    fn events(&self, wanted: &journey::Wanted) -> Answer {
        match journey::page(&self.estate, wanted) {
            Ok(events) => plain::json(200, &events),
            Err(fault) => plain::json(fault.status, &json!({"message": fault.message})),
        }
    }

    /// `request=ID`, and `near=SEQ` of one of its events.
    fn explain(&self, query: &str) -> Answer {
        let request = journey::parameter(query, "request").unwrap_or_default();
        let near = journey::parameter(query, "near").and_then(|seq| seq.parse().ok());
        match journey::reasoning(&self.estate, request, near) {
            Ok(lines) if lines.is_empty() => {
                plain::json(404, &json!({"message": "there is no such request"}))
            }
            Ok(lines) => plain::json(200, &json!({"lines": lines})),
            Err(fault) => plain::json(fault.status, &json!({"message": fault.message})),
        }
    }

    /// The messages to people, oldest first.
    fn outbox(&self) -> Answer {
        match self.estate.outbox() {
            Ok(messages) => plain::json(200, &json!(messages)),
            Err(fault) => plain::json(fault.status, &json!({"message": fault.message})),
        }
    }
}

/// What is told is for whoever asked, and is never taken for a page.
fn guarded(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    answer
}
