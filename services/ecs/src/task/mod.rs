//! Tasks: run, stopped, shown. Their state comes from `act`, through the jobs of `report`.

pub(crate) mod launch;
pub(crate) mod report;

use std::collections::BTreeSet;

use model::estate::ecs::{CapacityShare, Service, Task, TaskContainer, TaskDefinition};
use model::{Effect, Fault, FromValue as _, Tags, Tx, Value};
use serde_json::json;

use crate::fault::{client, invalid, unserved};
use crate::shapes::{self, *};
use crate::{cluster, definition, name, network, tags, targets};
use launch::Launch;

/// What AWS names the platform here.
pub(crate) const PLATFORM: &str = "1.4.0";

/// Only Fargate runs tasks: by launch type, by a capacity provider, or by the cluster's default.
pub(crate) fn capacity(
    launch_type: Option<&str>,
    strategy: Option<Vec<CapacityProviderStrategyItem>>,
    cluster: &model::estate::ecs::Cluster,
) -> Result<Vec<CapacityShare>, Fault> {
    let strategy = cluster::strategy(strategy)?;
    match (launch_type, strategy.is_empty()) {
        (Some(_), false) => Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        (Some("FARGATE"), true) => Ok(Vec::new()),
        (Some("EC2") | None, true) if launch_type.is_none() && !cluster.default_strategy.is_empty() => {
            Ok(cluster.default_strategy.clone())
        }
        (Some("EC2") | None, true) => Err(invalid("No Container Instances were found in your cluster.")),
        (Some(other), true) => Err(unserved(&format!("the launch type {other} is"))),
        (None, false) => match strategy.iter().find(|s| !cluster.capacity_providers.contains(&s.provider)) {
            Some(_) => Err(invalid(
                "The specified capacity provider was not found. Specify a valid name or ARN and try again.",
            )),
            None => Ok(strategy),
        },
    }
}

pub(crate) fn platform(version: Option<&str>) -> Result<(), Fault> {
    match version {
        None | Some("LATEST" | PLATFORM) => Ok(()),
        Some(other) => Err(invalid(format!("The platform version `{other}` is not valid."))),
    }
}

/// The tags of a task: the caller's, those to be propagated, and ECS's own.
pub(crate) fn task_tags(
    own: Tags,
    propagate: &str,
    definition: &TaskDefinition,
    service: Option<&Service>,
    managed: Option<&str>,
) -> Tags {
    let mut all = match (propagate, service) {
        ("TASK_DEFINITION", _) => definition.tags.clone(),
        ("SERVICE", Some(service)) => service.tags.clone(),
        _ => Tags::new(),
    };
    all.extend(own);
    if let Some(cluster) = managed {
        all.insert("aws:ecs:clusterName".to_owned(), cluster.to_owned());
        if let Some(service) = service {
            all.insert("aws:ecs:serviceName".to_owned(), service.name.clone());
        }
    }
    all
}

fn refuse_unserved(input: &RunTaskRequest) -> Result<(), Fault> {
    let some = [
        (input.enable_execute_command == Some(true), "ExecuteCommand is"),
        (input.volume_configurations.as_ref().is_some_and(|v| !v.is_empty()), "volumes are"),
    ];
    if let Some((_, what)) = some.iter().find(|(given, _)| *given) {
        return Err(unserved(what));
    }
    let placed = input.placement_constraints.as_ref().is_some_and(|p| !p.is_empty())
        || input.placement_strategy.as_ref().is_some_and(|p| !p.is_empty());
    match placed {
        true => {
            Err(invalid("Placement constraints and strategies are not supported with FARGATE launch type."))
        }
        false => Ok(()),
    }
}

