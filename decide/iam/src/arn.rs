//! Resource and principal names: `arn:partition:service:region:account:resource`.
//!
//! A wildcard in one of the first five fields never spans a `:`, in the last it does.
//! Fields that a pattern leaves out stand for `*`, as in AWS's normalized form.

use crate::context::Context;
use crate::pattern::{Hit, Pattern, Syntax, split};

/// A name from a request, split once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    pub(crate) text: &'a str,
    fields: Option<[&'a str; 6]>,
}

impl<'a> Name<'a> {
    pub(crate) fn new(text: &'a str) -> Name<'a> {
        Name { text, fields: fields(text) }
    }

    /// The account in the fifth field, where it is a number.
    pub(crate) fn account(&self) -> Option<&'a str> {
        let [.., account, _] = self.fields?;
        (account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account)
    }
}

/// The six fields of an ARN.
fn fields(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next();
    let fields = [next()?, next()?, next()?, next()?, next()?, next()?];
    fields.first().is_some_and(|f| *f == "arn").then_some(fields)
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `*`: any name, an ARN or not.
    Any,
    /// Five literal fields with their colons, then a pattern.
    Head(Box<str>, Pattern),
    Fields(Box<[Pattern; 6]>),
    /// Not written as an ARN: the whole name must match.
    Whole(Pattern),
}

/// A pattern over names, from `Resource`, `NotResource` or an `Arn` operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    text: Box<str>,
    form: Form,
    variables: bool,
}

impl NamePattern {
    /// For `Resource`: `*` matches any name, text that is no ARN matches as a whole.
    pub(crate) fn resource(text: &str, variables: bool) -> NamePattern {
        let form = if text == "*" {
            Form::Any
        } else if text.starts_with("arn:") {
            by_fields(text, variables)
        } else {
            Form::Whole(Pattern::compile(text, Syntax { wildcards: true, variables }))
        };
        NamePattern { text: text.into(), form, variables }
    }

    /// For the `Arn` operators: only ARNs match.
    pub(crate) fn operand(text: &str, variables: bool) -> NamePattern {
        NamePattern { text: text.into(), form: by_fields(text, variables), variables }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Matches every name.
    pub fn is_any(&self) -> bool {
        self.form == Form::Any
    }

    /// The patterns of the six fields, where the pattern is one over ARNs.
    pub fn fields(&self) -> Option<[Pattern; 6]> {
        match &self.form {
            Form::Any | Form::Whole(_) => None,
            Form::Head(..) | Form::Fields(_) => Some(six(&self.text, self.variables)),
        }
    }

    /// The pattern over the whole name, where it is not one over ARNs.
    pub fn whole(&self) -> Option<&Pattern> {
        match &self.form {
            Form::Whole(pattern) => Some(pattern),
            Form::Any | Form::Head(..) | Form::Fields(_) => None,
        }
    }

    /// The literal that every matching name begins with, when it reaches into the last field.
    pub(crate) fn prefix(&self) -> Option<(&str, &str)> {
        match &self.form {
            Form::Head(head, tail) if !tail.prefix().is_empty() => Some((head, tail.prefix())),
            Form::Any | Form::Head(..) | Form::Fields(_) | Form::Whole(_) => None,
        }
    }

    pub(crate) fn matches(&self, name: &Name<'_>, context: &Context) -> Hit {
        match &self.form {
            Form::Any => Hit::Yes,
            Form::Head(head, tail) => match name.text.strip_prefix(&**head) {
                Some(rest) => tail.matches(rest, false, context),
                None => Hit::No,
            },
            Form::Whole(pattern) => pattern.matches(name.text, false, context),
            Form::Fields(patterns) => {
                let Some(fields) = name.fields else { return Hit::No };
                let mut all = Hit::Yes;
                for (pattern, field) in patterns.iter().zip(fields) {
                    match pattern.matches(field, false, context) {
                        Hit::Yes => {}
                        Hit::No => return Hit::No,
                        Hit::Unknown => all = Hit::Unknown,
                    }
                }
                all
            }
        }
    }

    pub(crate) fn variables<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match &self.form {
            Form::Any => {}
            Form::Head(_, pattern) | Form::Whole(pattern) => pattern.variables(visit),
            Form::Fields(patterns) => patterns.iter().for_each(|p| p.variables(visit)),
        }
    }

