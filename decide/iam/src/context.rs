//! What is known about a request: condition keys and their values.
//!
//! Key names are case-insensitive, also behind the `/` of tag keys, as in AWS's
//! "Condition": the key name is not case-sensitive. Values are text; the operator
//! decides how to read them. Lookup compares hashes of folded names first.

use std::sync::Arc;

/// The name of a condition key, folded for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As written.
    pub name: Box<str>,
    hash: u64,
}

impl Key {
    pub fn new(name: &str) -> Key {
        Key { name: name.into(), hash: fold(name) }
    }
}

/// FNV-1a over the name in lower case.
fn fold(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Many(values) => values,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    key: Key,
    values: Values,
}

/// The condition keys of one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// What holds where nothing is set here.
    base: Option<Arc<Context>>,
    entries: Vec<Entry>,
}

impl Context {
    pub fn new() -> Context {
        Context::default()
    }

    /// A context that has the keys of another until it sets its own.
    pub fn over(base: Arc<Context>) -> Context {
        Context { base: Some(base), entries: Vec::new() }
    }

    /// This context, with others' keys where it sets none of its own.
    pub fn under(mut self, base: Context) -> Context {
        self.base = Some(Arc::new(base));
        self
    }

    /// Sets a key with one value, in place of what it had.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        self.put(key, Values::One(value.into()));
    }

    /// Sets a key with any number of values, in place of what it had. No value at all is
    /// the same as an absent key.
    pub fn set_all(&mut self, key: &str, values: Vec<String>) {
        self.put(key, Values::Many(values));
    }

    fn put(&mut self, name: &str, values: Values) {
        let key = Key::new(name);
        match self
            .entries
            .iter_mut()
            .find(|e| e.key.hash == key.hash && e.key.name.eq_ignore_ascii_case(name))
        {
            Some(entry) => entry.values = values,
            None => self.entries.push(Entry { key, values }),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.set_all(name, Vec::new());
    }

    /// Every key that has values, with them.
    pub(crate) fn present(&self) -> Vec<(&str, &[String])> {
        let mut present: Vec<(&str, &[String])> = Vec::new();
        let (mut level, mut seen) = (Some(self), Vec::new());
        while let Some(context) = level {
            for entry in &context.entries {
                if !seen.iter().any(|k: &&Key| k.name.eq_ignore_ascii_case(&entry.key.name)) {
                    seen.push(&entry.key);
                    present.push((&entry.key.name, entry.values.as_slice()));
                }
            }
            level = context.base.as_deref();
        }
        present.retain(|(_, values)| !values.is_empty());
        present
    }

    /// The values of a key; empty when the key is absent.
    pub fn get(&self, key: &Key) -> &[String] {
        let same = |e: &&Entry| e.key.hash == key.hash && e.key.name.eq_ignore_ascii_case(&key.name);
        match (self.entries.iter().find(same), &self.base) {
            (Some(entry), _) => entry.values.as_slice(),
            (None, Some(base)) => base.get(key),
            (None, None) => &[],
        }
    }
}

impl<'a> FromIterator<(&'a str, Vec<String>)> for Context {
    fn from_iter<T: IntoIterator<Item = (&'a str, Vec<String>)>>(pairs: T) -> Context {
        let mut context = Context::default();
        for (key, values) in pairs {
            context.set_all(key, values);
        }
        context
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fold_and_later_values_win() {
        let mut context = Context::new();
        context.set("aws:PrincipalTag/Team", "red");
        context.set_all("AWS:principaltag/TEAM", vec!["blue".into()]);
        context.set_all("aws:TagKeys", vec![]);
        assert_eq!(context.get(&Key::new("aws:principalTag/team")), ["blue"]);
        assert!(context.get(&Key::new("aws:TagKeys")).is_empty());
        assert!(context.get(&Key::new("aws:username")).is_empty());
        let mut above = Context::over(Arc::new(context.clone()));
        assert_eq!(above.get(&Key::new("aws:principalTag/team")), ["blue"]);
        above.set("aws:PrincipalTag/Team", "green");
        assert_eq!(above.get(&Key::new("aws:principalTag/team")), ["green"]);
        above.remove("aws:PrincipalTag/Team");
        assert!(above.get(&Key::new("aws:principalTag/team")).is_empty());
        context.remove("AWS:PRINCIPALTAG/team");
        assert!(context.get(&Key::new("aws:PrincipalTag/Team")).is_empty());
    }
}
