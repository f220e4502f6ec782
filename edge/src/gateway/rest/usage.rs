//! Throttles and quotas: the stage's, and those of the usage plan of the caller's API key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::estate::apigateway::{ApiKey, Quota, RestStage, UsagePlan};
use model::plane::{Plane, Report};
use model::{AccountId, Fault, Timestamp};
use serde_json::json;

use super::Stage;
use super::refusal::Refusal;
use super::routes::Route;
use crate::gateway::call::Call;
use crate::gateway::throttle::{Buckets, Limit};
use crate::sigv4::sha256_hex;

/// What a stage may take unless it says otherwise: the region's default for an account.
const DEFAULT: Limit = Limit { rate: 10_000.0, burst: 5000.0 };
/// The table of the service's counts.
const TABLE: &str = "apigateway-usage";
const DAY: i64 = 86_400;
/// Counts are written this long after the first of them.
const MOMENT: Duration = Duration::from_secs(1);

/// What is kept beside a usage plan.
#[derive(Default)]
struct Live {
    buckets: Buckets,
    counts: Mutex<HashMap<String, Count>>,
}

/// How often a key was used in the current period.
#[derive(Default)]
struct Count {
    first_day: i64,
    used: i64,
    /// Counted here, not yet written, by day.
    pending: Vec<(i64, i64)>,
    /// The last attempt to write failed.
    stuck: bool,
}

/// Checks the API key, if the method wants one, and every throttle and quota.
pub(super) async fn check(call: &mut Call, stage: &Stage<'_>, route: &Route) -> Result<(), Refusal> {
    let now = call.plane.estate.now();
    let place = format!("{}/{}", stage.path, route.method.http_method);
    if route.method.api_key_required {
        key(call, stage, &place, now).await?;
    }
    let limit = stage_limit(stage.node, &stage.path, call.method.as_str()).unwrap_or(DEFAULT);
    match stage.live.buckets.take(&place, limit, now) && stage.live.buckets.take("", DEFAULT, now) {
        true => Ok(()),
        false => Err(Refusal::new("THROTTLED", "the stage's throttle is exceeded")),
    }
}

/// The throttle for a method: its own, else the one for all.
fn stage_limit(stage: &RestStage, path: &str, verb: &str) -> Option<Limit> {
    let of = |wanted_path: &str, wanted_verb: &str| {
        let fits = |key: &str| {
            let (resource, method) = key.rsplit_once('/').unwrap_or((key, ""));
            let resource = resource.replace("~1", "/").replace("~0", "~");
            method == wanted_verb
                && (resource == wanted_path
                    || resource.trim_start_matches('/') == wanted_path.trim_start_matches('/'))
        };
        let setting = stage.method_settings.iter().find(|(key, _)| fits(key)).map(|(_, s)| s)?;
        Limit::new(setting.throttling_rate_limit, setting.throttling_burst_limit)
    };
    of(path, verb).or_else(|| of(path, "*")).or_else(|| of("*", verb)).or_else(|| of("*", "*"))
}

async fn key(call: &mut Call, stage: &Stage<'_>, place: &str, now: Timestamp) -> Result<(), Refusal> {
    let no = |reason: &str| Refusal::new("INVALID_API_KEY", reason);
    let value = call.header("x-api-key").ok_or_else(|| no("there is no API key"))?;
    let (account, region) = (&call.journey.account, &call.journey.region);
    let name = ApiKey::named(account, region, &sha256_hex(value.as_bytes()));
    let key = call.snapshot.find_named::<ApiKey>(&name).filter(|k| k.enabled);
    let key = key.ok_or_else(|| no("the API key is unknown or disabled"))?;
    let here = |plan: &&UsagePlan| {
        plan.keys.contains(&key.id)
            && plan.api_stages.iter().any(|s| s.api_id == stage.node.api && s.stage == stage.node.stage_name)
    };
    let plan = call.snapshot.list::<UsagePlan>(account, region).find(here);
    let plan = plan.ok_or_else(|| no("no usage plan gives the API key this stage"))?;
    let live = plan.live.get(Live::default).ok_or_else(|| no("the usage plan cannot be read"))?;
    let own = plan.api_stages.iter().find(|s| s.api_id == stage.node.api && s.stage == stage.node.stage_name);
    let limits = [own.and_then(|s| s.throttle.get(place)), plan.throttle.as_ref()];
    for (limit, scope) in limits.iter().zip([place, ""]) {
        let limit = limit.and_then(|t| Limit::new(Some(t.rate_limit), Some(t.burst_limit)));
        if limit.is_some_and(|l| !live.buckets.take(&format!("{}{scope}", key.id), l, now)) {
            return Err(Refusal::new("THROTTLED", "the usage plan's throttle is exceeded"));
        }
    }
    let counting = Counting {
        live,
        account: account.clone(),
        region: region.clone(),
        plan: plan.id.clone(),
        key: key.id.clone(),
    };
    let id = key.id.clone();
    let allowed = counting.take(&call.plane, plan.quota.as_ref(), now).await?;
    call.context.set("identity.apiKeyId", id.clone());
    call.context.set("identity.apiKey", "redacted");
    if call.subject.is_empty() {
        call.subject = format!("api-key/{id}");
    }
    if allowed { Ok(()) } else { Err(Refusal::new("QUOTA_EXCEEDED", "the usage plan's quota is used up")) }
}

