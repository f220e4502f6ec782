//! `countersign network test`: a user's own tests of a network, through the decisions that judge every
//! packet, on what the AWS CLI's `describe-...` outputs tell of it. Runs nothing and keeps nothing.

mod flow;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use decide_reach::Described;

use super::cases::{self, Format};

/// The largest document that is read, in bytes.
const LARGEST: u64 = 256 << 20;

#[derive(Subcommand)]
pub(crate) enum Network {
    /// Follows the flow of each case through a described network and compares what comes of it
    Test(Test),
}

#[derive(Args)]
pub(crate) struct Test {
    /// Cases: JSON lines, or a JSON array, of `{"id", "flow", "expect": {"reachable"}}`
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The folder of `describe-...` outputs (`*.json`, folders in it too); else the folder of the first file
    #[arg(long)]
    from: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

impl Network {
    pub(crate) fn run(self) -> ExitCode {
        let Network::Test(test) = self;
        let beside = test.files.first().and_then(|f| f.parent()).map(|p| match p.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => p.to_owned(),
        });
        let folder = test.from.clone().or(beside).unwrap_or_default();
        let described = match read(&folder, &test.files) {
            Ok(described) => described,
            Err(why) => {
                eprintln!("countersign: {why}");
                return ExitCode::from(2);
            }
        };
        described.notes().iter().for_each(|note| eprintln!("note: {note}"));
        let network = described.network();
        let judge = |placed: cases::Placed<'_>| flow::judge(&described, &network, placed);
        cases::run("countersign network test", &test.files, test.output, judge)
    }
}

/// Reads every JSON document of a folder but the cases themselves.
fn read(folder: &Path, cases: &[PathBuf]) -> Result<Described, String> {
    let own: Vec<PathBuf> = cases.iter().filter_map(|c| c.canonicalize().ok()).collect();
    let mut found = Vec::new();
    gather(folder, &mut found).map_err(|e| format!("`{}`: {e}", folder.display()))?;
    found.sort();
    let mut documents = Vec::new();
    for path in found.into_iter().filter(|p| !p.canonicalize().is_ok_and(|p| own.contains(&p))) {
        let told = |e: std::io::Error| format!("`{}`: {e}", path.display());
        if std::fs::metadata(&path).map_err(told)?.len() > LARGEST {
            return Err(format!("`{}` is larger than {LARGEST} bytes", path.display()));
        }
        let text = std::fs::read_to_string(&path).map_err(told)?;
        documents.push((path.strip_prefix(folder).unwrap_or(&path).display().to_string(), text));
    }
    if documents.is_empty() {
        return Err(format!("`{}` holds no JSON documents of `aws ec2 describe-...`", folder.display()));
    }
    Described::read(documents.iter().map(|(file, text)| (file.as_str(), text.as_str())))
}

/// The JSON files of a folder and of the folders in it; links are not followed.
fn gather(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, path) = (entry.file_type()?, entry.path());
        if kind.is_dir() {
            gather(&path, found)?;
        } else if kind.is_file() && path.extension().is_some_and(|e| e == "json") {
            found.push(path);
        }
    }
    Ok(())
}
