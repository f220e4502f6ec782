//! Samples of what a web ACL inspected, from the event log.

use model::estate::waf::WebAcl;
use model::event::{Event, EventBody};
use model::{Fault, Timestamp, Tx};
use serde_json::Value as Json;

use crate::faults::{invalid, missing, regional};
use crate::shapes::*;

/// Samples reach back three hours.
const REACH_SECONDS: i64 = 3 * 3600;
/// Events that are looked at for one answer.
const MOST: usize = 50_000;

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_GetSampledRequests.html>
pub(crate) fn get(
    tx: &mut Tx<'_>,
    input: GetSampledRequestsRequest,
) -> Result<GetSampledRequestsResponse, Fault> {
    regional(&input.scope)?;
    let acl = tx.find_arn::<WebAcl>(&input.web_acl_arn).filter(|a| a.account == tx.account);
    let arn = acl.ok_or_else(missing)?.arn();
    let earliest = tx.now.plus_seconds(-REACH_SECONDS);
    let window = TimeWindow {
        start_time: input.time_window.start_time.max(earliest),
        end_time: input.time_window.end_time.min(tx.now),
    };
    if window.start_time > window.end_time {
        return Err(invalid("EXPIRE_TIMESTAMP", "TimeWindow", "The time window is not valid."));
    }
    let most = usize::try_from(input.max_items).unwrap_or(1).clamp(1, 500);
    let (mut found, mut population, mut looked) = (Vec::new(), 0, 0);
    tx.host().events(&mut |_, event: Event| {
        looked += 1;
        if event.time < window.start_time || looked > MOST {
            return false;
        }
        if event.time <= window.end_time
            && let EventBody::Enforced(seen) = &event.body
            && seen.point == "waf"
            && seen.resource == arn
        {
            population += 1;
            if found.len() < most
                && let Some(sample) = sample(&seen.facts, &input.rule_metric_name, event.time)
            {
                found.push(sample);
            }
        }
        true
    })?;
    Ok(GetSampledRequestsResponse {
        sampled_requests: Some(found),
        population_size: Some(population),
        time_window: Some(window),
    })
}

/// The sample of a record, if a rule of this metric is in it.
fn sample(facts: &Json, metric: &str, time: Timestamp) -> Option<SampledHTTPRequest> {
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(str::to_owned);
    let samples = facts.get("sampled")?.as_array()?;
    let seen = samples.iter().find(|s| s.get("metric").and_then(Json::as_str) == Some(metric))?;
    let request = facts.get("httpRequest")?;
    let headers = |list: Option<&Json>| -> Vec<HTTPHeader> {
        let all = list.and_then(Json::as_array).into_iter().flatten();
        all.map(|h| HTTPHeader { name: text(h.get("name")), value: text(h.get("value")) }).collect()
    };
    let uri = text(request.get("uri")).unwrap_or_default();
    let uri = match request.get("args").and_then(Json::as_str) {
        Some(args) if !args.is_empty() => format!("{uri}?{args}"),
        _ => uri,
    };
    let labels = facts.get("labels").and_then(Json::as_array).into_iter().flatten();
    Some(SampledHTTPRequest {
        request: HTTPRequest {
            client_ip: text(request.get("clientIp")),
            country: text(request.get("country")),
            uri: Some(uri),
            method: text(request.get("httpMethod")),
            http_version: None,
            headers: Some(headers(request.get("headers"))),
        },
        weight: 1,
        timestamp: Some(time),
        action: text(seen.get("action")),
        rule_name_within_rule_group: text(seen.get("within")),
        request_headers_inserted: Some(headers(facts.get("requestHeadersInserted"))),
        response_code_sent: facts.get("responseCodeSent").and_then(Json::as_i64),
        labels: Some(labels.filter_map(|l| Some(Label { name: text(l.get("name"))? })).collect()),
        overridden_action: text(seen.get("overridden")),
        ..SampledHTTPRequest::default()
    })
}
