//! A new service's folder: its API, a handler for each operation that says that it is not served
//! yet, and the places where the rest is filled in. It compiles as it is.

use std::path::Path;
use std::process::Command;

use model::api::{Api, Operation};

use crate::{botocore, shapes};

pub(crate) fn new_service(root: &Path, name: &str, data: &Path, operations: &[&str]) -> Result<(), String> {
    let folder = root.join("services").join(name);
    if folder.exists() {
        return Err(format!("{} exists already", folder.display()));
    }
    if operations.is_empty() {
        return Err("name the operations that the service begins with".to_owned());
    }
    let made = write(&folder, name, data, operations);
    if made.is_err() {
        // Half a folder would keep the workspace from being read, and the next attempt from being made.
        let _ = std::fs::remove_dir_all(&folder);
    }
    made
}

fn write(folder: &Path, name: &str, data: &Path, operations: &[&str]) -> Result<(), String> {
    botocore::sync(data, folder, name, operations)?;
    let path = folder.join(format!("{name}.model"));
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let api = Api::parse(Box::leak(text.into_boxed_str())).map_err(|e| format!("{}: {e}", path.display()))?;
    let actions: String =
        api.operations.iter().map(|o| format!("action {} {}\n", o.name, level(o.name))).collect();
    let files = [
        ("src/lib.rs".to_owned(), library(name, &api)),
        ("src/iam.rs".to_owned(), questions(&api)),
        ("src/provider.rs".to_owned(), PROVIDER.to_owned()),
        ("Cargo.toml".to_owned(), manifest(name)),
        (format!("{name}.cfn"), String::new()),
        (format!("{name}.iam"), actions),
    ];
    for (path, text) in files {
        std::fs::write(folder.join(&path), text).map_err(|e| format!("{path}: {e}"))?;
    }
    // Only for the eye: where there is no rustfmt, `cargo fmt` does it later.
    let _ = Command::new("rustfmt").args(["--edition", "2024"]).arg(folder.join("src/lib.rs")).status();
    Ok(())
}

/// The access level of an action, by its verb.
fn level(operation: &str) -> &'static str {
    const LISTS: [&str; 1] = ["List"];
    const READS: [&str; 7] = ["Get", "Describe", "BatchGet", "Head", "Search", "Lookup", "Query"];
    const TAGS: [&str; 4] = ["Tag", "Untag", "AddTags", "RemoveTags"];
    let begins = |verbs: &[&str]| verbs.iter().any(|v| operation.starts_with(v));
    match () {
        () if begins(&LISTS) => "List",
        () if begins(&READS) => "Read",
        () if begins(&TAGS) => "Tagging",
        () => "Write",
    }
}

fn library(name: &str, api: &Api) -> String {
    let mut listed = String::new();
    let mut handlers = String::new();
    for operation in &api.operations {
        let function = shapes::field(operation.name);
        let mode = if matches!(level(operation.name), "List" | "Read") { "read" } else { "write" };
        listed.push_str(&format!("        {mode} {} => {function},\n", operation.name));
        handlers.push_str(&handler(api, operation, &function));
    }
    let typed = api.operations.iter().any(|o| o.input.is_some() || o.output.is_some());
    let shapes = if typed { "use crate::shapes::*;\n\n" } else { "" };
    format!(
        "//! {title}: what it decides, and what it never does.\n\nmod iam;\nmod provider;\n#[rustfmt::skip]\nmod shapes;\n\n\
         use model::{{Fault, Service, Tx}};\n\n{shapes}pub static SERVICE: Service = Service {{\n    name: \"{name}\",\n\
         \x20   model: include_str!(\"../{name}.model\"),\n    types: include_str!(\"../{name}.cfn\"),\n\
         \x20   actions: include_str!(\"../{name}.iam\"),\n    operations: model::operations![\n{listed}    ],\n\
         \x20   ask: iam::ask,\n    nodes: &[],\n    resources: provider::RESOURCES,\n    jobs: &[],\n\
         \x20   founding: model::service::nothing,\n}};\n{handlers}",
        title = if api.service_id.is_empty() { name } else { api.service_id },
    )
}

fn handler(api: &Api, operation: &Operation, function: &str) -> String {
    let input = operation.input.map_or_else(|| "model::Value".to_owned(), |id| shapes::type_of(api, id));
    let output = operation.output.map_or_else(|| "()".to_owned(), |id| shapes::type_of(api, id));
    format!(
        "\nfn {function}(_tx: &mut Tx<'_>, _input: {input}) -> Result<{output}, Fault> {{\n    Err(Fault::not_served(\"{}\"))\n}}\n",
        operation.name
    )
}

fn questions(api: &Api) -> String {
    format!(
        "//! Which permission each call needs.\n\nuse model::{{Ask, Asking, Fault}};\n\n\
         /// Where the service has resource types, the ARN of what is asked for goes in the place of `*`.\n\
         pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {{\n    \
         Ok(vec![Ask::new(format!(\"{}:{{}}\", asking.operation), \"*\")])\n}}\n",
        api.signing_name
    )
}

const PROVIDER: &str = r#"//! The service's types in CloudFormation. Their properties are in the `.cfn` file beside this crate.

use model::Resource;

/// One entry for each type; its functions call the service's own operations through `deploy.call`, so that
/// each step is decided and recorded for the deployer:
/// `Resource { type_name: "AWS::Service::Type", create, update, delete, ready: None }`
pub(crate) const RESOURCES: &[Resource] = &[];
"#;

/// The manifest of a service's crate.
pub(crate) fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"service-{name}\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
         license.workspace = true\npublish.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\nmodel.workspace = true\n\
         bytes.workspace = true\nserde.workspace = true\nserde_json.workspace = true\n\n[dev-dependencies]\nharness.workspace = true\n"
    )
}
