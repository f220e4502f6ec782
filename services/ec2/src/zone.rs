//! Regions and their availability zones.

use model::estate::ec2::ZONES;
use model::{Fault, Tx};

/// The zones of a region, by name.
pub(crate) fn names(region: &str) -> Vec<String> {
    ZONES.iter().map(|letter| format!("{region}{letter}")).collect()
}

/// `use1-az1` for `us-east-1a`. (AWS shuffles names and ids per account; here they agree.)
pub(crate) fn id(name: &str) -> String {
    let mut chars = name.chars();
    let number = match chars.next_back() {
        Some(letter) => ZONES.iter().position(|z| z.starts_with(letter)).map_or(0, |at| at + 1),
        None => 0,
    };
    format!("{}-az{number}", short(chars.as_str()))
}

/// `use1` for `us-east-1`.
fn short(region: &str) -> String {
    let words = [
        ("northeast", "ne"),
        ("northwest", "nw"),
        ("southeast", "se"),
        ("southwest", "sw"),
        ("north", "n"),
        ("south", "s"),
        ("east", "e"),
        ("west", "w"),
        ("central", "c"),
        ("gov", "g"),
    ];
    let part =
        |part: &str| words.iter().find(|(w, _)| *w == part).map_or(part.to_owned(), |(_, s)| (*s).to_owned());
    region.split('-').map(part).collect()
}

/// The zone that a request names, by name or id, or the first.
pub(crate) fn chosen(tx: &Tx<'_>, name: Option<&str>, by_id: Option<&str>) -> Result<String, Fault> {
    let zones = names(&tx.region);
    let found = match (name, by_id) {
        (Some(name), _) => zones.iter().find(|z| *z == name),
        (None, Some(wanted)) => zones.iter().find(|z| id(z) == wanted),
        (None, None) => zones.first(),
    };
    let given = name.or(by_id).unwrap_or_default();
    found.cloned().ok_or_else(|| {
        let known = zones.join(", ");
        crate::fault::bad_value(
            given,
            "availabilityZone",
            &format!("Subnets can currently only be created in the following availability zones: {known}."),
        )
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_of_zones() {
        for (name, id) in [
            ("us-east-1a", "use1-az1"),
            ("eu-central-1b", "euc1-az2"),
            ("ap-southeast-2c", "apse2-az3"),
            ("us-gov-west-1a", "usgw1-az1"),
        ] {
            assert_eq!(super::id(name), id);
        }
    }
}
