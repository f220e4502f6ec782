//! What the log tells of a call: who asked for what, what it was about, what came of it.

use crate::api::Protocol;
use crate::decision::Request;
use crate::event::{Call, Event, EventBody};
use crate::fault::Fault;
use crate::graph::Snapshot;
use crate::identity::Caller;
use crate::ids::AccountId;
use crate::service::Served;
use crate::tx::{Host, Side};
use crate::value::Value;

/// What a call was about, where its caller does not tell: a call without credentials is recorded
/// in the account and region of the resource that it named, as its owner looks for it there.
#[derive(Clone, Debug)]
pub struct About {
    pub account: AccountId,
    pub region: String,
    /// Whom a token in the call proved it to be from.
    pub bearer: Option<Caller>,
}

impl About {
    /// As far as the question tells.
    pub fn asked(request: &Request, snapshot: &Snapshot) -> About {
        let unknown = request.caller.account == AccountId::none();
        let named = || request.asks.iter().find_map(|ask| ask.account_in(snapshot));
        let account = unknown.then(named).flatten();
        About {
            account: account.unwrap_or_else(AccountId::none),
            region: request.region.clone(),
            bearer: None,
        }
    }
}

/// The log's entry for a call and its outcome.
pub fn call_event(
    host: &dyn Host,
    request: &Request,
    served: &Served,
    outcome: &Result<Value, Fault>,
    about: About,
) -> Event {
    let writes = served.operation(request.operation).is_none_or(|operation| operation.writes);
    let (response, fault) = match outcome {
        Ok(output) if writes => (host.redacted(served, request.operation, Side::Output, output), None),
        Ok(_) => (serde_json::Value::Null, None),
        Err(fault) => (serde_json::Value::Null, Some(fault)),
    };
    // What went out to whoever asked; an API without a protocol has no wire that it could differ on.
    let api = &served.api;
    let protocol = api.protocols.first().copied().unwrap_or(Protocol::Json11);
    let mut event = Event::new(
        request,
        EventBody::Call(Box::new(Call {
            caller: about.bearer.unwrap_or_else(|| request.caller.clone()),
            origin: request.origin.clone(),
            service: request.service.to_owned(),
            operation: request.operation.to_owned(),
            read_only: request.read_only,
            parameters: request.parameters.clone(),
            response,
            error_code: fault.map(|f| f.sent_code(Some(api), protocol).to_owned()),
            error_message: fault.map(|f| f.sent_message(protocol).into_owned()),
            resources: request.asks.iter().map(|a| a.resource.clone()).filter(|r| r != "*").collect(),
            invoked_by: request.via.last().cloned(),
        })),
    );
    if request.caller.account == AccountId::none() {
        event.account = about.account.to_string();
        event.region = about.region;
    }
    event
}
