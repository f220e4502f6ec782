//! The grammar and its meaning, as tables: an expression, an item, what comes of it.

use serde_json::{Value as Json, json};

use super::condition::Condition;
use super::key::KeyCondition;
use super::projection::Projection;
use super::update::Update;
use super::*;
use crate::attribute::{Item, item_value, read_item};
use crate::schema::{KeyAttribute, KeySchema, Kind};

fn item(json: Json) -> Item {
    read_item(Some(Value::from_json(json))).unwrap()
}

/// `#n0`..: attribute names that are reserved or odd. `:s :n :l ...`: a value of each type.
fn scope() -> Scope {
    let names = json!({"#name": "name", "#dot": "a.b", "#a": "a"});
    let values = json!({
        ":s": {"S": "abc"}, ":t": {"S": "b"}, ":empty": {"S": ""}, ":n": {"N": "5"}, ":m": {"N": "10"}, ":zero": {"N": "0"},
        ":b": {"B": "AAE="}, ":true": {"BOOL": true}, ":null": {"NULL": true}, ":l": {"L": [{"N": "1"}, {"S": "x"}]}, ":el": {"L": []},
        ":map": {"M": {"k": {"S": "v"}}}, ":ss": {"SS": ["a", "b"]}, ":sc": {"SS": ["c"]}, ":ns": {"NS": ["1", "2"]},
        ":typeS": {"S": "S"}, ":typeX": {"S": "X"}, ":one": {"N": "1"}
    });
    Scope::read(Some(Value::from_json(names)), Some(Value::from_json(values))).unwrap()
}

fn sample() -> Item {
    item(json!({
        "a": {"S": "abc"}, "n": {"N": "5.0"}, "l": {"L": [{"N": "1"}, {"S": "x"}, {"M": {"d": {"N": "7"}}}]},
        "m": {"M": {"x": {"S": "deep"}, "y": {"M": {"z": {"N": "1"}}}}}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]},
        "b": {"B": "AAEC"}, "t": {"BOOL": true}, "nul": {"NULL": true}, "name": {"S": "Ann"}, "a.b": {"S": "dotted"}
    }))
}

#[test]
fn conditions_hold_or_do_not() {
    let (scope, item) = (scope(), sample());
    for (text, holds) in [
        ("a = :s", true),
        ("a <> :s", false),
        (":s = a", true),
        ("a = :n", false),
        ("a <> :n", true),
        ("n = :n", true),
        ("n < :m", true),
        ("n <= :n", true),
        ("n > :zero", true),
        ("n >= :m", false),
        ("a < :n", false),
        ("a > :t", false),
        ("a < :t", true),
        ("gone = :s", false),
        ("gone <> :s", true),
        ("NOT gone = :s", true),
        ("gone < :n", false),
        ("gone = gone2", false),
        ("n BETWEEN :zero AND :m", true),
        ("n BETWEEN :n AND :n", true),
        ("a BETWEEN :zero AND :m", false),
        ("a IN (:t, :s)", true),
        ("a IN (:t)", false),
        ("gone IN (:s)", false),
        ("n in (:n)", true),
        ("attribute_exists(a)", true),
        ("attribute_exists(gone)", false),
        ("attribute_not_exists(gone)", true),
        ("attribute_not_exists(m.x)", false),
        ("attribute_exists(m.y.z)", true),
        ("attribute_exists(l[2].d)", true),
        ("attribute_exists(l[9])", false),
        ("attribute_type(a, :typeS)", true),
        ("attribute_type(n, :typeS)", false),
        ("attribute_type(gone, :typeS)", false),
        ("begins_with(a, :s)", true),
        ("begins_with(a, :empty)", true),
        ("begins_with(a, :t)", false),
        ("begins_with(n, :s)", false),
        ("begins_with(b, :b)", true),
        ("contains(a, :t)", true),
        ("contains(ss, :t)", true),
        ("contains(ss, :s)", false),
        ("contains(ns, :one)", true),
        ("contains(l, :one)", true),
        ("contains(n, :n)", false),
        ("size(a) = :n", false),
        ("size(a) < :n", true),
        ("size(l) < :n", true),
        ("size(ss) > :one", true),
        ("size(n) > :zero", false),
        ("size(gone) >= :zero", false),
        ("size(b) BETWEEN :one AND :n", true),
        (":n > size(m)", true),
        ("t = :true", true),
        ("nul = :null", true),
        ("l[0] = :one", true),
        ("m.y.z = :one", true),
        ("l[2].d > :n", true),
        ("#name <> :s", true),
        ("#dot <> :s", true),
        ("#a = :s", true),
        // AND before OR, NOT before both.
        ("a = :s OR a = :t AND gone = :s", true),
        ("(a = :s OR a = :t) AND gone = :s", false),
        ("NOT a = :t AND a = :s", true),
        ("NOT (a = :t OR a = :s)", false),
        ("not not a = :s", true),
        ("a = :s and n = :n and t = :true", true),
    ] {
        let condition =
            Condition::parse("ConditionExpression", text, &scope).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(condition.holds(&item), holds, "{text}");
    }
}

