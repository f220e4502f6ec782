//! Which permissions each call needs, and the facts of the request that conditions look at:
//! whose items (`dynamodb:LeadingKeys`), which attributes, how much of them.
//!
//! Expressions that cannot be read add nothing here: the handler, which reads them the same
//! way, refuses them.

use std::collections::BTreeSet;

use model::{Ask, Asking, Fault, Members, Value};

use crate::attribute::Attr;
use crate::expression::Scope;
use crate::expression::condition::Condition;
use crate::expression::key::KeyCondition;
use crate::expression::projection::Projection;
use crate::expression::update::Update;
use crate::seal;
use crate::table::{self, Table, lookup};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    Ok(match operation {
        "ListTables" | "DescribeLimits" | "DescribeEndpoints" => {
            vec![Ask::new(format!("dynamodb:{operation}"), "*")]
        }
        "CreateTable" => creating(asking),
        "UpdateTable" => {
            let mut asks = vec![plain(asking, asking.text("TableName"))];
            asks.extend(granting(asking));
            asks
        }
        "TagResource"
        | "UntagResource"
        | "ListTagsOfResource"
        | "PutResourcePolicy"
        | "GetResourcePolicy"
        | "DeleteResourcePolicy" => vec![plain(asking, asking.text("ResourceArn"))],
        "GetItem" => vec![single("dynamodb:GetItem", asking, asking.input, None)],
        "PutItem" => vec![single("dynamodb:PutItem", asking, asking.input, None)],
        "UpdateItem" => vec![single("dynamodb:UpdateItem", asking, asking.input, None)],
        "DeleteItem" => vec![single("dynamodb:DeleteItem", asking, asking.input, None)],
        "Query" | "Scan" => vec![searching(asking)],
        "BatchGetItem" => batch(asking, "dynamodb:BatchGetItem"),
        "BatchWriteItem" => batch(asking, "dynamodb:BatchWriteItem"),
        "TransactGetItems" | "TransactWriteItems" => transaction(asking),
        _ => asking.text("TableName").map(|name| plain(asking, Some(name))).into_iter().collect(),
    })
}

/// The ARN of a table that a request names, and the table, if there is one.
fn named<'a>(asking: &Asking<'a>, given: &str) -> (String, Option<&'a Table>) {
    let found = lookup(asking.snapshot, asking.account, asking.region, given);
    let arn = match given.starts_with("arn:") {
        true => given.to_owned(),
        false => table::arn(asking.region, asking.account, given),
    };
    (arn, found)
}

fn plain(asking: &Asking<'_>, given: Option<&str>) -> Ask {
    let (arn, _) = named(asking, given.unwrap_or_default());
    let mut ask = Ask::new(format!("dynamodb:{}", asking.operation), arn);
    ask.request_tags = asking.tags("Tags");
    ask.tag_keys = asking.strings("TagKeys");
    ask
}

fn creating(asking: &Asking<'_>) -> Vec<Ask> {
    let main = plain(asking, asking.text("TableName"));
    let mut asks = vec![];
    // What a table is made with is allowed as if it were added later.
    for (member, action) in
        [("Tags", "dynamodb:TagResource"), ("ResourcePolicy", "dynamodb:PutResourcePolicy")]
    {
        if asking.input.get(member).is_some_and(|v| *v != Value::Null) {
            asks.push(Ask { action: action.into(), ..main.clone() });
        }
    }
    asks.insert(0, main);
    asks.extend(granting(asking));
    asks
}

