//! What a task definition may say. AWS's own rules for Fargate first; then what AWS would take but
//! this runtime could not honour, which is refused rather than ignored.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fault, IntoValue as _};

use crate::fault::{client, unserved};
use crate::shapes::*;

/// From the first to the last, in such steps.
type Steps = (i64, i64, i64);

/// CPU units and the MiB of memory that go with them on Fargate.
const SIZES: &[(i64, &[Steps])] = &[
    (256, &[(512, 512, 1), (1024, 2048, 1024)]),
    (512, &[(1024, 4096, 1024)]),
    (1024, &[(2048, 8192, 1024)]),
    (2048, &[(4096, 16_384, 1024)]),
    (4096, &[(8192, 30_720, 1024)]),
    (8192, &[(16_384, 61_440, 4096)]),
    (16_384, &[(32_768, 122_880, 8192)]),
];

/// Members of a container that are refused when they say anything.
const UNSERVED: &[(&str, &str)] = &[
    ("credentialSpecs", "credential specs are"),
    ("disableNetworking", "containers without a network are"),
    ("dnsSearchDomains", "DNS search domains are"),
    ("dnsServers", "DNS servers of a container's own are"),
    ("dockerSecurityOptions", "Docker security options are"),
    ("environmentFiles", "environment files are"),
    ("extraHosts", "extra hosts are"),
    ("firelensConfiguration", "FireLens is"),
    ("hostname", "host names of a container's own are"),
    ("interactive", "interactive containers are"),
    ("links", "links between containers are"),
    ("mountPoints", "volumes and mount points are"),
    ("privileged", "privileged containers are"),
    ("pseudoTerminal", "pseudo terminals are"),
    ("repositoryCredentials", "credentials of private registries are"),
    ("resourceRequirements", "GPUs and inference accelerators are"),
    ("restartPolicy", "container restart policies are"),
    ("systemControls", "kernel parameters of a container's own are"),
    ("volumesFrom", "volumes and mount points are"),
    ("workingDirectory", "working directories of an image are"),
];

/// The options of the log driver `awslogs` that are honoured.
const AWSLOGS: &[&str] = &[
    "awslogs-group",
    "awslogs-region",
    "awslogs-stream-prefix",
    "awslogs-create-group",
    "mode",
    "max-buffer-size",
];

/// CPU units of `256` or `.25 vCPU`.
pub(crate) fn cpu_units(text: &str) -> Option<i64> {
    scaled(text, &["vcpu"], 1024.0)
}

/// MiB of `512` or `0.5 GB`.
pub(crate) fn mebibytes(text: &str) -> Option<i64> {
    scaled(text, &["gb"], 1024.0)
}

#[allow(clippy::cast_possible_truncation, reason = "a float becomes the nearest integer that there is")]
fn scaled(text: &str, units: &[&str], factor: f64) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    match units.iter().find_map(|unit| text.strip_suffix(unit)) {
        Some(number) => number.trim().parse::<f64>().ok().map(|n| (n * factor).round() as i64),
        None => text.parse().ok(),
    }
}

pub(crate) fn fargate_size(cpu: i64, memory: i64) -> bool {
    let fits =
        |(first, last, step): &Steps| (*first..=*last).contains(&memory) && (memory - first) % step == 0;
    SIZES.iter().any(|(c, memories)| *c == cpu && memories.iter().any(fits))
}

/// What is refused of the task as a whole.
pub(crate) fn task(input: &RegisterTaskDefinitionRequest) -> Result<(), Fault> {
    if !crate::name::plain(&input.family) {
        return Err(client("Family contains invalid characters."));
    }
    let some = |list: &Option<Vec<_>>| list.as_ref().is_some_and(|l| !l.is_empty());
    if input.volumes.as_ref().is_some_and(|v| !v.is_empty()) {
        return Err(unserved("volumes and mount points are"));
    }
    if input.placement_constraints.as_ref().is_some_and(|p| !p.is_empty()) {
        return Err(client("The placement constraints are not supported by FARGATE."));
    }
    let others = [
        (input.pid_mode.is_some(), "shared process namespaces are"),
        (input.ipc_mode.is_some(), "shared IPC namespaces are"),
        (input.proxy_configuration.is_some(), "App Mesh proxies are"),
        (some(&input.inference_accelerators), "GPUs and inference accelerators are"),
        (input.ephemeral_storage.is_some(), "sizes of the ephemeral storage are"),
        (input.enable_fault_injection == Some(true), "fault injection is"),
    ];
    match others.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(unserved(what)),
        None => platform(input.runtime_platform.as_ref()),
    }
}

