//! The REST protocols: members in the path, the query, the headers and the body.

use std::borrow::Cow;

use base64::Engine as _;
use bytes::Bytes;
use model::api::{Api, Kind, Location, Member, Protocol, ShapeId, Structure, TimeFormat};
use model::{Body, Fault, Members, Value};
use percent_encoding::percent_decode_str;

use crate::form::scalar;
use crate::{Head, Response, Route, bodiless, json, xml};

fn invalid(member: &Member) -> Fault {
    Fault::serialization(format!("`{}` has a value of the wrong type", member.name))
}

pub(crate) fn read(route: &Route<'_>, shape: ShapeId, head: &Head, body: Body) -> Result<Value, Fault> {
    let Some(structure) = route.api.structure(shape) else { return Ok(Value::Null) };
    let mut members = read_body(route, shape, structure, body)?;
    for member in structure.members.iter().filter(|m| m.location != Location::Body) {
        let read = match member.location {
            Location::Uri => route
                .labels
                .iter()
                .find(|(n, _)| n == member.wire_name())
                .map(|(_, v)| v.clone())
                .map(|t| text(route.api, member, &t)),
            Location::Query => query(route, member, head),
            Location::Header => head.header(member.wire_name()).map(|t| header(route.api, member, t)),
            Location::Headers => prefixed(member, head).map(Ok),
            Location::Body | Location::StatusCode => None,
        };
        if let Some(value) = read.transpose()? {
            members.0.push((Cow::Borrowed(member.name), value));
        }
    }
    Ok(Value::Map(members))
}

fn read_body(route: &Route<'_>, shape: ShapeId, structure: &Structure, body: Body) -> Result<Members, Fault> {
    let api = route.api;
    let Some(payload) = structure.payload.and_then(|p| structure.members.iter().find(|m| m.name == p)) else {
        let has_body = structure.members.iter().any(|m| m.location == Location::Body);
        if body.length() == 0 || !has_body {
            return Ok(Members::default());
        }
        return Members::of(document(api, shape, &crate::memory(body)?, route.protocol)?);
    };
    let mut members = Members::default();
    let kind = api.shape(payload.shape).map(|s| &s.kind);
    let value = match kind {
        Some(Kind::Blob) if payload.streaming => Value::Body(body),
        Some(Kind::Blob) => Value::Blob(crate::memory(body)?),
        Some(Kind::String) => Value::Text(
            String::from_utf8(crate::memory(body)?.to_vec())
                .map_err(|_| Fault::serialization("the body is not UTF-8"))?,
        ),
        _ if body.length() == 0 => return Ok(members),
        _ => document(api, payload.shape, &crate::memory(body)?, route.protocol)?,
    };
    members.0.push((Cow::Borrowed(payload.name), value));
    Ok(members)
}

fn document(api: &Api, shape: ShapeId, body: &Bytes, protocol: Protocol) -> Result<Value, Fault> {
    match protocol {
        Protocol::RestXml => xml::read(api, shape, body),
        _ => json::read(api, shape, body),
    }
}

fn text(api: &Api, member: &Member, text: &str) -> Result<Value, Fault> {
    let kind = api.shape(member.shape).map(|s| &s.kind).ok_or_else(|| invalid(member))?;
    scalar(kind, text).ok_or_else(|| invalid(member))
}

fn header(api: &Api, member: &Member, given: &str) -> Result<Value, Fault> {
    if member.json_value {
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(given)
            .ok()
            .and_then(|b| String::from_utf8(b).ok());
        return Ok(Value::Text(decoded.ok_or_else(|| invalid(member))?));
    }
    match api.shape(member.shape).map(|s| &s.kind) {
        Some(Kind::List { member: of, .. }) => {
            let of = api.shape(*of).map(|s| &s.kind).ok_or_else(|| invalid(member))?;
            let items = given
                .split(',')
                .map(|t| scalar(of, t.trim().trim_matches('"')).ok_or_else(|| invalid(member)));
            Ok(Value::List(items.collect::<Result<_, _>>()?))
        }
        _ => text(api, member, given),
    }
}

fn prefixed(member: &Member, head: &Head) -> Option<Value> {
    let mut members = Members::default();
    for (name, value) in &head.headers {
        if let (Some(key), Ok(value)) = (name.as_str().strip_prefix(member.wire_name()), value.to_str()) {
            members.0.push((Cow::Owned(key.to_owned()), Value::Text(value.to_owned())));
        }
    }
    (!members.0.is_empty()).then_some(Value::Map(members))
}

/// Decoded name and value pairs of a query; here a plus sign is itself.
pub(crate) fn query_pairs(query: &str) -> impl Iterator<Item = (String, String)> + '_ {
    query.split('&').filter(|p| !p.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |t: &str| percent_decode_str(t).decode_utf8_lossy().into_owned();
        (decode(name), decode(value))
    })
}

fn query(route: &Route<'_>, member: &Member, head: &Head) -> Option<Result<Value, Fault>> {
    let api = route.api;
    let mut given =
        query_pairs(&head.query).filter(|(n, _)| n == member.wire_name()).map(|(_, v)| v).peekable();
    match &api.shape(member.shape)?.kind {
        Kind::List { member: of, .. } => {
            given.peek()?;
            let kind = &api.shape(*of)?.kind;
            let items = given.map(|t| scalar(kind, &t).ok_or_else(|| invalid(member)));
            Some(items.collect::<Result<_, _>>().map(Value::List))
        }
        Kind::Map { .. } => {
            let input = route.operation.input.and_then(|i| api.structure(i))?;
            let taken = |name: &str| {
                input.members.iter().any(|m| m.location == Location::Query && m.wire_name() == name)
            };
            let rest = query_pairs(&head.query).filter(|(n, _)| !taken(n));
            Some(Ok(Value::Map(Members(rest.map(|(n, v)| (Cow::Owned(n), Value::Text(v))).collect()))))
        }
        _ => given.next().map(|t| text(api, member, &t)),
    }
}

