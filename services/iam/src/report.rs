//! The credential report: which credentials an account's users have, how old they are and when they
//! were used. It is of the time it was asked for; the uses up to then are looked up when it is read.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>

use bytes::Bytes;
use model::estate::iam::{AccessKey, Account, User};
use model::{Fault, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::password::rules;
use crate::shapes::*;
use crate::usage::{self, Used};
use crate::{login, mfa};

const TABLE: &str = "iam-credential-report";
/// Seconds that a report is good for: one is made every four hours at most.
const GOOD: i64 = 4 * 3600;
const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

#[derive(Serialize, Deserialize)]
struct Report {
    at: Timestamp,
    rows: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    /// Up to `mfa_active`.
    head: Vec<String>,
    keys: Vec<Key>,
}

#[derive(Serialize, Deserialize)]
struct Key {
    id: String,
    active: bool,
    created: Timestamp,
}

fn none() -> String {
    "N/A".to_owned()
}

/// `2026-11-23T19:13:15+00:00`.
fn date(at: Timestamp) -> String {
    at.to_rfc3339_seconds().replace('Z', "+00:00")
}

fn keys(tx: &Tx<'_>, user: Option<&String>) -> Vec<Key> {
    let own = tx.list_global::<AccessKey>().filter(|key| key.user.as_ref() == user);
    let shape = |key: &AccessKey| Key { id: key.id.clone(), active: key.active, created: key.created };
    let mut keys: Vec<Key> = own.map(shape).collect();
    keys.sort_by_key(|key| key.created);
    keys
}

fn root(tx: &Tx<'_>) -> Row {
    let account = tx.find_global::<Account>(tx.account.as_str());
    let unsupported = || "not_supported".to_owned();
    let head = vec![
        "<root_account>".to_owned(),
        model::ids::arn("iam", "", &tx.account, "root"),
        date(account.map_or(Timestamp(0), |account| account.joined)),
        unsupported(),
        "no_information".to_owned(),
        unsupported(),
        unsupported(),
        false.to_string(),
    ];
    Row { head, keys: keys(tx, None) }
}

fn row(tx: &Tx<'_>, user: &User) -> Row {
    let login = login::of_user(tx, &user.name);
    let changed = login.map(|login| login.changed);
    let expires = changed.and_then(|changed| rules(tx)?.expiry(changed));
    let head = vec![
        user.name.clone(),
        user.arn(),
        date(user.created),
        login.is_some().to_string(),
        // Nobody signs in to a console here.
        if login.is_some() { "no_information".to_owned() } else { none() },
        changed.map_or_else(none, date),
        expires.map_or_else(none, date),
        mfa::of_user(tx, &user.name).next().is_some().to_string(),
    ];
    Row { head, keys: keys(tx, Some(&user.name)) }
}

fn found(tx: &Tx<'_>) -> Result<Option<Report>, Fault> {
    tx.record_as(TABLE, tx.account.as_str().as_bytes())
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateCredentialReport.html>
pub(crate) fn generate_credential_report(
    tx: &mut Tx<'_>,
    _: model::Value,
) -> Result<GenerateCredentialReportResponse, Fault> {
    let state = |state: &str, description: Option<&str>| GenerateCredentialReportResponse {
        state: Some(state.to_owned()),
        description: description.map(str::to_owned),
    };
    if found(tx)?.is_some_and(|report| report.at.plus_seconds(GOOD) > tx.now) {
        return Ok(state("COMPLETE", None));
    }
    let mut rows = vec![root(tx)];
    rows.extend(tx.list_global::<User>().map(|user| row(tx, user)));
    let key = tx.account.to_string();
    tx.put_record_as(TABLE, key.as_bytes(), &Report { at: tx.now, rows })?;
    Ok(state("STARTED", Some("No report exists. Starting a new report generation task")))
}

fn key_columns(key: Option<&Key>, used: Option<&Used>) -> Vec<String> {
    vec![
        key.is_some_and(|key| key.active).to_string(),
        key.map_or_else(none, |key| date(key.created)),
        used.map_or_else(none, |used| date(used.at)),
        used.map_or_else(none, |used| used.region.clone()),
        used.map_or_else(none, |used| used.service.clone()),
    ]
}

/// The names of users may have commas in them.
fn cell(text: String) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetCredentialReport.html>
pub(crate) fn get_credential_report(
    tx: &mut Tx<'_>,
    _: model::Value,
) -> Result<GetCredentialReportResponse, Fault> {
    let missing = || {
        let message = "No report exists. Use GenerateCredentialReport to generate a new one";
        Fault::new("ReportNotPresent", 410, message)
    };
    let Report { at, rows } = found(tx)?.ok_or_else(missing)?;
    if at.plus_seconds(GOOD) <= tx.now {
        return Err(Fault::new(
            "ReportExpired",
            410,
            "The most recent credential report has expired. Use GenerateCredentialReport to generate a new one",
        ));
    }
    let all = || rows.iter().flat_map(|row| &row.keys);
    let since = all().map(|key| key.created).min().unwrap_or(at);
    let uses = usage::of_keys(tx, all().map(|key| key.id.clone()).collect(), since, at)?;
    let mut csv = COLUMNS.to_owned();
    for row in &rows {
        let mut columns = row.head.clone();
        for slot in 0..2 {
            let key = row.keys.get(slot);
            columns.extend(key_columns(key, key.and_then(|key| uses.get(&key.id))));
        }
        // There are no signing certificates.
        columns.extend(["false".to_owned(), none(), "false".to_owned(), none()]);
        csv.push('\n');
        let cells: Vec<String> = columns.into_iter().map(cell).collect();
        csv.push_str(&cells.join(","));
    }
    Ok(GetCredentialReportResponse {
        content: Some(Bytes::from(csv)),
        report_format: Some("text/csv".to_owned()),
        generated_time: Some(at),
    })
}
