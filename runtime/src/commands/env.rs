//! `countersign env`: the exports that point boto3, the AWS CLI, CDK and curl at the runtime.

use std::path::PathBuf;

use clap::Args;

use super::{Ready, default_data};

#[derive(Args)]
pub(crate) struct Env {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
}

impl Env {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.data.unwrap_or_else(default_data);
        let ready = Ready::read(&data)?;
        let path = ready.credentials.display();
        let text = std::fs::read_to_string(&ready.credentials).map_err(|e| format!("`{path}`: {e}"))?;
        let value = |name: &str| {
            let found = text
                .lines()
                .find_map(|l| l.strip_prefix(name)?.trim_start().strip_prefix('=').map(str::trim));
            found.ok_or_else(|| format!("`{path}` holds no `{name}`"))
        };
        let ca = ready.ca.display().to_string();
        let exports = [
            ("AWS_ENDPOINT_URL", ready.endpoint.as_str()),
            ("AWS_REGION", &ready.region),
            ("AWS_DEFAULT_REGION", &ready.region),
            ("AWS_ACCESS_KEY_ID", value("aws_access_key_id")?),
            ("AWS_SECRET_ACCESS_KEY", value("aws_secret_access_key")?),
            ("AWS_CA_BUNDLE", &ca),
            ("NODE_EXTRA_CA_CERTS", &ca),
            ("CURL_CA_BUNDLE", &ca),
            ("REQUESTS_CA_BUNDLE", &ca),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        println!("unset AWS_PROFILE AWS_SESSION_TOKEN");
        for (name, value) in exports {
            println!("export {name}={}", quoted(value));
        }
        Ok(())
    }
}

/// Quoted for a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}
