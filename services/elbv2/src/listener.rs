//! Listeners: a port, a protocol, what they do with requests that no rule matches.

use model::estate::acm;
use model::estate::elb::{self, DEFAULT_SSL_POLICY, TrustStore};
use model::{Fault, Tx};
use serde_json::json;

use crate::attribute::{self, LISTENER};
use crate::fault::{
    configuration, invalid, no_certificate, no_listener, no_trust_store, not_served, too_many,
};
use crate::load_balancer::{self, HEX};
use crate::page::page;
use crate::shapes::*;
use crate::{action, rule, tag};

/// Listeners of one load balancer.
const MOST: usize = 50;

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<elb::Listener, Fault> {
    if !arn.contains(":listener/") {
        return Err(invalid(format!("'{arn}' is not a valid listener ARN")));
    }
    let found =
        tx.find_arn::<elb::Listener>(arn).filter(|l| l.account == tx.account && l.region == tx.region);
    found.cloned().ok_or_else(no_listener)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html>
pub(crate) fn create_listener(
    tx: &mut Tx<'_>,
    input: CreateListenerInput,
) -> Result<CreateListenerOutput, Fault> {
    let balancer = load_balancer::find(tx, &input.load_balancer_arn)?;
    let existing = load_balancer::listeners(tx, &input.load_balancer_arn);
    let protocol = input.protocol.ok_or_else(|| invalid("A protocol must be specified"))?;
    let port = port(input.port)?;
    if existing.iter().any(|l| l.port == port) {
        return Err(duplicate(&input.load_balancer_arn));
    }
    if existing.len() >= MOST {
        return Err(too_many("TooManyListeners", "listeners of a load balancer", MOST));
    }
    let mut made = elb::Listener {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}/{}/{}", balancer.name, balancer.id, tx.random_text(16, HEX)),
        load_balancer: input.load_balancer_arn,
        port,
        protocol,
        certificates: Vec::new(),
        ssl_policy: None,
        default_actions: Vec::new(),
        attributes: attribute::defaults(LISTENER),
        mutual_authentication: None,
        tags: tag::checked(input.tags)?,
    };
    let tls = Tls {
        policy: input.ssl_policy,
        certificates: input.certificates,
        alpn: input.alpn_policy,
        mutual: input.mutual_authentication,
    };
    secure(tx, &mut made, tls)?;
    let actions = action::read(tx, &balancer, &made.protocol, input.default_actions)?;
    made.default_actions = action::kept(&actions)?;
    let answer = shown(&made);
    tx.put(made)?;
    Ok(CreateListenerOutput { listeners: Some(vec![answer]) })
}

fn port(port: Option<i64>) -> Result<u16, Fault> {
    let port = port.and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0);
    port.ok_or_else(|| invalid("A port from 1 to 65535 must be specified"))
}

fn duplicate(balancer: &str) -> Fault {
    Fault::client(
        "DuplicateListener",
        format!("A listener already exists on this port for this load balancer '{balancer}'"),
    )
}

/// What a request says about TLS.
struct Tls {
    policy: Option<String>,
    certificates: Option<Vec<Certificate>>,
    alpn: Option<Vec<String>>,
    mutual: Option<MutualAuthenticationAttributes>,
}

/// Checks what is said about TLS and takes it over. Only HTTPS listeners have any.
fn secure(tx: &Tx<'_>, listener: &mut elb::Listener, tls: Tls) -> Result<(), Fault> {
    if tls.alpn.is_some_and(|a| !a.is_empty() && a != ["None"]) {
        return Err(configuration("An ALPN policy is only for listeners of network load balancers"));
    }
    match listener.protocol.as_str() {
        "HTTPS" => {}
        "HTTP" => {
            let some = tls.policy.is_some()
                || tls.certificates.is_some_and(|c| !c.is_empty())
                || tls.mutual.is_some();
            if some {
                return Err(configuration(
                    "A certificate, a security policy and mutual authentication are only for HTTPS listeners",
                ));
            }
            listener.certificates.clear();
            listener.ssl_policy = None;
            listener.mutual_authentication = None;
            return Ok(());
        }
        other => {
            return Err(Fault::client(
                "UnsupportedProtocol",
                format!("Protocol '{other}' is not supported for application load balancers"),
            ));
        }
    }
    if let Some(given) = tls.certificates {
        let arn = default_certificate(given)?;
        check_certificate(tx, &arn)?;
        let others = listener.certificates.iter().skip(1).filter(|c| **c != arn).cloned();
        listener.certificates = std::iter::once(arn.clone()).chain(others).collect();
    }
    if listener.certificates.is_empty() {
        return Err(invalid("A certificate must be specified for HTTPS listeners"));
    }
    let policy = tls.policy.or(listener.ssl_policy.take()).unwrap_or_else(|| DEFAULT_SSL_POLICY.to_owned());
    if elb::ssl_policy(&policy).is_none() {
        return Err(Fault::client(
            "SSLPolicyNotFound",
            format!("SSL policy '{policy}' not found, or not served by this runtime"),
        ));
    }
    listener.ssl_policy = Some(policy);
    if let Some(mutual) = tls.mutual {
        listener.mutual_authentication = mutual_authentication(tx, mutual)?;
    }
    Ok(())
}

