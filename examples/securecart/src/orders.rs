//! Orders: a row in the database, a receipt in the bucket.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::database;
use crate::environment::needed;
use crate::failure::Failure;
use crate::{Asked, Outcome, Reply, Shop, cart};

fn database_failed(error: tokio_postgres::Error) -> Failure {
    Failure::upstream("the database", error)
}

pub(crate) async fn answer(shop: &Shop, asked: Asked) -> Outcome {
    let customer = shop.customer(&asked).await?;
    match (&asked.method, asked.parts().as_slice()) {
        (&http::Method::POST, ["orders"]) => place(shop, &asked, &customer.id).await,
        (&http::Method::GET, ["orders"]) => list(shop, &customer.id).await,
        (&http::Method::GET, ["orders", id, "receipt"]) => receipt(shop, &asked, &customer.id, id).await,
        _ => Err(Failure::new(404, "there is no such page")),
    }
}

/// The price of a product, as the catalogue says now.
async fn price(shop: &Shop, trace: &str, id: &str) -> Result<u32, Failure> {
    let input = json!({"TableName": needed("PRODUCTS_TABLE")?, "Key": {"id": {"S": id}}});
    let found = shop.table("GetItem", trace, &input).await?;
    let price = found.pointer("/Item/price/N").and_then(Json::as_str).and_then(|p| p.parse().ok());
    price.ok_or_else(|| Failure::new(409, "a product of the cart is no longer sold"))
}

async fn place(shop: &Shop, asked: &Asked, customer: &str) -> Outcome {
    let trace = asked.trace();
    let chosen = cart::read(shop, trace, customer).await?;
    if chosen.is_empty() {
        return Err(Failure::new(409, "the cart is empty"));
    }
    let mut lines = Vec::new();
    let mut total: u32 = 0;
    for (id, count) in chosen {
        let price = price(shop, trace, &id).await?;
        let sum = price.checked_mul(count).and_then(|s| total.checked_add(s));
        total = sum.ok_or_else(|| Failure::new(409, "the cart is too dear"))?;
        lines.push(json!({"product": id, "count": count, "price": price}));
    }
    let cents = i32::try_from(total).map_err(|_| Failure::new(409, "the cart is too dear"))?;
    let database = database::orders(shop).await?;
    let row = database
        .query_one(
            "INSERT INTO orders (customer, total) VALUES ($1, $2) RETURNING id::text",
            &[&customer, &cents],
        )
        .await
        .map_err(database_failed)?;
    let order: String = row.try_get(0).map_err(database_failed)?;
    let receipt = json!({"order": order, "customer": customer, "lines": lines, "total": total});
    let key = format!("{customer}/{order}.json");
    shop.object("PUT", (&needed("RECEIPTS_BUCKET")?, &key), trace, Bytes::from(receipt.to_string())).await?;
    database
        .execute("UPDATE orders SET receipt = $1 WHERE id::text = $2", &[&key, &order])
        .await
        .map_err(database_failed)?;
    cart::clear(shop, trace, customer).await?;
    Ok(Reply::json(201, &json!({"order": order, "total": total})))
}

async fn list(shop: &Shop, customer: &str) -> Outcome {
    let database = database::orders(shop).await?;
    let rows = database
        .query(
            "SELECT id::text, total, placed::text FROM orders WHERE customer = $1 ORDER BY placed DESC LIMIT 100",
            &[&customer],
        )
        .await
        .map_err(database_failed)?;
    let orders: Result<Vec<Json>, tokio_postgres::Error> = rows
        .iter()
        .map(|row| {
            let (id, total, placed): (String, i32, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            Ok(json!({"order": id, "total": total, "placed": placed}))
        })
        .collect();
    Ok(Reply::json(200, &json!({"orders": orders.map_err(database_failed)?})))
}

/// The receipt of one of the customer's own orders.
async fn receipt(shop: &Shop, asked: &Asked, customer: &str, order: &str) -> Outcome {
    if !order.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Err(Failure::new(404, "there is no such receipt"));
    }
    let key = format!("{customer}/{order}.json");
    let body = shop.object("GET", (&needed("RECEIPTS_BUCKET")?, &key), asked.trace(), Bytes::new()).await?;
    Ok(Reply { status: 200, content_type: "application/json", body })
}
