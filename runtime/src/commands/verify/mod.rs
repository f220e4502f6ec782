//! `countersign verify`: what holds of an architecture for all requests at once. Every path from the
//! internet to a database passes a WAF and an authorizer; nobody can raise the own rights; who can do
//! what to a resource; what a change grants anew. Reads a template, a Terraform plan, or with `--data`
//! the estate as it is at this moment; runs nothing.

mod paths;
mod report;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use prove::rights::{Finding, Outcome};

use report::Answer;
use source::Source;

#[derive(Args)]
pub(crate) struct Verify {
    /// A CloudFormation template, YAML or JSON, or a plan by `terraform show -json`; without it the shop
    /// that ships with the program
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
    /// Lists who can do this, e.g. `kms:Decrypt`, with a request that is allowed and what allows it
    #[arg(long, value_name = "ACTION", requires = "to")]
    who_can: Option<String>,
    /// The resource: its logical id in the template, its name or its ARN
    #[arg(long, value_name = "RESOURCE", requires = "who_can")]
    to: Option<String>,
    /// Fails if anybody else can; logical ids, names or ARNs, services by name, `root`, `everyone`
    #[arg(long, value_name = "PRINCIPAL", value_delimiter = ',', requires = "who_can")]
    expect: Option<Vec<String>>,
    /// An older template or plan: fails if the newer one allows anything that this does not
    #[arg(long, value_name = "OLD", conflicts_with_all = ["data", "who_can"])]
    against: Option<PathBuf>,
    /// Somebody who may raise the own rights: PRINCIPAL, or PRINCIPAL:WAY for one way only
    #[arg(long, value_name = "PRINCIPAL", conflicts_with_all = ["against", "who_can"])]
    accept: Vec<String>,
    /// A service control policy of the account that the template is for; each is a level of its own
    #[arg(long = "scp", value_name = "FILE", conflicts_with = "data")]
    scps: Vec<PathBuf>,
    /// What a managed policy says that stands elsewhere
    #[arg(long, value_name = "ARN=FILE", value_parser = pair, conflicts_with = "data")]
    managed: Vec<(String, String)>,
    /// The account that the template is for
    #[arg(long, value_name = "ID", value_parser = account, conflicts_with = "data")]
    account: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
    Junit,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not NAME=VALUE"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err(format!("`{text}` is no account: twelve digits")),
    }
}

impl Verify {
    /// 0 when it holds, 1 when it is violated, 2 when that could not be decided.
    pub(crate) fn run(self) -> ExitCode {
        let answer = match self.answer() {
            Ok(answer) => answer,
            Err(message) => {
                eprintln!("countersign: {message}");
                return ExitCode::from(2);
            }
        };
        match self.output {
            Format::Text => answer.text(),
            Format::Json => println!("{}", answer.json()),
            Format::Sarif => println!("{}", answer.sarif()),
            Format::Junit => println!("{}", answer.junit()),
        }
        match answer.rows.iter().map(|row| row.outcome).max() {
            Some(Outcome::Violated) => ExitCode::FAILURE,
            Some(Outcome::Undecided) => ExitCode::from(2),
            Some(Outcome::Warning | Outcome::Told) | None => ExitCode::SUCCESS,
        }
    }

    fn answer(&self) -> Result<Answer, String> {
        let source = Source::read(self)?;
        if let (Some(action), Some(to)) = (&self.who_can, &self.to) {
            let rights = source.rights()?;
            let found = rights.who_can(action, to).map_err(|why| format!("`{}`: {why}", source.file))?;
            let question = format!("who can `{action}` on {to}");
            let found = found.into_iter().map(|f| self.unexpected(f)).collect();
            return Ok(Answer::of(source.file, question, found));
        }
        if let Some(old) = &self.against {
            let old = Source::written(self, Some(old), Some(&source.around.place))?;
            let found = source.rights()?.new_access(&old.rights()?);
            let question = format!("nothing is allowed that `{}` does not allow", old.file);
            return Ok(Answer::of(source.file, question, found));
        }
        let rights = source.rights()?;
        let found = rights.escalations().into_iter().map(|f| self.accepted(f)).chain(rights.idle());
        let mut answer = match source.plan {
            true => Answer { file: source.file.clone(), ..Answer::default() },
            false => paths::answer(&source),
        };
        answer.rights(rights.ordinary(), found.collect());
        Ok(answer)
    }

    /// No violation, where that is accepted.
    fn accepted(&self, mut finding: Finding) -> Finding {
        let fits = |accepted: &String| {
            let (who, way) = accepted.split_once(':').unwrap_or((accepted, ""));
            who == finding.subject && (way.is_empty() || finding.message.contains(&format!("({way})")))
        };
        if finding.outcome == Outcome::Violated && self.accept.iter().any(fits) {
            finding.outcome = Outcome::Told;
            finding.message.push_str(", which is accepted");
        }
        finding
    }

    /// A violation, where only others are expected to be able to.
    fn unexpected(&self, mut finding: Finding) -> Finding {
        let Some(expected) = &self.expect else { return finding };
        let subject = finding.subject.clone();
        let fits = |name: &String| {
            let arn = finding.requests.iter().any(|r| r.is_by(name));
            let root = name == "root" && subject.starts_with("root of ");
            *name == subject || arn || root || subject == format!("account {name}")
        };
        if finding.outcome == Outcome::Told && !expected.iter().any(fits) {
            finding.outcome = Outcome::Violated;
            finding.message.push_str(", which is not expected");
        }
        finding
    }
}
