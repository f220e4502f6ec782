//! The AWS services that endpoints can lead to: those that this runtime serves.

use model::estate::ec2::EndpointKind;
use model::{Fault, IntoValue as _, Tags, Tx, Value};

use crate::listing::{Listed, Listing, one};
use crate::shapes::{self, PrivateDnsDetails, ServiceTypeDetail};
use crate::zone;

/// A service as endpoints know it.
pub(crate) struct Known {
    /// Behind `com.amazonaws.REGION.`.
    pub(crate) name: &'static str,
    /// The folder of the service that answers.
    folder: &'static str,
    kinds: &'static [EndpointKind],
    /// Public names that lead to the endpoint; `{}` stands for the region.
    dns: &'static [&'static str],
}

const BOTH: &[EndpointKind] = &[EndpointKind::Gateway, EndpointKind::Interface];
const INTERFACE: &[EndpointKind] = &[EndpointKind::Interface];

const fn interface(name: &'static str, folder: &'static str, dns: &'static [&'static str]) -> Known {
    Known { name, folder, kinds: INTERFACE, dns }
}

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    Known { name: "s3", folder: "s3", kinds: BOTH, dns: &["s3.{}.amazonaws.com", "*.s3.{}.amazonaws.com"] },
    Known { name: "dynamodb", folder: "dynamodb", kinds: BOTH, dns: &["dynamodb.{}.amazonaws.com"] },
    interface("cloudformation", "cloudformation", &["cloudformation.{}.amazonaws.com"]),
    interface("cloudtrail", "cloudtrail", &["cloudtrail.{}.amazonaws.com"]),
    interface("cognito-identity", "cognito-identity", &["cognito-identity.{}.amazonaws.com"]),
    interface("cognito-idp", "cognito-idp", &["cognito-idp.{}.amazonaws.com"]),
    interface("ec2", "ec2", &["ec2.{}.amazonaws.com"]),
    interface("ecr.api", "ecr", &["api.ecr.{}.amazonaws.com"]),
    interface("ecr.dkr", "ecr", &["*.dkr.ecr.{}.amazonaws.com", "dkr.ecr.{}.amazonaws.com"]),
    interface("ecs", "ecs", &["ecs.{}.amazonaws.com"]),
    interface("ecs-agent", "ecs", &["ecs-a.{}.amazonaws.com", "*.ecs-a.{}.amazonaws.com"]),
    interface("ecs-telemetry", "ecs", &["ecs-t.{}.amazonaws.com", "*.ecs-t.{}.amazonaws.com"]),
    interface("elasticloadbalancing", "elbv2", &["elasticloadbalancing.{}.amazonaws.com"]),
    interface("execute-api", "apigateway", &["*.execute-api.{}.amazonaws.com"]),
    interface("kms", "kms", &["kms.{}.amazonaws.com"]),
    interface("logs", "logs", &["logs.{}.amazonaws.com"]),
    interface("rds", "rds", &["rds.{}.amazonaws.com"]),
    interface("secretsmanager", "secretsmanager", &["secretsmanager.{}.amazonaws.com"]),
    interface("securityhub", "securityhub", &["securityhub.{}.amazonaws.com"]),
    interface("ssm", "ssm", &["ssm.{}.amazonaws.com"]),
    interface("sts", "sts", &["sts.{}.amazonaws.com"]),
    interface("wafv2", "wafv2", &["wafv2.{}.amazonaws.com"]),
];

impl Known {
    pub(crate) fn full(&self, region: &str) -> String {
        format!("com.amazonaws.{region}.{}", self.name)
    }

    pub(crate) fn private_names(&self, region: &str) -> Vec<String> {
        self.dns.iter().map(|name| name.replace("{}", region)).collect()
    }
}

fn word(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Gateway => "Gateway",
        EndpointKind::Interface => "Interface",
    }
}

