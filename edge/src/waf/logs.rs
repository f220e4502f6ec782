//! Records of web ACLs on their way to the log group that their logging configuration names.
//! The event log has them all already; this is the copy for its readers, sent in batches by the
//! delivery service, which the log group's policy must let write.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use model::estate::waf::WebAcl;
use model::plane::{Asked, Calls, Journey, Plane};
use model::{AccountId, Caller, Value};
use serde_json::{Value as Json, json};

const SERVICE: &str = "delivery.logs.amazonaws.com";
/// Records that wait at one time for one log group; more are dropped, the event log keeps them.
const WAITING: usize = 4096;
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, PartialEq, Eq, Hash)]
struct Stream {
    account: AccountId,
    region: String,
    group: String,
    name: String,
}

static QUEUES: LazyLock<Mutex<HashMap<Stream, Vec<Json>>>> = LazyLock::new(Mutex::default);

/// Puts a record in the queue, if the web ACL is to be logged and its filter keeps the record.
pub(super) fn deliver(plane: &Plane, journey: &Journey, acl: &WebAcl, record: Json) {
    let Some(stream) = acl.logging.as_ref().and_then(|l| stream(acl, l)) else { return };
    let config = acl.logging.as_ref().cloned().unwrap_or_default();
    if !kept(&config, &record) || tokio::runtime::Handle::try_current().is_err() {
        return;
    }
    let record = redacted(&config, record);
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    let begun = queues.contains_key(&stream);
    let queue = queues.entry(stream.clone()).or_default();
    if queue.len() < WAITING {
        queue.push(record);
    }
    if !begun {
        let (estate, trace) = (Arc::clone(&plane.estate), journey.trace.clone());
        tokio::spawn(async move {
            tokio::time::sleep(PAUSE).await;
            send(estate, stream, trace).await;
        });
    }
}

fn stream(acl: &WebAcl, logging: &Json) -> Option<Stream> {
    let destination = logging.pointer("/LogDestinationConfigs/0")?.as_str()?;
    let group = destination.split_once(":log-group:")?.1.trim_end_matches(":*").to_owned();
    let name = format!("{}_{}_0", acl.region, acl.name);
    Some(Stream { account: acl.account.clone(), region: acl.region.clone(), group, name })
}

async fn send(estate: Arc<dyn Calls>, stream: Stream, trace: String) {
    let waiting = QUEUES.lock().unwrap_or_else(PoisonError::into_inner).remove(&stream).unwrap_or_default();
    let ask = |operation: &'static str, input: Json| {
        estate.ask(Asked {
            caller: Caller::service(SERVICE, &stream.account),
            service: "logs",
            operation,
            region: stream.region.clone(),
            trace: trace.clone(),
            input: Value::from_json(input),
        })
    };
    let place = json!({"logGroupName": stream.group, "logStreamName": stream.name});
    // It is there already, but for the first time.
    let _ = ask("CreateLogStream", place.clone()).await;
    for batch in waiting.chunks(500) {
        let events: Vec<Json> = batch
            .iter()
            .map(|r| json!({"timestamp": r.get("timestamp"), "message": r.to_string()}))
            .collect();
        let mut input = place.clone();
        if let Some(input) = input.as_object_mut() {
            input.insert("logEvents".into(), Json::Array(events));
        }
        // A refusal is in the event log like any other.
        let _ = ask("PutLogEvents", input).await;
    }
}

/// Whether the logging filter keeps a record.
fn kept(config: &Json, record: &Json) -> bool {
    let Some(filter) = config.get("LoggingFilter") else { return true };
    let keeps = |behavior: Option<&Json>| behavior.and_then(Json::as_str) != Some("DROP");
    for one in filter.get("Filters").and_then(Json::as_array).into_iter().flatten() {
        let conditions =
            one.get("Conditions").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut met = conditions.iter().map(|c| meets(c, record));
        let all = one.get("Requirement").and_then(Json::as_str) == Some("MEETS_ALL");
        if if all { met.all(|m| m) } else { met.any(|m| m) } {
            return keeps(one.get("Behavior"));
        }
    }
    keeps(filter.get("DefaultBehavior"))
}

