//! The names that a certificate may be asked for.

use model::Fault;

use crate::fault::invalid;

/// The first name is the subject's common name, which X.509 limits.
const COMMON_NAME: usize = 64;

/// The names of a request: its domain first, in lower case, each once.
pub(crate) fn all(domain: &str, more: &[String]) -> Result<Vec<String>, Fault> {
    if domain.len() > COMMON_NAME {
        return Err(invalid(format!(
            "The first domain name can have a maximum of {COMMON_NAME} characters."
        )));
    }
    let mut names: Vec<String> = Vec::with_capacity(more.len() + 1);
    for name in std::iter::once(domain).chain(more.iter().map(String::as_str)) {
        let name = name.to_ascii_lowercase();
        check(&name)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// The API model's pattern has been checked; what it cannot say is checked here.
fn check(name: &str) -> Result<(), Fault> {
    let plain = name.strip_prefix("*.").unwrap_or(name);
    // "if a domain name has hyphens in its third and fourth characters, it must begin with `xn--`":
    // internationalized names are taken only in Punycode.
    let disguised = |label: &str| label.get(2..4) == Some("--") && !label.starts_with("xn--");
    if !name.is_ascii() || plain.contains('*') || plain.split('.').any(disguised) {
        return Err(invalid(format!(
            "The domain name {name} is not valid; use Punycode for international names."
        )));
    }
    if plain.split('.').count() < 2 || plain.split('.').any(|l| l.is_empty() || l.len() > 63) {
        return Err(invalid(format!("The domain name {name} is not a fully qualified domain name.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let cases = [
            ("example.com", true),
            ("*.example.com", true),
            ("xn--bcher-kva.example", true),
            ("ab--cd.example.com", false),
            ("bücher.example", false),
            ("a.*.example.com", false),
            ("localhost", false),
            ("a..com", false),
        ];
        for (name, good) in cases {
            assert_eq!(all(name, &[]).is_ok(), good, "{name}");
        }
        assert!(all(&format!("{}.example.com", "a".repeat(60)), &[]).is_err());
        assert_eq!(all("A.com", &["a.com".into(), "b.com".into()]).unwrap(), ["a.com", "b.com"]);
    }
}
