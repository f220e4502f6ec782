//! Where a template comes from, and whether it may be deployed at all.

use std::collections::BTreeMap;

use model::{Body, Fault, Members, Tx, Value};
use template::{Node, Scope, Types};

use crate::lookup::World;
use crate::shapes::*;
use crate::stack::{Given, Version, seal};

/// A template's text, and the name of the file it was in.
pub(crate) struct Source {
    pub(crate) text: String,
    pub(crate) file: String,
}

pub(crate) fn refuse(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

/// The body given, or the object that the URL names, read as the caller.
pub(crate) fn of(tx: &mut Tx<'_>, body: Option<String>, url: Option<String>) -> Result<Source, Fault> {
    match (body, url) {
        (Some(text), None) => Ok(Source { text, file: "template".to_owned() }),
        (None, Some(url)) => {
            let (bucket, key) =
                object(&url).ok_or_else(|| refuse(format!("TemplateURL must be a supported URL: {url}")))?;
            let mut input = Members::default();
            input.push("Bucket", bucket.as_str());
            input.push("Key", key.as_str());
            let got: Value = tx.call("cloudformation.amazonaws.com", "s3", "GetObject", Value::Map(input))?;
            let bytes = match got.get("Body") {
                Some(Value::Body(body)) => whole(tx, body)?,
                _ => Vec::new(),
            };
            let text = String::from_utf8(bytes)
                .map_err(|_| refuse("Template format error: the template is not UTF-8"))?;
            Ok(Source { text, file: key })
        }
        _ => Err(refuse("Either Template URL or Template Body must be specified.")),
    }
}

fn whole(tx: &Tx<'_>, body: &Body) -> Result<Vec<u8>, Fault> {
    match body {
        Body::Memory(bytes) => Ok(bytes.to_vec()),
        Body::Spooled(one) => {
            Ok(tx.host().blobs().read(&one.blob, &one.key, one.offset, one.length)?.to_vec())
        }
        Body::Joined(parts) => {
            let mut out = Vec::new();
            for part in parts {
                out.extend_from_slice(&tx.host().blobs().read(
                    &part.blob,
                    &part.key,
                    part.offset,
                    part.length,
                )?);
            }
            Ok(out)
        }
    }
}

/// Bucket and key of an S3 URL, path style or virtual-hosted.
fn object(url: &str) -> Option<(String, String)> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    let (host, path) = rest.split_once('/')?;
    let path = path.split('?').next().unwrap_or(path);
    let path = unescaped(path);
    if let Some((bucket, _)) = host.split_once(".s3") {
        return Some((bucket.to_owned(), path));
    }
    let (bucket, key) = path.split_once('/')?;
    Some((bucket.to_owned(), key.to_owned()))
}

