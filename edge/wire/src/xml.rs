//! Documents as XML: answers of query, ec2 and rest-xml, and rest-xml's requests.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use model::api::{Api, Kind, Location, Member, Operation, Protocol, ShapeId, Structure, TimeFormat};
use model::{Fault, Members, Value};
use quick_xml::events::Event;

use crate::form::scalar;
use crate::{DEPTH, time};

pub(crate) fn query(api: &Api, operation: &Operation, output: &Value, request_id: &str) -> String {
    let name = operation.name;
    let mut out = String::with_capacity(512);
    let _ = write!(out, "<{name}Response xmlns=\"{}\">", api.xml_namespace);
    if let Some(shape) = operation.output {
        let wrapper = operation.result_wrapper.map_or_else(|| format!("{name}Result"), str::to_owned);
        let _ = write!(out, "<{wrapper}>");
        body(api, shape, output, Protocol::Query, &mut out);
        let _ = write!(out, "</{wrapper}>");
    }
    let _ = write!(
        out,
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    );
    out
}

pub(crate) fn ec2(api: &Api, operation: &Operation, output: &Value, request_id: &str) -> String {
    let name = operation.name;
    let namespace = format!("http://ec2.amazonaws.com/doc/{}/", api.api_version);
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{name}Response xmlns=\"{namespace}\"><requestId>{request_id}</requestId>"
    );
    match operation.output {
        Some(shape) => body(api, shape, output, Protocol::Ec2, &mut out),
        None => out.push_str("<return>true</return>"),
    }
    let _ = write!(out, "</{name}Response>");
    out
}

/// The members of a structure that belong to the body.
pub(crate) fn body(api: &Api, shape: ShapeId, value: &Value, protocol: Protocol, out: &mut String) {
    let (Some(structure), Value::Map(members)) = (api.structure(shape), value) else { return };
    for member in structure.members.iter().filter(|m| m.location == Location::Body && !m.xml_attribute) {
        if let Some(value) = members.get(member.name).filter(|v| **v != Value::Null) {
            element(api, member, value, protocol, out);
        }
    }
}

fn element(api: &Api, member: &Member, value: &Value, protocol: Protocol, out: &mut String) {
    let name = member.wire_name();
    let Some(shape) = api.shape(member.shape) else { return };
    match (&shape.kind, value) {
        (Kind::List { member: of, name: item, flattened }, Value::List(list))
            if *flattened || member.flattened =>
        {
            // A flattened list repeats the name of the member, or of its elements where these have one.
            let item = if *item == "member" { name } else { item };
            let item = member.wire.unwrap_or(item);
            for value in list {
                tagged(api, *of, None, item, value, protocol, out);
            }
        }
        (Kind::Map { key, value: of, key_name, value_name, flattened }, Value::Map(map))
            if *flattened || member.flattened =>
        {
            for (k, v) in map.iter() {
                let _ = write!(out, "<{name}>");
                tagged(api, *key, None, key_name, &Value::Text(k.to_owned()), protocol, out);
                tagged(api, *of, None, value_name, v, protocol, out);
                let _ = write!(out, "</{name}>");
            }
        }
        _ => tagged(api, member.shape, Some(member), name, value, protocol, out),
    }
}

/// `<name attributes>value</name>`.
pub(crate) fn tagged(
    api: &Api,
    shape: ShapeId,
    member: Option<&Member>,
    name: &str,
    value: &Value,
    protocol: Protocol,
    out: &mut String,
) {
    let _ = write!(out, "<{name}");
    let kind = api.shape(shape).map(|s| &s.kind);
    if let Some((uri, prefix)) =
        member.and_then(|m| m.xml_namespace).or(api.shape(shape).and_then(|s| s.xml_namespace))
    {
        let prefix = prefix.map(|p| format!(":{p}")).unwrap_or_default();
        let _ = write!(out, " xmlns{prefix}=\"{uri}\"");
    }
    if let (Some(Kind::Structure(structure)), Value::Map(members)) = (kind, value) {
        attributes(structure, members, out);
    }
    out.push('>');
    content(api, shape, member, value, protocol, out);
    let _ = write!(out, "</{name}>");
}

fn attributes(structure: &Structure, members: &Members, out: &mut String) {
    for member in structure.members.iter().filter(|m| m.xml_attribute) {
        if let Some(text) = members.get(member.name).and_then(Value::as_str) {
            let _ = write!(out, " {}=\"{}\"", member.wire_name(), escape(text));
        }
    }
}

fn content(
    api: &Api,
    shape: ShapeId,
    member: Option<&Member>,
    value: &Value,
    protocol: Protocol,
    out: &mut String,
) {
    let Some(shape_) = api.shape(shape) else { return };
    match (&shape_.kind, value) {
        (Kind::Structure(_), _) => body(api, shape, value, protocol, out),
        (Kind::List { member: of, name, .. }, Value::List(list)) => {
            // ec2 calls every element `item` unless the model says otherwise.
            let name = if protocol == Protocol::Ec2 && *name == "member" { "item" } else { name };
            list.iter().for_each(|value| tagged(api, *of, None, name, value, protocol, out));
        }
        (Kind::Map { key, value: of, key_name, value_name, .. }, Value::Map(map)) => {
            for (k, v) in map.iter() {
                out.push_str("<entry>");
                tagged(api, *key, None, key_name, &Value::Text(k.to_owned()), protocol, out);
                tagged(api, *of, None, value_name, v, protocol, out);
                out.push_str("</entry>");
            }
        }
        (kind, value) => out.push_str(&escape(&text(kind, member, value, TimeFormat::Iso8601))),
    }
}

