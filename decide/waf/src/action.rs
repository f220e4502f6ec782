//! What a rule does with a request that it matches.

use std::collections::BTreeMap;

use model::estate::waf::rule::{Handling, Header, ResponseBody, RuleAction};

/// What is answered instead. An empty body: the resource answers a refusal in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Allow(Vec<(String, String)>),
    Count(Vec<(String, String)>),
    Block(Answer),
    /// No tokens are issued here: nobody has solved a puzzle.
    Captcha,
    Challenge,
}

impl Action {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Action::Allow(_) => "ALLOW",
            Action::Count(_) => "COUNT",
            Action::Block(_) => "BLOCK",
            Action::Captcha => "CAPTCHA",
            Action::Challenge => "CHALLENGE",
        }
    }

    /// A refusal without anything to it.
    pub(crate) fn block() -> Action {
        Action::Block(Answer { status: 403, headers: Vec::new(), body: Vec::new() })
    }
}

pub(crate) type Bodies = BTreeMap<String, ResponseBody>;

fn inserted(handling: &Handling) -> Vec<(String, String)> {
    let headers = handling.custom_request_handling.iter().flat_map(|h| &h.insert_headers);
    headers.map(|h| (format!("x-amzn-waf-{}", h.name.to_ascii_lowercase()), h.value.clone())).collect()
}

fn pairs(headers: &[Header]) -> Vec<(String, String)> {
    headers.iter().map(|h| (h.name.to_ascii_lowercase(), h.value.clone())).collect()
}

pub(crate) fn action(given: &RuleAction, bodies: &Bodies) -> Result<Action, String> {
    Ok(match given {
        RuleAction::Allow(handling) => Action::Allow(inserted(handling)),
        RuleAction::Count(handling) => Action::Count(inserted(handling)),
        RuleAction::Captcha(_) => Action::Captcha,
        RuleAction::Challenge(_) => Action::Challenge,
        RuleAction::Block(blocking) => {
            let Some(custom) = &blocking.custom_response else { return Ok(Action::block()) };
            let mut headers = pairs(&custom.response_headers);
            let mut content = Vec::new();
            if let Some(key) = &custom.custom_response_body_key {
                let body = bodies.get(key).ok_or_else(|| format!("there is no response body `{key}`"))?;
                let kind = match body.content_type.as_str() {
                    "TEXT_HTML" => "text/html",
                    "APPLICATION_JSON" => "application/json",
                    _ => "text/plain",
                };
                headers.push(("content-type".to_owned(), kind.to_owned()));
                content = body.content.clone().into_bytes();
            }
            Action::Block(Answer { status: custom.response_code, headers, body: content })
        }
    })
}

/// The answer to a request without a token: 405 with a puzzle, 202 with a silent challenge.
pub(crate) fn interstitial(captcha: bool) -> Answer {
    let (status, name) = if captcha { (405, "captcha") } else { (202, "challenge") };
    let headers = vec![
        ("x-amzn-waf-action".to_owned(), name.to_owned()),
        ("cache-control".to_owned(), "no-store, max-age=0".to_owned()),
        ("content-type".to_owned(), "text/html; charset=UTF-8".to_owned()),
    ];
    Answer { status, headers, body: b"<!DOCTYPE html><title>Verification needed</title>\n".to_vec() }
}
