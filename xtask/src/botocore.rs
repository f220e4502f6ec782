//! Takes the facts of an API from botocore's public data: names, types, constraints
//! and HTTP bindings. Prose stays behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

type Res<T> = Result<T, String>;

/// Writes `services/NAME/NAME.model` with the operations it has already and those named.
pub(crate) fn sync(data: &Path, folder: &Path, name: &str, operations: &[&str]) -> Res<()> {
    let mut api = load(data, name)?;
    hide(&mut api, name);
    let file = folder.join(format!("{name}.model"));
    let mut wanted: BTreeSet<String> = operations.iter().map(|o| (*o).to_owned()).collect();
    if let Ok(old) = std::fs::read_to_string(&file) {
        wanted.extend(
            old.lines().filter_map(|l| l.strip_prefix("operation ")?.split(' ').next()).map(str::to_owned),
        );
    }
    let text = Writer { api: &api, text: String::new() }.model(name, &wanted)?;
    std::fs::create_dir_all(folder.join("src")).map_err(|e| e.to_string())?;
    let manifest = folder.join("Cargo.toml");
    if !manifest.exists() {
        // Without it the whole workspace could not be read.
        std::fs::write(&manifest, crate::scaffold::manifest(name)).map_err(|e| e.to_string())?;
    }
    std::fs::write(&file, text).map_err(|e| format!("{}: {e}", file.display()))
}

/// Customers' data that AWS's model does not mark, and that its trail does not show either.
const SENSITIVE: &[(&str, &str)] = &[
    ("dynamodb", "AttributeValue"),
    // Credentials, which this log never holds, whatever AWS's trail shows of them.
    ("sts", "tokenType"),
    ("sts", "tokenCodeType"),
    ("iam", "authenticationCodeType"),
];

fn hide(api: &mut Value, service: &str) {
    for (_, shape) in SENSITIVE.iter().filter(|(of, _)| *of == service) {
        if let Some(shape) =
            api.get_mut("shapes").and_then(|s| s.get_mut(*shape)).and_then(Value::as_object_mut)
        {
            shape.insert("sensitive".to_owned(), Value::Bool(true));
        }
    }
}

/// The newest version of a service's model. (The data may be gzipped: gunzip it first.)
fn load(data: &Path, name: &str) -> Res<Value> {
    let folder = data.join(name);
    let versions = std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let newest = versions.filter_map(Result::ok).map(|e| e.path()).filter(|p| p.is_dir()).max();
    let newest = newest.ok_or_else(|| format!("{}: no version", folder.display()))?;
    let (plain, packed) = (newest.join("service-2.json"), newest.join("service-2.json.gz"));
    let text = match std::fs::read(&plain) {
        Ok(text) => text,
        Err(_) => {
            let output = std::process::Command::new("gzip").arg("-dc").arg(&packed).output();
            output.map_err(|e| format!("gzip: {e}"))?.stdout
        }
    };
    serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", plain.display()))
}

struct Writer<'a> {
    api: &'a Value,
    text: String,
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

