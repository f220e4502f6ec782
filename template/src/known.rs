//! What AWS has, served here or not: the names of all resource types, and in each the names
//! of its properties and attributes, at any depth. Made by `cargo xtask known-types`.

static TYPES: &str = include_str!("../data/known.types");

/// A type that AWS has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    names: &'static str,
}

pub(crate) fn known(kind: &str) -> Option<Known> {
    TYPES.lines().find_map(|line| Some(Known { names: line.strip_prefix(kind)?.strip_prefix(' ')? }))
}

impl Known {
    /// Whether a property, or an attribute such as `Endpoint.Address`, bears this name somewhere in the type.
    pub(crate) fn has(self, name: &str) -> bool {
        self.names.split(' ').any(|n| n == name)
    }
}

/// Types that no schema of AWS's registry lists, but which are right all the same: custom
/// resources, modules, third parties' types, and what a transform makes into others.
pub(crate) fn foreign(kind: &str) -> bool {
    let parts: Vec<&str> = kind.split("::").collect();
    match parts.as_slice() {
        ["Custom", _]
        | ["AWS", "Serverless", _]
        | ["AWS", "CloudFormation", "CustomResource"]
        | [_, _, _, "MODULE"] => true,
        ["AWS", ..] | ["Alexa", ..] => false,
        [_, _, _] => true,
        _ => false,
    }
}