/// "Set `CertificateArn` to the certificate ARN but do not set `IsDefault`"; exactly one.
fn default_certificate(given: Vec<Certificate>) -> Result<String, Fault> {
    let mut arns = given.into_iter().filter_map(|c| c.certificate_arn);
    match (arns.next(), arns.next()) {
        (Some(arn), None) => Ok(arn),
        (None, _) => Err(invalid("A certificate must be specified for HTTPS listeners")),
        _ => Err(invalid("Only one certificate can be specified; use AddListenerCertificates for others")),
    }
}

/// A certificate of this account and region that is issued.
pub(crate) fn check_certificate(tx: &Tx<'_>, arn: &str) -> Result<(), Fault> {
    if !arn.contains(":acm:") {
        return Err(no_certificate(arn));
    }
    let found = tx.find_arn::<acm::Certificate>(arn);
    let found = found.filter(|c| c.account == tx.account && c.region == tx.region);
    let found = found.ok_or_else(|| no_certificate(arn))?;
    match found.status == "ISSUED" {
        true => Ok(()),
        false => Err(Fault::client(
            "UnsupportedCertificate",
            format!(
                "The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size, and be issued"
            ),
        )),
    }
}

fn mutual_authentication(
    tx: &Tx<'_>,
    given: MutualAuthenticationAttributes,
) -> Result<Option<serde_json::Value>, Fault> {
    let mode = given.mode.unwrap_or_else(|| "off".to_owned());
    match mode.as_str() {
        "off" => return Ok(None),
        "verify" => {}
        "passthrough" => return Err(not_served("Mutual authentication in mode 'passthrough'")),
        other => return Err(invalid(format!("The mutual authentication mode '{other}' is not valid"))),
    }
    if given.ignore_client_certificate_expiry == Some(true) {
        return Err(not_served("Letting in expired client certificates"));
    }
    let arn =
        given.trust_store_arn.ok_or_else(|| invalid("A trust store must be specified with mode 'verify'"))?;
    let store = tx.find_arn::<TrustStore>(&arn).filter(|s| s.account == tx.account && s.region == tx.region);
    store.ok_or_else(|| no_trust_store(&arn))?;
    let advertise = given.advertise_trust_store_ca_names.unwrap_or_else(|| "off".to_owned());
    Ok(Some(json!({"Mode": mode, "TrustStoreArn": arn, "AdvertiseTrustStoreCaNames": advertise})))
}

