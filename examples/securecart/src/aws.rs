//! Signed calls to AWS with the task's own short-lived credentials.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value as Json;

use crate::environment::Environment;
use crate::failure::Failure;

pub(crate) struct Client {
    http: Http<HttpsConnector<HttpConnector>, Full<Bytes>>,
    region: String,
    credentials: String,
    credentials_token: Option<String>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// An answer of more than this is not one of ours.
const LONGEST: usize = 4 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// Trusts the authorities in the file, and nobody else.
fn tls(environment: &Environment) -> Result<rustls::ClientConfig, Failure> {
    let unreadable = |e: &dyn std::fmt::Display| Failure::config(format!("{}: {e}", environment.authorities));
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&environment.authorities).map_err(|e| unreadable(&e))? {
        roots.add(certificate.map_err(|e| unreadable(&e))?).map_err(|e| unreadable(&e))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::config)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

impl Client {
    pub(crate) fn new(environment: &Environment) -> Result<Client, Failure> {
        let tls = tls(environment)?;
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1().build();
        Ok(Client {
            http: Http::builder(TokioExecutor::new()).build(connector),
            region: environment.region.clone(),
            credentials: environment.credentials.clone(),
            credentials_token: environment.credentials_token.clone(),
            tls: Arc::new(tls),
        })
    }

    /// Sends a request as it is.
    pub(crate) async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
    ) -> Result<(http::StatusCode, Bytes), Failure> {
        let whole = async {
            let answer = self.http.request(request).await.map_err(|e| Failure::upstream("no answer", e))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await;
            Ok((status, body.map_err(|e| Failure::upstream("half an answer", e))?.to_bytes()))
        };
        tokio::time::timeout(PATIENCE, whole)
            .await
            .map_err(|_| Failure::upstream("no answer", "timed out"))?
    }

    async fn credentials(&self) -> Result<Credentials, Failure> {
        let mut request = http::Request::get(&self.credentials);
        if let Some(token) = &self.credentials_token {
            request = request.header("authorization", token);
        }
        let request = request.body(Full::default()).map_err(Failure::config)?;
        let (status, body) = self.send(request).await?;
        if status != http::StatusCode::OK {
            return Err(Failure::upstream("task credentials", status));
        }
        let json: Json =
            serde_json::from_slice(&body).map_err(|e| Failure::upstream("task credentials", e))?;
        let text = |name: &str| json.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        Ok(Credentials::new(text("AccessKeyId"), text("SecretAccessKey"), Some(text("Token")), None, "task"))
    }

    /// Signs a request for a service and sends it.
    pub(crate) async fn signed(
        &self,
        service: &str,
        request: http::Request<Bytes>,
    ) -> Result<(http::StatusCode, Bytes), Failure> {
        let failed = |e: &dyn std::fmt::Display| Failure::upstream("signing", e);
        let identity = self.credentials().await?.into();
        let mut settings = SigningSettings::default();
        if service == "s3" {
            settings.percent_encoding_mode = aws_sigv4::http_request::PercentEncodingMode::Single;
            settings.payload_checksum_kind = aws_sigv4::http_request::PayloadChecksumKind::XAmzSha256;
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|e| failed(&e))?
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter().filter_map(|(n, v)| Some((n.as_str(), v.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            &uri,
            headers,
            SignableBody::Bytes(request.body()),
        )
        .map_err(|e| failed(&e))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|e| failed(&e))?.into_parts();
        let mut request = request;
        instructions.apply_to_request_http1x(&mut request);
        self.send(request.map(Full::new)).await
    }

    /// A token for the database, good for fifteen minutes.
    pub(crate) async fn database_token(&self, host: &str, port: u16, user: &str) -> Result<String, Failure> {
        let failed = |e: &dyn std::fmt::Display| Failure::upstream("signing", e);
        let identity = self.credentials().await?.into();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(900));
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("rds-db")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|e| failed(&e))?
            .into();
        let uri = format!("https://{host}:{port}/?Action=connect&DBUser={user}");
        let signable = SignableRequest::new("GET", &uri, std::iter::empty(), SignableBody::Bytes(&[]))
            .map_err(|e| failed(&e))?;
        let (instructions, _) = sign(signable, &parameters).map_err(|e| failed(&e))?.into_parts();
        let mut request = http::Request::get(&uri).body(()).map_err(|e| failed(&e))?;
        instructions.apply_to_request_http1x(&mut request);
        Ok(request.uri().to_string().trim_start_matches("https://").to_owned())
    }
}

impl crate::Shop {
    /// Calls DynamoDB.
    pub(crate) async fn table(&self, operation: &str, trace: &str, input: &Json) -> Result<Json, Failure> {
        let request = http::Request::post(format!("{}/", self.environment.service("dynamodb")))
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("x-amzn-trace-id", trace)
            .body(Bytes::from(input.to_string()))
            .map_err(Failure::config)?;
        let (status, body) = self.aws.signed("dynamodb", request).await?;
        let answer: Json = serde_json::from_slice(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(answer);
        }
        let code = answer.get("__type").and_then(Json::as_str).unwrap_or_default();
        Err(Failure::upstream(&format!("DynamoDB {operation}"), format!("{status} {code}")))
    }

    /// Puts or gets an object.
    pub(crate) async fn object(
        &self,
        method: &str,
        place: (&str, &str),
        trace: &str,
        body: Bytes,
    ) -> Result<Bytes, Failure> {
        let (bucket, key) = place;
        let uri = match &self.environment.endpoint {
            Some(endpoint) => format!("{endpoint}/{bucket}/{key}"),
            None => format!("https://{bucket}.s3.{}.amazonaws.com/{key}", self.environment.region),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(uri)
            .header("x-amzn-trace-id", trace)
            .header("content-type", "application/json")
            .body(body)
            .map_err(Failure::config)?;
        let (status, body) = self.aws.signed("s3", request).await?;
        match status {
            s if s.is_success() => Ok(body),
            http::StatusCode::NOT_FOUND => Err(Failure::new(404, "there is no such receipt")),
            s => Err(Failure::upstream(&format!("S3 {method}"), s)),
        }
    }
}
