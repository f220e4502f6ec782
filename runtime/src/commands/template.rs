//! `countersign template check`: what is wrong with a template, and what is right in AWS but not served here.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use template::{Problem, ProblemKind, Types};

#[derive(Subcommand)]
pub(crate) enum Template {
    /// Parses and checks templates without deploying them
    Check(Check),
}

#[derive(Args)]
pub(crate) struct Check {
    /// CloudFormation templates, YAML or JSON
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Fail, too, where AWS takes what this runtime does not serve
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

/// One file with its problems.
struct Checked {
    file: String,
    problems: Vec<Problem>,
}

impl Template {
    pub(crate) fn run(self) -> Result<(), String> {
        let Template::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(&self) -> Result<(), String> {
        let mut types = Types::default();
        for service in services::all() {
            types.read(service.types).map_err(|e| format!("the types of `{}`: {e}", service.name))?;
        }
        let mut all = Vec::new();
        for path in &self.files {
            let file = path.display().to_string();
            let bytes = std::fs::read(path).map_err(|e| format!("`{file}`: {e}"))?;
            let problems = match std::str::from_utf8(&bytes) {
                Ok(text) => template::inspect(text, &types),
                Err(_) => return Err(format!("`{file}` is not UTF-8")),
            };
            all.push(Checked { file, problems });
        }
        match self.output {
            Format::Text => all.iter().for_each(text),
            Format::Json => println!("{}", Json::Array(all.iter().map(json).collect())),
            Format::Sarif => println!("{}", sarif(&all)),
        }
        let problems = || all.iter().flat_map(|c| &c.problems);
        let wrong = problems().filter(|p| p.kind == ProblemKind::Wrong).count();
        let unserved = problems().count() - wrong;
        match (wrong, self.strict && unserved > 0) {
            (0, false) => Ok(()),
            (0, true) => Err(format!("{unserved} things are not served by this runtime")),
            _ => Err(format!("{wrong} problems found")),
        }
    }
}

fn word(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Wrong => "wrong",
        ProblemKind::NotServed => "not-served",
    }
}

fn text(checked: &Checked) {
    if checked.problems.is_empty() {
        println!("{}: ok", checked.file);
    }
    for p in &checked.problems {
        println!("{}:{}:{}: {}: {}", checked.file, p.place.line, p.place.column, word(p.kind), p.message);
    }
}

fn json(checked: &Checked) -> Json {
    let problems = checked.problems.iter().map(|p| {
        json!({"kind": word(p.kind), "message": p.message, "line": p.place.line, "column": p.place.column})
    });
    let wrong = checked.problems.iter().any(|p| p.kind == ProblemKind::Wrong);
    json!({
        "file": checked.file,
        "valid": !wrong,
        "served": checked.problems.is_empty(),
        "problems": problems.collect::<Vec<_>>(),
    })
}

/// SARIF 2.1.0.
fn sarif(all: &[Checked]) -> Json {
    let rule = |id: &str, text: &str| json!({"id": id, "shortDescription": {"text": text}});
    let results = all.iter().flat_map(|checked| {
        checked.problems.iter().map(|p| {
            let level = if p.kind == ProblemKind::Wrong { "error" } else { "note" };
            json!({
                "ruleId": word(p.kind),
                "level": level,
                "message": {"text": p.message},
                "locations": [{"physicalLocation": {
                    "artifactLocation": {"uri": checked.file},
                    // SARIF counts from 1, too; a problem of the whole file stands at its beginning.
                    "region": {"startLine": p.place.line.max(1), "startColumn": p.place.column.max(1)},
                }}],
            })
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "countersign",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule("wrong", "AWS would refuse this, too"),
                    rule("not-served", "right in AWS, not served by this runtime"),
                ],
            }},
            "results": results.collect::<Vec<_>>(),
        }],
    })
}
