//! Task definitions: registered as revisions of a family, never changed.

mod check;

use model::estate::ecs::{Task, TaskDefinition, sealed};
use model::{Fault, FromValue as _, IntoValue as _, Tags, Tx, Value};

use crate::fault::{client, invalid};
use crate::shapes::{self, *};
use crate::{name, tags};

fn missing() -> Fault {
    client("Unable to describe task definition.")
}

/// The definition that an ARN, `FAMILY:REVISION` or `FAMILY` (its newest active revision) names.
pub(crate) fn find(tx: &Tx<'_>, given: &str) -> Option<TaskDefinition> {
    let id = name::definition(given);
    if id.contains(':') {
        return tx.find::<TaskDefinition>(id).cloned();
    }
    revisions(tx, id).filter(|d| d.status == "ACTIVE").max_by_key(|d| d.revision).cloned()
}

/// One that tasks may be started from.
pub(crate) fn startable(tx: &Tx<'_>, given: &str) -> Result<TaskDefinition, Fault> {
    let found = find(tx, given).ok_or_else(|| client("TaskDefinition not found."))?;
    if found.status != "ACTIVE" {
        return Err(client("TaskDefinition is inactive"));
    }
    match found.compatibilities.iter().any(|c| c == "FARGATE") {
        true => Ok(found),
        false => Err(invalid("Task definition does not support launch_type FARGATE.")),
    }
}

fn revisions<'t>(tx: &'t Tx<'_>, family: &'t str) -> impl Iterator<Item = &'t TaskDefinition> {
    tx.list::<TaskDefinition>().filter(move |d| d.family == family)
}

/// What AWS fills in where nothing is said.
fn completed(mut container: ContainerDefinition) -> ContainerDefinition {
    container.cpu = container.cpu.or(Some(0));
    container.essential = container.essential.or(Some(true));
    for list in [&mut container.entry_point, &mut container.command] {
        *list = list.take().filter(|l| !l.is_empty());
    }
    container.environment.get_or_insert_default();
    container.mount_points.get_or_insert_default();
    container.volumes_from.get_or_insert_default();
    container.system_controls.get_or_insert_default();
    for mapping in container.port_mappings.get_or_insert_default() {
        mapping.host_port = mapping.container_port;
        mapping.protocol = mapping.protocol.take().or_else(|| Some("tcp".to_owned()));
    }
    container
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
pub(crate) fn register_task_definition(
    tx: &mut Tx<'_>,
    input: RegisterTaskDefinitionRequest,
) -> Result<RegisterTaskDefinitionResponse, Fault> {
    check::task(&input)?;
    let requires = input.requires_compatibilities.clone().unwrap_or_default();
    if let Some(other) = requires.iter().find(|r| !["EC2", "FARGATE"].contains(&r.as_str())) {
        return Err(crate::fault::unserved(&format!("tasks of compatibility {other} are")));
    }
    let wants_fargate = requires.iter().any(|r| r == "FARGATE");
    let size = match check::fargate(&input) {
        Ok(size) => Some(size),
        Err(fault) if wants_fargate => return Err(fault),
        Err(_) => None,
    };
    check::containers(&input, size)?;
    let mut compatibilities = vec!["EC2".to_owned()];
    compatibilities.extend(size.map(|_| "FARGATE".to_owned()));
    let task_role = name::role(&tx.account, input.task_role_arn.as_deref())?;
    let execution_role = name::role(&tx.account, input.execution_role_arn.as_deref())?;
    let revision = revisions(tx, &input.family).map(|d| d.revision).max().unwrap_or(0) + 1;
    let containers: Vec<ContainerDefinition> =
        input.container_definitions.into_iter().map(completed).collect();
    let platform = input.runtime_platform.unwrap_or_default();
    let mut definition = TaskDefinition {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}:{revision}", input.family),
        family: input.family,
        revision,
        status: "ACTIVE".to_owned(),
        task_role,
        execution_role,
        network_mode: input.network_mode.or_else(|| Some("bridge".to_owned())),
        cpu: size.map_or(input.cpu, |(cpu, _)| Some(cpu.to_string())),
        memory: size.map_or(input.memory, |(_, memory)| Some(memory.to_string())),
        requires,
        compatibilities,
        architecture: platform.cpu_architecture,
        operating_system: platform.operating_system_family,
        sealed_containers: String::new(),
        registered: tx.now,
        registered_by: tx.caller().arn.clone(),
        deregistered: None,
        tags: tags::checked(input.tags)?,
    };
    let json = containers.into_value().to_json();
    definition.sealed_containers = sealed(tx.host(), "ecs-containers", &definition.arn(), &json)?;
    tx.put(definition.clone())?;
    Ok(RegisterTaskDefinitionResponse {
        task_definition: Some(shape(tx, &definition)?),
        tags: shown(&definition.tags),
    })
}

