//! What the one port is asked for: by host name, or by path where a client cannot name a host.

/// Which part answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The runtime's own pages, under `/_countersign/`; without that prefix.
    Console(String),
    /// API Gateway's data plane: the API, and the path with its stage.
    Gateway { api: String, path: String },
    /// A load balancer, by its DNS name in lower case.
    Balancer(String),
    /// A user pool's domain, by its prefix.
    Login { domain: String, path: String },
    /// The AWS APIs.
    Aws,
}

/// `host` may carry a port; `path` is raw.
pub fn part(host: &str, path: &str) -> Part {
    if let Some(rest) = path.strip_prefix("/_countersign") {
        return Part::Console(rest.to_owned());
    }
    if let Some(rest) = path.strip_prefix("/_aws/execute-api/") {
        let (api, rest) = rest.split_once('/').unwrap_or((rest, ""));
        return Part::Gateway { api: api.to_owned(), path: format!("/{rest}") };
    }
    if let Some(rest) = path.strip_prefix("/_aws/cognito/") {
        let (domain, rest) = rest.split_once('/').unwrap_or((rest, ""));
        return Part::Login { domain: domain.to_owned(), path: format!("/{rest}") };
    }
    let host = host.rsplit_once(':').map_or(host, |(h, port)| match port.parse::<u16>() {
        Ok(_) => h,
        Err(_) => host,
    });
    let host = host.to_ascii_lowercase();
    let mut labels = host.split('.');
    match (labels.next(), labels.next()) {
        (Some(api), Some("execute-api")) => Part::Gateway { api: api.to_owned(), path: path.to_owned() },
        (Some(domain), Some("auth")) => Part::Login { domain: domain.to_owned(), path: path.to_owned() },
        (Some(_), Some(_)) if labels.next() == Some("elb") => Part::Balancer(host),
        _ => Part::Aws,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_paths_name_their_part() {
        let gateway = |api: &str, path: &str| Part::Gateway { api: api.into(), path: path.into() };
        let login = |domain: &str, path: &str| Part::Login { domain: domain.into(), path: path.into() };
        let cases = [
            ("127.0.0.1:4566", "/", Part::Aws),
            ("bucket.s3.amazonaws.com", "/key", Part::Aws),
            ("abc.execute-api.us-east-1.amazonaws.com", "/prod/orders", gateway("abc", "/prod/orders")),
            ("abc.execute-api.us-east-1.localhost:4566", "/", gateway("abc", "/")),
            ("127.0.0.1:4566", "/_aws/execute-api/abc/prod/x", gateway("abc", "/prod/x")),
            ("127.0.0.1:4566", "/_aws/execute-api/abc", gateway("abc", "/")),
            (
                "Shop-1.us-east-1.elb.localhost:4566",
                "/",
                Part::Balancer("shop-1.us-east-1.elb.localhost".into()),
            ),
            ("shop.auth.us-east-1.amazoncognito.com", "/oauth2/token", login("shop", "/oauth2/token")),
            ("127.0.0.1:4566", "/_aws/cognito/shop/oauth2/token", login("shop", "/oauth2/token")),
            ("localhost", "/_countersign/health", Part::Console("/health".into())),
        ];
        for (host, path, expected) in cases {
            assert_eq!(part(host, path), expected, "{host} {path}");
        }
    }
}
