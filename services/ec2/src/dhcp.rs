//! DHCP options: what the hosts of a VPC are told.

use model::estate::ec2::DhcpOptions;
use model::{Fault, Tags, Tx};

use crate::kind;

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
