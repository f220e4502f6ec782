//! The results, for people, for programs, and for continuous integration.

use serde_json::{Value as Json, json};

use super::{Decided, Tested};

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Could not be read or decided.
    pub(crate) unread: usize,
}

impl Counts {
    pub(crate) fn of(results: &[Tested]) -> Counts {
        let mut counts = Counts::default();
        for tested in results {
            match &tested.result {
                Ok(decided) if passes(decided) => counts.passed += 1,
                Ok(_) => counts.failed += 1,
                Err(_) => counts.unread += 1,
            }
        }
        counts
    }
}

fn passes(decided: &Decided) -> bool {
    decided.expect == decided.outcome
}

fn complaint(decided: &Decided) -> String {
    format!("expected {}, decided {}", decided.expect, decided.outcome)
}

pub(crate) fn text(results: &[Tested]) {
    for tested in results {
        let place = format!("{}:{}: case `{}`", tested.file, tested.line, tested.id);
        match &tested.result {
            Ok(decided) if passes(decided) => {}
            Ok(decided) => {
                println!("{place}: {}", complaint(decided));
                decided.explanation.iter().flat_map(|e| e.lines()).for_each(|line| println!("    {line}"));
            }
            Err(why) => println!("{place}: error: {why}"),
        }
    }
    let Counts { passed, failed, unread } = Counts::of(results);
    println!("{} cases: {passed} passed, {failed} failed, {unread} not decided", results.len());
}

pub(crate) fn json(results: &[Tested]) -> Json {
    let Counts { passed, failed, unread } = Counts::of(results);
    let each = results.iter().map(|tested| match &tested.result {
        Ok(decided) => json!({
            "id": tested.id, "file": tested.file, "line": tested.line, "pass": passes(decided),
            "expect": decided.expect, "outcome": decided.outcome,
            "explanation": decided.explanation,
        }),
        Err(why) => json!({
            "id": tested.id, "file": tested.file, "line": tested.line, "pass": false, "error": why,
        }),
    });
    let each: Vec<Json> = each.collect();
    json!({"cases": results.len(), "passed": passed, "failed": failed, "errors": unread, "results": each})
}

/// JUnit's XML, a test case each.
pub(crate) fn junit(suite: &str, results: &[Tested]) -> String {
    let Counts { failed, unread, .. } = Counts::of(results);
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"{suite}\" tests=\"{}\" failures=\"{failed}\" errors=\"{unread}\">\n",
        results.len()
    );
    for tested in results {
        let case = format!(
            "<testcase classname=\"{}\" name=\"{}\" file=\"{0}\" line=\"{}\"",
            escaped(&tested.file),
            escaped(&tested.id),
            tested.line
        );
        let inside = match &tested.result {
            Ok(decided) if passes(decided) => {
                xml.push_str(&format!("  {case}/>\n"));
                continue;
            }
            Ok(decided) => {
                let explanation = decided.explanation.as_deref().unwrap_or_default();
                format!(
                    "<failure message=\"{}\">{}</failure>",
                    escaped(&complaint(decided)),
                    escaped(explanation)
                )
            }
            Err(why) => format!("<error message=\"{}\"/>", escaped(why)),
        };
        xml.push_str(&format!("  {case}>{inside}</testcase>\n"));
    }
    xml + "</testsuite>"
}

/// Text as XML carries it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no place for the others, not even escaped.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