/// The first day of the quota's current period; days count from 1970-01-01, a Thursday.
fn first_day(quota: &Quota, now: Timestamp) -> i64 {
    let today = now.seconds().div_euclid(DAY);
    match quota.period.as_str() {
        // An offset of 0 begins the week on Sunday.
        "WEEK" => today - (today + 4 - quota.offset).rem_euclid(7),
        "MONTH" => {
            let date = Timestamp::from_seconds(today * DAY).to_rfc3339();
            let of_month: i64 = date.get(8..10).and_then(|d| d.parse().ok()).unwrap_or(1);
            let start = today - (of_month - 1) + quota.offset;
            if start <= today { start } else { month_before(today, of_month) + quota.offset }
        }
        _ => today,
    }
}

/// The first day of the month before the one that `today` is in.
fn month_before(today: i64, of_month: i64) -> i64 {
    let last = today - of_month;
    let date = Timestamp::from_seconds(last * DAY).to_rfc3339();
    let days: i64 = date.get(8..10).and_then(|d| d.parse().ok()).unwrap_or(28);
    last - days + 1
}

/// The count of one key in one plan.
struct Counting {
    live: Arc<Live>,
    account: AccountId,
    region: String,
    plan: String,
    key: String,
}

impl Counting {
    /// Counts one request; `false` if there was none left. What cannot be counted is not allowed.
    async fn take(self, plane: &Arc<Plane>, quota: Option<&Quota>, now: Timestamp) -> Result<bool, Fault> {
        let today = now.seconds().div_euclid(DAY);
        let first = quota.map_or(today, |q| first_day(q, now));
        let stored = self.stored(plane, first, today)?;
        let (allowed, begin, stuck) = {
            let mut counts = self.live.counts.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts
                .entry(self.key.clone())
                .or_insert_with(|| Count { first_day: first, ..Count::default() });
            if count.first_day != first {
                *count = Count {
                    first_day: first,
                    pending: std::mem::take(&mut count.pending),
                    ..Count::default()
                };
            }
            // What is written, or what was counted here, whichever saw more.
            let waiting: i64 = count.pending.iter().map(|(_, n)| n).sum();
            count.used = count.used.max(stored + waiting);
            if quota.is_some_and(|q| count.used >= q.limit) {
                return Ok(false);
            }
            count.used += 1;
            let begin = count.pending.is_empty();
            match count.pending.last_mut() {
                Some((day, n)) if *day == today => *n += 1,
                _ => count.pending.push((today, 1)),
            }
            (true, begin, count.stuck)
        };
        if stuck {
            self.flush(plane).await?;
        } else if begin {
            let plane = Arc::clone(plane);
            tokio::spawn(async move {
                tokio::time::sleep(MOMENT).await;
                let _ = self.flush(&plane).await;
            });
        }
        Ok(allowed)
    }

    fn stored(&self, plane: &Plane, first: i64, last: i64) -> Result<i64, Fault> {
        let mut sum = 0;
        for day in first..=last {
            let key = format!("{}/{}/{}/{}/{day}", self.account, self.region, self.plan, self.key);
            if let Some(bytes) = plane.estate.records().get(TABLE, key.as_bytes())? {
                sum += serde_json::from_slice::<i64>(&bytes).unwrap_or_default();
            }
        }
        Ok(sum)
    }

    /// Writes what was counted; what cannot be written stays to be written later.
    async fn flush(&self, plane: &Plane) -> Result<(), Fault> {
        let taken = self.with(|count| std::mem::take(&mut count.pending));
        for (at, (day, n)) in taken.iter().enumerate() {
            let report = Report {
                service: "apigateway",
                job: "CountUsage",
                account: self.account.clone(),
                region: self.region.clone(),
                payload: json!({"plan": self.plan, "key": self.key, "day": day, "count": n}),
            };
            if let Err(fault) = plane.estate.report(report).await {
                self.with(|count| {
                    count.pending.splice(0..0, taken.iter().skip(at).copied());
                    count.stuck = true;
                });
                return Err(fault);
            }
        }
        self.with(|count| count.stuck = false);
        Ok(())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Count) -> T) -> T {
        let mut counts = self.live.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.entry(self.key.clone()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_where_the_quota_says() {
        let day = |text: &str| Timestamp::parse_rfc3339(&format!("{text}T12:00:00Z")).expect("a date");
        let cases = [
            ("DAY", 0, "2026-11-25", "2026-11-25"),
            // 2026-11-25 is a Wednesday.
            ("WEEK", 0, "2026-11-25", "2026-11-22"),
            ("WEEK", 4, "2026-11-25", "2026-11-19"),
            ("MONTH", 0, "2026-11-25", "2026-11-01"),
            ("MONTH", 27, "2026-11-25", "2026-10-28"),
            ("MONTH", 9, "2026-03-05", "2026-02-10"),
        ];
        for (period, offset, today, expected) in cases {
            let quota = Quota { limit: 1, offset, period: period.to_owned() };
            assert_eq!(first_day(&quota, day(today)), day(expected).seconds() / DAY, "{period} {offset}");
        }
    }
}
