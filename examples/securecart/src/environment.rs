//! What the container's environment says.

use std::net::IpAddr;

use crate::failure::Failure;

pub(crate) struct Environment {
    pub(crate) region: String,
    /// Where the AWS APIs are, if not at their public names.
    pub(crate) endpoint: Option<String>,
    /// Authorities to trust, besides none: a file of PEM certificates.
    pub(crate) authorities: String,
    /// Where to listen: the task's own address.
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    /// Where task credentials come from, and what that place asks for.
    pub(crate) credentials: String,
    pub(crate) credentials_token: Option<String>,
}

/// An environment variable that must be there.
pub(crate) fn needed(name: &str) -> Result<String, Failure> {
    std::env::var(name).map_err(|_| Failure::config(format!("the variable {name} is not set")))
}

fn optional(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|v| !v.is_empty())
}

impl Environment {
    pub(crate) fn read() -> Result<Environment, Failure> {
        let relative = optional("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let credentials = relative
            .map(|path| format!("http://169.254.170.2{path}"))
            .or_else(|| optional("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
        let address = optional("TASK_ADDRESS").unwrap_or_else(|| "0.0.0.0".to_owned());
        let port = optional("PORT").unwrap_or_else(|| "8443".to_owned());
        Ok(Environment {
            region: needed("AWS_REGION")?,
            endpoint: optional("AWS_ENDPOINT_URL"),
            authorities: optional("AWS_CA_BUNDLE")
                .unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".to_owned()),
            address: address.parse().map_err(|_| Failure::config("TASK_ADDRESS is no IP address"))?,
            port: port.parse().map_err(|_| Failure::config("PORT is no port"))?,
            credentials: credentials
                .ok_or_else(|| Failure::config("no container credentials are offered"))?,
            credentials_token: optional("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
        })
    }

    /// The endpoint of an AWS service.
    pub(crate) fn service(&self, name: &str) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://{name}.{}.amazonaws.com", self.region))
    }
}
