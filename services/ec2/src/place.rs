//! What an account finds before it has made anything: regions, zones, its own limits, no instances.

use model::{Fault, IntoValue as _, Tags, Tx, Value};

use crate::listing::{self, Listed, Listing, one};
use crate::shapes::{
    AccountAttribute, AccountAttributeValue, AvailabilityZone, DescribeAccountAttributesRequest,
    DescribeAccountAttributesResult, DescribeInstancesRequest, DescribeInstancesResult, Region,
};
use crate::{kind, vpc, zone};

/// The regions that accounts have without opting in. Any other name is served just as well.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// A region or a zone, by name.
#[derive(Clone)]
pub(crate) struct Place(String);

impl Listed for Place {
    fn id(&self) -> &str {
        &self.0
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

fn endpoint(region: &str) -> String {
    format!("ec2.{region}.amazonaws.com")
}

pub(crate) static ALL_REGIONS: Listing<Place> = Listing {
    prefix: "",
    ids: "RegionNames",
    shown: "Regions",
    all: |tx| {
        let here = std::iter::once(tx.region.as_str()).filter(|r| !REGIONS.contains(r));
        REGIONS.into_iter().chain(here).map(|r| Place(r.to_owned())).collect()
    },
    filters: &[
        ("endpoint", |_, r| one(&endpoint(&r.0))),
        ("opt-in-status", |_, _| one("opt-in-not-required")),
        ("region-name", |_, r| one(&r.0)),
    ],
    show: |_, region| {
        Region {
            opt_in_status: Some("opt-in-not-required".to_owned()),
            region_name: Some(region.0.clone()),
            endpoint: Some(endpoint(&region.0)),
            ..Region::default()
        }
        .into_value()
    },
};

fn border(tx: &Tx<'_>) -> String {
    format!("{}-zg-1", tx.region)
}

pub(crate) static ZONES: Listing<Place> = Listing {
    prefix: "",
    ids: "ZoneNames",
    shown: "AvailabilityZones",
    all: |tx| zone::names(&tx.region).into_iter().map(Place).collect(),
    filters: &[
        ("group-long-name", |_, _| Vec::new()),
        ("group-name", |tx, _| one(&border(tx))),
        ("message", |_, _| Vec::new()),
        ("opt-in-status", |_, _| one("opt-in-not-required")),
        ("parent-zone-id", |_, _| Vec::new()),
        ("parent-zone-name", |_, _| Vec::new()),
        ("region-name", |tx, _| one(&tx.region)),
        ("state", |_, _| one("available")),
        ("zone-id", |_, z| one(&zone::id(&z.0))),
        ("zone-name", |_, z| one(&z.0)),
        ("zone-type", |_, _| one("availability-zone")),
    ],
    show: |tx, place| {
        AvailabilityZone {
            opt_in_status: Some("opt-in-not-required".to_owned()),
            messages: Some(Vec::new()),
            region_name: Some(tx.region.clone()),
            zone_name: Some(place.0.clone()),
            zone_id: Some(zone::id(&place.0)),
            group_name: Some(border(tx)),
            network_border_group: Some(tx.region.clone()),
            zone_type: Some("availability-zone".to_owned()),
            state: Some("available".to_owned()),
            ..AvailabilityZone::default()
        }
        .into_value()
    },
};

/// Zones may be named by their ids, too.
pub(crate) fn describe_availability_zones(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let by_id = listing::strings(&input, "ZoneIds");
    let known = zone::names(&tx.region);
    let missing =
        |id: &String| Fault::client("InvalidParameterValue", format!("Invalid availability zone: [{id}]"));
    let mut names = listing::strings(&input, "ZoneNames");
    if let Some(unknown) = names.iter().find(|n| !known.contains(n)) {
        return Err(missing(unknown));
    }
    for id in &by_id {
        names.push(known.iter().find(|z| zone::id(z) == *id).ok_or_else(|| missing(id))?.clone());
    }
    let mut members = model::Members::of(input)?;
    members.take("ZoneNames");
    members.push("ZoneNames", Value::List(names.into_iter().map(Value::Text).collect()));
    ZONES.answer(tx, &Value::Map(members))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>
pub(crate) fn describe_account_attributes(
    tx: &mut Tx<'_>,
    input: DescribeAccountAttributesRequest,
) -> Result<DescribeAccountAttributesResult, Fault> {
    let default = vpc::default(tx).map_or_else(|_| "none".to_owned(), |v| v.id);
    // No instances are run here.
    let all = [
        ("supported-platforms", "VPC".to_owned()),
        ("default-vpc", default),
        ("max-instances", "0".to_owned()),
        ("vpc-max-security-groups-per-interface", crate::group::MOST_PER_INTERFACE.to_string()),
    ];
    let wanted = input.attribute_names.unwrap_or_default();
    let shown = all.into_iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|w| w == name));
    let attributes = shown.map(|(name, value)| AccountAttribute {
        attribute_name: Some(name.to_owned()),
        attribute_values: Some(vec![AccountAttributeValue { attribute_value: Some(value) }]),
    });
    Ok(DescribeAccountAttributesResult { account_attributes: Some(attributes.collect()) })
}

/// There are none: `RunInstances` is not served.
pub(crate) fn describe_instances(
    _: &mut Tx<'_>,
    input: DescribeInstancesRequest,
) -> Result<DescribeInstancesResult, Fault> {
    match input.instance_ids.unwrap_or_default().first() {
        Some(id) => Err(kind::missing("i", id)),
        None => Ok(DescribeInstancesResult { reservations: Some(Vec::new()), next_token: None }),
    }
}
