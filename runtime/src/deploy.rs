//! Deploys the template that the runtime is started with, and tells how it goes.

use std::path::Path;
use std::time::Duration;

use estate::Estate;
use model::plane::{Calls as _, Report};
use model::{Caller, NodeKey};
use serde_json::{Value as Json, json};

/// A template and the name of its stack.
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) file: String,
}

impl Template {
    /// The shop that ships with the program.
    pub(crate) fn shop() -> Template {
        Template {
            name: "securecart".to_owned(),
            text: include_str!("../../examples/securecart/template.yaml").to_owned(),
            file: "examples/securecart/template.yaml".to_owned(),
        }
    }

    pub(crate) fn read(file: &Path) -> Result<Template, String> {
        let text = std::fs::read_to_string(file).map_err(|e| format!("`{}`: {e}", file.display()))?;
        let stem = file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let letters = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
        let name: String = letters.skip_while(|c| !c.is_ascii_alphabetic()).take(100).collect();
        let name = if name.is_empty() { "template".to_owned() } else { name };
        Ok(Template { name, text, file: file.display().to_string() })
    }
}

/// Between two looks at the stack.
const LOOK: Duration = Duration::from_millis(100);

/// Deploys a template for the administrator and waits for it to settle; gives the stack's outputs.
pub(crate) async fn deploy(
    estate: &Estate,
    template: &Template,
    region: &str,
) -> Result<Vec<(String, String)>, String> {
    let deployer = estate.administrator().ok_or("the administrator is gone; deploy as another principal")?;
    let report = Report {
        service: "cloudformation",
        job: "Deploy",
        account: deployer.account.clone(),
        region: region.to_owned(),
        payload: json!({
            "name": template.name, "template": template.text, "file": template.file, "deployer": deployer,
        }),
    };
    estate.report(report).await.map_err(|f| format!("`{}`: {}", template.file, f.message))?;
    settled(estate, template, &deployer, region).await
}

async fn settled(
    estate: &Estate,
    template: &Template,
    deployer: &Caller,
    region: &str,
) -> Result<Vec<(String, String)>, String> {
    let key = NodeKey {
        kind: "AWS::CloudFormation::Stack",
        account: deployer.account.clone(),
        region: region.to_owned(),
        id: template.name.clone(),
    };
    let mut progress = Progress::default();
    loop {
        let stack = estate.snapshot().get(&key).map(|node| node.to_json()).unwrap_or_default();
        progress.show(&stack);
        let text = |name: &str| stack.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        match text("status").as_str() {
            going if going.ends_with("_IN_PROGRESS") => tokio::time::sleep(LOOK).await,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" => return Ok(outputs(&stack)),
            status => {
                return Err(format!("stack `{}` is {status}: {}", template.name, text("reason")));
            }
        }
    }
}

fn outputs(stack: &Json) -> Vec<(String, String)> {
    let pair = |o: &Json| Some((o.get("name")?.as_str()?.to_owned(), o.get("value")?.as_str()?.to_owned()));
    stack.get("outputs").and_then(Json::as_array).into_iter().flatten().filter_map(pair).collect()
}

/// The lines that were told already.
#[derive(Default)]
struct Progress {
    told: Vec<(String, String)>,
}

impl Progress {
    fn show(&mut self, stack: &Json) {
        for made in stack.get("resources").and_then(Json::as_array).into_iter().flatten() {
            let text = |name: &str| made.get(name).and_then(Json::as_str).unwrap_or_default();
            let line = (text("logical").to_owned(), text("status").to_owned());
            if !self.told.contains(&line) {
                eprintln!("{:<20} {:<45} {}", line.1, text("kind"), line.0);
                self.told.push(line);
            }
        }
    }
}

/// The URL under which this machine reaches what the output names: the data planes stand on the one port.
pub(crate) fn local_url(output: &str, endpoint: &str) -> String {
    let Some((scheme, rest)) = output.split_once("://") else { return output.to_owned() };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let port = endpoint.rsplit(':').next().unwrap_or_default();
    match host.split_once('.') {
        Some((api, of)) if of.starts_with("execute-api.") => {
            format!("{endpoint}/_aws/execute-api/{api}/{path}")
        }
        Some(_) if host.contains(".elb.") => format!("{scheme}://{host}:{port}/{path}"),
        _ => output.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::local_url;

    #[test]
    fn outputs_name_places_that_this_machine_reaches() {
        let endpoint = "https://127.0.0.1:4566";
        let cases = [
            (
                "https://abc.execute-api.us-east-1.amazonaws.com/prod/",
                "https://127.0.0.1:4566/_aws/execute-api/abc/prod/",
            ),
            ("https://shop-1.us-east-1.elb.localhost", "https://shop-1.us-east-1.elb.localhost:4566/"),
            ("https://example.com/x", "https://example.com/x"),
        ];
        for (output, expected) in cases {
            assert_eq!(local_url(output, endpoint), expected);
        }
    }
}
