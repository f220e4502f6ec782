//! What an encoded authorization failure message says, for whoever may know why another was denied.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>

use model::estate::denial::decoded;
use model::{Fault, Tx};

use crate::shapes::*;

pub(crate) fn decode_authorization_message(
    tx: &mut Tx<'_>,
    input: DecodeAuthorizationMessageRequest,
) -> Result<DecodeAuthorizationMessageResponse, Fault> {
    let message = decoded(tx.host(), &tx.account, tx.now, &input.encoded_message);
    let invalid =
        || Fault::client("InvalidAuthorizationMessageException", "Message is invalid, or has expired");
    Ok(DecodeAuthorizationMessageResponse { decoded_message: Some(message.ok_or_else(invalid)?) })
}
