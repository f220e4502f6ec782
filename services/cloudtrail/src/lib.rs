//! AWS CloudTrail: the log of calls, as AWS shows it, and trails that deliver it. No event is
//! stored here: every one is a view of the runtime's own record.

mod deliver;
mod lookup;
mod provider;
#[rustfmt::skip]
mod shapes;
mod trail;
mod view;

use model::{Ask, Asking, Fault, NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "cloudtrail",
    model: include_str!("../cloudtrail.model"),
    types: include_str!("../cloudtrail.cfn"),
    actions: include_str!("../cloudtrail.iam"),
    operations: model::operations![
        read LookupEvents => lookup::lookup_events,
        write CreateTrail => trail::create_trail,
        write UpdateTrail => trail::update_trail,
        write DeleteTrail => trail::delete_trail,
        read DescribeTrails => trail::describe_trails,
        read GetTrail => trail::get_trail,
        read ListTrails => trail::list_trails,
        read GetTrailStatus => trail::get_trail_status,
        write StartLogging => trail::start_logging,
        write StopLogging => trail::stop_logging,
        write PutEventSelectors => trail::put_event_selectors,
        read GetEventSelectors => trail::get_event_selectors,
        write AddTags => trail::add_tags,
        write RemoveTags => trail::remove_tags,
        read ListTags => trail::list_tags,
    ],
    ask,
    nodes: &[NodeKind::of::<trail::Stored>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![Deliver => deliver::deliver],
    founding: model::service::nothing,
};

fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let on = |name: &str| {
        let resource = match name.starts_with("arn:") {
            true => name.to_owned(),
            false => asking.arn("cloudtrail", &format!("trail/{name}")),
        };
        let mut ask = Ask::new(format!("cloudtrail:{operation}"), resource);
        ask.account = Some(asking.account.clone());
        ask.request_tags = asking.tags("TagsList");
        ask
    };
    Ok(match operation {
        "LookupEvents" | "DescribeTrails" | "ListTrails" => {
            vec![Ask::new(format!("cloudtrail:{operation}"), "*")]
        }
        "ListTags" => asking.strings("ResourceIdList").iter().map(|id| on(id)).collect(),
        _ => {
            let name = asking.text("Name").or(asking.text("TrailName")).or(asking.text("ResourceId"));
            name.map(on).into_iter().collect()
        }
    })
}
