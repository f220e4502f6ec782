//! The part of a request that a statement looks at, and what is there.

use std::rc::Rc;

use model::estate::waf::rule::{CookiePattern, FieldToMatch, HeaderPattern, JsonBody, JsonPattern};

use crate::json;
use crate::request::{Request, pairs};

/// Headers and cookies are looked at up to so many, and so many bytes.
const MOST: usize = 200;
const MOST_BYTES: usize = 8 * 1024;

/// What to do with a part that is longer than can be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum On {
    Continue,
    Match,
    NoMatch,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    All,
    Key,
    Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pick {
    All,
    Only(Vec<String>),
    Except(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Invalid {
    Match,
    NoMatch,
    AsString,
    /// What could be read counts.
    Partial,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Field {
    Header(String),
    Argument(String),
    Arguments {
        names: bool,
    },
    Path,
    Query,
    Method,
    Fragment,
    Body(On),
    /// The body, and apart from it each text of a form, a JSON document, a multipart message.
    Pieces,
    Json {
        paths: Option<Vec<String>>,
        scope: Scope,
        invalid: Invalid,
        oversize: On,
    },
    Headers {
        pick: Pick,
        scope: Scope,
        oversize: On,
    },
    Cookies {
        pick: Pick,
        scope: Scope,
        oversize: On,
    },
    HeaderOrder(On),
}

/// One text to be matched, and under which name it was found.
#[derive(Clone, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) bytes: Held<'a>,
}

/// Bytes of the request, or made from it; cheap to hand on.
#[derive(Clone, Debug)]
pub(crate) enum Held<'a> {
    Borrowed(&'a [u8]),
    Owned(Rc<[u8]>),
}

impl std::ops::Deref for Held<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Held::Borrowed(bytes) => bytes,
            Held::Owned(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Held<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Held::Owned(bytes.into())
    }
}

/// What a field holds.
#[derive(Debug)]
pub(crate) enum Seen<'a> {
    Texts(Vec<Text<'a>>),
    /// Not to be looked at: the statement matches, or does not.
    Settled(bool),
}

fn on(given: Option<&str>) -> Result<On, String> {
    match given {
        None | Some("CONTINUE") => Ok(On::Continue),
        Some("MATCH") => Ok(On::Match),
        Some("NO_MATCH") => Ok(On::NoMatch),
        Some(other) => Err(format!("`{other}` is no oversize handling")),
    }
}

fn scope(given: &str) -> Result<Scope, String> {
    match given {
        "ALL" => Ok(Scope::All),
        "KEY" => Ok(Scope::Key),
        "VALUE" => Ok(Scope::Value),
        other => Err(format!("`{other}` is no match scope")),
    }
}

fn lower(names: &[String]) -> Vec<String> {
    names.iter().map(|n| n.to_ascii_lowercase()).collect()
}

impl Field {
    pub(crate) fn read(given: &FieldToMatch) -> Result<Field, String> {
        Ok(match given {
            FieldToMatch::SingleHeader(header) => Field::Header(header.name.to_ascii_lowercase()),
            FieldToMatch::SingleQueryArgument(name) => Field::Argument(name.name.to_ascii_lowercase()),
            FieldToMatch::AllQueryArguments(_) => Field::Arguments { names: false },
            FieldToMatch::UriPath(_) => Field::Path,
            FieldToMatch::QueryString(_) => Field::Query,
            FieldToMatch::Method(_) => Field::Method,
            FieldToMatch::UriFragment(_) => Field::Fragment,
            FieldToMatch::Body(body) => Field::Body(on(body.oversize_handling.as_deref())?),
            FieldToMatch::JsonBody(json) => json_field(json)?,
            FieldToMatch::HeaderOrder(order) => Field::HeaderOrder(on(order.oversize_handling.as_deref())?),
            FieldToMatch::Headers(headers) => Field::Headers {
                pick: match &headers.match_pattern {
                    HeaderPattern::All(_) => Pick::All,
                    HeaderPattern::IncludedHeaders(names) => Pick::Only(lower(names)),
                    HeaderPattern::ExcludedHeaders(names) => Pick::Except(lower(names)),
                },
                scope: scope(&headers.match_scope)?,
                oversize: on(Some(&headers.oversize_handling))?,
            },
            FieldToMatch::Cookies(cookies) => Field::Cookies {
                pick: match &cookies.match_pattern {
                    CookiePattern::All(_) => Pick::All,
                    CookiePattern::IncludedCookies(names) => Pick::Only(lower(names)),
                    CookiePattern::ExcludedCookies(names) => Pick::Except(lower(names)),
                },
                scope: scope(&cookies.match_scope)?,
                oversize: on(Some(&cookies.oversize_handling))?,
            },
            FieldToMatch::Ja3(_) | FieldToMatch::Ja4(_) => {
                return Err("fingerprints of TLS handshakes are not known to this runtime".to_owned());
            }
        })
    }

    /// The place as AWS WAF's logs name it.
    pub(crate) fn location(&self) -> &'static str {
        match self {
            Field::Header(_) => "SINGLE_HEADER",
            Field::Argument(_) => "SINGLE_QUERY_ARG",
            Field::Arguments { .. } => "ALL_QUERY_ARGS",
            Field::Path => "URI",
            Field::Query => "QUERY_STRING",
            Field::Method => "METHOD",
            Field::Fragment => "URI_FRAGMENT",
            Field::Body(_) | Field::Pieces => "BODY",
            Field::Json { .. } => "JSON_BODY",
            Field::Headers { .. } => "HEADERS",
            Field::Cookies { .. } => "COOKIES",
            Field::HeaderOrder(_) => "HEADER_ORDER",
        }
    }

    /// Whether what was matched may be shown in a log: never a body, a cookie or a credential.
    pub(crate) fn may_be_shown(&self) -> bool {
        match self {
            Field::Header(name) => !matches!(name.as_str(), "cookie" | "authorization" | "x-api-key"),
            Field::Argument(_) | Field::Arguments { .. } | Field::Path | Field::Query | Field::Method => true,
            Field::Fragment | Field::HeaderOrder(_) => true,
            Field::Body(_) | Field::Pieces | Field::Json { .. } | Field::Headers { .. } => false,
            Field::Cookies { .. } => false,
        }
    }

    pub(crate) fn seen<'a>(&self, request: &Request<'a>) -> Seen<'a> {
        match self {
            Field::Header(name) => {
                let found = request.headers.iter().filter(|(n, _)| n == name);
                Seen::Texts(found.map(|(n, v)| text(Some(n), v)).collect())
            }
            Field::Argument(name) => {
                let same = |given: &[u8]| {
                    crate::transform::apply(&[crate::transform::Transform::UrlDecode], given.into())
                        .eq_ignore_ascii_case(name.as_bytes())
                };
                let found = request.arguments().filter(|(n, _)| same(n));
                Seen::Texts(found.map(|(_, v)| plain(v)).collect())
            }
            Field::Arguments { names } => Seen::Texts(arguments(request, *names)),
            Field::Path => one(request.path.split('#').next().unwrap_or_default().as_bytes()),
            Field::Query if request.query.is_empty() => Seen::Texts(Vec::new()),
            Field::Query => one(request.query.as_bytes()),
            Field::Method => one(request.method.as_bytes()),
            Field::Fragment => {
                let whole = if request.query.is_empty() { request.path } else { request.query };
                Seen::Texts(whole.split_once('#').map(|(_, f)| plain(f.as_bytes())).into_iter().collect())
            }
            Field::Body(on) => settled(*on, request.oversize).unwrap_or_else(|| body(request)),
            Field::Pieces => pieces(request),
            Field::Json { paths, scope, invalid, oversize } => settled(*oversize, request.oversize)
                .unwrap_or_else(|| json_texts(request, paths.as_deref(), *scope, *invalid)),
            Field::Headers { pick, scope, oversize } => {
                let all = request.headers.iter().map(|(n, v)| (n.as_bytes(), *v));
                named(all, pick, *scope, *oversize)
            }
            Field::Cookies { pick, scope, oversize } => named(request.cookies(), pick, *scope, *oversize),
            Field::HeaderOrder(on) => {
                let names: Vec<&str> = request.headers.iter().map(|(n, _)| *n).collect();
                let order = names.join(":").into_bytes();
                settled(*on, names.len() > MOST || order.len() > MOST_BYTES)
                    .unwrap_or(Seen::Texts(vec![Text { name: None, bytes: order.into() }]))
            }
        }
    }
}