fn shown(listener: &elb::Listener) -> Listener {
    let https = listener.protocol == "HTTPS";
    let mutual = listener.mutual_authentication.as_ref();
    let text = |name: &str| mutual.and_then(|m| m.get(name)).and_then(|v| v.as_str()).map(str::to_owned);
    let actions = listener.actions().unwrap_or_default();
    Listener {
        listener_arn: Some(listener.arn()),
        load_balancer_arn: Some(listener.load_balancer.clone()),
        port: Some(i64::from(listener.port)),
        protocol: Some(listener.protocol.clone()),
        certificates: listener
            .certificates
            .first()
            .map(|arn| vec![Certificate { certificate_arn: Some(arn.clone()), is_default: None }]),
        ssl_policy: listener.ssl_policy.clone(),
        default_actions: Some(actions.iter().map(action::shown).collect()),
        alpn_policy: None,
        mutual_authentication: https.then(|| MutualAuthenticationAttributes {
            mode: Some(text("Mode").unwrap_or_else(|| "off".to_owned())),
            trust_store_arn: text("TrustStoreArn"),
            ignore_client_certificate_expiry: mutual.map(|_| false),
            trust_store_association_status: mutual.map(|_| "active".to_owned()),
            advertise_trust_store_ca_names: text("AdvertiseTrustStoreCaNames"),
        }),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html>
pub(crate) fn describe_listeners(
    tx: &mut Tx<'_>,
    input: DescribeListenersInput,
) -> Result<DescribeListenersOutput, Fault> {
    let arns = input.listener_arns.unwrap_or_default();
    let found = match (&input.load_balancer_arn, arns.is_empty()) {
        (Some(arn), true) => {
            load_balancer::find(tx, arn)?;
            load_balancer::listeners(tx, arn)
        }
        (None, false) => arns.iter().map(|a| find(tx, a)).collect::<Result<_, _>>()?,
        (Some(_), false) => {
            return Err(invalid("You cannot specify both a load balancer ARN and listener ARNs"));
        }
        (None, true) => return Err(invalid("You must specify either listener ARNs or a load balancer ARN")),
    };
    let (found, next_marker) = page(found, input.marker.as_deref(), input.page_size)?;
    Ok(DescribeListenersOutput { listeners: Some(found.iter().map(shown).collect()), next_marker })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html>
pub(crate) fn modify_listener(
    tx: &mut Tx<'_>,
    input: ModifyListenerInput,
) -> Result<ModifyListenerOutput, Fault> {
    let mut found = find(tx, &input.listener_arn)?;
    let balancer = load_balancer::find(tx, &found.load_balancer)?;
    if input.port.is_some() {
        let wanted = port(input.port)?;
        let others = load_balancer::listeners(tx, &found.load_balancer);
        if others.iter().any(|l| l.port == wanted && l.id != found.id) {
            return Err(duplicate(&found.load_balancer));
        }
        found.port = wanted;
    }
    if let Some(protocol) = input.protocol {
        found.protocol = protocol;
    }
    let tls = Tls {
        policy: input.ssl_policy,
        certificates: input.certificates,
        alpn: input.alpn_policy,
        mutual: input.mutual_authentication,
    };
    secure(tx, &mut found, tls)?;
    if let Some(actions) = input.default_actions {
        let actions = action::read(tx, &balancer, &found.protocol, actions)?;
        found.default_actions = action::kept(&actions)?;
    }
    let answer = shown(&found);
    tx.put(found)?;
    Ok(ModifyListenerOutput { listeners: Some(vec![answer]) })
}

/// Removes a listener with its rules.
pub(crate) fn remove(tx: &mut Tx<'_>, listener: &elb::Listener) -> Result<(), Fault> {
    for rule in rule::of(tx, &listener.arn()) {
        tx.remove(&rule)?;
    }
    tx.remove(listener)
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteListener.html>
pub(crate) fn delete_listener(
    tx: &mut Tx<'_>,
    input: DeleteListenerInput,
) -> Result<DeleteListenerOutput, Fault> {
    let found = find(tx, &input.listener_arn)?;
    remove(tx, &found)?;
    Ok(DeleteListenerOutput {})
}

fn attributes(of: &elb::Listener) -> Vec<ListenerAttribute> {
    let one = |(k, v): (&String, &String)| ListenerAttribute { key: Some(k.clone()), value: Some(v.clone()) };
    of.attributes.iter().map(one).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListenerAttributes.html>
pub(crate) fn modify_listener_attributes(
    tx: &mut Tx<'_>,
    input: ModifyListenerAttributesInput,
) -> Result<ModifyListenerAttributesOutput, Fault> {
    let mut found = find(tx, &input.listener_arn)?;
    attribute::set(LISTENER, &mut found.attributes, input.attributes.into_iter().map(|a| (a.key, a.value)))?;
    let attributes = attributes(&found);
    tx.put(found)?;
    Ok(ModifyListenerAttributesOutput { attributes: Some(attributes) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListenerAttributes.html>
pub(crate) fn describe_listener_attributes(
    tx: &mut Tx<'_>,
    input: DescribeListenerAttributesInput,
) -> Result<DescribeListenerAttributesOutput, Fault> {
    let found = find(tx, &input.listener_arn)?;
    Ok(DescribeListenerAttributesOutput { attributes: Some(attributes(&found)) })
}
