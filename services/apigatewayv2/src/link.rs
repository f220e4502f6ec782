//! VPC links: the gateway's way into a network.

use model::estate::apigateway::{HttpApi, RestResource, VpcLink};
use model::estate::ec2::{SecurityGroup, Subnet};
use model::estate::iam::Linked;
use model::{Fault, Tx, Value};

use crate::document::{bad_request, new_id, not_found, page, shown, with};
use crate::shapes::{
    CreateVpcLinkRequest, DeleteVpcLinkRequest, GetVpcLinkRequest, GetVpcLinksRequest, UpdateVpcLinkRequest,
};

/// The service's own role in an account, with which it writes the logs of HTTP APIs.
const LINKED: Linked<'_> = Linked {
    service: "ops.apigateway.amazonaws.com",
    role: "AWSServiceRoleForAPIGateway",
    policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:DescribeLogStreams","logs:PutLogEvents"],"Resource":"*"}]}"#,
};

/// Makes the service-linked role, if the account has none yet.
pub(crate) fn linked(tx: &mut Tx<'_>) -> Result<(), Fault> {
    LINKED.caller(tx).map(|_| ())
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/vpclinks.html>
pub(crate) fn create_vpc_link(tx: &mut Tx<'_>, input: CreateVpcLinkRequest) -> Result<Value, Fault> {
    let groups = input.security_group_ids.unwrap_or_default();
    if input.subnet_ids.is_empty() {
        return Err(bad_request("A VPC link requires at least one subnet"));
    }
    let mut vpc: Option<String> = None;
    for id in &input.subnet_ids {
        let found =
            tx.find::<Subnet>(id).ok_or_else(|| bad_request(format!("Invalid subnet id specified: {id}")))?;
        if vpc.get_or_insert_with(|| found.vpc.clone()) != &found.vpc {
            return Err(bad_request("Subnets of a VPC link must be of the same VPC"));
        }
    }
    for id in &groups {
        let found = tx.find::<SecurityGroup>(id);
        if found.is_none_or(|g| Some(&g.vpc) != vpc.as_ref()) {
            return Err(bad_request(format!("Invalid security group id specified: {id}")));
        }
    }
    linked(tx)?;
    let link = VpcLink {
        account: tx.account.clone(),
        region: tx.region.clone(),
        vpc_link_id: new_id(tx, 6),
        name: input.name,
        subnet_ids: input.subnet_ids,
        security_group_ids: groups,
        created_date: tx.now,
        vpc_link_status: "AVAILABLE".to_owned(),
        tags: input.tags.unwrap_or_default(),
    };
    tx.put(link.clone())?;
    show(&link)
}

fn show(link: &VpcLink) -> Result<Value, Fault> {
    let document = with(shown(link)?, "VpcLinkVersion", "V2");
    Ok(with(document, "VpcLinkStatusMessage", "VPC link is ready to route traffic"))
}

fn find(tx: &Tx<'_>, id: &str) -> Result<VpcLink, Fault> {
    let missing = || not_found(format!("Invalid Vpc Link identifier specified {id}"));
    tx.find::<VpcLink>(id).cloned().ok_or_else(missing)
}

pub(crate) fn get_vpc_link(tx: &mut Tx<'_>, input: GetVpcLinkRequest) -> Result<Value, Fault> {
    show(&find(tx, &input.vpc_link_id)?)
}

pub(crate) fn get_vpc_links(tx: &mut Tx<'_>, input: GetVpcLinksRequest) -> Result<Value, Fault> {
    let all = tx.list::<VpcLink>().map(|l| (l.vpc_link_id.clone(), show(l)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_vpc_link(tx: &mut Tx<'_>, input: UpdateVpcLinkRequest) -> Result<Value, Fault> {
    let mut link = find(tx, &input.vpc_link_id)?;
    link.name = input.name.unwrap_or(link.name);
    tx.put(link.clone())?;
    show(&link)
}

pub(crate) fn delete_vpc_link(tx: &mut Tx<'_>, input: DeleteVpcLinkRequest) -> Result<Value, Fault> {
    let gone = find(tx, &input.vpc_link_id)?;
    let id = Some(&gone.vpc_link_id);
    let http = tx
        .list::<HttpApi>()
        .any(|a| a.definition.integrations.values().any(|i| i.connection_id.as_ref() == id));
    let rest = tx.list::<RestResource>().any(|r| {
        let mut integrations =
            r.place.resource_methods.values().filter_map(|m| m.method_integration.as_ref());
        integrations.any(|i| i.connection_id.as_ref() == id)
    });
    if http || rest {
        return Err(bad_request(format!(
            "Cannot delete vpc link. Vpc link '{}' is referenced by an integration",
            gone.vpc_link_id
        )));
    }
    tx.remove(&gone)?;
    Ok(Value::Map(model::Members::default()))
}
