//! A new task: its node, and its network interface. `act` takes it up from there.

use model::estate::ecs::{Cluster, Placement, Service, Task, TaskContainer, TaskDefinition, sealed};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::shapes::TaskOverride;
use crate::{definition, network};

/// What a task is made of.
pub(crate) struct Launch<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) definition: &'a TaskDefinition,
    pub(crate) placement: &'a Placement,
    pub(crate) subnet: String,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    pub(crate) service: Option<&'a Service>,
    pub(crate) overrides: Option<TaskOverride>,
    pub(crate) provider: Option<String>,
    pub(crate) client_token: Option<String>,
    pub(crate) tags: Tags,
}

pub(crate) fn launch(tx: &mut Tx<'_>, launch: Launch<'_>) -> Result<Task, Fault> {
    tx.attempt(|tx| {
        let interface = network::attach(tx, launch.placement, &launch.subnet)?;
        let id = tx.random_text(32, b"0123456789abcdef");
        let containers = containers(tx, &launch)?;
        let definition = launch.definition;
        let overrides = launch.overrides.unwrap_or_default();
        let role = |over: &Option<String>, own: &Option<String>| over.clone().or_else(|| own.clone());
        let mut task = Task {
            account: tx.account.clone(),
            region: tx.region.clone(),
            id: format!("{}/{id}", launch.cluster.name),
            cluster: launch.cluster.name.clone(),
            definition: definition.arn(),
            group: launch.group,
            started_by: launch.started_by,
            service: launch.service.map(|s| s.id.clone()),
            desired: "RUNNING".to_owned(),
            status: "PROVISIONING".to_owned(),
            task_role: role(&overrides.task_role_arn, &definition.task_role),
            execution_role: role(&overrides.execution_role_arn, &definition.execution_role),
            cpu: role(&overrides.cpu, &definition.cpu),
            memory: role(&overrides.memory, &definition.memory),
            provider: launch.provider,
            containers,
            interface,
            sealed_overrides: None,
            health: "UNKNOWN".to_owned(),
            stop_code: None,
            stop_reason: None,
            registered: false,
            proven: false,
            created: tx.now,
            pull_started: None,
            pull_stopped: None,
            started: None,
            stopping: None,
            stopped: None,
            version: 1,
            client_token: launch.client_token,
            tags: launch.tags,
        };
        if overrides != TaskOverride::default() {
            let json = overrides.into_value().to_json();
            task.sealed_overrides = Some(sealed(tx.host(), "ecs-overrides", &task.arn(), &json)?);
        }
        tx.put(task.clone())?;
        Ok(task)
    })
}

fn containers(tx: &Tx<'_>, launch: &Launch<'_>) -> Result<Vec<TaskContainer>, Fault> {
    let of = definition::containers(tx, launch.definition)?;
    Ok(of
        .into_iter()
        .map(|c| TaskContainer {
            name: c.name.unwrap_or_default(),
            image: c.image.unwrap_or_default(),
            id: tx.uuid(),
            cpu: c.cpu.unwrap_or(0).to_string(),
            memory: c.memory.map(|m| m.to_string()),
            memory_reservation: c.memory_reservation.map(|m| m.to_string()),
            status: "PENDING".to_owned(),
            health: "UNKNOWN".to_owned(),
            checked: c.health_check.is_some_and(|h| h.command.first().is_some_and(|c| c != "NONE")),
            exit_code: None,
            reason: None,
            runtime_id: None,
        })
        .collect())
}
