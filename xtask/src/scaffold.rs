//! A new service's folder.

use std::path::Path;

use crate::botocore;

pub(crate) fn new_service(root: &Path, name: &str, data: &Path, operations: &[&str]) -> Result<(), String> {
    let folder = root.join("services").join(name);
    if folder.exists() {
        return Err(format!("{} exists already", folder.display()));
    }
    botocore::sync(data, &folder, name, operations)?;
    let prefix = name.split('-').next().unwrap_or(name);
    let mut listed = String::new();
    let mut handlers = String::new();
    let mut actions = String::new();
    for operation in operations {
        let function = snake(operation);
        listed.push_str(&format!("        read {operation} => {function},\n"));
        actions.push_str(&format!("action {operation} Read\n"));
        handlers.push_str(&format!(
            "\nfn {function}(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {{\n    Err(Fault::not_served(\"{operation}\"))\n}}\n"
        ));
    }
    let library = format!(
        "//! {name}.\n\n#[rustfmt::skip]\nmod shapes;\n\nuse model::{{Ask, Asking, Fault, Service, Tx, Value}};\n\n\
         pub static SERVICE: Service = Service {{\n    name: \"{name}\",\n    model: include_str!(\"../{name}.model\"),\n\
         \x20   types: include_str!(\"../{name}.cfn\"),\n    actions: include_str!(\"../{name}.iam\"),\n    operations: model::operations![\n{listed}    ],\n\
         \x20   ask,\n    nodes: &[],\n    resources: &[],\n    jobs: &[],\n    founding: model::service::nothing,\n}};\n\n\
         fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {{\n    Ok(vec![Ask::new(format!(\"{prefix}:{{}}\", asking.operation), \"*\")])\n}}\n{handlers}"
    );
    let files = [
        ("src/lib.rs".to_owned(), library),
        ("Cargo.toml".to_owned(), manifest(name)),
        (format!("{name}.cfn"), String::new()),
        (format!("{name}.iam"), actions),
    ];
    for (path, text) in files {
        std::fs::write(folder.join(&path), text).map_err(|e| format!("{path}: {e}"))?;
    }
    Ok(())
}

/// The manifest of a service's crate.
pub(crate) fn manifest(name: &str) -> String {
    format!(
        "[package]\nname = \"service-{name}\"\nversion.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
         license.workspace = true\npublish.workspace = true\n\n[lints]\nworkspace = true\n\n[dependencies]\nmodel.workspace = true\n\
         bytes.workspace = true\nserde.workspace = true\nserde_json.workspace = true\n\n[dev-dependencies]\nharness.workspace = true\n"
    )
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