impl Writer<'_> {
    fn model(mut self, name: &str, wanted: &BTreeSet<String>) -> Res<String> {
        self.metadata(name);
        let mut shapes = BTreeSet::new();
        for operation in wanted {
            self.operation(operation, &mut shapes)?;
        }
        let mut written: BTreeMap<String, String> = BTreeMap::new();
        while let Some(shape) = shapes.pop_first() {
            if written.contains_key(&shape) {
                continue;
            }
            let mut uses = BTreeSet::new();
            let lines = self.shape(&shape, &mut uses)?;
            written.insert(shape, lines);
            shapes.extend(uses.into_iter().filter(|s| !written.contains_key(s)));
        }
        for lines in written.values() {
            self.text.push_str(lines);
        }
        Ok(self.text)
    }

    fn metadata(&mut self, name: &str) {
        let meta = &self.api["metadata"];
        let _ = writeln!(self.text, "service {name}");
        let protocols: Vec<&str> = match meta.get("protocols").and_then(Value::as_array) {
            Some(list) => list.iter().filter_map(Value::as_str).collect(),
            None => text(meta, "protocol").into_iter().collect(),
        };
        let _ = writeln!(self.text, "protocols {}", protocols.join(" "));
        let facts = [
            ("json-version", "jsonVersion"),
            ("target", "targetPrefix"),
            ("signing-name", "signingName"),
            ("endpoint-prefix", "endpointPrefix"),
            ("api-version", "apiVersion"),
            ("service-id", "serviceId"),
        ];
        for (word, key) in facts {
            if let Some(value) = text(meta, key) {
                let _ = writeln!(self.text, "{word} {value}");
            }
        }
        if let Some(uri) =
            text(meta, "xmlNamespace").or(meta.get("xmlNamespace").and_then(|n| text(n, "uri")))
        {
            let _ = writeln!(self.text, "xml-namespace {uri}");
        }
        if meta.get("awsQueryCompatible").is_some() {
            self.text.push_str("query-compatible\n");
        }
    }

    fn operation(&mut self, name: &str, shapes: &mut BTreeSet<String>) -> Res<()> {
        let operation =
            self.api["operations"].get(name).ok_or_else(|| format!("AWS has no operation `{name}` there"))?;
        let http = &operation["http"];
        let (method, uri) = (text(http, "method").unwrap_or("POST"), text(http, "requestUri").unwrap_or("/"));
        let mut line = format!("operation {name} {method} {uri}");
        let mut used = |word: &str, shape: &str, line: &mut String| {
            shapes.insert(shape.to_owned());
            let _ = write!(line, " {word}={shape}");
        };
        if let Some(input) = operation.get("input") {
            used("in", text(input, "shape").unwrap_or_default(), &mut line);
            if let Some(element) = text(input, "locationName") {
                let _ = write!(line, " inname={element}");
            }
        }
        if let Some(output) = operation.get("output") {
            used("out", text(output, "shape").unwrap_or_default(), &mut line);
            if let Some(wrapper) = text(output, "resultWrapper") {
                let _ = write!(line, " wrapper={wrapper}");
            }
        }
        if let Some(code) = http.get("responseCode").and_then(Value::as_i64).filter(|c| *c != 200) {
            let _ = write!(line, " code={code}");
        }
        let unsigned = text(operation, "authtype") == Some("none")
            || operation
                .get("auth")
                .and_then(Value::as_array)
                .is_some_and(|a| a.iter().any(|x| x == "smithy.api#noAuth"));
        if unsigned {
            line.push_str(" unsigned");
        }
        let checksum = operation.get("httpChecksum").is_some_and(|c| flag(c, "requestChecksumRequired"));
        if checksum {
            line.push_str(" checksum");
        }
        let errors: Vec<&str> =
            operation["errors"].as_array().into_iter().flatten().filter_map(|e| text(e, "shape")).collect();
        if !errors.is_empty() {
            shapes.extend(errors.iter().map(|e| (*e).to_owned()));
            let _ = write!(line, " errors={}", errors.join(","));
        }
        self.text.push_str(&line);
        self.text.push('\n');
        Ok(())
    }

    fn shape(&self, name: &str, uses: &mut BTreeSet<String>) -> Res<String> {
        let shape = self.api["shapes"].get(name).ok_or_else(|| format!("no shape `{name}`"))?;
        let mut line = match text(shape, "type").unwrap_or_default() {
            "structure" if flag(shape, "document") => format!("document {name}"),
            "structure" => return Ok(structure(name, shape, uses)),
            "list" => {
                let member = &shape["member"];
                let of = text(member, "shape").unwrap_or_default();
                uses.insert(of.to_owned());
                let mut line = format!("list {name} member={of}");
                if let Some(wire) = text(member, "locationName") {
                    let _ = write!(line, " name={wire}");
                }
                line
            }
            "map" => {
                let (key, value) = (&shape["key"], &shape["value"]);
                let mut line = format!("map {name}");
                for (word, part) in [("key", key), ("value", value)] {
                    let of = text(part, "shape").unwrap_or_default();
                    uses.insert(of.to_owned());
                    let _ = write!(line, " {word}={of}");
                    if let Some(wire) = text(part, "locationName") {
                        let _ = write!(line, " {word}name={wire}");
                    }
                }
                line
            }
            "string" | "character" => format!("string {name}"),
            "integer" | "long" | "short" | "byte" => format!("integer {name}"),
            "float" | "double" => format!("float {name}"),
            kind @ ("boolean" | "blob") => format!("{kind} {name}"),
            "timestamp" => match text(shape, "timestampFormat") {
                Some(format) => format!("timestamp {name} format={format}"),
                None => format!("timestamp {name}"),
            },
            other => return Err(format!("`{name}` is of unknown type `{other}`")),
        };
        if flag(shape, "flattened") {
            line.push_str(" flattened");
        }
        constraints(shape, &mut line);
        line.push('\n');
        Ok(line)
    }
}

