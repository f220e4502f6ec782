//! One way to describe: ids, filters and pages, by a table of each kind.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Fault, Members, Node, Tags, Tx, Value};

use crate::{fault, kind};

/// The values of a resource that a filter looks at.
pub(crate) type Values<N> = fn(&Tx<'_>, &N) -> Vec<String>;

/// What a `Describe` operation needs to know of its kind.
pub(crate) struct Listing<N: 'static> {
    /// The id prefix, see [`kind`].
    pub(crate) prefix: &'static str,
    /// The member of the input that holds ids.
    pub(crate) ids: &'static str,
    /// The member of the output that holds what was found.
    pub(crate) shown: &'static str,
    pub(crate) all: fn(&Tx<'_>) -> Vec<N>,
    pub(crate) filters: &'static [(&'static str, Values<N>)],
    pub(crate) show: fn(&Tx<'_>, &N) -> Value,
}

/// What can be listed.
pub(crate) trait Listed {
    fn id(&self) -> &str;
    fn tags(&self) -> Option<&Tags>;
}

impl<N: Node> Listed for N {
    fn id(&self) -> &str {
        self.local_id()
    }
    fn tags(&self) -> Option<&Tags> {
        Some(Node::tags(self))
    }
}

/// Everything of a kind in this account and region.
pub(crate) fn own<N: Node>(tx: &Tx<'_>) -> Vec<N> {
    tx.list::<N>().cloned().collect()
}

pub(crate) fn one(value: &str) -> Vec<String> {
    vec![value.to_owned()]
}

pub(crate) fn some(value: Option<&String>) -> Vec<String> {
    value.cloned().into_iter().collect()
}

impl<N: Listed> Listing<N> {
    pub(crate) fn answer(&self, tx: &mut Tx<'_>, input: &Value) -> Result<Value, Fault> {
        let found = (self.all)(tx);
        self.among(tx, input, found)
    }

    /// The same among these only.
    pub(crate) fn among(&self, tx: &Tx<'_>, input: &Value, mut found: Vec<N>) -> Result<Value, Fault> {
        let ids = strings(input, self.ids);
        if let Some(unknown) = ids.iter().find(|id| found.iter().all(|n| n.id() != **id)) {
            return Err(kind::missing(self.prefix, unknown));
        }
        if !ids.is_empty() {
            found.retain(|n| ids.iter().any(|id| id == n.id()));
        }
        for filter in filters(input)? {
            self.apply(tx, &filter, &mut found)?;
        }
        let (page, next) = page(found, input)?;
        let mut output = Members::default();
        output.push(self.shown, Value::List(page.iter().map(|n| (self.show)(tx, n)).collect()));
        output.push_some("NextToken", next);
        Ok(Value::Map(output))
    }

    fn apply(&self, tx: &Tx<'_>, filter: &Filter, found: &mut Vec<N>) -> Result<(), Fault> {
        let of_tags = |n: &N| match (filter.name.as_str(), n.tags()) {
            (_, None) => None,
            ("tag-key", Some(tags)) => Some(tags.keys().cloned().collect()),
            ("tag-value", Some(tags)) => Some(tags.values().cloned().collect()),
            (name, Some(tags)) => name.strip_prefix("tag:").map(|key| some(tags.get(key))),
        };
        if filter.name == "tag-key" || filter.name == "tag-value" || filter.name.starts_with("tag:") {
            found.retain(|n| of_tags(n).is_some_and(|values: Vec<String>| filter.fits(&values)));
            return Ok(());
        }
        let known = self.filters.iter().find(|(name, _)| *name == filter.name);
        let (_, values) = known.ok_or_else(|| unknown(&filter.name))?;
        found.retain(|n| filter.fits(&values(tx, n)));
        Ok(())
    }
}

pub(crate) fn unknown(name: &str) -> Fault {
    fault::value(format!("The filter '{name}' is invalid"))
}

/// A text list of the input; nothing where it is absent.
pub(crate) fn strings(input: &Value, member: &str) -> Vec<String> {
    let list = input.get(member).and_then(Value::as_list).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) struct Filter {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl Filter {
    /// Any value of the filter may fit any value of the resource.
    pub(crate) fn fits(&self, actual: &[String]) -> bool {
        self.values.iter().any(|pattern| actual.iter().any(|text| wild(pattern, text)))
    }
}

/// The filters of a request, under either of the names that the API has for them.
pub(crate) fn filters(input: &Value) -> Result<Vec<Filter>, Fault> {
    let given = input.get("Filters").or_else(|| input.get("Filter")).and_then(Value::as_list);
    let mut filters = Vec::new();
    for filter in given.unwrap_or_default() {
        let name = filter.text("Name").ok_or_else(|| fault::absent("Filter.Name"))?.to_owned();
        let values = strings(filter, "Values");
        if values.is_empty() {
            return Err(fault::value("The filter 'null' is invalid"));
        }
        filters.push(Filter { name, values });
    }
    match filters.iter().map(|f| f.values.len()).sum::<usize>() > 200 {
        true => Err(Fault::client("FilterLimitExceeded", "The maximum number of filter values is 200.")),
        false => Ok(filters),
    }
}

/// `*` stands for any text, `?` for any character, and a backslash takes the meaning from either.
pub(crate) fn wild(pattern: &str, text: &str) -> bool {
    enum Part {
        Any,
        One,
        Exactly(char),
    }
    let mut parts = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Exactly(chars.next().unwrap_or('\\')),
            c => Part::Exactly(c),
        });
    }
    // The places in the pattern that the text so far may have reached.
    let close = |mut at: std::collections::BTreeSet<usize>| {
        let mut next: Vec<usize> = at.iter().copied().collect();
        while let Some(i) = next.pop() {
            if matches!(parts.get(i), Some(Part::Any)) && at.insert(i + 1) {
                next.push(i + 1);
            }
        }
        at
    };
    let mut at = close([0].into());
    for c in text.chars() {
        let step = |i: usize| match parts.get(i) {
            Some(Part::Any) => Some(i),
            Some(Part::One) => Some(i + 1),
            Some(Part::Exactly(x)) if *x == c => Some(i + 1),
            _ => None,
        };
        at = close(at.iter().filter_map(|i| step(*i)).collect());
    }
    at.contains(&parts.len())
}

/// A page in order of ids; the token holds the last one shown.
pub(crate) fn page<N: Listed>(mut found: Vec<N>, input: &Value) -> Result<(Vec<N>, Option<String>), Fault> {
    found.sort_by(|a, b| a.id().cmp(b.id()));
    if let Some(token) = input.text("NextToken").filter(|t| !t.is_empty()) {
        let invalid = || Fault::client("InvalidNextToken", "The specified NextToken is not valid.");
        let last = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
        let last = String::from_utf8(last).map_err(|_| invalid())?;
        found.retain(|n| n.id() > last.as_str());
    }
    let limit = input.get("MaxResults").and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok());
    let Some(limit) = limit.filter(|l| *l > 0 && *l < found.len()) else { return Ok((found, None)) };
    found.truncate(limit);
    let next = found.last().map(|n| URL_SAFE_NO_PAD.encode(n.id()));
    Ok((found, next))
}

#[cfg(test)]
mod tests {
    use super::wild;

    #[test]
    fn wildcards() {
        let cases = [
            ("web", "web", true),
            ("web", "webs", false),
            ("w*b", "web", true),
            ("w*b", "wb", true),
            ("*", "", true),
            ("?", "", false),
            ("10.0.?.0/24", "10.0.7.0/24", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(wild(pattern, text), fits, "{pattern} {text}");
        }
    }
}