fn json_field(json: &JsonBody) -> Result<Field, String> {
    let invalid = match json.invalid_fallback_behavior.as_deref() {
        None => Invalid::Partial,
        Some("MATCH") => Invalid::Match,
        Some("NO_MATCH") => Invalid::NoMatch,
        Some("EVALUATE_AS_STRING") => Invalid::AsString,
        Some(other) => return Err(format!("`{other}` is no fallback behavior")),
    };
    let paths = match &json.match_pattern {
        JsonPattern::All(_) => None,
        JsonPattern::IncludedPaths(paths) => Some(paths.clone()),
    };
    if let Some(bad) = paths.iter().flatten().find(|p| !p.is_empty() && !p.starts_with('/')) {
        return Err(format!("`{bad}` is no JSON pointer"));
    }
    Ok(Field::Json {
        paths,
        scope: scope(&json.match_scope)?,
        invalid,
        oversize: on(json.oversize_handling.as_deref())?,
    })
}

fn settled<'a>(on: On, oversize: bool) -> Option<Seen<'a>> {
    match on {
        On::Match if oversize => Some(Seen::Settled(true)),
        On::NoMatch if oversize => Some(Seen::Settled(false)),
        _ => None,
    }
}

fn plain(bytes: &[u8]) -> Text<'_> {
    Text { name: None, bytes: Held::Borrowed(bytes) }
}

fn text<'a>(name: Option<&'a str>, bytes: &'a [u8]) -> Text<'a> {
    Text { name, bytes: Held::Borrowed(bytes) }
}

fn one(bytes: &[u8]) -> Seen<'_> {
    Seen::Texts(vec![plain(bytes)])
}