fn platform(platform: Option<&RuntimePlatform>) -> Result<(), Fault> {
    let Some(platform) = platform else { return Ok(()) };
    if platform.operating_system_family.as_deref().is_some_and(|os| os != "LINUX") {
        return Err(unserved("operating systems other than LINUX are"));
    }
    Ok(())
}

/// Fargate's rules for the whole; tells CPU units and MiB.
pub(crate) fn fargate(input: &RegisterTaskDefinitionRequest) -> Result<(i64, i64), Fault> {
    if input.network_mode.as_deref() != Some("awsvpc") {
        return Err(client("Fargate only supports network mode ‘awsvpc’."));
    }
    let (Some(cpu), Some(memory)) = (&input.cpu, &input.memory) else {
        return Err(client("Fargate requires that 'cpu' and 'memory' be defined at the task level."));
    };
    let units = cpu_units(cpu).ok_or_else(|| client(format!("Invalid 'cpu' setting for task. `{cpu}`")))?;
    let mib =
        mebibytes(memory).ok_or_else(|| client(format!("Invalid 'memory' setting for task. `{memory}`")))?;
    match fargate_size(units, mib) {
        true => Ok((units, mib)),
        false => Err(client(format!(
            "No Fargate configuration exists for given values: {units} CPU, {mib} memory. See the Amazon ECS documentation for the valid values."
        ))),
    }
}

/// What is refused of the containers together.
pub(crate) fn containers(
    input: &RegisterTaskDefinitionRequest,
    size: Option<(i64, i64)>,
) -> Result<(), Fault> {
    let all = &input.container_definitions;
    if all.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    let mut names = BTreeSet::new();
    for container in all {
        one(container, input, size.is_some())?;
        if !names.insert(container.name.as_deref().unwrap_or_default()) {
            return Err(client(format!(
                "Container names must be unique: `{}`",
                container.name.as_deref().unwrap_or_default()
            )));
        }
    }
    if all.iter().all(|c| c.essential == Some(false)) {
        return Err(client("A task definition must have at least one essential container."));
    }
    ports(all)?;
    if let Some((cpu, memory)) = size {
        if all.iter().filter_map(|c| c.cpu).sum::<i64>() > cpu {
            return Err(client("The total cpu of the containers exceeds the cpu of the task."));
        }
        if all.iter().filter_map(|c| c.memory_reservation.or(c.memory)).sum::<i64>() > memory
            || all.iter().filter_map(|c| c.memory).any(|m| m > memory)
        {
            return Err(client(
                "Invalid setting for container: the memory of the containers exceeds that of the task.",
            ));
        }
    } else if input.memory.is_none()
        && let Some(c) = all.iter().find(|c| c.memory.is_none() && c.memory_reservation.is_none())
    {
        return Err(client(format!(
            "Invalid setting for container '{}'. At least one of 'memory' or 'memoryReservation' must be specified.",
            c.name.as_deref().unwrap_or_default()
        )));
    }
    dependencies(all)
}