/// Overrides that name containers of the definition and change nothing that is not served.
fn overrides(
    tx: &Tx<'_>,
    definition: &TaskDefinition,
    given: Option<TaskOverride>,
) -> Result<Option<TaskOverride>, Fault> {
    let Some(mut given) = given else { return Ok(None) };
    if given.ephemeral_storage.is_some()
        || given.inference_accelerator_overrides.as_ref().is_some_and(|o| !o.is_empty())
    {
        return Err(unserved("overrides of storage and accelerators are"));
    }
    given.task_role_arn = name::role(&tx.account, given.task_role_arn.as_deref())?;
    given.execution_role_arn = name::role(&tx.account, given.execution_role_arn.as_deref())?;
    let containers = definition::containers(tx, definition)?;
    for over in given.container_overrides.iter().flatten() {
        let name = over.name.as_deref().unwrap_or_default();
        if !containers.iter().any(|c| c.name.as_deref() == Some(name)) {
            return Err(invalid(format!(
                "Override for container named {name} is not a container in the TaskDefinition."
            )));
        }
        if over.environment_files.as_ref().is_some_and(|e| !e.is_empty())
            || over.resource_requirements.as_ref().is_some_and(|r| !r.is_empty())
        {
            return Err(unserved("overrides of environment files and resources are"));
        }
    }
    Ok(Some(given))
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html>
pub(crate) fn run_task(tx: &mut Tx<'_>, input: RunTaskRequest) -> Result<RunTaskResponse, Fault> {
    refuse_unserved(&input)?;
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    if let Some(token) = &input.client_token {
        let again: Vec<Task> = tx
            .list::<Task>()
            .filter(|t| t.cluster == cluster.name && t.client_token.as_ref() == Some(token))
            .cloned()
            .collect();
        if !again.is_empty() {
            let shown = again.iter().map(|t| shape(tx, t, true)).collect::<Result<_, _>>()?;
            return Ok(RunTaskResponse { tasks: Some(shown), failures: Some(Vec::new()) });
        }
    }
    let capacity = capacity(input.launch_type.as_deref(), input.capacity_provider_strategy, &cluster)?;
    platform(input.platform_version.as_deref())?;
    let definition = definition::startable(tx, &input.task_definition)?;
    let placement = network::placement(tx, input.network_configuration)?;
    let count = input.count.unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("count should be between 1 and 10."));
    }
    let overrides = overrides(tx, &definition, input.overrides)?;
    let propagate = input.propagate_tags.unwrap_or_default();
    if propagate == "SERVICE" {
        return Err(invalid("Tags can be propagated from services only to the tasks of services."));
    }
    let managed = (input.enable_ecs_managed_tags == Some(true)).then_some(cluster.name.as_str());
    let tags = task_tags(tags::checked(input.tags)?, &propagate, &definition, None, managed);
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for subnet in placement.subnets.iter().cycle().take(usize::try_from(count).unwrap_or(1)) {
        let made = launch::launch(
            tx,
            Launch {
                cluster: &cluster,
                definition: &definition,
                placement: &placement,
                subnet: subnet.clone(),
                group: input.group.clone().unwrap_or_else(|| format!("family:{}", definition.family)),
                started_by: input.started_by.clone(),
                service: None,
                overrides: overrides.clone(),
                provider: capacity.first().map(|c| c.provider.clone()),
                client_token: input.client_token.clone(),
                tags: tags.clone(),
            },
        );
        match made {
            Ok(task) => tasks.push(shape(tx, &task, true)?),
            Err(fault) => failures.push(Failure {
                arn: None,
                reason: Some("RESOURCE:ENI".to_owned()),
                detail: Some(fault.message),
            }),
        }
    }
    Ok(RunTaskResponse { tasks: Some(tasks), failures: Some(failures) })
}

