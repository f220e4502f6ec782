//! What a task is to run: its definition's containers with the task's overrides.

use std::collections::BTreeMap;

use model::Fault;
use model::estate::ecs::{Container, NameValue, Task, TaskDefinition};
use model::plane::Plane;
use serde::Deserialize;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Overrides {
    container_overrides: Vec<Override>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Override {
    name: String,
    command: Option<Vec<String>>,
    environment: Vec<NameValue>,
}

pub(crate) fn containers(plane: &Plane, task: &Task) -> Result<(TaskDefinition, Vec<Container>), Fault> {
    let snapshot = plane.estate.snapshot();
    let definition = snapshot.find_arn::<TaskDefinition>(&task.definition).cloned();
    let definition = definition.ok_or_else(|| Fault::internal("the task definition is gone"))?;
    let mut containers = definition.containers(&*plane.estate)?;
    let overrides: Overrides = match task.overrides_json(&*plane.estate)? {
        Some(json) => serde_json::from_value(json)
            .map_err(|e| Fault::internal(format!("the task's overrides cannot be read: {e}")))?,
        None => Overrides::default(),
    };
    for over in overrides.container_overrides {
        if let Some(container) = containers.iter_mut().find(|c| c.name == over.name) {
            container.command = over.command.unwrap_or_else(|| std::mem::take(&mut container.command));
            container.environment = merged(std::mem::take(&mut container.environment), over.environment);
        }
    }
    Ok((definition, containers))
}

/// The later ones win.
fn merged(own: Vec<NameValue>, over: Vec<NameValue>) -> Vec<NameValue> {
    let all: BTreeMap<String, String> = own.into_iter().chain(over).map(|e| (e.name, e.value)).collect();
    all.into_iter().map(|(name, value)| NameValue { name, value }).collect()
}
