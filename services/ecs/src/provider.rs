//! `AWS::ECS::Cluster`, `TaskDefinition` and `Service` in CloudFormation.

use model::estate::ecs::Service;
use model::service::{going, tags_of};
use model::{Deploy, Fault, Physical, Ready, Resource, Tx, Value};
use serde_json::{Map, Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::ECS::Cluster",
        create: create_cluster,
        update: update_cluster,
        delete: delete_cluster,
        ready: None,
    },
    Resource {
        type_name: "AWS::ECS::ClusterCapacityProviderAssociations",
        create: associate,
        update: associate,
        delete: dissociate,
        ready: None,
    },
    Resource {
        type_name: "AWS::ECS::TaskDefinition",
        create: register,
        update: retag_definition,
        delete: deregister,
        ready: None,
    },
    Resource {
        type_name: "AWS::ECS::Service",
        create: create_service,
        update: update_service,
        delete: delete_service,
        ready: Some(steady),
    },
];

/// Maps whose keys are the user's own.
const MAPS: &[&str] = &["DockerLabels", "Options"];

/// Property names begin with a capital, the API's members do not.
fn api(value: &Json) -> Json {
    match value {
        Json::Array(list) => list.iter().map(api).collect(),
        Json::Object(map) => {
            let small = |name: &str| {
                let mut letters = name.chars();
                letters.next().map_or(String::new(), |c| c.to_lowercase().chain(letters).collect())
            };
            let pair = |(name, value): (&String, &Json)| {
                let inner = if MAPS.contains(&name.as_str()) { value.clone() } else { api(value) };
                (small(name), inner)
            };
            Json::Object(map.iter().map(pair).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn property(deploy: &Deploy<'_>, name: &str) -> Json {
    deploy.property(name).map(api).unwrap_or_default()
}

fn tags(deploy: &Deploy<'_>) -> Json {
    deploy.tags_with("Tags").into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.previous.and_then(|old| old.get(property)) != deploy.property(property)
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    if !changed(deploy, "Tags") {
        return Ok(());
    }
    let new = deploy.tags_with("Tags");
    let old =
        tags_of(&Value::from_json(deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default()));
    let gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k)).collect();
    if !gone.is_empty() {
        deploy.call(tx, "ecs", "UntagResource", json!({"resourceArn": arn, "tagKeys": gone}))?;
    }
    if !new.is_empty() {
        deploy.call(tx, "ecs", "TagResource", json!({"resourceArn": arn, "tags": tags(deploy)}))?;
    }
    Ok(())
}

fn ignore(outcome: Result<Value, Fault>, codes: &[&str]) -> Result<(), Fault> {
    match outcome {
        Err(fault) if !codes.contains(&fault.code.as_ref()) => Err(fault),
        _ => Ok(()),
    }
}

fn create_cluster(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("ClusterName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 255));
    let made = deploy.call(
        tx,
        "ecs",
        "CreateCluster",
        json!({
            "clusterName": name,
            "settings": property(deploy, "ClusterSettings"),
            "capacityProviders": property(deploy, "CapacityProviders"),
            "defaultCapacityProviderStrategy": property(deploy, "DefaultCapacityProviderStrategy"),
            "tags": tags(deploy),
        }),
    )?;
    let arn = made.get("cluster").and_then(|c| c.text("clusterArn")).unwrap_or_default().to_owned();
    Ok(Physical::new(name).attribute("Arn", arn))
}

fn update_cluster(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    if changed(deploy, "ClusterSettings") {
        let settings = deploy.property("ClusterSettings").map_or(json!([]), api);
        deploy.call(tx, "ecs", "UpdateClusterSettings", json!({"cluster": name, "settings": settings}))?;
    }
    if changed(deploy, "CapacityProviders") || changed(deploy, "DefaultCapacityProviderStrategy") {
        capacity(tx, deploy, &name)?;
    }
    let arn = model::ids::arn("ecs", &tx.region, &tx.account, &format!("cluster/{name}"));
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn capacity(tx: &mut Tx<'_>, deploy: &Deploy<'_>, cluster: &str) -> Result<(), Fault> {
    let list = |name: &str| deploy.property(name).map_or(json!([]), api);
    let input = json!({
        "cluster": cluster,
        "capacityProviders": list("CapacityProviders"),
        "defaultCapacityProviderStrategy": list("DefaultCapacityProviderStrategy"),
    });
    deploy.call(tx, "ecs", "PutClusterCapacityProviders", input).map(|_| ())
}

fn delete_cluster(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let done = deploy.call(tx, "ecs", "DeleteCluster", json!({"cluster": deploy.id()?}));
    ignore(done, &["ClusterNotFoundException"])
}

fn associate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let cluster = deploy.text("Cluster").unwrap_or_default().to_owned();
    capacity(tx, deploy, &cluster)?;
    Ok(Physical::new(cluster))
}

fn dissociate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input =
        json!({"cluster": deploy.id()?, "capacityProviders": [], "defaultCapacityProviderStrategy": []});
    ignore(deploy.call(tx, "ecs", "PutClusterCapacityProviders", input), &["ClusterNotFoundException"])
}

/// The properties of a definition that are members of the call under the same name.
const DEFINED: &[&str] = &[
    "ContainerDefinitions",
    "Cpu",
    "ExecutionRoleArn",
    "Memory",
    "NetworkMode",
    "RequiresCompatibilities",
    "RuntimePlatform",
    "TaskRoleArn",
];

fn small(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or(String::new(), |c| c.to_lowercase().chain(letters).collect())
}

fn register(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let family = deploy.text("Family").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 255));
    let mut input = json!({"family": family, "tags": tags(deploy)});
    if let Json::Object(map) = &mut input {
        map.extend(DEFINED.iter().map(|name| (small(name), property(deploy, name))));
    }
    let made = deploy.call(tx, "ecs", "RegisterTaskDefinition", input)?;
    let arn = made.get("taskDefinition").and_then(|d| d.text("taskDefinitionArn")).unwrap_or_default();
    Ok(Physical::new(arn).attribute("TaskDefinitionArn", arn))
}