fn one(
    container: &ContainerDefinition,
    task: &RegisterTaskDefinitionRequest,
    fargate: bool,
) -> Result<(), Fault> {
    let name = container.name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(client("Container.name should not be null or empty."));
    }
    if !crate::name::plain(name) {
        return Err(client(format!("Container name `{name}` contains invalid characters.")));
    }
    if container.image.as_deref().unwrap_or_default().is_empty() {
        return Err(client("Container.image should not be null or empty."));
    }
    let json = container.clone().into_value().to_json();
    let says = |member: &str| match json.get(member) {
        Some(serde_json::Value::Array(list)) => !list.is_empty(),
        Some(serde_json::Value::Bool(flag)) => *flag,
        Some(serde_json::Value::String(text)) => !text.is_empty(),
        Some(serde_json::Value::Null) | None => false,
        Some(_) => true,
    };
    if let Some((_, what)) = UNSERVED.iter().find(|(member, _)| says(member)) {
        return Err(unserved(what));
    }
    linux(container)?;
    health(container)?;
    timeouts(container)?;
    for limit in container.ulimits.iter().flatten() {
        if limit.name != "nofile" {
            return Err(client("Fargate only supports the ulimit `nofile`."));
        }
        if limit.soft_limit < 0 || limit.soft_limit > limit.hard_limit {
            return Err(client("The soft limit of a ulimit cannot exceed its hard limit."));
        }
    }
    let secrets = container.secrets.as_deref().unwrap_or_default();
    if secrets.iter().any(|s| s.name.is_empty() || s.value_from.is_empty()) {
        return Err(client("The secret name and valueFrom must be specified."));
    }
    environment(container)?;
    let needs = (!secrets.is_empty(), container.log_configuration.is_some());
    if fargate && task.execution_role_arn.as_deref().unwrap_or_default().is_empty() {
        match needs {
            (true, _) => {
                return Err(client(
                    "Fargate requires task definition to have execution role ARN to support secrets.",
                ));
            }
            (_, true) => {
                return Err(client(
                    "Fargate requires task definition to have execution role ARN to support log driver awslogs.",
                ));
            }
            (false, false) => {}
        }
    }
    container.log_configuration.as_ref().map_or(Ok(()), logs)
}

/// A name may be set once, by a value or by a secret.
fn environment(container: &ContainerDefinition) -> Result<(), Fault> {
    let plain = container.environment.iter().flatten().map(|e| e.name.as_deref().unwrap_or_default());
    let secret = container.secrets.iter().flatten().map(|s| s.name.as_str());
    let mut seen = BTreeSet::new();
    for name in plain.chain(secret) {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(client(format!("The environment variable name `{name}` is not valid.")));
        }
        if !seen.insert(name) {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{name}'."
            )));
        }
    }
    Ok(())
}

/// All capabilities are dropped here whatever is said; an init process there is always.
fn linux(container: &ContainerDefinition) -> Result<(), Fault> {
    let Some(linux) = &container.linux_parameters else { return Ok(()) };
    let adds = linux.capabilities.as_ref().and_then(|c| c.add.as_ref()).is_some_and(|a| !a.is_empty());
    let others = linux.devices.as_ref().is_some_and(|d| !d.is_empty())
        || linux.tmpfs.as_ref().is_some_and(|t| !t.is_empty())
        || linux.shared_memory_size.is_some()
        || linux.max_swap.is_some()
        || linux.swappiness.is_some();
    match (adds, others) {
        (true, _) => Err(unserved("additional Linux capabilities are")),
        (_, true) => Err(client("Fargate does not support devices, tmpfs, shared memory and swap settings.")),
        (false, false) => Ok(()),
    }
}

fn health(container: &ContainerDefinition) -> Result<(), Fault> {
    let Some(check) = &container.health_check else { return Ok(()) };
    if !matches!(check.command.first().map(String::as_str), Some("CMD" | "CMD-SHELL" | "NONE"))
        || check.command.len() < 2
    {
        return Err(client("The health check command must start with CMD or CMD-SHELL and have a command."));
    }
    let within = |value: Option<i64>, first: i64, last: i64, what: &str| match value {
        Some(v) if !(first..=last).contains(&v) => {
            Err(client(format!("The health check {what} must be between {first} and {last}.")))
        }
        _ => Ok(()),
    };
    within(check.interval, 5, 300, "interval")?;
    within(check.timeout, 2, 120, "timeout")?;
    within(check.retries, 1, 10, "retries")?;
    within(check.start_period, 0, 300, "startPeriod")
}

