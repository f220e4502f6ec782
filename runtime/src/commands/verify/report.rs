//! The answer for people, for programs, for code scanning (SARIF) and for continuous integration (JUnit).

use prove::rights::{Allowed, Finding, Ground, Outcome, Spot};
use serde_json::{Map, Value as Json, json};

use crate::commands::cases::escaped;

/// A line of the answer.
pub(super) struct Row {
    pub(super) rule: &'static str,
    pub(super) outcome: Outcome,
    pub(super) subject: String,
    pub(super) message: String,
    pub(super) spot: Spot,
    pub(super) details: Vec<String>,
    /// The way through the files that shows it.
    pub(super) flow: Vec<(Spot, String)>,
    pub(super) requests: Vec<Allowed>,
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) file: String,
    pub(super) question: String,
    pub(super) rows: Vec<Row>,
    /// More for programs, and more for people.
    pub(super) facts: Map<String, Json>,
    pub(super) told: Vec<String>,
}

const RAISES: &str = "no user or role can raise its own rights";

/// What the rules say, for SARIF.
const RULES: &[(&str, &str)] = &[
    ("unguarded-path", super::paths::THEOREM),
    ("not-modelled", "what could open a path that is not followed"),
    ("escalation", RAISES),
    ("idle-grant", "a grant that never comes to anything"),
    ("new-access", "what a change allows that was not allowed before"),
    ("who-can", "who can do something to a resource"),
];

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Told => "note",
        Outcome::Warning => "warning",
        Outcome::Undecided => "undecided",
        Outcome::Violated => "violated",
    }
}

impl Row {
    pub(super) fn plain(rule: &'static str, outcome: Outcome, message: String, spot: Spot) -> Row {
        let (details, flow, requests) = (Vec::new(), Vec::new(), Vec::new());
        Row { rule, outcome, subject: String::new(), message, spot, details, flow, requests }
    }

    pub(super) fn of(finding: Finding) -> Row {
        let Finding { rule, outcome, subject, message, spot, requests } = finding;
        let mut details = Vec::new();
        let mut flow = Vec::new();
        for allowed in &requests {
            details.push(format!("request: {}", allowed.request));
            if allowed.because.is_empty() {
                details.push("  allowed: the root user needs no statement".to_owned());
            }
            details.extend(allowed.because.iter().map(|ground| format!("  allowed by {ground}")));
            let places = allowed.because.iter().filter_map(|g| Some((g.spot.clone()?, g)));
            flow.extend(places.map(|(spot, g)| (spot, format!("{}: {g}", allowed.request))));
        }
        Row { rule, outcome, subject, message, spot, details, flow, requests }
    }
}

impl Answer {
    pub(super) fn of(file: String, question: String, found: Vec<Finding>) -> Answer {
        let rows = found.into_iter().map(Row::of).collect();
        Answer { file, question, rows, ..Answer::default() }
    }

    /// Adds what was found about rights, of so many users and roles.
    pub(super) fn rights(&mut self, asked: usize, found: Vec<Finding>) {
        let of = |outcome: Outcome| found.iter().filter(|f| f.outcome == outcome).count();
        let (violated, undecided) = (of(Outcome::Violated), of(Outcome::Undecided));
        if violated + undecided == 0 {
            self.told.push(format!("{}: holds: {RAISES}", self.file));
        }
        self.told.push(format!(
            "{asked} users and roles without administrator rights, {violated} ways to raise rights, {undecided} undecided"
        ));
        let and = if self.question.is_empty() { "" } else { "; " };
        self.question.push_str(&format!("{and}{RAISES}"));
        self.facts.insert("principals".to_owned(), json!(asked));
        self.rows.extend(found.into_iter().map(Row::of));
    }

    pub(super) fn text(&self) {
        for row in self.rows.iter().filter(|row| row.rule != "not-modelled") {
            println!("{}: {}: {}", row.spot, word(row.outcome), row.message);
            row.details.iter().for_each(|line| println!("  {line}"));
        }
        self.told.iter().for_each(|line| println!("{line}"));
        if self.told.is_empty() {
            let count = |of: Outcome| self.rows.iter().filter(|row| row.outcome == of).count();
            let (violated, undecided) = (count(Outcome::Violated), count(Outcome::Undecided));
            let told = count(Outcome::Told);
            println!("{}: {told} found, {violated} violated, {undecided} undecided", self.question);
        }
        let lacks: Vec<String> = self
            .rows
            .iter()
            .filter(|row| row.rule == "not-modelled")
            .map(|row| format!("{} (line {})", row.message, row.spot.line))
            .collect();
        lacks.iter().for_each(|lack| println!("{lack}"));
    }