/// Everything else of a definition is replaced.
fn retag_definition(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn deregister(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"taskDefinition": deploy.id()?});
    match deploy.call(tx, "ecs", "DeregisterTaskDefinition", input) {
        Err(fault) if !fault.message.contains("does not exist") => Err(fault),
        _ => Ok(()),
    }
}

/// The properties of a service that an update passes on as they are.
const SERVED: &[&str] = &[
    "AvailabilityZoneRebalancing",
    "CapacityProviderStrategy",
    "DeploymentConfiguration",
    "DeploymentController",
    "DesiredCount",
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "LoadBalancers",
    "NetworkConfiguration",
    "PlatformVersion",
    "PropagateTags",
    "TaskDefinition",
];

fn served(deploy: &Deploy<'_>, input: &mut Json) {
    if let Json::Object(map) = input {
        map.extend(SERVED.iter().map(|name| {
            let member =
                if *name == "EnableECSManagedTags" { "enableECSManagedTags".to_owned() } else { small(name) };
            (member, property(deploy, name))
        }));
    }
}

fn create_service(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.text("ServiceName").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 255));
    let mut input = json!({
        "serviceName": name,
        "cluster": deploy.property("Cluster"),
        "launchType": deploy.property("LaunchType"),
        "schedulingStrategy": deploy.property("SchedulingStrategy"),
        "tags": tags(deploy),
    });
    served(deploy, &mut input);
    if let Json::Object(map) = &mut input {
        // Without a number CloudFormation starts one task.
        map.entry("desiredCount").and_modify(|n| {
            if n.is_null() {
                *n = json!(1)
            }
        });
    }
    let made = deploy.call(tx, "ecs", "CreateService", input)?;
    Ok(physical(&made))
}

/// The definition that was asked for, by which one sees whether ECS has gone back to another.
const WANTED: &str = "Countersign::TaskDefinition";

fn physical(answer: &Value) -> Physical {
    let service = answer.get("service").cloned().unwrap_or_default();
    let text = |member: &str| service.text(member).unwrap_or_default().to_owned();
    let arn = text("serviceArn");
    Physical::new(arn.clone())
        .attribute("Name", text("serviceName"))
        .attribute("ServiceArn", arn)
        .attribute(WANTED, text("taskDefinition"))
}

fn update_service(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    let mut input = json!({"service": arn, "cluster": deploy.property("Cluster")});
    served(deploy, &mut input);
    let unchanged: Vec<&&str> = SERVED.iter().filter(|p| !changed(deploy, p)).collect();
    if let Json::Object(map) = &mut input {
        map.retain(|member, _| !unchanged.iter().any(|p| member.eq_ignore_ascii_case(p)));
    }
    let mut physical_now = deploy.physical.cloned().unwrap_or_default();
    if unchanged.len() < SERVED.len() {
        physical_now = physical(&deploy.call(tx, "ecs", "UpdateService", input)?);
    }
    retag(tx, deploy, &arn)?;
    Ok(physical_now)
}

/// The service is gone when its last task has ended and given its interface back.
fn delete_service(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = deploy.id()?.to_owned();
    let status = |tx: &Tx<'_>| tx.find_arn::<Service>(&arn).map(|s| s.status.clone());
    if status(tx).as_deref() == Some("ACTIVE") {
        let input = json!({"service": arn, "cluster": deploy.property("Cluster"), "force": true});
        deploy.call(tx, "ecs", "DeleteService", input)?;
    }
    match status(tx).as_deref() {
        Some("DRAINING") => Err(going()),
        _ => Ok(()),
    }
}

/// A service is ready when its deployment is complete, and has failed when that was given up.
fn steady(tx: &mut Tx<'_>, physical: &Physical) -> Result<Ready, Fault> {
    let Some(service) = tx.find_arn::<Service>(&physical.id) else {
        return Ok(Ready::Failed("the service is gone".to_owned()));
    };
    let Some(primary) = service.deployments.first() else { return Ok(Ready::NotYet) };
    let wanted = physical.attributes.get(WANTED).and_then(Json::as_str);
    let went_back = wanted.is_some_and(|wanted| wanted != primary.definition);
    Ok(match primary.rollout.as_str() {
        "FAILED" => Ready::Failed(primary.reason.clone()),
        _ if went_back => Ready::Failed("ECS Deployment Circuit Breaker was triggered".to_owned()),
        "COMPLETED" => Ready::Yes,
        _ => Ready::NotYet,
    })
}
