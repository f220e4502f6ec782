//! A pool's attribute schema: the standard claims of OpenID Connect, and `custom:` ones.

use std::collections::BTreeMap;

use model::Fault;
use serde::{Deserialize, Serialize};

use crate::fault::{invalid, not_honoured};
use crate::shapes::{
    AttributeType, NumberAttributeConstraintsType, SchemaAttributeType, StringAttributeConstraintsType,
};

/// Attributes of a user, by name.
pub(crate) type Attributes = BTreeMap<String, String>;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    /// `String`, `Number`, `DateTime`, `Boolean`.
    pub(crate) kind: String,
    pub(crate) mutable: bool,
    pub(crate) required: bool,
    pub(crate) least: Option<String>,
    pub(crate) most: Option<String>,
}

const TEXTS: [&str; 16] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "gender",
    "zoneinfo",
    "locale",
    "phone_number",
    "address",
    "birthdate",
];

/// The attributes that every pool has.
pub(crate) fn standard() -> Vec<Attribute> {
    let attribute = |name: &str, kind: &str, least: Option<&str>, most: Option<&str>| Attribute {
        name: name.to_owned(),
        kind: kind.to_owned(),
        mutable: true,
        required: false,
        least: least.map(str::to_owned),
        most: most.map(str::to_owned),
    };
    let sub = attribute("sub", "String", Some("1"), Some("2048"));
    let mut all = vec![Attribute { mutable: false, required: true, ..sub }];
    all.extend(TEXTS.iter().map(|name| match *name {
        "birthdate" => attribute(name, "String", Some("10"), Some("10")),
        _ => attribute(name, "String", Some("0"), Some("2048")),
    }));
    all.extend(
        ["email_verified", "phone_number_verified"].map(|name| attribute(name, "Boolean", None, None)),
    );
    all.push(attribute("updated_at", "Number", Some("0"), None));
    all
}

/// The standard schema as this pool wants it changed, and its own attributes.
pub(crate) fn with(given: Vec<SchemaAttributeType>) -> Result<Vec<Attribute>, Fault> {
    let mut all = standard();
    for one in given {
        if one.developer_only_attribute == Some(true) {
            return Err(not_honoured("DeveloperOnlyAttribute"));
        }
        let name = one.name.clone().ok_or_else(|| invalid("Schema attributes must have a name"))?;
        match all.iter_mut().find(|a| a.name == name) {
            Some(standard) => {
                if one.attribute_data_type.as_ref().is_some_and(|kind| *kind != standard.kind) {
                    return Err(invalid(format!("You can not change AttributeDataType for {name}.")));
                }
                standard.required = one.required.unwrap_or(standard.required);
                standard.mutable = one.mutable.unwrap_or(standard.mutable);
                let (least, most) = bounds(one);
                standard.least = least.or(standard.least.take());
                standard.most = most.or(standard.most.take());
            }
            None => add_custom(&mut all, one)?,
        }
    }
    Ok(all)
}

/// Adds `custom:NAME`.
pub(crate) fn add_custom(all: &mut Vec<Attribute>, one: SchemaAttributeType) -> Result<(), Fault> {
    let given = one.name.clone().ok_or_else(|| invalid("Schema attributes must have a name"))?;
    let name = format!("custom:{}", given.strip_prefix("custom:").unwrap_or(&given));
    if one.required == Some(true) {
        return Err(invalid("Required custom attributes are not supported currently."));
    }
    if all.iter().any(|a| a.name == name) {
        return Err(invalid(format!("{name}: Existing attribute already has name {name}.")));
    }
    if all.iter().filter(|a| a.name.starts_with("custom:")).count() >= 50 {
        return Err(invalid("a user pool has at most 50 custom attributes"));
    }
    let kind = one.attribute_data_type.clone().unwrap_or_else(|| "String".to_owned());
    let mutable = one.mutable.unwrap_or(true);
    let (least, most) = bounds(one);
    all.push(Attribute { name, kind, mutable, required: false, least, most });
    Ok(())
}

fn bounds(one: SchemaAttributeType) -> (Option<String>, Option<String>) {
    let text = one.string_attribute_constraints.map(|c| (c.min_length, c.max_length));
    let number = one.number_attribute_constraints.map(|c| (c.min_value, c.max_value));
    text.or(number).unwrap_or_default()
}

/// As `DescribeUserPool` shows it.
pub(crate) fn shape(attribute: &Attribute) -> SchemaAttributeType {
    let (least, most) = (attribute.least.clone(), attribute.most.clone());
    let text = attribute.kind == "String";
    let number = attribute.kind == "Number";
    SchemaAttributeType {
        name: Some(attribute.name.clone()),
        attribute_data_type: Some(attribute.kind.clone()),
        developer_only_attribute: Some(false),
        mutable: Some(attribute.mutable),
        required: Some(attribute.required),
        string_attribute_constraints: text
            .then(|| StringAttributeConstraintsType { min_length: least.clone(), max_length: most.clone() }),
        number_attribute_constraints: number
            .then_some(NumberAttributeConstraintsType { min_value: least, max_value: most }),
    }
}