    pub(super) fn json(&self) -> Json {
        let mut answer = self.facts.clone();
        let any = |of: Outcome| self.rows.iter().any(|row| row.outcome == of);
        let holds = !any(Outcome::Violated) && !any(Outcome::Undecided);
        let found = self.rows.iter().filter(|row| row.rule != "not-modelled").map(finding);
        answer.insert("file".to_owned(), json!(self.file));
        answer.insert("question".to_owned(), json!(self.question));
        answer.insert("holds".to_owned(), json!(holds));
        answer.insert("findings".to_owned(), found.collect());
        Json::Object(answer)
    }

    /// SARIF 2.1.0; hops and statements are a code flow.
    pub(super) fn sarif(&self) -> Json {
        let step = |(spot, label): &(Spot, String)| {
            let mut location = place(spot);
            if let Some(fields) = location.as_object_mut() {
                fields.insert("message".to_owned(), json!({"text": label}));
            }
            json!({"location": location})
        };
        let result = |row: &Row| {
            let level = match row.outcome {
                Outcome::Violated => "error",
                Outcome::Undecided | Outcome::Warning => "warning",
                Outcome::Told => "note",
            };
            let text = std::iter::once(&row.message).chain(&row.details);
            let text = text.map(String::as_str).collect::<Vec<_>>().join(": ");
            let mut result = json!({
                "ruleId": row.rule,
                "level": level,
                "message": {"text": text},
                "locations": [place(&row.spot)],
            });
            // Only failures have a level.
            if let Some(fields) = result.as_object_mut() {
                if row.outcome == Outcome::Undecided {
                    fields.insert("level".to_owned(), json!("none"));
                }
                if !row.flow.is_empty() {
                    let steps: Vec<Json> = row.flow.iter().map(step).collect();
                    fields.insert("codeFlows".to_owned(), json!([{"threadFlows": [{"locations": steps}]}]));
                }
            }
            result
        };
        let rules = RULES.iter().map(|(id, text)| json!({"id": id, "shortDescription": {"text": text}}));
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "countersign",
                    "version": env!("CARGO_PKG_VERSION"),
                    "rules": rules.collect::<Vec<_>>(),
                }},
                "results": self.rows.iter().map(result).collect::<Vec<_>>(),
            }],
        })
    }

    /// A test case for each line, and one for the question where nothing stands against it.
    pub(super) fn junit(&self) -> String {
        let count = |of: Outcome| self.rows.iter().filter(|row| row.outcome == of).count();
        let rows: Vec<&Row> = self.rows.iter().filter(|row| row.rule != "not-modelled").collect();
        let mut xml = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"countersign verify\" tests=\"{}\" failures=\"{}\" errors=\"{}\">\n",
            rows.len().max(1),
            count(Outcome::Violated),
            count(Outcome::Undecided)
        );
        if rows.is_empty() {
            let (file, name) = (escaped(&self.file), escaped(&self.question));
            xml.push_str(&format!("  <testcase classname=\"{file}\" name=\"{name}\"/>\n"));
        }
        for row in rows {
            let (file, line) = (escaped(&row.spot.file), row.spot.line);
            let name = escaped(&format!("{}: {}", row.rule, row.message));
            let (message, details) = (escaped(&row.message), escaped(&row.details.join("\n")));
            let inside = match row.outcome {
                Outcome::Violated => format!("<failure message=\"{message}\">{details}</failure>"),
                Outcome::Undecided => format!("<error message=\"{message}\">{details}</error>"),
                Outcome::Told | Outcome::Warning => format!("<system-out>{details}</system-out>"),
            };
            xml.push_str(&format!(
                "  <testcase classname=\"{file}\" name=\"{name}\" file=\"{file}\" line=\"{line}\">{inside}</testcase>\n"
            ));
        }
        xml + "</testsuite>"
    }
}

fn place(spot: &Spot) -> Json {
    json!({"physicalLocation": {
        "artifactLocation": {"uri": spot.file},
        // SARIF counts from 1; what has no line stands at the beginning.
        "region": {"startLine": spot.line.max(1)},
    }})
}

fn finding(row: &Row) -> Json {
    json!({
        "rule": row.rule, "outcome": word(row.outcome), "subject": row.subject, "message": row.message,
        "file": row.spot.file, "line": row.spot.line,
        "requests": row.requests.iter().map(request).collect::<Vec<_>>(),
    })
}

fn request(allowed: &Allowed) -> Json {
    let ground = |ground: &Ground| {
        json!({
            "layer": ground.layer, "policy": ground.policy, "sid": ground.sid,
            "statement": ground.statement,
            "file": ground.spot.as_ref().map(|s| &s.file), "line": ground.spot.as_ref().map(|s| s.line),
        })
    };
    let request = &allowed.request;
    let context = request.keys.iter().map(|(key, values)| (key.clone(), json!(values)));
    json!({
        "principal": request.principal.arn, "action": request.action, "resource": request.resource,
        "context": context.collect::<Map<_, _>>(),
        "because": allowed.because.iter().map(ground).collect::<Vec<_>>(),
    })
}