fn shown(tags: &Tags) -> Option<Vec<Tag>> {
    Some(tags::shown(tags)).filter(|t| !t.is_empty())
}

/// The containers in the API's form.
pub(crate) fn containers(
    tx: &Tx<'_>,
    definition: &TaskDefinition,
) -> Result<Vec<ContainerDefinition>, Fault> {
    Vec::from_value(Value::from_json(definition.containers_json(tx.host())?))
}

/// What of AWS's is needed to run the task; clients show it.
fn attributes(definition: &TaskDefinition, containers: &[ContainerDefinition]) -> Vec<Attribute> {
    let mut names = vec!["com.amazonaws.ecs.capability.docker-remote-api.1.18"];
    if definition.task_role.is_some() {
        names.push("com.amazonaws.ecs.capability.task-iam-role");
    }
    if definition.network_mode.as_deref() == Some("awsvpc") {
        names.push("ecs.capability.task-eni");
    }
    if containers.iter().any(|c| c.log_configuration.is_some()) {
        names.push("com.amazonaws.ecs.capability.logging-driver.awslogs");
        names.push("ecs.capability.execution-role-awslogs");
    }
    if containers.iter().any(|c| c.secrets.as_ref().is_some_and(|s| !s.is_empty())) {
        names.push("ecs.capability.secrets.asm.environment-variables");
    }
    if containers.iter().any(|c| c.health_check.is_some()) {
        names.push("ecs.capability.container-health-check");
    }
    names.into_iter().map(|n| Attribute { name: n.to_owned(), ..Attribute::default() }).collect()
}

fn shape(tx: &Tx<'_>, definition: &TaskDefinition) -> Result<shapes::TaskDefinition, Fault> {
    let containers = containers(tx, definition)?;
    let some = |list: &Vec<String>| Some(list.clone()).filter(|l| !l.is_empty());
    let platform = (definition.architecture.is_some() || definition.operating_system.is_some()).then(|| {
        RuntimePlatform {
            cpu_architecture: definition.architecture.clone(),
            operating_system_family: definition.operating_system.clone(),
        }
    });
    Ok(shapes::TaskDefinition {
        task_definition_arn: Some(definition.arn()),
        requires_attributes: Some(attributes(definition, &containers)),
        container_definitions: Some(containers),
        family: Some(definition.family.clone()),
        task_role_arn: definition.task_role.clone(),
        execution_role_arn: definition.execution_role.clone(),
        network_mode: definition.network_mode.clone(),
        revision: Some(definition.revision),
        volumes: Some(Vec::new()),
        status: Some(definition.status.clone()),
        placement_constraints: Some(Vec::new()),
        compatibilities: Some(definition.compatibilities.clone()),
        runtime_platform: platform,
        requires_compatibilities: some(&definition.requires),
        cpu: definition.cpu.clone(),
        memory: definition.memory.clone(),
        registered_at: Some(definition.registered),
        registered_by: Some(definition.registered_by.clone()),
        deregistered_at: definition.deregistered,
        ..shapes::TaskDefinition::default()
    })
}

