//! What the shop knows of a customer: where to send things.

use serde_json::{Value as Json, json};

use crate::environment::needed;
use crate::failure::Failure;
use crate::{Asked, Outcome, Reply, Shop};

pub(crate) async fn answer(shop: &Shop, asked: Asked) -> Outcome {
    let customer = shop.customer(&asked).await?;
    let table = needed("ACCOUNTS_TABLE")?;
    match (&asked.method, asked.parts().as_slice()) {
        (&http::Method::GET, ["accounts", "me"]) => {
            let input = json!({"TableName": table, "Key": {"customer": {"S": customer.id}}});
            let found = shop.table("GetItem", asked.trace(), &input).await?;
            let address = found.pointer("/Item/address/S").and_then(Json::as_str);
            Ok(Reply::json(200, &json!({"customer": customer.id, "name": customer.name, "address": address})))
        }
        (&http::Method::PUT, ["accounts", "me"]) => {
            let body = asked.json()?;
            let address = body.get("address").and_then(Json::as_str).filter(|a| (1..=500).contains(&a.len()));
            let address =
                address.ok_or_else(|| Failure::new(400, "an address of 1 to 500 bytes is needed"))?;
            let item = json!({"customer": {"S": customer.id}, "address": {"S": address}});
            shop.table("PutItem", asked.trace(), &json!({"TableName": table, "Item": item})).await?;
            Ok(Reply::json(200, &json!({"address": address})))
        }
        _ => Err(Failure::new(404, "there is no such page")),
    }
}
