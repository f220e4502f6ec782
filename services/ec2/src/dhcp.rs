//! DHCP options: what the hosts of a VPC are told.

use model::estate::ec2::DhcpOptions;
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::listing::{Listing, one, own};
use crate::shapes::{
    self, AssociateDhcpOptionsRequest, AttributeValue, CreateDhcpOptionsRequest, CreateDhcpOptionsResult,
    DeleteDhcpOptionsRequest, NewDhcpConfiguration,
};
use crate::{fault, kind, tag, vpc};

/// The set of a VPC; none where it was told to have none.
pub(crate) fn of_vpc<'t>(tx: &'t Tx<'_>, vpc: &str) -> Option<&'t DhcpOptions> {
    tx.list::<DhcpOptions>().find(|o| o.vpcs.iter().any(|v| v == vpc))
}

/// Gives a new VPC the account's default set, which is made for the first of them.
pub(crate) fn join_default(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let own = tx.list::<DhcpOptions>().find(|o| o.default).cloned();
    let mut options = own.unwrap_or_else(|| new_default(tx));
    options.vpcs.push(vpc.to_owned());
    tx.put(options)
}

fn new_default(tx: &Tx<'_>) -> DhcpOptions {
    let option = |key: &str, value: String| (key.to_owned(), vec![value]);
    let domain = match tx.region.as_str() {
        "us-east-1" => "ec2.internal".to_owned(),
        region => format!("{region}.compute.internal"),
    };
    DhcpOptions {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "dopt"),
        options: vec![
            option("domain-name", domain),
            option("domain-name-servers", "AmazonProvidedDNS".to_owned()),
        ],
        default: true,
        vpcs: Vec::new(),
        tags: Tags::new(),
    }
}

pub(crate) static SETS: Listing<DhcpOptions> = Listing {
    prefix: "dopt",
    ids: "DhcpOptionsIds",
    shown: "DhcpOptions",
    all: own,
    filters: &[
        ("dhcp-options-id", |_, o| one(&o.id)),
        ("key", |_, o| o.options.iter().map(|(k, _)| k.clone()).collect()),
        ("value", |_, o| o.options.iter().flat_map(|(_, v)| v.clone()).collect()),
        ("owner-id", |_, o| one(o.account.as_str())),
    ],
    show: |_, options| shown(options).into_value(),
};

fn shown(options: &DhcpOptions) -> shapes::DhcpOptions {
    let configuration = |(key, values): &(String, Vec<String>)| shapes::DhcpConfiguration {
        key: Some(key.clone()),
        values: Some(values.iter().map(|v| AttributeValue { value: Some(v.clone()) }).collect()),
    };
    shapes::DhcpOptions {
        owner_id: Some(options.account.to_string()),
        tags: tag::shown(&options.tags),
        dhcp_options_id: Some(options.id.clone()),
        dhcp_configurations: Some(options.options.iter().map(configuration).collect()),
    }
}

/// An option's name, how many values it may have, and what a value must look like.
type Choice = (&'static str, usize, fn(&str) -> bool);

const OPTIONS: [Choice; 6] = [
    ("domain-name", 1, |v| !v.is_empty() && v.len() <= 253),
    ("domain-name-servers", 4, |v| v == "AmazonProvidedDNS" || v.parse::<std::net::IpAddr>().is_ok()),
    ("ntp-servers", 4, |v| v.parse::<std::net::IpAddr>().is_ok()),
    ("netbios-name-servers", 4, |v| v.parse::<std::net::Ipv4Addr>().is_ok()),
    ("netbios-node-type", 1, |v| ["1", "2", "4", "8"].contains(&v)),
    ("ipv6-address-preferred-lease-time", 1, |v| {
        v.parse::<u32>().is_ok_and(|n| (140..=2_147_483_647).contains(&n))
    }),
];

fn checked(given: NewDhcpConfiguration) -> Result<(String, Vec<String>), Fault> {
    let key = given.key.unwrap_or_default();
    let values = given.values.unwrap_or_default();
    let known = OPTIONS.iter().find(|(name, _, _)| *name == key);
    let Some((_, most, good)) = known else {
        return Err(fault::bad_value(&key, "dhcpConfiguration", "Unknown DHCP option."));
    };
    // Values may come in one text with commas between.
    let values: Vec<String> = values.iter().flat_map(|v| v.split(',')).map(|v| v.trim().to_owned()).collect();
    let fits = !values.is_empty() && values.len() <= *most && values.iter().all(|v| good(v));
    match fits {
        true => Ok((key, values)),
        false => Err(fault::bad_value(&values.join(", "), &key, "It is not valid for this DHCP option.")),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDhcpOptions.html>
pub(crate) fn create_dhcp_options(
    tx: &mut Tx<'_>,
    input: CreateDhcpOptionsRequest,
) -> Result<CreateDhcpOptionsResult, Fault> {
    let given: Vec<_> = input.dhcp_configurations.into_iter().map(checked).collect::<Result<_, _>>()?;
    if given.is_empty() {
        return Err(fault::absent("dhcpConfiguration"));
    }
    let options = DhcpOptions {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "dopt"),
        options: given,
        default: false,
        vpcs: Vec::new(),
        tags: tag::given(tx, input.tag_specifications, "dhcp-options")?,
    };
    tx.put(options.clone())?;
    Ok(CreateDhcpOptionsResult { dhcp_options: Some(shown(&options)) })
}

pub(crate) fn delete_dhcp_options(tx: &mut Tx<'_>, input: DeleteDhcpOptionsRequest) -> Result<(), Fault> {
    let options: DhcpOptions = kind::find(tx, "dopt", &input.dhcp_options_id)?;
    match options.vpcs.is_empty() {
        true => tx.remove(&options),
        false => Err(fault::dependency(format!(
            "The dhcpOptions '{}' has dependencies and cannot be deleted.",
            options.id
        ))),
    }
}

/// `default` takes the VPC's set away.
pub(crate) fn associate_dhcp_options(
    tx: &mut Tx<'_>,
    input: AssociateDhcpOptionsRequest,
) -> Result<(), Fault> {
    let vpc = vpc::find(tx, &input.vpc_id)?;
    if input.dhcp_options_id != "default" {
        kind::find::<DhcpOptions>(tx, "dopt", &input.dhcp_options_id)?;
    }
    leave(tx, &vpc.id)?;
    if input.dhcp_options_id != "default" {
        let mut options: DhcpOptions = kind::find(tx, "dopt", &input.dhcp_options_id)?;
        options.vpcs.push(vpc.id);
        tx.put(options)?;
    }
    Ok(())
}

/// Takes a VPC from its set.
pub(crate) fn leave(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    for mut options in own::<DhcpOptions>(tx).into_iter().filter(|o| o.vpcs.iter().any(|v| v == vpc)) {
        options.vpcs.retain(|v| v != vpc);
        tx.put(options)?;
    }
    Ok(())
}