/// AWS works on a table in the background by a grant that the caller makes. None is needed here, but
/// who may not make one cannot choose the key: what works here works there.
fn granting(asking: &Asking<'_>) -> Option<Ask> {
    let key = asking.input.get("SSESpecification")?.text("KMSMasterKeyId").filter(|k| *k != seal::MANAGED)?;
    let arn = match (key.starts_with("arn:"), key.starts_with("alias/")) {
        (true, _) => key.to_owned(),
        (false, true) => asking.arn("kms", key),
        (false, false) => asking.arn("kms", &format!("key/{key}")),
    };
    // An alias is asked for as the key it stands for.
    let alias = asking.snapshot.by_arn(&arn).filter(|_| arn.contains(":alias/")).map(|node| node.to_json());
    let target = alias.as_ref().and_then(|a| a.get("key_arn")).and_then(serde_json::Value::as_str);
    let arn = target.map_or(arn, str::to_owned);
    let known = asking.snapshot.by_arn(&arn).is_some();
    let mut ask = Ask::new("kms:CreateGrant", arn)
        .key("kms:ViaService", Some(format!("dynamodb.{}.amazonaws.com", asking.region)))
        .key("kms:CallerAccount", Some(asking.caller.account.as_str()))
        .key("kms:GrantIsForAWSResource", Some("true"));
    ask.consent = known;
    Some(ask)
}

/// What a request says about items.
#[derive(Default)]
struct Facts {
    leading: BTreeSet<String>,
    attributes: BTreeSet<String>,
}

/// A partition key as policies write it: text as it is, numbers in plain form, binary data in base64.
fn leading(attr: &Attr) -> Option<String> {
    match attr {
        Attr::S(text) => Some(text.clone()),
        Attr::N(number) => Some(number.to_string()),
        Attr::B(_) => {
            attr.clone().into_value().get("B").and_then(|b| b.to_json().as_str().map(str::to_owned))
        }
        _ => None,
    }
}

impl Facts {
    /// The item or key that a request carries.
    fn item(&mut self, table: Option<&Table>, item: Option<&Value>) {
        let Some(Value::Map(members)) = item else { return };
        self.attributes.extend(members.iter().map(|(name, _)| name.to_owned()));
        let hash = table.and_then(|t| members.get(&t.schema.hash.name));
        let hash = hash.and_then(|value| Attr::read(value.clone()).ok());
        self.leading.extend(hash.as_ref().and_then(leading));
    }

    /// The attributes that the expressions of a request name.
    fn expressions(&mut self, request: &Members) {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let scope = Scope::blind(request.get("ExpressionAttributeNames"));
        let mut see = |root: &str| {
            self.attributes.insert(root.to_owned());
        };
        for member in ["ConditionExpression", "FilterExpression", "KeyConditionExpression"] {
            if let Some(Ok(condition)) = text(member).map(|t| Condition::parse(member, t, &scope)) {
                condition.paths(&mut |path| see(path.root));
            }
        }
        if let Some(Ok(update)) = text("UpdateExpression").map(|t| Update::parse(t, &scope)) {
            update.paths().for_each(|path| see(path.root));
            update.sources(&mut |path| see(path.root));
        }
        if let Some(Ok(projection)) = text("ProjectionExpression").map(|t| Projection::parse(t, &scope)) {
            projection.roots().for_each(see);
        }
    }

    fn put_on(self, mut ask: Ask) -> Ask {
        if !self.leading.is_empty() {
            ask = ask.keys("dynamodb:LeadingKeys", self.leading.into_iter().collect());
        }
        if !self.attributes.is_empty() {
            ask = ask.keys("dynamodb:Attributes", self.attributes.into_iter().collect());
        }
        ask
    }
}

/// The ask of one item's read or change.
fn single(action: &'static str, asking: &Asking<'_>, request: &Value, enclosing: Option<&str>) -> Ask {
    let empty = Members::default();
    let request = request.as_map().unwrap_or(&empty);
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (arn, table) = named(asking, text("TableName").unwrap_or_default());
    let mut facts = Facts::default();
    facts.item(table, request.get("Item"));
    facts.item(table, request.get("Key"));
    facts.expressions(request);
    let mut ask = facts.put_on(Ask::new(action, arn));
    ask = match action {
        "dynamodb:GetItem" => ask.key("dynamodb:Select", Some(selected(text("ProjectionExpression")))),
        "dynamodb:ConditionCheckItem" => ask,
        _ => ask.key("dynamodb:ReturnValues", Some(text("ReturnValues").unwrap_or("NONE"))),
    };
    let capacity = request.get("ReturnConsumedCapacity").or(asking.input.get("ReturnConsumedCapacity"));
    ask.key("dynamodb:ReturnConsumedCapacity", capacity.and_then(Value::as_str))
        .key("dynamodb:EnclosingOperation", enclosing)
}