/// A scalar as text, as XML, headers and URIs carry it.
pub(crate) fn text(kind: &Kind, member: Option<&Member>, value: &Value, times: TimeFormat) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Integer(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        Value::Float(n) if n.is_nan() => "NaN".to_owned(),
        Value::Float(n) if n.is_infinite() => if *n > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        Value::Float(n) => n.to_string(),
        Value::Blob(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes),
        Value::Time(at) => {
            let own = match kind {
                Kind::Timestamp(format) => *format,
                _ => None,
            };
            time::write(*at, member.and_then(|m| m.time_format).or(own).unwrap_or(times))
        }
        _ => String::new(),
    }
}

/// Escapes text for elements and attributes; characters that XML cannot hold become a replacement.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '<' | '>' | '&' | '"' | '\r' | '\n') && (c >= ' ' || c == '\t');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' => out.push_str("&#xA;"),
            c if c < ' ' && c != '\t' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// An element of a request.
#[derive(Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Element>,
}

fn malformed() -> Fault {
    Fault::client(
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

fn local(name: quick_xml::name::QName<'_>) -> String {
    String::from_utf8_lossy(name.local_name().as_ref()).into_owned()
}

fn parse(body: &[u8]) -> Result<Element, Fault> {
    let mut reader = quick_xml::Reader::from_reader(body);
    let mut stack = vec![Element::default()];
    let mut buffer = Vec::new();
    let open = |start: &quick_xml::events::BytesStart<'_>| -> Result<Element, Fault> {
        let mut element = Element { name: local(start.name()), ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| malformed())?;
            let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            element.attributes.push((key, attribute.unescape_value().map_err(|_| malformed())?.into_owned()));
        }
        Ok(element)
    };
    let close = |stack: &mut Vec<Element>| -> Result<(), Fault> {
        let done = stack.pop().ok_or_else(malformed)?;
        stack.last_mut().ok_or_else(malformed)?.children.push(done);
        Ok(())
    };
    loop {
        if stack.len() > DEPTH as usize {
            return Err(malformed());
        }
        match reader.read_event_into(&mut buffer).map_err(|_| malformed())? {
            Event::Start(start) => stack.push(open(&start)?),
            Event::Empty(start) => {
                stack.push(open(&start)?);
                close(&mut stack)?;
            }
            Event::End(_) => close(&mut stack)?,
            Event::Text(text) => {
                let text = text.xml_content().map_err(|_| malformed())?;
                stack.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            Event::CData(data) => {
                stack.last_mut().ok_or_else(malformed)?.text.push_str(&String::from_utf8_lossy(&data));
            }
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|_| malformed())?;
                let text = match entity.resolve_char_ref().map_err(|_| malformed())? {
                    Some(c) => c.to_string(),
                    None => {
                        quick_xml::escape::resolve_predefined_entity(&name).ok_or_else(malformed)?.to_owned()
                    }
                };
                stack.last_mut().ok_or_else(malformed)?.text.push_str(&text);
            }
            // An entity of the document's own could grow without bound.
            Event::DocType(_) => return Err(malformed()),
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    let mut root = stack.pop().filter(|_| stack.is_empty()).ok_or_else(malformed)?;
    root.children.pop().ok_or_else(malformed)
}

/// The document in a request's XML body.
pub(crate) fn read(api: &Api, shape: ShapeId, body: &[u8]) -> Result<Value, Fault> {
    value(api, shape, None, &parse(body)?)
}

fn value(api: &Api, shape: ShapeId, _member: Option<&Member>, element: &Element) -> Result<Value, Fault> {
    let Some(shape_) = api.shape(shape) else { return Ok(Value::Null) };
    match &shape_.kind {
        Kind::Structure(structure) => self::structure(api, structure, element),
        Kind::List { member: of, name, .. } => {
            let items = element.children.iter().filter(|c| c.name == *name || *name == "member");
            Ok(Value::List(items.map(|c| value(api, *of, None, c)).collect::<Result<_, _>>()?))
        }
        Kind::Map { value: of, key_name, value_name, .. } => {
            let mut members = Members::default();
            for entry in &element.children {
                let find = |name: &str| entry.children.iter().find(|c| c.name == name);
                if let (Some(key), Some(child)) = (find(key_name), find(value_name)) {
                    members.0.push((Cow::Owned(key.text.clone()), value(api, *of, None, child)?));
                }
            }
            Ok(Value::Map(members))
        }
        kind => scalar(kind, &element.text).ok_or_else(malformed),
    }
}

fn structure(api: &Api, structure: &Structure, element: &Element) -> Result<Value, Fault> {
    let mut members = Members::default();
    for member in structure.members.iter().filter(|m| m.location == Location::Body) {
        let wire = member.wire_name();
        if member.xml_attribute {
            if let Some((_, text)) = element.attributes.iter().find(|(k, _)| k == wire) {
                members.push(member.name, text.as_str());
            }
            continue;
        }
        let kind = api.shape(member.shape).map(|s| &s.kind);
        if let Some(Kind::List { member: of, name, flattened }) = kind
            && (*flattened || member.flattened)
        {
            let items: Vec<_> = element
                .children
                .iter()
                .filter(|c| c.name == wire || (*name != "member" && c.name == *name))
                .collect();
            if !items.is_empty() {
                let list = items.into_iter().map(|c| value(api, *of, None, c)).collect::<Result<_, _>>()?;
                members.0.push((Cow::Borrowed(member.name), Value::List(list)));
            }
            continue;
        }
        if let Some(child) = element.children.iter().find(|c| c.name == wire) {
            members.0.push((Cow::Borrowed(member.name), value(api, member.shape, Some(member), child)?));
        }
    }
    Ok(Value::Map(members))
}