fn timeouts(container: &ContainerDefinition) -> Result<(), Fault> {
    for (value, what) in [(container.start_timeout, "startTimeout"), (container.stop_timeout, "stopTimeout")]
    {
        if value.is_some_and(|v| !(2..=120).contains(&v)) {
            return Err(client(format!("The {what} on Fargate must be between 2 and 120 seconds.")));
        }
    }
    Ok(())
}

fn logs(configuration: &LogConfiguration) -> Result<(), Fault> {
    if configuration.log_driver != "awslogs" {
        return Err(unserved(&format!("the log driver `{}` is", configuration.log_driver)));
    }
    if configuration.secret_options.as_ref().is_some_and(|s| !s.is_empty()) {
        return Err(client("The log driver awslogs does not take secret options."));
    }
    let none = BTreeMap::new();
    let options = configuration.options.as_ref().unwrap_or(&none);
    for required in ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"] {
        if options.get(required).is_none_or(String::is_empty) {
            return Err(client(format!("Log driver awslogs requires options: {required}")));
        }
    }
    match options.keys().find(|k| !AWSLOGS.contains(&k.as_str())) {
        Some(other) => Err(unserved(&format!("the option `{other}` of the log driver awslogs is"))),
        None => Ok(()),
    }
}

fn ports(all: &[ContainerDefinition]) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for mapping in all.iter().flat_map(|c| c.port_mappings.iter().flatten()) {
        if mapping.container_port_range.is_some() {
            return Err(unserved("ranges of container ports are"));
        }
        let port = mapping.container_port.unwrap_or(0);
        if !(1..=65_535).contains(&port) {
            return Err(client(format!("Invalid 'containerPort' setting: {port}")));
        }
        if mapping.host_port.is_some_and(|h| h != 0 && h != port) {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
        if mapping.protocol.as_deref() == Some("udp") {
            return Err(unserved("UDP ports are"));
        }
        if !seen.insert(port) {
            return Err(client(format!("The container port {port} is used more than once.")));
        }
    }
    Ok(())
}

fn dependencies(all: &[ContainerDefinition]) -> Result<(), Fault> {
    let named = |name: &str| all.iter().find(|c| c.name.as_deref() == Some(name));
    for container in all {
        let own = container.name.as_deref().unwrap_or_default();
        for dependency in container.depends_on.iter().flatten() {
            let other = dependency.container_name.as_str();
            let found = named(other).filter(|_| other != own);
            let found = found.ok_or_else(|| {
                client(format!("The container '{own}' depends on the container '{other}', which is not in the task definition."))
            })?;
            match dependency.condition.as_str() {
                "HEALTHY" if found.health_check.is_none() => {
                    return Err(client(format!(
                        "The container '{other}' needs a health check for the condition HEALTHY."
                    )));
                }
                "COMPLETE" | "SUCCESS" if found.essential != Some(false) => {
                    return Err(client(format!(
                        "The container '{own}' cannot wait for the essential container '{other}' to end."
                    )));
                }
                _ => {}
            }
        }
    }
    // Whoever waits for nobody who waits is done; if all are not done in as many rounds, they go in a circle.
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for _ in all {
        for container in all {
            let waits = container.depends_on.iter().flatten();
            if waits.map(|d| d.container_name.as_str()).all(|d| done.contains(d)) {
                done.insert(container.name.as_deref().unwrap_or_default());
            }
        }
    }
    match done.len() == all.len() {
        true => Ok(()),
        false => Err(client("The dependencies of the containers go in a circle.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (cpu, memory, valid) in [
            ("256", "512", true),
            (".25 vCPU", "0.5 GB", true),
            ("256", "1536", false),
            ("256", "3072", false),
            ("1 vCPU", "2GB", true),
            ("1024", "1024", false),
            ("4096", "30720", true),
            ("16384", "40960", true),
            ("16384", "36864", false),
            ("100", "512", false),
        ] {
            let found = fargate_size(cpu_units(cpu).unwrap(), mebibytes(memory).unwrap());
            assert_eq!(found, valid, "{cpu} {memory}");
        }
    }
}