fn unescaped(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        let pair: Option<Vec<u8>> = (b == b'%').then(|| bytes.by_ref().take(2).collect());
        match pair.and_then(|p| u8::from_str_radix(std::str::from_utf8(&p).ok()?, 16).ok()) {
            Some(byte) => out.push(byte),
            None => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The types that this runtime serves.
pub(crate) fn types(tx: &Tx<'_>) -> Result<Types, Fault> {
    let mut types = Types::default();
    for served in &tx.host().registry().services {
        types.read(served.service.types).map_err(|e| {
            Fault::internal(format!("the types of `{}` cannot be read: {e}", served.service.name))
        })?;
    }
    Ok(types)
}

pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    template::parse(text).map_err(|p| refuse(p.to_string()))
}

/// Refuses what cannot be deployed, before anything is made: every problem, with its place.
pub(crate) fn admit(
    tx: &mut Tx<'_>,
    source: Source,
    parameters: BTreeMap<String, String>,
    capabilities: &[String],
) -> Result<Version, Fault> {
    let node = parse(&source.text)?;
    let problems = template::check(&node, &types(tx)?);
    if !problems.is_empty() {
        let told: Vec<String> = problems.iter().take(10).map(ToString::to_string).collect();
        return Err(refuse(told.join("; ")));
    }
    let stored = stored(tx, &node, &parameters)?;
    let world = World::new(tx, stored.clone());
    let wrong = |p: template::Problem| refuse(p.to_string());
    let scope = Scope::new(&node, &parameters, &world).map_err(wrong)?;
    scope.keep_rules(&world).map_err(wrong)?;
    capable(&node, capabilities)?;
    let given = Given { parameters, stored };
    let sealed = seal(tx, &serde_json::to_value(given).unwrap_or_default())?;
    Ok(Version { template: source.text, file: source.file, parameters: sealed })
}

/// The values of the Systems Manager parameters that template parameters name, read for the caller.
fn stored(
    tx: &mut Tx<'_>,
    node: &Node,
    parameters: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut found = BTreeMap::new();
    for (name, _, facts) in node.get("Parameters").and_then(Node::map).unwrap_or_default() {
        if facts.get("Type").and_then(Node::text).and_then(template::stored_kind).is_none() {
            continue;
        }
        let default = facts.get("Default").and_then(Node::text);
        let Some(key) = parameters.get(name).map(String::as_str).or(default) else { continue };
        let mut input = Members::default();
        input.push("Name", key);
        let got: Result<Value, Fault> =
            tx.call("cloudformation.amazonaws.com", "ssm", "GetParameter", Value::Map(input));
        match got {
            Err(fault) if fault.code != "ParameterNotFound" => return Err(fault),
            // What is not there is refused by the resolution, which knows the place.
            Err(_) => {}
            Ok(got) => {
                let value = got.get("Parameter").and_then(|p| p.text("Value")).unwrap_or_default();
                found.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    Ok(found)
}

/// Refuses what would be accepted and then not kept.
pub(crate) fn refuse_unserved(given: &[(&str, bool)]) -> Result<(), Fault> {
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(refuse(format!("`{name}` is not served by this runtime"))),
        None => Ok(()),
    }
}

/// Whether alarms are to be watched.
pub(crate) fn triggers(configuration: Option<&RollbackConfiguration>) -> bool {
    configuration.is_some_and(|c| c.rollback_triggers.as_ref().is_some_and(|t| !t.is_empty()))
}

/// Templates that make principals must be owned up to.
fn capable(node: &Node, capabilities: &[String]) -> Result<(), Fault> {
    let Some((needed, _)) = crate::summary::capability(node) else { return Ok(()) };
    let has = |c: &str| capabilities.iter().any(|given| given == c);
    match needed {
        "CAPABILITY_IAM" if has("CAPABILITY_IAM") || has("CAPABILITY_NAMED_IAM") => Ok(()),
        named if has(named) => Ok(()),
        missing => Err(Fault::client(
            "InsufficientCapabilitiesException",
            format!("Requires capabilities : [{missing}]"),
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ValidateTemplate.html>
pub(crate) fn validate_template(
    tx: &mut Tx<'_>,
    input: ValidateTemplateInput,
) -> Result<ValidateTemplateOutput, Fault> {
    let source = of(tx, input.template_body, input.template_url)?;
    let node = parse(&source.text)?;
    let problems = template::check(&node, &types(tx)?);
    if let Some(problem) = problems.first() {
        return Err(refuse(problem.to_string()));
    }
    let declared = node.get("Parameters").and_then(Node::map).unwrap_or_default();
    let text = |facts: &Node, key: &str| {
        facts.get(key).map(|v| v.to_json()).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
    };
    let parameters = declared.iter().map(|(name, _, facts)| TemplateParameter {
        parameter_key: Some(name.clone()),
        default_value: text(facts, "Default"),
        no_echo: Some(text(facts, "NoEcho").as_deref() == Some("true")),
        description: text(facts, "Description"),
    });
    Ok(ValidateTemplateOutput {
        parameters: Some(parameters.collect()),
        description: node.get("Description").and_then(Node::text).map(str::to_owned),
        ..ValidateTemplateOutput::default()
    })
}