fn meets(condition: &Json, record: &Json) -> bool {
    if let Some(action) = condition.pointer("/ActionCondition/Action").and_then(Json::as_str) {
        let counted = record.get("nonTerminatingMatchingRules").and_then(Json::as_array);
        let in_group = record.get("ruleGroupList").and_then(Json::as_array).into_iter().flatten().any(|g| {
            g.get("nonTerminatingMatchingRules").and_then(Json::as_array).is_some_and(|l| !l.is_empty())
        });
        return match action {
            "COUNT" => counted.is_some_and(|l| !l.is_empty()) || in_group,
            "EXCLUDED_AS_COUNT" => in_group,
            other => record.get("action").and_then(Json::as_str) == Some(other),
        };
    }
    let wanted = condition.pointer("/LabelNameCondition/LabelName").and_then(Json::as_str);
    let labels = record.get("labels").and_then(Json::as_array).into_iter().flatten();
    wanted.is_some_and(|w| labels.filter_map(|l| l.get("name")?.as_str()).any(|l| l == w))
}

/// Without the fields that the configuration wants hidden, and without what is for samples only.
fn redacted(config: &Json, mut record: Json) -> Json {
    let hide = |at: Option<&mut Json>| {
        if let Some(at) = at {
            *at = Json::from("REDACTED");
        }
    };
    for field in config.get("RedactedFields").and_then(Json::as_array).into_iter().flatten() {
        if field.get("UriPath").is_some() {
            hide(record.pointer_mut("/httpRequest/uri"));
        }
        if field.get("QueryString").is_some() {
            hide(record.pointer_mut("/httpRequest/args"));
        }
        if field.get("Method").is_some() {
            hide(record.pointer_mut("/httpRequest/httpMethod"));
        }
        let Some(name) = field.pointer("/SingleHeader/Name").and_then(Json::as_str) else { continue };
        let headers = record.pointer_mut("/httpRequest/headers").and_then(Json::as_array_mut);
        for header in headers.into_iter().flatten() {
            let is = header.get("name").and_then(Json::as_str).is_some_and(|n| n.eq_ignore_ascii_case(name));
            if is {
                hide(header.get_mut("value"));
            }
        }
    }
    if let Some(record) = record.as_object_mut() {
        record.remove("sampled");
    }
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_and_the_redaction_are_heeded() {
        let record = json!({"action": "BLOCK", "labels": [{"name": "a:b"}], "sampled": [],
            "httpRequest": {"uri": "/x", "args": "q=1", "headers": [{"name": "Host", "value": "h"}]}});
        let filter = |behavior: &str, condition: Json, default: &str| {
            json!({"LoggingFilter": {"DefaultBehavior": default, "Filters": [
                {"Behavior": behavior, "Requirement": "MEETS_ANY", "Conditions": [condition]}]}})
        };
        let action = |name: &str| json!({"ActionCondition": {"Action": name}});
        let label = |name: &str| json!({"LabelNameCondition": {"LabelName": name}});
        assert!(kept(&json!({}), &record));
        assert!(kept(&filter("KEEP", action("BLOCK"), "DROP"), &record));
        assert!(!kept(&filter("KEEP", action("ALLOW"), "DROP"), &record));
        assert!(!kept(&filter("DROP", label("a:b"), "KEEP"), &record));
        assert!(kept(&filter("DROP", label("b"), "KEEP"), &record));
        let fields = json!({"RedactedFields": [{"SingleHeader": {"Name": "host"}}, {"QueryString": {}}]});
        assert_eq!(
            redacted(&fields, record)["httpRequest"],
            json!({"uri": "/x", "args": "REDACTED", "headers": [{"name": "Host", "value": "REDACTED"}]})
        );
    }
}