fn selected(projection: Option<&str>) -> &'static str {
    if projection.is_some() { "SPECIFIC_ATTRIBUTES" } else { "ALL_ATTRIBUTES" }
}

/// `Query` and `Scan`, of a table or of an index, which is a resource of its own.
fn searching(asking: &Asking<'_>) -> Ask {
    let empty = Members::default();
    let request = asking.input.as_map().unwrap_or(&empty);
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    let (table_arn, table) = named(asking, text("TableName").unwrap_or_default());
    let index = text("IndexName");
    let mut facts = Facts::default();
    facts.expressions(request);
    let schema = table.and_then(|t| match index {
        None => Some(&t.schema),
        Some(name) => t.indexes.iter().find(|i| i.name == name).map(|i| &i.schema),
    });
    if let (Some(condition), Some(schema)) = (text("KeyConditionExpression"), schema) {
        let (names, values) =
            (request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues"));
        if let Ok(scope) = Scope::read(names.cloned(), values.cloned())
            && let Ok(key) = KeyCondition::parse(condition, &scope, schema)
        {
            facts.leading.extend(leading(key.hash));
        }
    }
    let arn = match index {
        None => table_arn.clone(),
        Some(name) => format!("{table_arn}/index/{name}"),
    };
    let select = text("Select").unwrap_or(match (text("ProjectionExpression"), index) {
        (None, Some(_)) => "ALL_PROJECTED_ATTRIBUTES",
        (projection, _) => selected(projection),
    });
    let action = if asking.operation == "Query" { "dynamodb:Query" } else { "dynamodb:Scan" };
    let mut ask = facts.put_on(Ask::new(action, arn));
    // An index is guarded by the policy of its table.
    ask.owner = index.map(|_| table_arn);
    ask.key("dynamodb:Select", Some(select))
        .key("dynamodb:ReturnConsumedCapacity", text("ReturnConsumedCapacity"))
}

fn batch(asking: &Asking<'_>, action: &'static str) -> Vec<Ask> {
    let requests = asking.input.get("RequestItems").and_then(Value::as_map);
    let ask = |(name, request): (&str, &Value)| {
        let (arn, table) = named(asking, name);
        let mut facts = Facts::default();
        match request {
            Value::List(writes) => {
                for write in writes {
                    facts.item(table, write.get("PutRequest").and_then(|p| p.get("Item")));
                    facts.item(table, write.get("DeleteRequest").and_then(|d| d.get("Key")));
                }
            }
            read => {
                let keys = read.get("Keys").and_then(Value::as_list).unwrap_or_default();
                keys.iter().for_each(|key| facts.item(table, Some(key)));
                if let Some(read) = read.as_map() {
                    facts.expressions(read);
                }
            }
        }
        let ask = facts
            .put_on(Ask::new(action, arn))
            .key("dynamodb:ReturnConsumedCapacity", asking.text("ReturnConsumedCapacity"));
        match action {
            "dynamodb:BatchGetItem" => {
                ask.key("dynamodb:Select", Some(selected(request.text("ProjectionExpression"))))
            }
            _ => ask,
        }
    };
    requests.map(|r| r.iter().map(ask).collect()).unwrap_or_default()
}

/// A transaction needs what its parts need.
fn transaction(asking: &Asking<'_>) -> Vec<Ask> {
    const PARTS: &[(&str, &str)] = &[
        ("Get", "dynamodb:GetItem"),
        ("Put", "dynamodb:PutItem"),
        ("Update", "dynamodb:UpdateItem"),
        ("Delete", "dynamodb:DeleteItem"),
        ("ConditionCheck", "dynamodb:ConditionCheckItem"),
    ];
    let items = asking.input.get("TransactItems").and_then(Value::as_list).unwrap_or_default();
    let parts = items.iter().flat_map(|item| PARTS.iter().filter_map(move |(n, a)| Some((*a, item.get(n)?))));
    parts.map(|(action, part)| single(action, asking, part, Some(asking.operation))).collect()
}
