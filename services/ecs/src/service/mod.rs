//! Services: so many tasks of a definition, kept running, replaced little by little when it changes.

pub(crate) mod scheduler;

use model::estate::ecs::{Deployment, Placement, Service, ServiceEvent, Task};
use model::{Effect, Fault, Timestamp, Tx};

use crate::fault::{invalid, no_service, unserved};
use crate::shapes::{self, *};
use crate::{cluster, definition, name, network, tags, targets, task};

/// Events that a service keeps.
const EVENTS: usize = 100;

pub(crate) fn find(tx: &Tx<'_>, cluster: &str, given: &str) -> Option<Service> {
    tx.find::<Service>(&format!("{cluster}/{}", name::short(given))).cloned()
}

/// One that can be changed.
fn active(tx: &Tx<'_>, cluster: &str, given: &str) -> Result<Service, Fault> {
    let service = find(tx, cluster, given).ok_or_else(no_service)?;
    match service.status.as_str() {
        "ACTIVE" => Ok(service),
        _ => Err(Fault::client("ServiceNotActiveException", "Service was not ACTIVE.")),
    }
}

/// Tells the operator; the newest first.
pub(crate) fn event(tx: &mut Tx<'_>, id: &str, message: &str) -> Result<(), Fault> {
    let Some(mut service) = tx.find::<Service>(id).cloned() else { return Ok(()) };
    let message = format!("(service {}) {message}", service.name);
    service.events.insert(0, ServiceEvent { id: tx.uuid(), time: tx.now, message });
    service.events.truncate(EVENTS);
    tx.put(service)
}

pub(crate) fn deployment(tx: &Tx<'_>, definition: &str, placement: &Placement, reason: &str) -> Deployment {
    let id = format!("ecs-svc/{}", tx.random_text(19, b"123456789"));
    let reason =
        if reason.is_empty() { format!("ECS deployment {id} in progress.") } else { reason.to_owned() };
    Deployment {
        id,
        status: "PRIMARY".to_owned(),
        definition: definition.to_owned(),
        placement: placement.clone(),
        failed: 0,
        failed_in_row: 0,
        rollout: "IN_PROGRESS".to_owned(),
        reason,
        created: tx.now,
        updated: tx.now,
    }
}

/// Makes this the primary deployment; those before it are wound down.
pub(crate) fn redeploy(service: &mut Service, deployment: Deployment) {
    for old in &mut service.deployments {
        old.status = "ACTIVE".to_owned();
    }
    service.definition.clone_from(&deployment.definition);
    service.deployments.insert(0, deployment);
    service.failures = 0;
    service.launch_after = Timestamp::default();
}

fn refused(some: &[(bool, &str)]) -> Result<(), Fault> {
    match some.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unserved(what)),
        None => Ok(()),
    }
}

fn connects(connect: Option<&ServiceConnectConfiguration>) -> bool {
    connect.is_some_and(|c| c.enabled)
}

fn any<T>(list: Option<&Vec<T>>) -> bool {
    list.is_some_and(|l| !l.is_empty())
}

