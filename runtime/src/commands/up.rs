//! `countersign up`: opens the data folder, serves, deploys.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};

use super::{Ready, default_data};
use crate::deploy::Template;
use crate::server;

#[derive(Args)]
pub(crate) struct Up {
    /// The CloudFormation template to deploy [default: the SecureCart shop]
    pub(crate) template: Option<PathBuf>,
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The port of the endpoint, for TLS and plaintext alike
    #[arg(long, default_value_t = 4566)]
    pub(crate) port: u16,
    /// The region for clients that name none
    #[arg(long, default_value = "us-east-1")]
    pub(crate) region: String,
    /// The folder in which the programs of task images are: `shop:1` is `shop` in it [default: where this program is]
    #[arg(long)]
    pub(crate) images: Option<PathBuf>,
    /// Seconds to wait for the services that ran before a restart
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Return once ready; `countersign down` stops it
    #[arg(long)]
    pub(crate) detach: bool,
    /// Deploy no template
    #[arg(long)]
    pub(crate) empty: bool,
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// A detached start that takes longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(600);

impl Up {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.data.clone().unwrap_or_else(default_data);
        let data = std::path::absolute(&data).map_err(|e| format!("`{}`: {e}", data.display()))?;
        if self.detach {
            return self.detached(&data);
        }
        let output = self.output;
        let template = self.template()?;
        let deploys = template.is_some();
        let images = self.images()?;
        let patience = Duration::from_secs(self.wait);
        let start = server::Start { data, port: self.port, region: self.region, images, template, patience };
        server::run(&start, |ready| tell(ready, output, deploys))
    }

    fn images(&self) -> Result<PathBuf, String> {
        let folder = match &self.images {
            Some(folder) => folder.clone(),
            None => {
                let program =
                    std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
                program.parent().map(Path::to_owned).unwrap_or_default()
            }
        };
        std::fs::canonicalize(&folder).map_err(|e| format!("the images folder `{}`: {e}", folder.display()))
    }

    fn template(&self) -> Result<Option<Template>, String> {
        match (&self.template, self.empty) {
            (Some(_), true) => Err("either a template or `--empty`, not both".to_owned()),
            (None, true) => Ok(None),
            (None, false) => Ok(Some(Template::shop())),
            (Some(file), false) => Template::read(file).map(Some),
        }
    }

    /// Starts another process of this program, and waits until it is ready.
    fn detached(&self, data: &Path) -> Result<(), String> {
        use std::os::unix::fs::DirBuilderExt as _;
        use std::os::unix::process::CommandExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
        made.map_err(|e| format!("`{}`: {e}", data.display()))?;
        Ready::forget(data);
        let log = data.join("countersign.log");
        // It tells the console's address, and with it the token.
        let file = owned(&log).map_err(|e| format!("`{}`: {e}", log.display()))?;
        let errors = file.try_clone().map_err(|e| e.to_string())?;
        let program = std::env::current_exe().map_err(|e| format!("cannot find this program: {e}"))?;
        let mut command = Command::new(program);
        command
            .arg("up")
            .arg("--data")
            .arg(data)
            .arg("--port")
            .arg(self.port.to_string())
            .arg("--region")
            .arg(&self.region)
            .arg("--wait")
            .arg(self.wait.to_string());
        if let Some(images) = &self.images {
            command.arg("--images").arg(images);
        }
        if self.empty {
            command.arg("--empty");
        }
        command.args(&self.template).stdin(Stdio::null()).stdout(file).stderr(errors).process_group(0);
        let mut child = command.spawn().map_err(|e| format!("cannot start: {e}"))?;
        let begun = Instant::now();
        loop {
            if let Ok(ready) = Ready::read(data)
                && ready.pid == child.id()
            {
                tell(&ready, self.output, !self.empty);
                return Ok(());
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!("the runtime stopped at once ({status}); {}", last_lines(&log)));
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the runtime is not ready yet; look into `{}`", log.display()));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Opens a file to append to, readable by its owner only.
fn owned(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

fn tell(ready: &Ready, output: Output, deploys: bool) {
    match output {
        Output::Json => {
            let json = serde_json::json!({
                "endpoint": ready.endpoint,
                "console": ready.console,
                "shop": ready.shop,
                "credentials": ready.credentials,
                "notReady": ready.not_ready,
            });
            println!("{json}");
        }
        Output::Text => {
            println!("endpoint     {}", ready.endpoint);
            println!("console      {}", ready.console);
            if let Some(shop) = &ready.shop {
                println!("shop         {shop}");
            }
            println!("credentials  {}", ready.credentials.display());
            println!(
                "segmentation not active: networks are modelled and validated, packets are not filtered yet"
            );
            if !deploys {
                println!("template     none deployed; deploy one with `aws cloudformation deploy`");
            }
            for lack in &ready.not_ready {
                println!("not ready    {lack}");
            }
            if let Some(missing) = act::postgres::missing() {
                println!("databases    none can run: {missing}");
            }
            println!("\nPoint AWS clients at it:  eval \"$(countersign env)\"");
        }
    }
}