pub(crate) fn describe_task_definition(
    tx: &mut Tx<'_>,
    input: DescribeTaskDefinitionRequest,
) -> Result<DescribeTaskDefinitionResponse, Fault> {
    let definition = find(tx, &input.task_definition).ok_or_else(missing)?;
    let with_tags = input.include.unwrap_or_default().iter().any(|i| i == "TAGS");
    Ok(DescribeTaskDefinitionResponse {
        task_definition: Some(shape(tx, &definition)?),
        tags: with_tags.then(|| tags::shown(&definition.tags)),
    })
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeregisterTaskDefinition.html>
pub(crate) fn deregister_task_definition(
    tx: &mut Tx<'_>,
    input: DeregisterTaskDefinitionRequest,
) -> Result<DeregisterTaskDefinitionResponse, Fault> {
    let id = name::definition(&input.task_definition).to_owned();
    if !id.contains(':') {
        return Err(client("Invalid revision number. Number: null"));
    }
    let mut definition = tx
        .find::<TaskDefinition>(&id)
        .cloned()
        .ok_or_else(|| client("The specified task definition does not exist."))?;
    if definition.status == "ACTIVE" {
        definition.status = "INACTIVE".to_owned();
        definition.deregistered = Some(tx.now);
        tx.put(definition.clone())?;
    }
    Ok(DeregisterTaskDefinitionResponse { task_definition: Some(shape(tx, &definition)?) })
}

/// One that tasks still run from waits for them; the others are gone at once.
pub(crate) fn delete_task_definitions(
    tx: &mut Tx<'_>,
    input: DeleteTaskDefinitionsRequest,
) -> Result<DeleteTaskDefinitionsResponse, Fault> {
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for given in input.task_definitions {
        let id = name::definition(&given);
        let found = tx.find::<TaskDefinition>(id).cloned();
        let reason = match &found {
            None => Some(
                "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
            ),
            Some(d) if d.status == "ACTIVE" => Some(
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
            ),
            Some(_) => None,
        };
        match (found, reason) {
            (Some(mut definition), None) => {
                definition.status = "DELETE_IN_PROGRESS".to_owned();
                deleted.push(shape(tx, &definition)?);
                let arn = definition.arn();
                match in_use(tx, &arn) {
                    true => tx.put(definition)?,
                    false => tx.remove(&definition)?,
                }
            }
            (_, reason) => {
                failures.push(Failure { arn: Some(given), reason: reason.map(str::to_owned), detail: None })
            }
        }
    }
    Ok(DeleteTaskDefinitionsResponse { task_definitions: Some(deleted), failures: Some(failures) })
}

fn in_use(tx: &Tx<'_>, arn: &str) -> bool {
    let service = |s: &model::estate::ecs::Service| {
        s.status != "INACTIVE" && (s.definition == arn || s.deployments.iter().any(|d| d.definition == arn))
    };
    tx.list::<Task>().any(|t| t.definition == arn && t.status != "STOPPED")
        || tx.list::<model::estate::ecs::Service>().any(service)
}

/// Removes a definition that was only waiting for its last task.
pub(crate) fn forget_if_unused(tx: &mut Tx<'_>, arn: &str) -> Result<(), Fault> {
    let waiting = tx.find_arn::<TaskDefinition>(arn).filter(|d| d.status == "DELETE_IN_PROGRESS").cloned();
    match waiting {
        Some(definition) if !in_use(tx, arn) => tx.remove(&definition),
        _ => Ok(()),
    }
}

pub(crate) fn list_task_definitions(
    tx: &mut Tx<'_>,
    input: ListTaskDefinitionsRequest,
) -> Result<ListTaskDefinitionsResponse, Fault> {
    let status = input.status.unwrap_or_else(|| "ACTIVE".to_owned());
    let mut own: Vec<&TaskDefinition> = tx
        .list::<TaskDefinition>()
        .filter(|d| d.status == status && input.family_prefix.as_ref().is_none_or(|f| d.family == *f))
        .collect();
    own.sort_by(|a, b| (&a.family, a.revision).cmp(&(&b.family, b.revision)));
    if input.sort.as_deref() == Some("DESC") {
        own.reverse();
    }
    let own = own.into_iter().map(TaskDefinition::arn).collect();
    let (arns, next_token) = name::page(own, input.next_token.as_deref(), input.max_results)?;
    Ok(ListTaskDefinitionsResponse { task_definition_arns: Some(arns), next_token })
}

pub(crate) fn list_task_definition_families(
    tx: &mut Tx<'_>,
    input: ListTaskDefinitionFamiliesRequest,
) -> Result<ListTaskDefinitionFamiliesResponse, Fault> {
    let status = input.status.unwrap_or_else(|| "ACTIVE".to_owned());
    let prefix = input.family_prefix.unwrap_or_default();
    let mut families: Vec<String> =
        tx.list::<TaskDefinition>().map(|d| d.family.clone()).filter(|f| f.starts_with(&prefix)).collect();
    families.sort();
    families.dedup();
    families.retain(|f| {
        let active = revisions(tx, f).any(|d| d.status == "ACTIVE");
        match status.as_str() {
            "ACTIVE" => active,
            "INACTIVE" => !active,
            _ => true,
        }
    });
    let (families, next_token) = name::page(families, input.next_token.as_deref(), input.max_results)?;
    Ok(ListTaskDefinitionFamiliesResponse { families: Some(families), next_token })
}