fn refuse_unserved(input: &CreateServiceRequest) -> Result<(), Fault> {
    refused(&[
        (connects(input.service_connect_configuration.as_ref()), "Service Connect is"),
        (any(input.service_registries.as_ref()), "service registries (Cloud Map) are"),
        (any(input.volume_configurations.as_ref()), "volumes are"),
        (any(input.vpc_lattice_configurations.as_ref()), "VPC Lattice is"),
        (input.enable_execute_command == Some(true), "ExecuteCommand is"),
        (
            input.deployment_controller.as_ref().is_some_and(|c| c.r#type != "ECS"),
            "deployment controllers other than ECS are",
        ),
    ])?;
    if input.scheduling_strategy.as_deref() == Some("DAEMON") {
        return Err(invalid("The daemon scheduling strategy is not supported for AWS Fargate tasks"));
    }
    if any(input.placement_constraints.as_ref()) || any(input.placement_strategy.as_ref()) {
        return Err(invalid(
            "Placement constraints and strategies are not supported with FARGATE launch type.",
        ));
    }
    match input.role.as_deref().is_some_and(|r| !r.is_empty()) {
        true => {
            Err(invalid("You cannot specify an IAM role for services that require a service linked role."))
        }
        false => Ok(()),
    }
}

/// Minimum, maximum, circuit breaker, rollback.
fn pace(
    given: Option<DeploymentConfiguration>,
    old: (i64, i64, bool, bool),
) -> Result<(i64, i64, bool, bool), Fault> {
    let Some(given) = given else { return Ok(old) };
    refused(&[
        (given.alarms.as_ref().is_some_and(|a| a.enable), "deployment alarms are"),
        (
            given.strategy.as_deref().is_some_and(|s| s != "ROLLING"),
            "deployment strategies other than ROLLING are",
        ),
        (given.bake_time_in_minutes.is_some_and(|m| m > 0), "bake times are"),
        (any(given.lifecycle_hooks.as_ref()), "deployment lifecycle hooks are"),
        (
            given.linear_configuration.is_some() || given.canary_configuration.is_some(),
            "canary deployments are",
        ),
    ])?;
    let minimum = given.minimum_healthy_percent.unwrap_or(old.0);
    let maximum = given.maximum_percent.unwrap_or(old.1);
    if !(0..=100).contains(&minimum) || !(100..=200).contains(&maximum) {
        return Err(invalid("minimumHealthyPercent must be 0 to 100, and maximumPercent 100 to 200."));
    }
    if minimum == maximum {
        return Err(invalid(
            "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.",
        ));
    }
    let (breaker, rollback) =
        given.deployment_circuit_breaker.map_or((old.2, old.3), |b| (b.enable, b.rollback));
    Ok((minimum, maximum, breaker, rollback))
}

fn grace(given: Option<i64>, balanced: bool) -> Result<Option<i64>, Fault> {
    match given {
        Some(seconds) if !(0..=2_147_483_647).contains(&seconds) => {
            Err(invalid("healthCheckGracePeriodSeconds must be between 0 and 2147483647."))
        }
        Some(seconds) if seconds > 0 && !balanced => Err(invalid(
            "Health check grace period is only valid for services configured to use load balancers",
        )),
        given => Ok(given),
    }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html>
pub(crate) fn create_service(
    tx: &mut Tx<'_>,
    input: CreateServiceRequest,
) -> Result<CreateServiceResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    if !name::plain(&input.service_name) {
        return Err(invalid("Service names may have letters, numbers, hyphens and underscores, up to 255."));
    }
    if let Some(old) = find(tx, &cluster.name, &input.service_name) {
        match old.status.as_str() {
            "ACTIVE" if input.client_token.is_some() && old.client_token == input.client_token => {
                return Ok(CreateServiceResponse { service: Some(shape(tx, &old, true)) });
            }
            "ACTIVE" => return Err(invalid("Creation of service was not idempotent.")),
            "DRAINING" => return Err(invalid("Unable to Start a service that is still Draining.")),
            _ => {}
        }
    }
    refuse_unserved(&input)?;
    let capacity = task::capacity(input.launch_type.as_deref(), input.capacity_provider_strategy, &cluster)?;
    task::platform(input.platform_version.as_deref())?;
    let definition = definition::startable(
        tx,
        input.task_definition.as_deref().ok_or_else(|| invalid("Task definition cannot be empty."))?,
    )?;
    let desired = input.desired_count.ok_or_else(|| invalid("desiredCount must be specified."))?;
    if !(0..=5000).contains(&desired) {
        return Err(invalid("desiredCount must be between 0 and 5000."));
    }
    let placement = network::placement(tx, input.network_configuration)?;
    let balancers = targets::checked(tx, input.load_balancers, &definition)?;
    let (minimum, maximum, breaker, rollback) =
        pace(input.deployment_configuration, (100, 200, false, false))?;
    let deployment = deployment(tx, &definition.arn(), &placement, "");
    let service = Service {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}/{}", cluster.name, input.service_name),
        cluster: cluster.name,
        name: input.service_name,
        status: "ACTIVE".to_owned(),
        desired,
        definition: definition.arn(),
        capacity,
        placement,
        grace: grace(input.health_check_grace_period_seconds, !balancers.is_empty())?,
        load_balancers: balancers,
        minimum_percent: minimum,
        maximum_percent: maximum,
        breaker,
        rollback,
        managed_tags: input.enable_ecs_managed_tags == Some(true),
        propagate_tags: input.propagate_tags.unwrap_or_else(|| "NONE".to_owned()),
        rebalancing: input.availability_zone_rebalancing.unwrap_or_else(|| "ENABLED".to_owned()),
        deployments: vec![deployment],
        events: Vec::new(),
        failures: 0,
        launch_after: Timestamp::default(),
        created: tx.now,
        created_by: tx.caller().arn.clone(),
        client_token: input.client_token,
        tags: tags::checked(input.tags)?,
    };
    let id = service.id.clone();
    tx.put(service)?;
    scheduler::reconcile(tx, &id)?;
    let service = tx.find::<Service>(&id).cloned().ok_or_else(no_service)?;
    Ok(CreateServiceResponse { service: Some(shape(tx, &service, true)) })
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html>
pub(crate) fn update_service(
    tx: &mut Tx<'_>,
    input: UpdateServiceRequest,
) -> Result<UpdateServiceResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    let mut service = active(tx, &cluster.name, &input.service)?;
    refused(&[
        (connects(input.service_connect_configuration.as_ref()), "Service Connect is"),
        (any(input.service_registries.as_ref()), "service registries (Cloud Map) are"),
        (any(input.volume_configurations.as_ref()), "volumes are"),
        (any(input.vpc_lattice_configurations.as_ref()), "VPC Lattice is"),
        (input.enable_execute_command == Some(true), "ExecuteCommand is"),
        (
            input.deployment_controller.as_ref().is_some_and(|c| c.r#type != "ECS"),
            "deployment controllers other than ECS are",
        ),
    ])?;
    task::platform(input.platform_version.as_deref())?;
    let before = (service.definition.clone(), service.placement.clone(), service.load_balancers.clone());
    if let Some(given) = &input.task_definition {
        service.definition = definition::startable(tx, given)?.arn();
    }
    if input.network_configuration.is_some() {
        service.placement = network::placement(tx, input.network_configuration)?;
    }
    let current =
        definition::find(tx, &service.definition).ok_or_else(|| invalid("TaskDefinition not found."))?;
    if input.load_balancers.is_some() {
        service.load_balancers = targets::checked(tx, input.load_balancers, &current)?;
    }
    if input.capacity_provider_strategy.is_some() {
        service.capacity = task::capacity(None, input.capacity_provider_strategy, &cluster)?;
    }
    let old = (service.minimum_percent, service.maximum_percent, service.breaker, service.rollback);
    (service.minimum_percent, service.maximum_percent, service.breaker, service.rollback) =
        pace(input.deployment_configuration, old)?;
    if let Some(desired) = input.desired_count {
        if !(0..=5000).contains(&desired) {
            return Err(invalid("desiredCount must be between 0 and 5000."));
        }
        service.desired = desired;
    }
    let given = input.health_check_grace_period_seconds;
    service.grace = grace(given.or(service.grace), !service.load_balancers.is_empty())?;
    service.managed_tags = input.enable_ecs_managed_tags.unwrap_or(service.managed_tags);
    service.propagate_tags = input.propagate_tags.unwrap_or(service.propagate_tags);
    service.rebalancing = input.availability_zone_rebalancing.unwrap_or(service.rebalancing);
    let after = (service.definition.clone(), service.placement.clone(), service.load_balancers.clone());
    if before != after || input.force_new_deployment == Some(true) {
        let new = deployment(tx, &service.definition, &service.placement, "");
        redeploy(&mut service, new);
    }
    let id = service.id.clone();
    tx.put(service)?;
    scheduler::reconcile(tx, &id)?;
    let service = tx.find::<Service>(&id).cloned().ok_or_else(no_service)?;
    Ok(UpdateServiceResponse { service: Some(shape(tx, &service, true)) })
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html>
pub(crate) fn delete_service(
    tx: &mut Tx<'_>,
    input: DeleteServiceRequest,
) -> Result<DeleteServiceResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    let mut service = find(tx, &cluster.name, &input.service).ok_or_else(no_service)?;
    if service.status == "INACTIVE" {
        return Err(no_service());
    }
    if service.status == "ACTIVE" {
        if service.desired > 0 && input.force != Some(true) {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        service.desired = 0;
        service.status = "DRAINING".to_owned();
        tx.put(service.clone())?;
        scheduler::reconcile(tx, &service.id)?;
    }
    let service = tx.find::<Service>(&service.id).cloned().ok_or_else(no_service)?;
    Ok(DeleteServiceResponse { service: Some(shape(tx, &service, true)) })
}

fn counts<'t>(tasks: impl Iterator<Item = &'t Task>) -> (i64, i64) {
    tasks.filter(|t| t.desired == "RUNNING").fold((0, 0), |(running, pending), t| match t.status.as_str() {
        "RUNNING" => (running + 1, pending),
        _ => (running, pending + 1),
    })
}

fn deployment_shape(tx: &Tx<'_>, service: &Service, of: &Deployment) -> shapes::Deployment {
    let mine = tx.list::<Task>().filter(|t| t.started_by.as_ref() == Some(&of.id));
    let (running, pending) = counts(mine);
    shapes::Deployment {
        id: Some(of.id.clone()),
        status: Some(of.status.clone()),
        task_definition: Some(of.definition.clone()),
        desired_count: Some(if of.status == "PRIMARY" { service.desired } else { 0 }),
        pending_count: Some(pending),
        running_count: Some(running),
        failed_tasks: Some(of.failed),
        created_at: Some(of.created),
        updated_at: Some(of.updated),
        launch_type: service.capacity.is_empty().then(|| "FARGATE".to_owned()),
        platform_version: Some(task::PLATFORM.to_owned()),
        platform_family: Some("Linux".to_owned()),
        network_configuration: Some(network::shown(&of.placement)),
        rollout_state: Some(of.rollout.clone()),
        rollout_state_reason: Some(of.reason.clone()),
        capacity_provider_strategy: strategy(service),
        ..shapes::Deployment::default()
    }
}

fn strategy(service: &Service) -> Option<Vec<CapacityProviderStrategyItem>> {
    (!service.capacity.is_empty()).then(|| cluster::strategy_shown(&service.capacity))
}

pub(crate) fn shape(tx: &Tx<'_>, service: &Service, with_tags: bool) -> shapes::Service {
    let balancer = |b: &model::estate::ecs::BalancedPort| LoadBalancer {
        target_group_arn: Some(b.target_group.clone()),
        container_name: Some(b.container.clone()),
        container_port: Some(b.port),
        ..LoadBalancer::default()
    };
    let event = |e: &ServiceEvent| shapes::ServiceEvent {
        id: Some(e.id.clone()),
        created_at: Some(e.time),
        message: Some(e.message.clone()),
    };
    let (running, pending) = counts(tx.list::<Task>().filter(|t| t.service.as_ref() == Some(&service.id)));
    let arn = |resource: String| model::ids::arn("ecs", &service.region, &service.account, &resource);
    shapes::Service {
        service_arn: Some(service.arn()),
        service_name: Some(service.name.clone()),
        cluster_arn: Some(arn(format!("cluster/{}", service.cluster))),
        load_balancers: Some(service.load_balancers.iter().map(balancer).collect()),
        service_registries: Some(Vec::new()),
        status: Some(service.status.clone()),
        desired_count: Some(service.desired),
        running_count: Some(running),
        pending_count: Some(pending),
        launch_type: service.capacity.is_empty().then(|| "FARGATE".to_owned()),
        capacity_provider_strategy: strategy(service),
        platform_version: Some("LATEST".to_owned()),
        platform_family: Some("Linux".to_owned()),
        task_definition: Some(service.definition.clone()),
        deployment_configuration: Some(DeploymentConfiguration {
            deployment_circuit_breaker: Some(DeploymentCircuitBreaker {
                enable: service.breaker,
                rollback: service.rollback,
            }),
            maximum_percent: Some(service.maximum_percent),
            minimum_healthy_percent: Some(service.minimum_percent),
            strategy: Some("ROLLING".to_owned()),
            ..DeploymentConfiguration::default()
        }),
        deployments: Some(service.deployments.iter().map(|d| deployment_shape(tx, service, d)).collect()),
        role_arn: Some(model::ids::arn(
            "iam",
            "",
            &service.account,
            "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        )),
        events: Some(service.events.iter().map(event).collect()),
        created_at: Some(service.created),
        placement_constraints: Some(Vec::new()),
        placement_strategy: Some(Vec::new()),
        network_configuration: Some(network::shown(&service.placement)),
        health_check_grace_period_seconds: service.grace,
        scheduling_strategy: Some("REPLICA".to_owned()),
        deployment_controller: Some(DeploymentController { r#type: "ECS".to_owned() }),
        tags: with_tags.then(|| tags::shown(&service.tags)).filter(|t| !t.is_empty()),
        created_by: Some(service.created_by.clone()),
        enable_ecs_managed_tags: Some(service.managed_tags),
        propagate_tags: Some(service.propagate_tags.clone()),
        enable_execute_command: Some(false),
        availability_zone_rebalancing: Some(service.rebalancing.clone()),
        ..shapes::Service::default()
    }
}

pub(crate) fn describe_services(
    tx: &mut Tx<'_>,
    input: DescribeServicesRequest,
) -> Result<DescribeServicesResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    if input.services.is_empty() || input.services.len() > 10 {
        return Err(invalid("services must have 1 to 10 items."));
    }
    let with_tags = input.include.unwrap_or_default().iter().any(|i| i == "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for given in input.services {
        match find(tx, &cluster.name, &given) {
            Some(service) => services.push(shape(tx, &service, with_tags)),
            None => {
                let resource = format!("service/{}/{}", cluster.name, name::short(&given));
                failures.push(Failure {
                    arn: Some(model::ids::arn("ecs", &tx.region, &tx.account, &resource)),
                    reason: Some("MISSING".to_owned()),
                    detail: None,
                });
            }
        }
    }
    Ok(DescribeServicesResponse { services: Some(services), failures: Some(failures) })
}

pub(crate) fn list_services(
    tx: &mut Tx<'_>,
    input: ListServicesRequest,
) -> Result<ListServicesResponse, Fault> {
    let cluster = cluster::find(tx, input.cluster.as_deref())?;
    let wanted = |s: &&Service| {
        s.cluster == cluster.name
            && s.status != "INACTIVE"
            && input.launch_type.as_deref().is_none_or(|l| l == "FARGATE" && s.capacity.is_empty())
            && input.scheduling_strategy.as_deref().is_none_or(|s| s == "REPLICA")
    };
    let own = tx.list::<Service>().filter(wanted).map(Service::arn).collect();
    let limit = input.max_results.or(Some(10));
    let (service_arns, next_token) = name::page(own, input.next_token.as_deref(), limit)?;
    Ok(ListServicesResponse { service_arns: Some(service_arns), next_token })
}

/// A job of this service at a time; a later call replaces an earlier one.
pub(crate) fn look_again(tx: &mut Tx<'_>, service: &Service, at: Timestamp) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: format!("ecs/reconcile/{}", service.arn()),
        at,
        service: "ecs".to_owned(),
        job: "Reconcile".to_owned(),
        payload: serde_json::json!({"service": service.id}),
    })
}