fn does_not_conform(what: impl std::fmt::Display) -> Fault {
    invalid(format!("Attributes did not conform to the schema: {what}"))
}

/// Whether one value is one that the schema allows.
fn conforms(attribute: &Attribute, value: &str) -> Result<(), Fault> {
    let name = &attribute.name;
    let bound = |text: &Option<String>| text.as_ref().and_then(|t| t.parse::<f64>().ok());
    let (least, most) = (bound(&attribute.least), bound(&attribute.most));
    let wrong = |what: &str| Err(does_not_conform(format!("{name}: {what}")));
    #[allow(clippy::cast_precision_loss, reason = "texts are at most 2,048 long")]
    let size = match attribute.kind.as_str() {
        "Number" => match value.parse::<f64>() {
            Ok(number) if number.is_finite() => number,
            _ => return wrong("Attribute value must be a number"),
        },
        "Boolean" if value != "true" && value != "false" => {
            return wrong("Attribute value must be true or false");
        }
        "Boolean" => return Ok(()),
        _ => value.chars().count() as f64,
    };
    if least.is_some_and(|l| size < l) || most.is_some_and(|m| size > m) {
        return wrong("Attribute value length must not be outside its bounds");
    }
    Ok(())
}

/// `local@domain`, as far as Cognito looks.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let fine = |part: &str| {
        !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@')
    };
    fine(local) && fine(domain) && domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.')
}

/// E.164: `+` and up to fifteen digits.
pub(crate) fn is_phone(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|digits| (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn well_formed(name: &str, value: &str) -> Result<(), Fault> {
    match name {
        "email" if !value.is_empty() && !is_email(value) => Err(invalid("Invalid email address format.")),
        "phone_number" if !value.is_empty() && !is_phone(value) => {
            Err(invalid("Invalid phone number format."))
        }
        _ => Ok(()),
    }
}

/// The attributes of a new user.
pub(crate) fn of_new(schema: &[Attribute], given: Attributes) -> Result<Attributes, Fault> {
    for (name, value) in &given {
        known(schema, name).and_then(|a| conforms(a, value))?;
        well_formed(name, value)?;
    }
    match schema.iter().find(|a| a.required && a.name != "sub" && !given.contains_key(&a.name)) {
        Some(lacking) => Err(does_not_conform(format!("{}: The attribute is required", lacking.name))),
        None => Ok(given),
    }
}

/// Whether these changes of a user's attributes are allowed by the schema.
pub(crate) fn of_change(schema: &[Attribute], old: &Attributes, changes: &Attributes) -> Result<(), Fault> {
    for (name, value) in changes {
        let attribute = known(schema, name)?;
        conforms(attribute, value)?;
        well_formed(name, value)?;
        if !attribute.mutable && old.get(name) != Some(value) {
            return Err(invalid(format!("user.{name}: Attribute cannot be updated.\n")));
        }
    }
    Ok(())
}

fn known<'a>(schema: &'a [Attribute], name: &str) -> Result<&'a Attribute, Fault> {
    let found = schema.iter().find(|a| a.name == name && name != "sub");
    found.ok_or_else(|| does_not_conform(format!("Type for attribute {{{name}}} could not be determined")))
}

pub(crate) fn of_list(list: Option<Vec<AttributeType>>) -> Attributes {
    list.unwrap_or_default().into_iter().map(|a| (a.name, a.value.unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_conform_or_not() {
        let mut schema = standard();
        let custom = |name: &str, kind: &str| SchemaAttributeType {
            name: Some(name.to_owned()),
            attribute_data_type: Some(kind.to_owned()),
            mutable: Some(false),
            ..SchemaAttributeType::default()
        };
        add_custom(&mut schema, custom("tier", "Number")).unwrap();
        let cases = [
            ("email", "a@example.com", true),
            ("email", "a@example", false),
            ("email", "a b@example.com", false),
            ("phone_number", "+15551234567", true),
            ("phone_number", "5551234567", false),
            ("birthdate", "2000-01-01", true),
            ("birthdate", "2000", false),
            ("email_verified", "yes", false),
            ("custom:tier", "7", true),
            ("custom:tier", "seven", false),
            ("custom:other", "x", false),
            ("sub", "x", false),
        ];
        for (name, value, fine) in cases {
            let given = Attributes::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(of_new(&schema, given).is_ok(), fine, "{name}={value}");
        }
        let old = Attributes::from([("custom:tier".to_owned(), "7".to_owned())]);
        let new = Attributes::from([("custom:tier".to_owned(), "8".to_owned())]);
        assert!(of_change(&schema, &old, &old).is_ok() && of_change(&schema, &old, &new).is_err());
    }
}