fn served(tx: &Tx<'_>) -> impl Iterator<Item = &'static Known> {
    let registry = tx.host().registry();
    KNOWN.iter().filter(move |k| registry.service(k.folder).is_some())
}

/// The service of this full name, if endpoints of this kind can lead to it.
pub(crate) fn find(tx: &Tx<'_>, full: &str, kind: EndpointKind) -> Result<&'static Known, Fault> {
    let missing = || {
        let message = format!("The Vpc Endpoint Service '{full}' does not exist");
        Fault::client("InvalidServiceName", message)
    };
    let known = served(tx).find(|k| k.full(&tx.region) == full).ok_or_else(missing)?;
    match known.kinds.contains(&kind) {
        true => Ok(known),
        false => {
            let kinds: Vec<&str> = known.kinds.iter().map(|k| word(*k)).collect();
            let message = format!(
                "Endpoint type ({}) does not match available service types ([{}]).",
                word(kind),
                kinds.join(", ")
            );
            Err(Fault::client("InvalidParameter", message))
        }
    }
}

/// A service and one kind of its endpoints: AWS lists these one by one.
#[derive(Clone)]
pub(crate) struct Offer {
    known: &'static Known,
    kind: EndpointKind,
    /// The full name and the kind: the order of pages.
    place: String,
    full: String,
}

impl Listed for Offer {
    fn id(&self) -> &str {
        &self.place
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

static OFFERS: Listing<Offer> = Listing {
    prefix: "",
    ids: "",
    shown: "ServiceDetails",
    all: |tx| {
        let offers = served(tx).flat_map(|known| {
            let full = known.full(&tx.region);
            let of = move |kind: &EndpointKind| Offer {
                known,
                kind: *kind,
                place: format!("{full} {}", word(*kind)),
                full: full.clone(),
            };
            known.kinds.iter().map(of)
        });
        offers.collect()
    },
    filters: &[
        ("owner", |_, _| one("amazon")),
        ("service-name", |_, o| one(&o.full)),
        ("service-region", |tx, _| one(&tx.region)),
        ("service-type", |_, o| one(word(o.kind))),
        ("supported-ip-address-types", |_, _| one("ipv4")),
    ],
    show: |tx, offer| detail(tx, offer).into_value(),
};

fn detail(tx: &Tx<'_>, offer: &Offer) -> shapes::ServiceDetail {
    let names = match offer.kind {
        EndpointKind::Interface => offer.known.private_names(&tx.region),
        EndpointKind::Gateway => Vec::new(),
    };
    let private = names.iter().map(|n| PrivateDnsDetails { private_dns_name: Some(n.clone()) }).collect();
    let base = match offer.kind {
        EndpointKind::Interface => format!("{}.{}.vpce.amazonaws.com", offer.known.name, tx.region),
        EndpointKind::Gateway => format!("{}.{}.amazonaws.com", offer.known.name, tx.region),
    };
    let kind = ServiceTypeDetail { service_type: Some(word(offer.kind).to_owned()) };
    shapes::ServiceDetail {
        service_name: Some(offer.full.clone()),
        service_type: Some(vec![kind]),
        service_region: Some(tx.region.clone()),
        availability_zones: Some(zone::names(&tx.region)),
        owner: Some("amazon".to_owned()),
        base_endpoint_dns_names: Some(vec![base]),
        private_dns_name: names.first().cloned(),
        private_dns_names: Some(private),
        vpc_endpoint_policy_supported: Some(true),
        acceptance_required: Some(false),
        manages_vpc_endpoints: Some(false),
        tags: Some(Vec::new()),
        supported_ip_address_types: Some(one("ipv4")),
        ..shapes::ServiceDetail::default()
    }
}

/// Answers with the details and, beside them, the names alone.
pub(crate) fn describe_vpc_endpoint_services(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let wanted = crate::listing::strings(&input, "ServiceNames");
    let mut offers = (OFFERS.all)(tx);
    if let Some(unknown) = wanted.iter().find(|w| offers.iter().all(|o| o.full != **w)) {
        let message = format!("The Vpc Endpoint Service '{unknown}' does not exist");
        return Err(Fault::client("InvalidServiceName", message));
    }
    offers.retain(|o| wanted.is_empty() || wanted.contains(&o.full));
    let mut answer = model::Members::of(OFFERS.among(tx, &input, offers)?)?;
    let details = answer.get("ServiceDetails").and_then(Value::as_list).unwrap_or_default();
    let mut names: Vec<String> =
        details.iter().filter_map(|d| d.text("ServiceName")).map(str::to_owned).collect();
    names.dedup();
    answer.push("ServiceNames", Value::List(names.into_iter().map(Value::Text).collect()));
    Ok(Value::Map(answer))
}
