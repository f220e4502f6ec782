//! What there is to buy, and the shop's own pages.

use serde_json::{Value as Json, json};

use crate::environment::needed;
use crate::failure::Failure;
use crate::{Asked, Outcome, Reply, Shop};

/// Identifier, name, price in cents.
const STOCK: [(&str, &str, u32); 4] = [
    ("kettle", "Kettle", 3_900),
    ("lamp", "Desk lamp", 5_450),
    ("mug", "Mug", 1_250),
    ("padlock", "Padlock", 2_200),
];

/// Puts the first goods on the shelves, where there are none.
pub(crate) async fn stock(shop: &Shop) -> Result<(), Failure> {
    let table = needed("PRODUCTS_TABLE")?;
    for (id, name, price) in STOCK {
        let input = json!({
            "TableName": table,
            "Item": item(id, name, price),
            "ConditionExpression": "attribute_not_exists(id)",
        });
        match shop.table("PutItem", "", &input).await {
            Err(failure) if !failure.details.contains("ConditionalCheckFailed") => return Err(failure),
            _ => {}
        }
    }
    Ok(())
}

fn item(id: &str, name: &str, price: u32) -> Json {
    json!({"id": {"S": id}, "name": {"S": name}, "price": {"N": price.to_string()}})
}

fn product(item: &Json) -> Option<Json> {
    let price: u32 = item.pointer("/price/N")?.as_str()?.parse().ok()?;
    Some(json!({"id": item.pointer("/id/S")?, "name": item.pointer("/name/S")?, "price": price}))
}

pub(crate) async fn answer(shop: &Shop, asked: Asked) -> Outcome {
    let table = needed("PRODUCTS_TABLE")?;
    match (&asked.method, asked.parts().as_slice()) {
        (&http::Method::GET, []) => {
            Ok(Reply::text("text/html; charset=utf-8", include_str!("../web/index.html")))
        }
        (&http::Method::GET, ["shop.js"]) => {
            Ok(Reply::text("text/javascript; charset=utf-8", include_str!("../web/shop.js")))
        }
        (&http::Method::GET, ["srp.js"]) => {
            Ok(Reply::text("text/javascript; charset=utf-8", include_str!("../web/srp.js")))
        }
        (&http::Method::GET, ["shop.css"]) => {
            Ok(Reply::text("text/css; charset=utf-8", include_str!("../web/shop.css")))
        }
        (&http::Method::GET, ["config.json"]) => Ok(Reply::json(
            200,
            &json!({
                "pool": needed("USER_POOL_ID")?,
                "client": needed("USER_POOL_CLIENT_ID")?,
                "cognito": shop.environment.service("cognito-idp"),
            }),
        )),
        (&http::Method::GET, ["catalogue"]) => {
            let found = shop.table("Scan", asked.trace(), &json!({"TableName": table})).await?;
            let items = found.get("Items").and_then(Json::as_array).cloned().unwrap_or_default();
            let products: Vec<Json> = items.iter().filter_map(product).collect();
            Ok(Reply::json(200, &json!({"products": products})))
        }
        // The gateway asks for a scope here that no customer's token has.
        (&http::Method::POST, ["catalogue"]) => {
            let body = asked.json()?;
            let text =
                |name: &str| body.get(name).and_then(Json::as_str).filter(|t| (1..=100).contains(&t.len()));
            let price = body.get("price").and_then(Json::as_u64).and_then(|p| u32::try_from(p).ok());
            let (Some(id), Some(name), Some(price)) = (text("id"), text("name"), price) else {
                return Err(Failure::new(400, "an id, a name and a price in cents are needed"));
            };
            shop.table("PutItem", asked.trace(), &json!({"TableName": table, "Item": item(id, name, price)}))
                .await?;
            Ok(Reply::json(201, &json!({"id": id})))
        }
        _ => Err(Failure::new(404, "there is no such page")),
    }
}
