//! The filter pattern language: terms, JSON and space-delimited events.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

mod condition;
mod json;
mod scan;
mod spaced;
mod terms;

use std::collections::BTreeMap;

use model::Fault;

use crate::group::invalid;

pub(crate) enum Pattern {
    Everything,
    Terms(terms::Terms),
    Json(json::Selection),
    Spaced(spaced::Fields),
}

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Pattern, Fault> {
        let text = text.trim();
        let parsed = match text.chars().next() {
            None => Some(Pattern::Everything),
            Some('{') => json::parse(text).map(Pattern::Json),
            Some('[') => spaced::parse(text).map(Pattern::Spaced),
            Some(_) => terms::parse(text).map(Pattern::Terms),
        };
        parsed.ok_or_else(|| invalid("Invalid filter pattern"))
    }

    pub(crate) fn matches(&self, message: &str) -> bool {
        match self {
            Pattern::Everything => true,
            Pattern::Terms(terms) => terms.matches(message),
            Pattern::Json(selection) => selection.matches(message),
            Pattern::Spaced(fields) => fields.matches(message),
        }
    }

    /// What the pattern names in a message that it matches: `$.field`, `$name`.
    pub(crate) fn extracted(&self, message: &str) -> BTreeMap<String, String> {
        match self {
            Pattern::Everything | Pattern::Terms(_) => BTreeMap::new(),
            Pattern::Json(selection) => selection.extracted(message),
            Pattern::Spaced(fields) => fields.extracted(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    /// Which of the messages a pattern matches, by their letters.
    fn check(pattern: &str, messages: &[&str], expected: &str) {
        let parsed = Pattern::parse(pattern).unwrap_or_else(|_| panic!("`{pattern}` is refused"));
        let hits: String =
            messages.iter().zip('a'..).filter(|(m, _)| parsed.matches(m)).map(|(_, c)| c).collect();
        assert_eq!(hits, expected, "{pattern}");
    }

    #[test]
    fn terms() {
        let lines = [
            "[ERROR 400] BAD REQUEST",
            "[ERROR 401] UNAUTHORIZED REQUEST",
            "[WARN] error",
            "INTERNAL SERVER ERROR",
        ];
        for (pattern, expected) in [
            ("", "abcd"),
            ("ERROR", "abd"),
            ("ERROR REQUEST", "ab"),
            ("\"SERVER ERROR\"", "d"),
            ("ERROR -REQUEST", "d"),
            ("ERROR -\"BAD REQUEST\"", "bd"),
            ("?WARN ?SERVER", "cd"),
            ("?\"BAD REQUEST\" ?WARN", "ac"),
            // An optional term beside others is ignored.
            ("?WARN ERROR", "abd"),
            ("-ERROR", "c"),
            ("%40[01]%", "ab"),
            ("%^\\[WARN%", "c"),
        ] {
            check(pattern, &lines, expected);
        }
    }

    #[test]
    fn json() {
        let events = [
            r#"{"eventType":"UpdateTrail","sourceIPAddress":"111.111.111.111","arrayKey":["value","another"],"n":5,"objectList":[{"name":"a","id":1},{"name":"b","id":2}],"flag":true,"nothing":null,"a.b":"dot"}"#,
            r#"{"eventType":"DeleteTrail","sourceIPAddress":"123.123.1.2","n":"7","objectList":[{"name":"c"}],"flag":false}"#,
            "no json",
        ];
        for (pattern, expected) in [
            (r#"{ $.eventType = "UpdateTrail" }"#, "a"),
            (r#"{ $.eventType = "*Trail" }"#, "ab"),
            (r#"{ $.eventType = UpdateTrail }"#, "a"),
            ("{ $.sourceIPAddress != 123.123.* }", "a"),
            (r#"{ $.arrayKey[0] = "value" }"#, "a"),
            (r#"{ $.objectList[*].id = 2 }"#, "a"),
            (r#"{ $.objectList[1].id = 2 }"#, "a"),
            (r#"{ $.eventType = %Trail$% }"#, "ab"),
            ("{ $.n > 4 }", "ab"),
            ("{ $.n >= 5 && $.n < 6 }", "a"),
            ("{ $.n = 5e0 }", "a"),
            ("{ $.flag IS TRUE }", "a"),
            ("{ $.flag IS FALSE }", "b"),
            ("{ $.nothing IS NULL }", "a"),
            ("{ $.nothing NOT EXISTS }", "b"),
            (r#"{ $.['a.b'] = "dot" }"#, "a"),
            (r#"{ ($.n = 5) && ($.eventType = "x" || $.flag IS TRUE) }"#, "a"),
            // `&&` binds more strongly than `||`.
            (r#"{ $.n = 7 || $.n = 5 && $.flag IS FALSE }"#, "b"),
            (r#"{ $.gone != "x" }"#, ""),
        ] {
            check(pattern, &events, expected);
        }
    }

    #[test]
    fn spaced() {
        let lines = [
            r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534"#,
            r#"127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /a.gif HTTP/1.0" 200 80"#,
            "short line",
        ];
        for (pattern, expected) in [
            ("[ip, server, username, timestamp, request, status_code, bytes > 1000]", "a"),
            ("[ip, server, username, timestamp, request = *html*, status_code = 4*, bytes]", "a"),
            (
                "[ip, server, username, timestamp, request, status_code = 404 || status_code = 200, bytes]",
                "ab",
            ),
            ("[..., request = %gif%, status_code, bytes]", "b"),
            ("[ip = \"127.0.0.1\", ...]", "ab"),
            ("[w1, w2]", "c"),
            ("[ip, ..., status_code != 200 && status_code > 100, bytes]", "a"),
        ] {
            check(pattern, &lines, expected);
        }
        let pattern = Pattern::parse("[ip, ..., status, bytes]").unwrap();
        assert_eq!(pattern.extracted(lines[0])["$status"], "404");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in [
            "{ $.a = }",
            "{ $.a }",
            "{ $.a = 1",
            "{ a = 1 }",
            "{ $.a = 1 && }",
            "[a, b",
            "[..., a, ...]",
            "\"open",
            "%(sub)%",
            "%open",
            "{ $.a = \"x\" } rest",
            "{ $.a == 1 }",
            "foo!bar",
            "[a > ]",
        ] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
