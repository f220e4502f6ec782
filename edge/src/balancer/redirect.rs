//! Where a redirect leads.

use model::estate::elb::Redirect;

/// What the placeholders of a redirect stand for.
pub(super) struct From<'a> {
    /// `http` or `https`.
    pub(super) protocol: &'a str,
    /// Without the port.
    pub(super) host: &'a str,
    pub(super) port: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// The value of `Location`.
pub(super) fn location(to: &Redirect, from: &From<'_>) -> String {
    let fill = |text: &str| {
        text.replace("#{protocol}", from.protocol)
            .replace("#{host}", from.host)
            .replace("#{port}", from.port)
            .replace("#{path}", from.path.trim_start_matches('/'))
            .replace("#{query}", from.query)
    };
    let protocol = fill(&to.protocol).to_ascii_lowercase();
    let (host, port, path, query) = (fill(&to.host), fill(&to.port), fill(&to.path), fill(&to.query));
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!("{protocol}://{host}:{port}{path}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let from =
            From { protocol: "http", host: "shop.example.com", port: "80", path: "/a/b", query: "x=1" };
        let redirect = |protocol: &str, port: &str, host: &str, path: &str, query: &str| Redirect {
            protocol: protocol.into(),
            port: port.into(),
            host: host.into(),
            path: path.into(),
            query: query.into(),
            status: 301,
        };
        let cases = [
            (
                redirect("HTTPS", "443", "#{host}", "/#{path}", "#{query}"),
                "https://shop.example.com:443/a/b?x=1",
            ),
            (
                redirect("#{protocol}", "#{port}", "www.#{host}", "/new/#{path}", ""),
                "http://www.shop.example.com:80/new/a/b",
            ),
        ];
        for (to, expected) in cases {
            assert_eq!(location(&to, &from), expected);
        }
    }
}
