//! The resource types of AWS and the names that stand in each, from the public schemas of
//! CloudFormation's registry as `cfn-lint` (PyPI) carries them: facts only, no prose.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Writes `template/data/known.types`: a type a line, then every property and attribute name in it.
pub(crate) fn write(root: &Path, schemas: &Path) -> Result<(), String> {
    let read = |path: &Path| -> Result<Value, String> {
        let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    };
    let index = read(&schemas.join("providers/us-east-1.json"))?;
    let mut lines = Vec::new();
    for (kind, file) in index.as_object().into_iter().flatten() {
        let file = file.as_str().ok_or("the index does not name a file")?;
        let schema = read(&schemas.join(format!("resources/{file}.json")))?;
        let mut found = BTreeSet::new();
        names(&schema, &mut found);
        for pointer in schema.get("readOnlyProperties").and_then(Value::as_array).into_iter().flatten() {
            let steps =
                pointer.as_str().unwrap_or_default().split('/').skip(2).filter(|s| *s != "properties");
            found.insert(steps.collect::<Vec<_>>().join("."));
        }
        let found: Vec<String> = found.into_iter().collect();
        lines.push(format!("{kind} {}\n", found.join(" ")));
    }
    lines.sort();
    let path = root.join("template/data/known.types");
    std::fs::write(&path, lines.concat()).map_err(|e| format!("{}: {e}", path.display()))
}

/// The keys of every `properties` in a schema.
fn names(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                if key == "properties"
                    && let Some(properties) = value.as_object()
                {
                    found.extend(properties.keys().cloned());
                }
                names(value, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|v| names(v, found)),
        _ => {}
    }
}