fn constraints(shape: &Value, line: &mut String) {
    for word in ["min", "max"] {
        if let Some(n) = shape.get(word).and_then(|n| n.as_i64()) {
            let _ = write!(line, " {word}={n}");
        }
    }
    if flag(shape, "sensitive") {
        line.push_str(" sensitive");
    }
    if let Some(values) = shape.get("enum").and_then(Value::as_array) {
        let values: Vec<&str> =
            values.iter().filter_map(Value::as_str).filter(|v| !v.contains([' ', '|'])).collect();
        if values.len() == shape["enum"].as_array().map_or(0, Vec::len) {
            let _ = write!(line, " enum={}", values.join("|"));
        }
    }
    if let Some(pattern) = text(shape, "pattern").filter(|p| !p.contains('\n')) {
        let _ = write!(line, " pattern={pattern}");
    }
}

fn namespace(value: &Value, line: &mut String) {
    let Some(namespace) = value.get("xmlNamespace") else { return };
    let uri = namespace.as_str().or_else(|| text(namespace, "uri")).unwrap_or_default();
    match text(namespace, "prefix") {
        Some(prefix) => write!(line, " ns={prefix},{uri}"),
        None => write!(line, " ns={uri}"),
    }
    .unwrap_or_default();
}

fn structure(name: &str, shape: &Value, uses: &mut BTreeSet<String>) -> String {
    let mut text_ = match shape.get("exception").is_some() {
        true => error_head(name, shape),
        false => format!("structure {name}"),
    };
    if let Some(payload) = text(shape, "payload") {
        let _ = write!(text_, " payload={payload}");
    }
    for word in ["union", "sensitive"] {
        if flag(shape, word) {
            let _ = write!(text_, " {word}");
        }
    }
    namespace(shape, &mut text_);
    text_.push('\n');
    let required: BTreeSet<&str> =
        shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (member, facts) in shape["members"].as_object().into_iter().flatten() {
        let of = text(facts, "shape").unwrap_or_default();
        uses.insert(of.to_owned());
        let _ = write!(text_, "  {member} {of}");
        if required.contains(member.as_str()) {
            text_.push_str(" required");
        }
        match text(facts, "location") {
            Some("header") => text_.push_str(" in=header"),
            Some("headers") => text_.push_str(" in=headers"),
            Some("uri") => text_.push_str(" in=uri"),
            Some("querystring") => text_.push_str(" in=query"),
            Some("statusCode") => text_.push_str(" in=status"),
            _ => {}
        }
        for (word, key) in [("wire", "locationName"), ("query", "queryName"), ("format", "timestampFormat")] {
            if let Some(value) = text(facts, key).filter(|v| *v != member) {
                let _ = write!(text_, " {word}={value}");
            }
        }
        let flags = [
            ("flattened", "flattened"),
            ("attribute", "xmlAttribute"),
            ("streaming", "streaming"),
            ("jsonvalue", "jsonvalue"),
            ("token", "idempotencyToken"),
        ];
        for (word, key) in flags {
            if flag(facts, key) {
                let _ = write!(text_, " {word}");
            }
        }
        namespace(facts, &mut text_);
        text_.push('\n');
    }
    text_
}

fn error_head(name: &str, shape: &Value) -> String {
    let mut line = format!("error {name}");
    let error = &shape["error"];
    if let Some(code) = text(error, "code").filter(|c| *c != name) {
        let _ = write!(line, " code={code}");
    }
    let fallback = if flag(shape, "fault") { 500 } else { 400 };
    let status = error.get("httpStatusCode").and_then(Value::as_i64).unwrap_or(fallback);
    if status != 400 {
        let _ = write!(line, " status={status}");
    }
    line
}