/// The task that an id or ARN names in a cluster.
fn find(tx: &Tx<'_>, cluster: &str, given: &str) -> Option<Task> {
    tx.find::<Task>(&format!("{cluster}/{}", name::short(given))).cloned()
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_StopTask.html>
pub(crate) fn stop_task(tx: &mut Tx<'_>, input: StopTaskRequest) -> Result<StopTaskResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    let task = find(tx, &cluster.name, &input.task);
    let task = task.ok_or_else(|| invalid("The referenced task was not found."))?;
    let reason = input.reason.unwrap_or_else(|| "Task stopped by user".to_owned());
    if reason.len() > 1024 {
        return Err(client("The reason is longer than 1024 characters."));
    }
    let task = stop(tx, task, "UserInitiated", &reason)?;
    if let Some(service) = &task.service {
        crate::service::scheduler::soon(tx, service)?;
    }
    Ok(StopTaskResponse { task: Some(shape(tx, &task, true)?) })
}

/// Wants the task stopped: out of the target groups first, and then, once they have let it go, ended.
pub(crate) fn stop(tx: &mut Tx<'_>, mut task: Task, code: &str, reason: &str) -> Result<Task, Fault> {
    if task.desired == "STOPPED" {
        return Ok(task);
    }
    task.desired = "STOPPED".to_owned();
    task.stop_code = Some(code.to_owned());
    task.stop_reason = Some(reason.to_owned());
    task.stopping = Some(tx.now);
    task.version += 1;
    if task.registered
        && let Some(service) = task.service.as_ref().and_then(|s| tx.find::<Service>(s)).cloned()
    {
        targets::deregister(tx, &service, &task);
        task.registered = false;
        task.status = "DEACTIVATING".to_owned();
        tx.effect(Effect::Schedule {
            id: format!("ecs/drain/{}", task.arn()),
            at: tx.now.plus_seconds(1),
            service: "ecs".to_owned(),
            job: "Drain".to_owned(),
            payload: json!({"task": task.id}),
        })?;
    } else {
        task.status = "STOPPING".to_owned();
    }
    tx.put(task.clone())?;
    Ok(task)
}

fn container(task: &Task, own: &TaskContainer) -> Container {
    let arn =
        model::ids::arn("ecs", &task.region, &task.account, &format!("container/{}/{}", task.id, own.id));
    Container {
        container_arn: Some(arn),
        task_arn: Some(task.arn()),
        name: Some(own.name.clone()),
        image: Some(own.image.clone()),
        runtime_id: own.runtime_id.clone(),
        last_status: Some(own.status.clone()),
        exit_code: own.exit_code,
        reason: own.reason.clone(),
        network_bindings: Some(Vec::new()),
        network_interfaces: Some(vec![NetworkInterface {
            attachment_id: Some(task.interface.attachment.clone()),
            private_ipv4_address: Some(task.interface.private_ip.clone()),
            ipv6_address: None,
        }]),
        health_status: Some(own.health.clone()),
        cpu: Some(own.cpu.clone()),
        memory: own.memory.clone(),
        memory_reservation: own.memory_reservation.clone(),
        ..Container::default()
    }
}

fn attachment(task: &Task) -> Attachment {
    let interface = &task.interface;
    let details = [
        ("subnetId", &interface.subnet),
        ("networkInterfaceId", &interface.id),
        ("macAddress", &interface.mac),
        ("privateIPv4Address", &interface.private_ip),
    ];
    let pair = |(name, value): (&str, &String)| KeyValuePair {
        name: Some(name.to_owned()),
        value: Some(value.clone()),
    };
    let status = match task.status.as_str() {
        "STOPPED" => "DELETED",
        "PROVISIONING" => "ATTACHING",
        _ => "ATTACHED",
    };
    Attachment {
        id: Some(interface.attachment.clone()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some(status.to_owned()),
        details: Some(details.into_iter().map(pair).collect()),
    }
}

pub(crate) fn shape(tx: &Tx<'_>, task: &Task, with_tags: bool) -> Result<shapes::Task, Fault> {
    let overrides = match task.overrides_json(tx.host())? {
        Some(json) => TaskOverride::from_value(Value::from_json(json))?,
        None => TaskOverride::default(),
    };
    let overrides = TaskOverride {
        container_overrides: Some(overrides.container_overrides.unwrap_or_else(|| {
            let plain = |c: &TaskContainer| ContainerOverride {
                name: Some(c.name.clone()),
                ..ContainerOverride::default()
            };
            task.containers.iter().map(plain).collect()
        })),
        ..overrides
    };
    let cluster = model::ids::arn("ecs", &task.region, &task.account, &format!("cluster/{}", task.cluster));
    let connected = !matches!(task.status.as_str(), "PROVISIONING" | "STOPPED");
    Ok(shapes::Task {
        attachments: Some(vec![attachment(task)]),
        availability_zone: Some(task.interface.zone.clone()),
        capacity_provider_name: task.provider.clone(),
        cluster_arn: Some(cluster),
        connectivity: connected.then(|| "CONNECTED".to_owned()),
        connectivity_at: task.pull_started,
        containers: Some(task.containers.iter().map(|c| container(task, c)).collect()),
        cpu: task.cpu.clone(),
        created_at: Some(task.created),
        desired_status: Some(task.desired.clone()),
        enable_execute_command: Some(false),
        execution_stopped_at: task.stopped,
        group: Some(task.group.clone()),
        health_status: Some(task.health.clone()),
        last_status: Some(task.status.clone()),
        launch_type: Some("FARGATE".to_owned()),
        memory: task.memory.clone(),
        overrides: Some(overrides),
        platform_version: Some(PLATFORM.to_owned()),
        platform_family: Some("Linux".to_owned()),
        pull_started_at: task.pull_started,
        pull_stopped_at: task.pull_stopped,
        started_at: task.started,
        started_by: task.started_by.clone(),
        stop_code: task.stop_code.clone(),
        stopped_at: task.stopped,
        stopped_reason: task.stop_reason.clone(),
        stopping_at: task.stopping,
        tags: Some(if with_tags { tags::shown(&task.tags) } else { Vec::new() }),
        task_arn: Some(task.arn()),
        task_definition_arn: Some(task.definition.clone()),
        version: Some(task.version),
        ..shapes::Task::default()
    })
}

pub(crate) fn describe_tasks(
    tx: &mut Tx<'_>,
    input: DescribeTasksRequest,
) -> Result<DescribeTasksResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    if input.tasks.is_empty() || input.tasks.len() > 100 {
        return Err(invalid("tasks must have 1 to 100 items."));
    }
    let with_tags = input.include.unwrap_or_default().iter().any(|i| i == "TAGS");
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for given in input.tasks {
        match find(tx, &cluster.name, &given) {
            Some(task) => tasks.push(shape(tx, &task, with_tags)?),
            None => {
                let resource = format!("task/{}/{}", cluster.name, name::short(&given));
                failures.push(Failure {
                    arn: Some(model::ids::arn("ecs", &tx.region, &tx.account, &resource)),
                    reason: Some("MISSING".to_owned()),
                    detail: None,
                });
            }
        }
    }
    Ok(DescribeTasksResponse { tasks: Some(tasks), failures: Some(failures) })
}

pub(crate) fn list_tasks(tx: &mut Tx<'_>, input: ListTasksRequest) -> Result<ListTasksResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    let desired = input.desired_status.unwrap_or_else(|| "RUNNING".to_owned());
    let families: BTreeSet<String> = tx
        .list::<TaskDefinition>()
        .filter(|d| input.family.as_ref() == Some(&d.family))
        .map(TaskDefinition::arn)
        .collect();
    let service = input.service_name.map(|s| format!("{}/{}", cluster.name, name::short(&s)));
    if service.as_ref().is_some_and(|s| tx.find::<Service>(s).is_none()) {
        return Err(crate::fault::no_service());
    }
    let wanted = |t: &&Task| {
        t.cluster == cluster.name
            && t.desired == desired
            && input.family.as_ref().is_none_or(|_| families.contains(&t.definition))
            && service.as_ref().is_none_or(|s| t.service.as_ref() == Some(s))
            && input.started_by.as_ref().is_none_or(|s| t.started_by.as_ref() == Some(s))
            && input.launch_type.as_deref().is_none_or(|l| l == "FARGATE")
            && input.container_instance.is_none()
    };
    let own = tx.list::<Task>().filter(wanted).map(Task::arn).collect();
    let (task_arns, next_token) = name::page(own, input.next_token.as_deref(), input.max_results)?;
    Ok(ListTasksResponse { task_arns: Some(task_arns), next_token })
}
