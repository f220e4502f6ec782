//! The task metadata endpoint, version 4: what a container may know of itself and its task.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html>

use model::estate::ecs::{Task, TaskContainer, TaskDefinition};
use model::plane::Plane;
use serde_json::{Value as Json, json};

fn definition<'a>(snapshot: &'a model::Snapshot, task: &Task) -> Option<&'a TaskDefinition> {
    snapshot.find_arn::<TaskDefinition>(&task.definition)
}

fn limits(cpu: Option<&str>, memory: Option<&str>) -> Json {
    let number = |text: Option<&str>| text.and_then(|t| t.parse::<f64>().ok());
    json!({"CPU": number(cpu), "Memory": number(memory)})
}

fn one(task: &Task, family: &str, revision: i64, own: &TaskContainer) -> Json {
    let resource = format!("container/{}/{}", task.id, own.id);
    json!({
        "DockerId": own.runtime_id.clone().unwrap_or_else(|| own.id.clone()),
        "Name": own.name,
        "DockerName": own.name,
        "Image": own.image,
        "ImageID": "",
        "Labels": {
            "com.amazonaws.ecs.cluster": model::ids::arn("ecs", &task.region, &task.account, &format!("cluster/{}", task.cluster)),
            "com.amazonaws.ecs.container-name": own.name,
            "com.amazonaws.ecs.task-arn": task.arn(),
            "com.amazonaws.ecs.task-definition-family": family,
            "com.amazonaws.ecs.task-definition-version": revision.to_string(),
        },
        "DesiredStatus": task.desired,
        "KnownStatus": own.status,
        "Limits": limits(Some(&own.cpu), own.memory.as_deref()),
        "CreatedAt": task.created.to_rfc3339(),
        "StartedAt": task.started.map(|t| t.to_rfc3339()),
        "Type": "NORMAL",
        "ContainerARN": model::ids::arn("ecs", &task.region, &task.account, &resource),
        "Networks": [{
            "NetworkMode": "awsvpc",
            "IPv4Addresses": [task.interface.private_ip],
            "AttachmentIndex": 0,
            "MACAddress": task.interface.mac,
        }],
        "Snapshotter": "overlayfs",
    })
}

/// Of one container.
pub(crate) fn container(plane: &Plane, arn: &str, name: &str) -> Option<Json> {
    let snapshot = plane.estate.snapshot();
    let task = snapshot.find_arn::<Task>(arn)?;
    let definition = definition(&snapshot, task);
    let (family, revision) = definition.map_or(("", 0), |d| (d.family.as_str(), d.revision));
    Some(one(task, family, revision, task.containers.iter().find(|c| c.name == name)?))
}

/// Of the task with all its containers.
pub(crate) fn task(plane: &Plane, arn: &str) -> Option<Json> {
    let snapshot = plane.estate.snapshot();
    let task = snapshot.find_arn::<Task>(arn)?;
    let definition = definition(&snapshot, task);
    let (family, revision) = definition.map_or(("", 0), |d| (d.family.as_str(), d.revision));
    let service = task.service.as_ref().and_then(|s| s.rsplit('/').next());
    Some(json!({
        "Cluster": model::ids::arn("ecs", &task.region, &task.account, &format!("cluster/{}", task.cluster)),
        "TaskARN": task.arn(),
        "Family": family,
        "Revision": revision.to_string(),
        "ServiceName": service,
        "DesiredStatus": task.desired,
        "KnownStatus": task.status,
        "Limits": limits(task.cpu.as_deref().and_then(|c| c.parse::<f64>().ok()).map(|c| (c / 1024.0).to_string()).as_deref(), task.memory.as_deref()),
        "PullStartedAt": task.pull_started.map(|t| t.to_rfc3339()),
        "PullStoppedAt": task.pull_stopped.map(|t| t.to_rfc3339()),
        "AvailabilityZone": task.interface.zone,
        "LaunchType": "FARGATE",
        "VPCID": task.interface.vpc,
        "Containers": task.containers.iter().map(|c| one(task, family, revision, c)).collect::<Vec<_>>(),
    }))
}