pub(crate) fn write(route: &Route<'_>, output: &Value) -> Result<Response, Fault> {
    let (api, operation) = (route.api, route.operation);
    let mut status = crate::status(operation);
    let Some(shape) = operation.output else {
        return Ok(Response::new(status, "", Bytes::new()));
    };
    let Some(structure) = api.structure(shape) else {
        return Err(Fault::internal("an answer is no structure"));
    };
    if let Some(member) = structure.members.iter().find(|m| m.location == Location::StatusCode)
        && let Some(code) = output.get(member.name).and_then(Value::as_i64)
    {
        status = u16::try_from(code).unwrap_or(status);
    }
    // A slice of an object has a status of its own, which the model does not hold.
    if status == 200 && output.get("ContentRange").is_some_and(|r| *r != Value::Null) {
        status = 206;
    }
    let mut response = write_body(route, shape, structure, output, status);
    for member in &structure.members {
        let Some(value) = output.get(member.name).filter(|v| **v != Value::Null) else { continue };
        match member.location {
            Location::Header => write_header(api, member, value, &mut response),
            Location::Headers => {
                for (key, value) in value.as_map().into_iter().flat_map(Members::iter) {
                    response
                        .header(&format!("{}{key}", member.wire_name()), value.as_str().unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    Ok(response)
}

fn write_body(
    route: &Route<'_>,
    shape: ShapeId,
    structure: &Structure,
    output: &Value,
    status: u16,
) -> Response {
    let api = route.api;
    let is_xml = route.protocol == Protocol::RestXml;
    let Some(payload) = structure.payload.and_then(|p| structure.members.iter().find(|m| m.name == p)) else {
        let has_body = structure.members.iter().any(|m| m.location == Location::Body);
        if bodiless(status) || (is_xml && !has_body) {
            return Response::new(status, "", Bytes::new());
        }
        if !is_xml {
            return Response::new(status, "application/json", json::write(api, shape, output));
        }
        let root = api.shape(shape).map_or("Result", |s| s.name);
        let root = root.strip_suffix("Output").map_or_else(|| root.to_owned(), |n| format!("{n}Result"));
        let root = s3_root(&root).unwrap_or(&root).to_owned();
        let mut out =
            format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{}\">", api.xml_namespace);
        xml::body(api, shape, output, Protocol::RestXml, &mut out);
        out.push_str(&format!("</{root}>"));
        return Response::new(status, "application/xml", out);
    };
    match output.get(payload.name) {
        Some(Value::Body(body)) => Response { status, headers: Vec::new(), body: body.clone() },
        Some(Value::Blob(bytes)) => Response::new(status, "", bytes.clone()),
        Some(Value::Text(text)) => Response::new(status, "", text.clone()),
        Some(value @ Value::Map(_)) if is_xml => {
            let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
            let name =
                payload.wire.unwrap_or_else(|| api.shape(payload.shape).map_or(payload.name, |s| s.name));
            let mut inner = String::new();
            xml::tagged(api, payload.shape, Some(payload), name, value, Protocol::RestXml, &mut inner);
            if !inner.contains("xmlns=") {
                inner = inner.replacen(
                    &format!("<{name}>"),
                    &format!("<{name} xmlns=\"{}\">", api.xml_namespace),
                    1,
                );
            }
            out.push_str(&inner);
            Response::new(status, "application/xml", out)
        }
        Some(value @ Value::Map(_)) => {
            Response::new(status, "application/json", json::write(api, payload.shape, value))
        }
        _ => Response::new(status, "", Bytes::new()),
    }
}

/// S3's answers have names of their own, which the model does not hold.
fn s3_root(shape: &str) -> Option<&'static str> {
    Some(match shape {
        "ListObjectsResult" | "ListObjectsV2Result" => "ListBucketResult",
        "ListObjectVersionsResult" => "ListVersionsResult",
        "ListBucketsResult" => "ListAllMyBucketsResult",
        "GetBucketAclResult" | "GetObjectAclResult" => "AccessControlPolicy",
        "GetBucketVersioningResult" => "VersioningConfiguration",
        "GetBucketTaggingResult" | "GetObjectTaggingResult" => "Tagging",
        "CreateMultipartUploadResult" => "InitiateMultipartUploadResult",
        "DeleteObjectsResult" => "DeleteResult",
        "GetBucketLocationResult" => "LocationConstraint",
        "GetBucketLifecycleConfigurationResult" => "LifecycleConfiguration",
        "GetBucketCorsResult" => "CORSConfiguration",
        "GetBucketNotificationConfigurationResult" => "NotificationConfiguration",
        "GetBucketLoggingResult" => "BucketLoggingStatus",
        "GetBucketWebsiteResult" => "WebsiteConfiguration",
        "ListPartsResult" => "ListPartsResult",
        _ => return None,
    })
}

fn write_header(api: &Api, member: &Member, value: &Value, response: &mut Response) {
    let Some(shape) = api.shape(member.shape) else { return };
    let text = match value {
        Value::List(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
        Value::Text(text) if member.json_value => base64::engine::general_purpose::STANDARD.encode(text),
        value => xml::text(&shape.kind, Some(member), value, TimeFormat::Rfc822),
    };
    // A header cannot hold a line break: what would forge another header is left out.
    if !text.contains(['\r', '\n']) {
        response.header(member.wire_name(), text);
    }
}