#[test]
fn conditions_that_are_none_are_refused() {
    let scope = scope();
    for (text, message) in [
        ("", "The expression can not be empty;"),
        ("  ", "The expression can not be empty;"),
        ("a = ", "Syntax error; token: \"<EOF>\", near: \"=\""),
        ("a == :s", "Syntax error; token: \"=\", near: \"== :s\""),
        ("a = :s b", "Syntax error; token: \"b\", near: \":s b\""),
        ("a & :s", "Syntax error; token: \"&\", near: \"a & :s\""),
        ("a = :s AND OR a = :s", "token: \"OR\""),
        ("a = 5", "Syntax error; token: \"5\", near: \"= 5\""),
        ("(a = :s", "token: \"<EOF>\""),
        ("a", "token: \"<EOF>\""),
        ("a[x] = :s", "token: \"x\""),
        ("a. = :s", "token: \"=\""),
        ("((a = :s))", "The expression has redundant parentheses;"),
        ("a BETWEEN :n OR :m", "token: \"OR\""),
        ("a IN ()", "token: \")\""),
        ("name = :s", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("m.Status = :s", "reserved keyword: Status"),
        (
            "#gone = :s",
            "An expression attribute name used in the document path is not defined; attribute name: #gone",
        ),
        (
            "a = :gone",
            "An expression attribute value used in expression is not defined; attribute value: :gone",
        ),
        ("foo(a)", "Invalid function name; function: foo"),
        (
            "if_not_exists(a, :s)",
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        (
            "a = attribute_exists(b)",
            "not allowed to be used this way in an expression; function: attribute_exists",
        ),
        ("size(a)", "token: \"<EOF>\""),
        ("size(size(a)) = :n", "not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(a, a)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
        ),
        ("attribute_exists(:s)", "requires a document path"),
        ("Attribute_Exists(a)", "Invalid function name"),
        ("begins_with(a, :n)", "operator or function: begins_with, operand type: N"),
        ("attribute_type(a, :typeX)", "Invalid attribute type name found; type: X"),
        ("a < :l", "operator or function: <, operand type: L"),
        ("a BETWEEN :m AND :n", "requires upper bound to be greater than or equal to lower bound"),
        ("a BETWEEN :n AND :s", "same data type"),
        ("size(:n) = :n", "operator or function: size, operand type: N"),
    ] {
        let refused = Condition::parse("ConditionExpression", text, &scope).map(|_| ()).unwrap_err();
        assert_eq!(refused.code, "ValidationException");
        assert!(refused.message.starts_with("Invalid ConditionExpression: "), "{}", refused.message);
        assert!(refused.message.contains(message), "`{text}`: {}", refused.message);
    }
    let refused = |text: &str| Condition::parse("FilterExpression", text, &scope).unwrap_err().message;
    // As boto3 writes a chain of a hundred.
    let chain = format!("{}a = :s{}", "(".repeat(100), " AND a = :s)".repeat(100));
    assert!(Condition::parse("FilterExpression", &chain, &scope).unwrap().holds(&sample()));
    let deep = format!("{}a = :s{}", "(".repeat(2000), ")".repeat(2000));
    assert!(refused(&deep).contains("redundant parentheses"));
    let many = format!("a = :s{}", " OR a = :s".repeat(200));
    assert!(refused(&many).contains("too many operators"));
    let nots = format!("{}a = :s", "NOT ".repeat(900));
    assert!(
        Condition::parse("FilterExpression", &nots, &scope)
            .unwrap_err()
            .message
            .contains("too many operators")
    );
    let long = format!("a = :s{}", " ".repeat(5000));
    assert!(
        Condition::parse("FilterExpression", &long, &scope)
            .unwrap_err()
            .message
            .contains("maximum allowed size")
    );
}

fn updated(text: &str, before: Json) -> Result<Json, String> {
    let scope = scope();
    let update = Update::parse(text, &scope).map_err(|f| f.message)?;
    update.apply(&item(before)).map(|i| item_value(i).to_json()).map_err(|f| f.message)
}

#[test]
fn updates_change_items() {
    for (text, before, after) in [
        ("SET x = :s", json!({}), json!({"x": {"S": "abc"}})),
        ("set x = :n + :m, y = :n - :m", json!({}), json!({"x": {"N": "15"}, "y": {"N": "-5"}})),
        ("SET n = n + :one", json!({"n": {"N": "0.1"}}), json!({"n": {"N": "1.1"}})),
        ("SET n = if_not_exists(n, :zero) + :one", json!({}), json!({"n": {"N": "1"}})),
        ("SET n = if_not_exists(n, :zero) + :one", json!({"n": {"N": "4"}}), json!({"n": {"N": "5"}})),
        (
            "SET l = list_append(l, :l)",
            json!({"l": {"L": [{"N": "0"}]}}),
            json!({"l": {"L": [{"N": "0"}, {"N": "1"}, {"S": "x"}]}}),
        ),
        (
            "SET l = list_append(:l, if_not_exists(l, :el))",
            json!({}),
            json!({"l": {"L": [{"N": "1"}, {"S": "x"}]}}),
        ),
        // Both sides see the item as it was.
        (
            "SET x = y, y = x",
            json!({"x": {"N": "1"}, "y": {"N": "2"}}),
            json!({"x": {"N": "2"}, "y": {"N": "1"}}),
        ),
        ("SET m.k = :n", json!({"m": {"M": {}}}), json!({"m": {"M": {"k": {"N": "5"}}}})),
        (
            "SET l[1] = :n",
            json!({"l": {"L": [{"N": "0"}, {"N": "1"}]}}),
            json!({"l": {"L": [{"N": "0"}, {"N": "5"}]}}),
        ),
        ("SET l[9] = :m, l[5] = :n", json!({"l": {"L": []}}), json!({"l": {"L": [{"N": "5"}, {"N": "10"}]}})),
        (
            "SET l[0].k = :n",
            json!({"l": {"L": [{"M": {}}]}}),
            json!({"l": {"L": [{"M": {"k": {"N": "5"}}}]}}),
        ),
        ("REMOVE x, gone", json!({"x": {"N": "1"}, "y": {"N": "2"}}), json!({"y": {"N": "2"}})),
        (
            "REMOVE l[0], l[2], l[9]",
            json!({"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]}}),
            json!({"l": {"L": [{"N": "1"}, {"N": "3"}]}}),
        ),
        ("REMOVE m.k", json!({"m": {"M": {"k": {"N": "5"}}}}), json!({"m": {"M": {}}})),
        ("ADD n :n", json!({}), json!({"n": {"N": "5"}})),
        ("ADD n :n", json!({"n": {"N": "-5"}}), json!({"n": {"N": "0"}})),
        ("ADD s :ss", json!({"s": {"SS": ["b", "z"]}}), json!({"s": {"SS": ["a", "b", "z"]}})),
        ("DELETE s :ss", json!({"s": {"SS": ["b", "z"]}}), json!({"s": {"SS": ["z"]}})),
        // No set is empty.
        ("DELETE s :ss", json!({"s": {"SS": ["b"]}}), json!({})),
        ("DELETE s :ss", json!({}), json!({})),
        (
            "SET #name = :s REMOVE #dot ADD n :one DELETE s :sc",
            json!({"a.b": {"N": "1"}, "s": {"SS": ["c", "d"]}}),
            json!({"name": {"S": "abc"}, "n": {"N": "1"}, "s": {"SS": ["d"]}}),
        ),
        ("SET x = (:n + :m)", json!({}), json!({"x": {"N": "15"}})),
    ] {
        assert_eq!(updated(text, before), Ok(after), "{text}");
    }
}

#[test]
fn updates_that_are_none_are_refused() {
    for (text, before, message) in [
        ("", json!({}), "can not be empty"),
        ("SET", json!({}), "token: \"<EOF>\""),
        ("x = :s", json!({}), "Syntax error; token: \"x\""),
        ("SET x :s", json!({}), "token: \":s\""),
        (
            "SET x = :s SET y = :s",
            json!({}),
            "The \"SET\" section can only be used once in an update expression;",
        ),
        ("SET x = :n + - :m", json!({}), "token: \"-\""),
        ("SET x = :n + :m + :n", json!({}), "token: \"+\""),
        ("SET x = :s + :n", json!({}), "operator or function: +, operand type: S"),
        ("SET x = gone", json!({}), "refers to an attribute that does not exist in the item"),
        ("SET x = a + :n", json!({"a": {"S": "1"}}), "incorrect data type"),
        ("SET x = list_append(a, :l)", json!({"a": {"S": "1"}}), "incorrect data type"),
        ("SET x = list_append(:l, :s)", json!({}), "operator or function: list_append, operand type: S"),
        ("SET x = list_append(:l)", json!({}), "operator or function: list_append, number of operands: 1"),
        ("SET x = if_not_exists(:s, :s)", json!({}), "requires a document path"),
        ("SET x = size(a)", json!({}), "The function is not allowed in an update expression; function: size"),
        ("SET x = foo(a)", json!({}), "Invalid function name; function: foo"),
        ("SET m.k = :s", json!({}), "document path provided in the update expression is invalid for update"),
        ("SET m.k = :s", json!({"m": {"S": "x"}}), "invalid for update"),
        ("SET m[0] = :s", json!({"m": {"M": {}}}), "invalid for update"),
        ("REMOVE m.k", json!({}), "invalid for update"),
        (
            "SET x = :s, x = :n",
            json!({}),
            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x]",
        ),
        ("SET m = :map, m.k = :s", json!({}), "path one: [m], path two: [m, k]"),
        ("SET l[0] = :s REMOVE l[0].k", json!({}), "path one: [l, [0]], path two: [l, [0], k]"),
        ("SET m.k = :s, m[0] = :s", json!({}), "Two document paths conflict"),
        ("ADD x :s", json!({}), "operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"),
        ("DELETE x :n", json!({}), "operator: DELETE, operand type: NUMBER"),
        ("ADD x :n", json!({"x": {"S": "1"}}), "incorrect data type"),
        ("ADD x :ss", json!({"x": {"NS": ["1"]}}), "incorrect data type"),
        ("SET n = n + :one", json!({"n": {"N": "1E125"}}), "38 significant digits"),
        ("SET status = :s", json!({}), "reserved keyword: status"),
    ] {
        let refused = updated(text, before).unwrap_err();
        assert!(refused.contains(message), "`{text}`: {refused}");
    }
}

#[test]
fn projections_give_parts() {
    let scope = scope();
    for (text, parts) in [
        ("a", json!({"a": {"S": "abc"}})),
        ("a, gone", json!({"a": {"S": "abc"}})),
        ("gone.x", json!({})),
        ("#name,#dot", json!({"name": {"S": "Ann"}, "a.b": {"S": "dotted"}})),
        ("m.x", json!({"m": {"M": {"x": {"S": "deep"}}}})),
        ("m.y.z, m.x", json!({"m": {"M": {"x": {"S": "deep"}, "y": {"M": {"z": {"N": "1"}}}}}})),
        ("l[2], l[0]", json!({"l": {"L": [{"N": "1"}, {"M": {"d": {"N": "7"}}}]}})),
        ("l[2].d", json!({"l": {"L": [{"M": {"d": {"N": "7"}}}]}})),
        ("l[9]", json!({})),
        ("a[0]", json!({})),
    ] {
        let projection = Projection::parse(text, &scope).unwrap();
        assert_eq!(item_value(projection.project(sample())).to_json(), parts, "{text}");
    }
    for text in ["a,", "a b", ",a", "a = b", "m, m.x", "data"] {
        assert!(Projection::parse(text, &scope).is_err(), "{text}");
    }
}

#[test]
fn key_conditions_mean_one_stretch() {
    let schema = KeySchema {
        hash: KeyAttribute { name: "p".to_owned(), kind: Kind::S },
        range: Some(KeyAttribute { name: "q".to_owned(), kind: Kind::N }),
    };
    let scope = scope();
    for text in [
        "p = :s",
        ":s = p",
        "p = :s AND q = :n",
        "q < :n AND p = :s",
        "p = :s AND q BETWEEN :n AND :m",
        "(p = :s) AND (q >= :n)",
        "p = :s AND :n > q",
    ] {
        assert!(KeyCondition::parse(text, &scope, &schema).is_ok(), "{text}");
    }
    for (text, message) in [
        ("q = :n", "Query condition missed key schema element: p"),
        ("p = :s AND x = :n", "missed key schema element"),
        ("p > :s", "Query key condition not supported"),
        ("p = q", "Query key condition not supported"),
        ("p = :s AND q = :n AND q = :m", "only contain one condition per key"),
        ("p = :s OR q = :n", "Invalid operator used in KeyConditionExpression: OR"),
        ("NOT p = :s", "used in KeyConditionExpression: NOT"),
        ("p = :s AND q IN (:n)", "used in KeyConditionExpression: IN"),
        ("p = :s AND q <> :n", "used in KeyConditionExpression: <>"),
        ("p = :s AND contains(q, :n)", "KeyConditionExpression: contains"),
        ("p = :n", "Condition parameter type does not match schema type"),
        ("p = :s AND q = :s", "does not match schema type"),
        ("p = :s AND begins_with(q, :s)", "does not match schema type"),
        ("p = :empty", "cannot contain an empty string value"),
        ("p.x = :s", "nested attributes"),
        ("size(p) = :n", "nested operations"),
    ] {
        let refused = KeyCondition::parse(text, &scope, &schema).unwrap_err().message;
        assert!(refused.contains(message), "`{text}`: {refused}");
    }
}

#[test]
fn placeholders_are_checked() {
    let read = |names: Json, values: Json| {
        let given = |json: Json| (!json.is_null()).then(|| Value::from_json(json));
        Scope::read(given(names), given(values))
    };
    for (names, values, message) in [
        (json!({}), json!(null), "ExpressionAttributeNames must not be empty"),
        (json!(null), json!({}), "ExpressionAttributeValues must not be empty"),
        (
            json!({"a": "b"}),
            json!(null),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"",
        ),
        (json!(null), json!({"v": {"S": "x"}}), "invalid key: Syntax error; key: \"v\""),
        (
            json!(null),
            json!({":v": {}}),
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one of the supported datatypes for key :v",
        ),
    ] {
        let refused = read(names, values).err().unwrap().message;
        assert!(refused.contains(message), "{refused}");
    }
    let scope = read(json!({"#a": "a", "#b": "b"}), json!({":v": {"S": "x"}, ":w": {"S": "x"}})).unwrap();
    assert!(
        scope.all_used(false).unwrap_err().message.contains("can only be specified when using expressions")
    );
    Condition::parse("FilterExpression", "#a = :v", &scope).unwrap();
    assert_eq!(
        scope.all_used(true).unwrap_err().message,
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"
    );
    Condition::parse("FilterExpression", "#a = :w", &scope).unwrap();
    assert_eq!(
        scope.all_used(true).unwrap_err().message,
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"
    );
    Condition::parse("FilterExpression", "#b = :w", &scope).unwrap();
    scope.all_used(true).unwrap();
}
