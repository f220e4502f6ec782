//! The parameters that can be set: those that PostgreSQL takes as they are and that give
//! nobody more than he has. Where files lie, what is loaded and how logins are proved is not among them.

use model::Fault;

use crate::fault::invalid;

pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// `boolean`, `integer`, `float`, `list`, or `zone`: the name of a time zone.
    pub(crate) kind: &'static str,
    /// It can change while the engine runs.
    pub(crate) dynamic: bool,
    /// `0,1`, `1-100`, or words.
    pub(crate) allowed: &'static str,
}

pub(crate) fn all() -> impl Iterator<Item = Known> {
    let lines = include_str!("../parameters.txt").lines().filter(|l| !l.starts_with('#'));
    lines.filter_map(|line| {
        let mut words = line.splitn(4, ' ');
        Some(Known {
            name: words.next()?,
            kind: words.next()?,
            dynamic: words.next()? == "dynamic",
            allowed: words.next().unwrap_or_default(),
        })
    })
}

pub(crate) fn find(name: &str) -> Result<Known, Fault> {
    let missing = || invalid(format!("Could not find parameter with name: {name}"));
    all().find(|p| p.name.eq_ignore_ascii_case(name)).ok_or_else(missing)
}

impl Known {
    pub(crate) fn data_type(&self) -> &'static str {
        if self.kind == "list" || self.kind == "zone" { "string" } else { self.kind }
    }

    pub(crate) fn check(&self, value: &str) -> Result<(), Fault> {
        let good = match self.kind {
            "boolean" => value == "0" || value == "1",
            "list" => self.allowed.split(',').any(|word| word == value),
            "zone" => {
                value.len() <= 64 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
            }
            "integer" => value.parse::<i64>().is_ok_and(|n| self.within(&n.to_string())),
            _ => value.parse::<f64>().is_ok_and(f64::is_finite) && self.within(value),
        };
        let wrong = || {
            invalid(format!(
                "Invalid parameter value: {value} for: {} allowed values are: {}",
                self.name, self.allowed
            ))
        };
        if good { Ok(()) } else { Err(wrong()) }
    }

    fn within(&self, value: &str) -> bool {
        // The first number may be negative.
        let at = self.allowed.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(at, _)| at);
        let bounds = at.and_then(|at| Some((self.allowed.get(..at)?, self.allowed.get(at + 1..)?)));
        let Some((low, high)) = bounds else { return false };
        let (Ok(low), Ok(high), Ok(value)) = (low.parse::<f64>(), high.parse::<f64>(), value.parse::<f64>())
        else {
            return false;
        };
        (low..=high).contains(&value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked() {
        for (name, value, good) in [
            ("rds.force_ssl", "1", true),
            ("rds.force_ssl", "on", false),
            ("work_mem", "4096", true),
            ("work_mem", "63", false),
            ("work_mem", "4096; x", false),
            ("temp_file_limit", "-1", true),
            ("temp_file_limit", "-2", false),
            ("random_page_cost", "1.1", true),
            ("random_page_cost", "nan", false),
            ("log_statement", "ddl", true),
            ("log_statement", "ddl'", false),
            ("timezone", "Europe/Berlin", true),
            ("timezone", "x'y", false),
        ] {
            assert_eq!(find(name).unwrap().check(value).is_ok(), good, "{name}={value}");
        }
        for name in ["archive_command", "shared_preload_libraries", "hba_file", "ssl", "listen_addresses"] {
            assert!(find(name).is_err(), "{name}");
        }
        assert!(all().all(|p| p.kind == "zone" || !p.allowed.is_empty()));
    }
}
