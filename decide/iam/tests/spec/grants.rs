//! What the grants of a KMS key allow, beside its policy.

use std::collections::BTreeMap;

use serde_json::Value;

use super::words::strings;
use super::{Ask, names};

/// Whom the grants that apply name at best.
pub(super) fn granted(grants: &Value, ask: &Ask) -> Option<&'static str> {
    let map = |v: &Value| -> BTreeMap<String, String> { serde_json::from_value(v.clone()).unwrap() };
    let key = |name: &str| ask.keys.get(name).cloned().unwrap_or_default();
    let mut best = Vec::new();
    for grant in grants.as_array().into_iter().flatten() {
        let operations = strings(&grant["operations"]);
        let has = |action: &str| operations.iter().any(|o| o.eq_ignore_ascii_case(action));
        if grant["key"] != ask.resource || !has(&ask.action) {
            continue;
        }
        if grant["source"].as_str().is_some_and(|s| !key("aws:sourcearn").iter().any(|v| v == s)) {
            continue;
        }
        let making = ask.action == "kms:CreateGrant";
        let inside = |m: &Value| map(m).iter().all(|(k, v)| ask.encryption.get(k) == Some(v));
        let exact = |m: &Value| map(m) == ask.encryption;
        let described = ask.action == "kms:DescribeKey";
        let context = match (&grant["equals"], &grant["subset"]) {
            (Value::Null, Value::Null) => true,
            _ if described => true,
            (Value::Null, subset) => inside(subset),
            (equals, _) if making => {
                exact(equals) && key("kms:grantconstrainttype").iter().any(|t| t == "EncryptionContextEquals")
            }
            (equals, _) => exact(equals),
        };
        let asked = key("kms:grantoperations");
        let narrow = !making
            || (!asked.is_empty()
                && asked.iter().all(|o| has(&format!("kms:{o}")))
                && grant["source"].as_str().is_none_or(|s| key("kms:grantconstraintsourcearn") == [s]));
        if context && narrow {
            let named =
                serde_json::json!({ "Principal": { "AWS": grant["grantee"], "Service": grant["grantee"] } });
            best.extend(names(&named, ask, false));
        }
    }
    ["direct", "behind", "account"].into_iter().find(|to| best.contains(to))
}
