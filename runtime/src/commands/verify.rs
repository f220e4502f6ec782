//! `countersign verify`: shows that every path from the internet to a database passes a WAF and an
//! authorizer, or prints the paths that do not. Reads a template, or with `--data` the estate as it is
//! at this moment; runs nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use prove::{Estate, Graph, Lack, Path, Point, Verdict};
use serde_json::{Value as Json, json};

use super::Ready;
use super::down::held;
use super::outbox::page;
use crate::deploy::Template;
use crate::living;

const THEOREM: &str = "every path from the internet to a database passes a WAF and an authorizer";

#[derive(Args)]
pub(crate) struct Verify {
    /// A CloudFormation template, YAML or JSON; without it the shop that ships with the program
    #[arg(conflicts_with = "data")]
    template: Option<PathBuf>,
    /// The data folder of an estate to look at instead of a template, whether it runs or not
    #[arg(long)]
    data: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// A template parameter, NAME=VALUE; those not given have their defaults
    #[arg(long = "parameter", value_parser = pair)]
    parameters: Vec<(String, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A template with what was found in it.
struct Verified {
    file: String,
    verdict: Verdict,
    lacks: Vec<Lack>,
}

impl Verify {
    /// 0 when the theorem holds, 1 when it is violated, 2 when that could not be decided.
    pub(crate) fn run(self) -> ExitCode {
        let verified = match self.verified() {
            Ok(verified) => verified,
            Err(message) => {
                eprintln!("countersign: {message}");
                return ExitCode::from(2);
            }
        };
        match self.output {
            Format::Text => text(&verified),
            Format::Json => println!("{}", json(&verified)),
            Format::Sarif => println!("{}", sarif(&verified)),
        }
        match verified.verdict.violations.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }

    fn verified(&self) -> Result<Verified, String> {
        if let Some(data) = &self.data {
            let estate = living_estate(data)?;
            let verdict = prove::verify(&Graph::of(&estate));
            let file = data.display().to_string();
            return Ok(Verified { file, verdict, lacks: estate.not_modelled() });
        }
        let Template { file, text, .. } = match &self.template {
            None => Template::shop(),
            Some(path) => Template::read(path)?,
        };
        let parameters: BTreeMap<String, String> = self.parameters.iter().cloned().collect();
        let estate = Estate::read(&text, &parameters).map_err(|p| format!("`{file}`: {p}"))?;
        let verdict = prove::verify(&Graph::of(&estate));
        Ok(Verified { file, verdict, lacks: estate.not_modelled() })
    }
}

/// The estate of a data folder: asked of the runtime that holds it, else opened.
fn living_estate(data: &std::path::Path) -> Result<Estate, String> {
    if held(data) {
        return living::read(&page(data, &Ready::read(data)?, "/_countersign/estate")?);
    }
    // Opening makes what is missing; nothing is to be made here.
    if !data.join("lock").exists() {
        return Err(format!("`{}` is no data folder", data.display()));
    }
    let opening =
        estate::Opening { data, settings: model::tx::Settings::default(), services: services::all() };
    let opened = estate::Estate::open(opening).map_err(|f| f.message)?;
    Ok(living::estate(&opened.snapshot()))
}

/// Where to look for a violation.
fn line(path: &Path) -> u32 {
    path.culprit().and_then(|p| p.line).unwrap_or(1)
}

fn text(verified: &Verified) {
    let Verified { file, verdict, lacks } = verified;
    for path in &verdict.violations {
        println!("{file}:{}: violated: {}", line(path), path.complaint());
        println!("  {path}");
    }
    if verdict.violations.is_empty() {
        println!("{file}: holds: {THEOREM}");
        verdict.guarded.iter().for_each(|path| println!("  {path}"));
    }
    let (violations, guarded) = (verdict.violations.len(), verdict.guarded.len());
    println!(
        "{} databases, {} doors, {violations} unguarded paths, {guarded} guarded paths",
        verdict.databases, verdict.doors
    );
    if !lacks.is_empty() {
        let names = lacks.iter().map(|l| format!("{} (line {}: {})", l.name, l.line, l.why));
        println!("not modelled: {}", names.collect::<Vec<_>>().join(", "));
    }
}

fn json(verified: &Verified) -> Json {
    let Verified { file, verdict, lacks } = verified;
    let lacks = lacks.iter().map(|l| json!({"name": l.name, "line": l.line, "why": l.why}));
    json!({
        "file": file,
        "theorem": THEOREM,
        "holds": verdict.violations.is_empty(),
        "databases": verdict.databases,
        "doors": verdict.doors,
        "violations": verdict.violations.iter().map(path).collect::<Vec<_>>(),
        "guarded": verdict.guarded.iter().map(path).collect::<Vec<_>>(),
        "notModelled": lacks.collect::<Vec<_>>(),
    })
}

fn path(path: &Path) -> Json {
    let hop = |point: &Point| {
        let guards = point.guards.iter().map(|(guard, name)| (guard.name().to_owned(), json!(name)));
        json!({
            "name": point.label,
            "line": point.line,
            "guards": guards.collect::<serde_json::Map<_, _>>(),
        })
    };
    json!({
        "database": path.database,
        "missing": path.missing.iter().map(|g| g.name()).collect::<Vec<_>>(),
        "line": line(path),
        "path": path.to_string(),
        "hops": path.points.iter().map(hop).collect::<Vec<_>>(),
    })
}

/// SARIF 2.1.0; the hops are a code flow.
fn sarif(verified: &Verified) -> Json {
    let place = |line: u32| {
        json!({"physicalLocation": {
            "artifactLocation": {"uri": verified.file},
            "region": {"startLine": line.max(1)},
        }})
    };
    let step = |point: &Point| {
        let mut location = place(point.line.unwrap_or(1));
        if let Some(fields) = location.as_object_mut() {
            fields.insert("message".to_owned(), json!({"text": point.label}));
        }
        json!({"location": location})
    };
    let violations = verified.verdict.violations.iter().map(|path| {
        let steps: Vec<Json> = path.points.iter().map(step).collect();
        json!({
            "ruleId": "unguarded-path",
            "level": "error",
            "message": {"text": format!("{}: {path}", path.complaint())},
            "locations": [place(line(path))],
            "codeFlows": [{"threadFlows": [{"locations": steps}]}],
        })
    });
    let lacks = verified.lacks.iter().map(|lack| {
        json!({
            "ruleId": "not-modelled",
            "level": "note",
            "message": {"text": format!("{} is not modelled: {}", lack.name, lack.why)},
            "locations": [place(lack.line)],
        })
    });
    let rule = |id: &str, text: &str| json!({"id": id, "shortDescription": {"text": text}});
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "countersign",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": [
                    rule("unguarded-path", THEOREM),
                    rule("not-modelled", "what could open a path that is not followed"),
                ],
            }},
            "results": violations.chain(lacks).collect::<Vec<_>>(),
        }],
    })
}