fn body<'a>(request: &Request<'a>) -> Seen<'a> {
    match request.body.is_empty() {
        true => Seen::Texts(Vec::new()),
        false => one(request.body),
    }
}

/// Values; an argument without a value is what it is called. With `names`, names too.
fn arguments<'a>(request: &Request<'a>, names: bool) -> Vec<Text<'a>> {
    let mut texts = Vec::new();
    for (name, value) in request.arguments() {
        let shown = std::str::from_utf8(name).ok();
        if names || value.is_empty() {
            texts.push(plain(name));
        }
        if !value.is_empty() {
            texts.push(Text { name: shown, bytes: Held::Borrowed(value) });
        }
    }
    texts
}

fn named<'a>(
    all: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    pick: &Pick,
    scope: Scope,
    oversize: On,
) -> Seen<'a> {
    let (mut texts, mut count, mut bytes, mut more) = (Vec::new(), 0usize, 0usize, false);
    for (name, value) in all {
        count += 1;
        bytes += name.len() + value.len();
        if count > MOST || bytes > MOST_BYTES {
            more = true;
            break;
        }
        let is = |n: &String| name.eq_ignore_ascii_case(n.as_bytes());
        let wanted = match pick {
            Pick::All => true,
            Pick::Only(names) => names.iter().any(is),
            Pick::Except(names) => !names.iter().any(is),
        };
        if !wanted {
            continue;
        }
        if scope != Scope::Value {
            texts.push(plain(name));
        }
        if scope != Scope::Key {
            texts.push(text(std::str::from_utf8(name).ok(), value));
        }
    }
    settled(oversize, more).unwrap_or(Seen::Texts(texts))
}

fn json_texts<'a>(
    request: &Request<'a>,
    paths: Option<&[String]>,
    scope: Scope,
    invalid: Invalid,
) -> Seen<'a> {
    if request.body.is_empty() {
        return Seen::Texts(Vec::new());
    }
    let read = json::leaves(request.body, paths.is_some());
    if !read.whole {
        match invalid {
            Invalid::Match => return Seen::Settled(true),
            Invalid::NoMatch => return Seen::Settled(false),
            Invalid::AsString => return one(request.body),
            Invalid::Partial => {}
        }
    }
    // A pointer names the value there and all below it.
    let below = |pointer: &str| {
        paths.is_none_or(|paths| {
            paths.iter().any(|p| {
                pointer.strip_prefix(p.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        })
    };
    let wanted = |leaf: &json::Leaf| match scope {
        Scope::All => true,
        Scope::Key => leaf.is_key,
        Scope::Value => !leaf.is_key,
    };
    let found = read.found.into_iter().filter(|l| wanted(l) && below(&l.pointer));
    Seen::Texts(found.map(|l| Text { name: None, bytes: l.text.into() }).collect())
}

fn pieces<'a>(request: &Request<'a>) -> Seen<'a> {
    let body = request.body.trim_ascii();
    if body.is_empty() {
        return Seen::Texts(Vec::new());
    }
    let mut texts = Vec::new();
    if matches!(body.first(), Some(b'{' | b'[' | b'"')) {
        let read = json::leaves(body, false);
        texts.extend(read.found.into_iter().map(|l| Text { name: None, bytes: l.text.into() }));
        if read.whole {
            return Seen::Texts(texts);
        }
    }
    if is_form(body) {
        for (name, value) in pairs(body) {
            texts.push(plain(name));
            texts.push(plain(value));
        }
        // A body that says it is a form is read as one; another may be read as it stands.
        let kind = request.header("content-type").unwrap_or(b"application/x-www-form-urlencoded");
        if !kind.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded") {
            texts.push(plain(request.body));
        }
    } else {
        texts.push(plain(request.body));
        if let Some(rest) = body.strip_prefix(b"--") {
            texts.extend(parts(body, rest).map(plain));
        }
    }
    texts.retain(|t| !t.bytes.is_empty());
    Seen::Texts(texts)
}

/// `name=value&...`, with a name as browsers write one.
fn is_form(body: &[u8]) -> bool {
    let name: Vec<u8> = body.iter().copied().take(128).take_while(|b| *b != b'=').collect();
    body.get(name.len()) == Some(&b'=')
        && !name.is_empty()
        && name.iter().all(|b| b.is_ascii_alphanumeric() || b"_-.%+[]$~&".contains(b))
}

/// The contents of a multipart message's parts.
fn parts<'a>(body: &'a [u8], after: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let line = after.iter().take(200).take_while(|b| **b != b'\r' && **b != b'\n').count();
    let boundary = body.get(..line + 2).unwrap_or_default();
    let mut rest = body;
    std::iter::from_fn(move || {
        let at = memchr::memmem::find(rest, boundary)?;
        let behind = rest.get(at + boundary.len()..)?;
        let end = memchr::memmem::find(behind, boundary).unwrap_or(behind.len());
        let part = behind.get(..end)?;
        rest = behind.get(end..)?;
        let head = memchr::memmem::find(part, b"\r\n\r\n").map_or(0, |h| h + 4);
        Some(part.get(head..).unwrap_or_default().trim_ascii_end())
    })
}
