//! The token for the registry: who asked for it, sealed, for twelve hours.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Caller, Fault, Timestamp, Tx};
use serde::Serialize;

use crate::shapes::*;

/// What the registry is to open for purpose `ecr-token`.
#[derive(Serialize)]
struct Content<'a> {
    caller: &'a Caller,
    expires: Timestamp,
}

/// <https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html>
pub(crate) fn get_authorization_token(
    tx: &mut Tx<'_>,
    input: GetAuthorizationTokenRequest,
) -> Result<GetAuthorizationTokenResponse, Fault> {
    let expires = tx.now.plus_seconds(12 * 3600);
    let content = serde_json::to_vec(&Content { caller: tx.caller(), expires })
        .map_err(|e| Fault::internal(format!("a registry token cannot be encoded: {e}")))?;
    let sealed = tx.seal("ecr-token", b"", &content)?;
    let token = STANDARD.encode(format!("AWS:{}", STANDARD.encode(sealed)));
    let own = tx.account.to_string();
    let registries = input.registry_ids.filter(|r| !r.is_empty()).unwrap_or_else(|| vec![own]);
    let data = registries.into_iter().map(|registry| AuthorizationData {
        authorization_token: Some(token.clone()),
        expires_at: Some(expires),
        proxy_endpoint: Some(format!("https://{registry}.dkr.ecr.{}.amazonaws.com", tx.region)),
    });
    Ok(GetAuthorizationTokenResponse { authorization_data: Some(data.collect()) })
}
