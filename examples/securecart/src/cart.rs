//! What a customer has chosen so far.

use serde_json::{Map, Value as Json, json};

use crate::environment::needed;
use crate::failure::Failure;
use crate::{Asked, Outcome, Reply, Shop};

/// Product identifiers with how many of each.
pub(crate) type Cart = Vec<(String, u32)>;

const MOST: u32 = 99;

/// The customer's cart, as the table holds it.
pub(crate) async fn read(shop: &Shop, trace: &str, customer: &str) -> Result<Cart, Failure> {
    let table = needed("CARTS_TABLE")?;
    let input = json!({"TableName": table, "Key": {"customer": {"S": customer}}, "ConsistentRead": true});
    let found = shop.table("GetItem", trace, &input).await?;
    let entries = found.pointer("/Item/items/M").and_then(Json::as_object).cloned().unwrap_or_default();
    let count = |v: &Json| v.get("N")?.as_str()?.parse().ok();
    Ok(entries.iter().filter_map(|(id, v)| Some((id.clone(), count(v)?))).collect())
}

pub(crate) async fn clear(shop: &Shop, trace: &str, customer: &str) -> Result<(), Failure> {
    let table = needed("CARTS_TABLE")?;
    let input = json!({"TableName": table, "Key": {"customer": {"S": customer}}});
    shop.table("DeleteItem", trace, &input).await.map(|_| ())
}

fn shown(cart: &Cart) -> Json {
    json!({"items": cart.iter().map(|(id, n)| (id.clone(), json!(n))).collect::<Map<_, _>>()})
}

pub(crate) async fn answer(shop: &Shop, asked: Asked) -> Outcome {
    let customer = shop.customer(&asked).await?;
    match (&asked.method, asked.parts().as_slice()) {
        (&http::Method::GET, ["cart"]) => {
            Ok(Reply::json(200, &shown(&read(shop, asked.trace(), &customer.id).await?)))
        }
        (&http::Method::PUT, ["cart"]) => {
            let body = asked.json()?;
            let wanted = body.get("items").and_then(Json::as_object);
            let wanted = wanted.ok_or_else(|| Failure::new(400, "items are needed"))?;
            let mut cart = Cart::new();
            for (id, n) in wanted {
                let n = n.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= MOST);
                let n = n.ok_or_else(|| Failure::new(400, "of each at most 99"))?;
                if n > 0 && !id.is_empty() && id.len() <= 100 {
                    cart.push((id.clone(), n));
                }
            }
            let items: Map<String, Json> =
                cart.iter().map(|(id, n)| (id.clone(), json!({"N": n.to_string()}))).collect();
            let item = json!({"customer": {"S": customer.id}, "items": {"M": items}});
            let input = json!({"TableName": needed("CARTS_TABLE")?, "Item": item});
            shop.table("PutItem", asked.trace(), &input).await?;
            Ok(Reply::json(200, &shown(&cart)))
        }
        _ => Err(Failure::new(404, "there is no such page")),
    }
}
