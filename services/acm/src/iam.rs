//! Which permission each call needs.

use model::{Ask, Asking, Fault, Value};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let action = format!("acm:{}", asking.operation);
    Ok(match asking.operation {
        "ListCertificates" | "GetAccountConfiguration" | "PutAccountConfiguration" => {
            vec![Ask::new(action, "*")]
        }
        "RequestCertificate" => vec![requesting(asking, action)],
        "ImportCertificate" => {
            // A certificate that is not there yet has no ARN that could be known.
            let fresh = asking.arn("acm", "certificate/*");
            vec![tagging(asking, Ask::new(action, asking.text("CertificateArn").unwrap_or(&fresh)))]
        }
        _ => match asking.text("CertificateArn") {
            Some(arn) => vec![tagging(asking, Ask::new(action, arn))],
            None => Vec::new(),
        },
    })
}

fn tagging(asking: &Asking<'_>, mut ask: Ask) -> Ask {
    let tags = asking.tags("Tags");
    match asking.operation {
        "RemoveTagsFromCertificate" => ask.tag_keys = tags.into_keys().collect(),
        _ => ask.request_tags = tags,
    }
    ask
}

fn requesting(asking: &Asking<'_>, action: String) -> Ask {
    let mut names: Vec<String> = asking.text("DomainName").map(str::to_ascii_lowercase).into_iter().collect();
    names.extend(asking.strings("SubjectAlternativeNames").iter().map(|n| n.to_ascii_lowercase()));
    let option = |name: &str| {
        asking.input.get("Options").and_then(|o| o.get(name)).and_then(Value::as_str).map(str::to_owned)
    };
    let private = asking.text("CertificateAuthorityArn").is_some();
    let ask = Ask::new(action, asking.arn("acm", "certificate/*"))
        .keys("acm:DomainNames", names)
        .key("acm:KeyAlgorithm", Some(asking.text("KeyAlgorithm").unwrap_or(crate::request::KEY_ALGORITHM)))
        .key("acm:CertificateAuthority", asking.text("CertificateAuthorityArn"))
        .key("acm:ValidationMethod", (!private).then(|| asking.text("ValidationMethod").unwrap_or("EMAIL")))
        .key(
            "acm:CertificateTransparencyLogging",
            Some(option("CertificateTransparencyLoggingPreference").unwrap_or_else(|| "ENABLED".to_owned())),
        )
        .key("acm:Export", Some(option("Export").unwrap_or_else(|| "DISABLED".to_owned())));
    tagging(asking, ask)
}