    /// The pattern with its variables' values in place, for people.
    pub(crate) fn resolved_text(&self, context: &Context) -> String {
        match &self.form {
            Form::Any => "*".to_owned(),
            Form::Head(head, tail) => format!("{head}{}", tail.resolved_text(context)),
            Form::Fields(patterns) => {
                patterns.iter().map(|p| p.resolved_text(context)).collect::<Vec<_>>().join(":")
            }
            Form::Whole(pattern) => pattern.resolved_text(context),
        }
    }
}

fn six(text: &str, variables: bool) -> [Pattern; 6] {
    let mut parts = split(text, ':', 6, variables).into_iter();
    std::array::from_fn(|_| {
        Pattern::compile(parts.next().unwrap_or("*"), Syntax { wildcards: true, variables })
    })
}

fn by_fields(text: &str, variables: bool) -> Form {
    let patterns = six(text, variables);
    let [first @ .., tail] = &patterns;
    // A field is literal only when it is one in fact: `${$}` may stand for a `:`-free text.
    let head: Option<String> =
        first.iter().map(|p| p.literal().filter(|l| !l.contains(':')).map(|l| format!("{l}:"))).collect();
    match head.filter(|h| h.starts_with("arn:")) {
        Some(head) => Form::Head(head.into(), tail.clone()),
        None => Form::Fields(Box::new(patterns)),
    }
}

/// The name behind the last `/` of an ARN.
pub(crate) fn last_segment(arn: &str) -> Option<&str> {
    arn.rsplit_once('/').map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        let hit = NamePattern::resource(pattern, true).matches(&Name::new(name), &Context::new());
        assert_eq!(hit == Hit::Yes, expected, "{pattern} {name}");
    }

    #[test]
    fn resources() {
        check("*", "*", true);
        check("*", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b", "arn:aws:s3:::b", true);
        check("arn:aws:s3:::b", "arn:aws:s3:::B", false);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b/k:1/x", true);
        check("arn:aws:s3:::b/*", "arn:aws:s3:::b", false);
        check("arn:aws:s3:::b*", "arn:aws:s3:::b", true);
        check("arn:*:s3:::b", "arn:aws:s3:::b", true);
        check("arn:aws:sqs:*:1:q", "arn:aws:sqs:eu-west-1:1:q", true);
        check("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:1:q", false);
        check("arn:aws:sqs:eu-*-1:1:q", "arn:aws:sqs:eu-west-1:1:q", true);
        check("arn:aws:sns:*:111122223333:t", "arn:aws:sns:us-east-1:999999999999:x:111122223333:t", false);
        check("arn:aws:logs:*:*:log-group:/a/*", "arn:aws:logs:r:1:log-group:/a/b:log-stream:c", true);
        check("arn:aws:s3:*", "arn:aws:s3:::b/k", true);
        check("arn:aws:s3", "arn:aws:s3:::b", true);
        check("arn:aws:s3", "arn:aws:sqs:r:1:b", false);
        check("arn:aws:s3:::b", "*", false);
        check("arn:*", "*", false);
        check("arn:aws:s3:::?", "arn:aws:s3:::é", true);
        check("execute-api:/prod/*", "execute-api:/prod/GET/x", true);
        check("arn:aws:s3:::b", "arn:aws:s3::b", false);
    }

    #[test]
    fn fields_are_told() {
        let text = |p: &Pattern| p.text().to_owned();
        let fields = NamePattern::resource("arn:aws:s3:*:${aws:x}", true).fields().unwrap();
        assert_eq!(fields.each_ref().map(text), ["arn", "aws", "s3", "*", "${aws:x}", "*"]);
        assert!(NamePattern::resource("*", true).fields().is_none());
        assert_eq!(
            NamePattern::resource("execute-api:/*", true).whole().map(text).unwrap(),
            "execute-api:/*"
        );
    }

    #[test]
    fn operands_are_arns_only() {
        let hit = |p: &str, n: &str| NamePattern::operand(p, true).matches(&Name::new(n), &Context::new());
        assert_eq!(hit("*", "arn:aws:iam::1:role/x"), Hit::Yes);
        assert_eq!(hit("*", "x"), Hit::No);
        assert_eq!(hit("urn:aws:iam::1:role/x", "urn:aws:iam::1:role/x"), Hit::No);
        let far = "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt";
        assert_eq!(hit("arn:aws:someservice:*:111122223333:finance/*", far), Hit::No);
    }
}
