//! One element of a described list, and where it stands.

use model::AccountId;
use serde_json::Value as Json;

#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) file: &'a str,
    pub(super) list: &'a str,
    pub(super) at: usize,
    pub(super) json: &'a Json,
}

impl<'a> Item<'a> {
    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<String, String> {
        self.maybe(name).map(str::to_owned).ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn maybe(&self, name: &str) -> Option<&'a str> {
        self.json.get(name).and_then(Json::as_str)
    }

    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.json.get(name).and_then(Json::as_i64)
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        self.json.get(name).and_then(Json::as_bool)
    }

    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = Item<'a>> + use<'a> {
        let Item { file, list, at, json } = *self;
        json.get(name).and_then(Json::as_array).into_iter().flatten().map(move |json| Item {
            file,
            list,
            at,
            json,
        })
    }

    pub(super) fn inside(&self, name: &str) -> Option<Item<'a>> {
        self.json.get(name).map(|json| Item { json, ..*self })
    }

    /// The texts of one member of each element of a list.
    pub(super) fn each(&self, list: &str, name: &str) -> Vec<String> {
        self.list(list).filter_map(|i| i.maybe(name).map(str::to_owned)).collect()
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let all = self.json.get(name).and_then(Json::as_array).into_iter().flatten();
        all.filter_map(|v| v.as_str().map(str::to_owned)).collect()
    }

    pub(super) fn account(&self) -> AccountId {
        self.maybe("OwnerId").and_then(AccountId::parse).unwrap_or_else(AccountId::none)
    }

    pub(super) fn wrong(&self, name: &str, what: &str) -> String {
        format!("{}: {}[{}]: `{name}` {what}", self.file, self.list, self.at)
    }

    /// A block of addresses that must be one.
    pub(super) fn block(&self, name: &str) -> Result<String, String> {
        let text = self.text(name)?;
        match text.parse::<ipnet::IpNet>() {
            Ok(_) => Ok(text),
            Err(_) => Err(self.wrong(name, &format!("is no block of addresses: `{text}`"))),
        }
    }
}
