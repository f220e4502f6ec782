//! Conditions and filters: their grammar, and whether an item meets them.

use std::cmp::Ordering;

use model::Fault;

use super::Scope;
use super::parser::Parser;
use super::path::Path;
use crate::attribute::{Attr, Item};

#[derive(Debug)]
pub(crate) enum Condition<'a> {
    Or(Box<Condition<'a>>, Box<Condition<'a>>),
    And(Box<Condition<'a>>, Box<Condition<'a>>),
    Not(Box<Condition<'a>>),
    Compare(Operand<'a>, Comparator, Operand<'a>),
    Between(Operand<'a>, Operand<'a>, Operand<'a>),
    In(Operand<'a>, Vec<Operand<'a>>),
    Exists(Path<'a>),
    NotExists(Path<'a>),
    HasType(Operand<'a>, &'a str),
    BeginsWith(Operand<'a>, Operand<'a>),
    Contains(Operand<'a>, Operand<'a>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug)]
pub(crate) enum Operand<'a> {
    Path(Path<'a>),
    Value(&'a Attr),
    Size(Box<Operand<'a>>),
}

/// Nested conditions and operators in one expression.
const OPERATORS: usize = 300;
const IN_LIST: usize = 100;

impl<'a> Condition<'a> {
    pub(crate) fn parse(
        member: &'static str,
        text: &'a str,
        scope: &'a Scope,
    ) -> Result<Condition<'a>, Fault> {
        let mut grammar =
            Grammar { parser: Parser::new(member, text, scope)?, operators: 0, blind: scope.blind };
        let condition = grammar.whole()?;
        grammar.parser.end()?;
        Ok(condition)
    }

    /// Calls `see` for every path.
    pub(crate) fn paths<'c>(&'c self, see: &mut dyn FnMut(&'c Path<'a>)) {
        match self {
            Condition::Or(a, b) | Condition::And(a, b) => {
                a.paths(see);
                b.paths(see);
            }
            Condition::Not(inner) => inner.paths(see),
            Condition::Exists(path) | Condition::NotExists(path) => see(path),
            Condition::HasType(a, _) => a.path(see),
            Condition::Compare(a, _, b) | Condition::BeginsWith(a, b) | Condition::Contains(a, b) => {
                a.path(see);
                b.path(see);
            }
            Condition::Between(a, b, c) => [a, b, c].into_iter().for_each(|o| o.path(see)),
            Condition::In(a, list) => {
                a.path(see);
                list.iter().for_each(|o| o.path(see));
            }
        }
    }

    /// Whether the item meets it. An item that is not there has no attributes.
    pub(crate) fn holds(&self, item: &Item) -> bool {
        match self {
            Condition::Or(a, b) => a.holds(item) || b.holds(item),
            Condition::And(a, b) => a.holds(item) && b.holds(item),
            Condition::Not(inner) => !inner.holds(item),
            Condition::Compare(a, comparator, b) => {
                comparator.holds(a.of(item).as_deref(), b.of(item).as_deref())
            }
            Condition::Between(a, low, high) => {
                let (a, low, high) = (a.of(item), low.of(item), high.of(item));
                Comparator::GreaterOrEqual.holds(a.as_deref(), low.as_deref())
                    && Comparator::LessOrEqual.holds(a.as_deref(), high.as_deref())
            }
            Condition::In(a, list) => {
                let a = a.of(item);
                a.is_some()
                    && list.iter().any(|b| Comparator::Equal.holds(a.as_deref(), b.of(item).as_deref()))
            }
            Condition::Exists(path) => path.find(item).is_some(),
            Condition::NotExists(path) => path.find(item).is_none(),
            Condition::HasType(a, kind) => a.of(item).is_some_and(|a| a.kind() == *kind),
            Condition::BeginsWith(a, b) => match (a.of(item).as_deref(), b.of(item).as_deref()) {
                (Some(Attr::S(a)), Some(Attr::S(b))) => a.starts_with(b.as_str()),
                (Some(Attr::B(a)), Some(Attr::B(b))) => a.starts_with(b),
                _ => false,
            },
            Condition::Contains(a, b) => match (a.of(item).as_deref(), b.of(item).as_deref()) {
                (Some(a), Some(b)) => contains(a, b),
                _ => false,
            },
        }
    }
}

fn contains(a: &Attr, b: &Attr) -> bool {
    match (a, b) {
        (Attr::S(a), Attr::S(b)) => a.contains(b.as_str()),
        (Attr::B(a), Attr::B(b)) => b.is_empty() || a.windows(b.len()).any(|w| w == b),
        (Attr::SS(set), Attr::S(b)) => set.contains(b),
        (Attr::NS(set), Attr::N(b)) => set.contains(b),
        (Attr::BS(set), Attr::B(b)) => set.contains(b),
        (Attr::L(list), b) => list.contains(b),
        _ => false,
    }
}

impl Comparator {
    fn parse(text: &str) -> Comparator {
        match text {
            "=" => Comparator::Equal,
            "<>" => Comparator::NotEqual,
            "<" => Comparator::Less,
            "<=" => Comparator::LessOrEqual,
            ">" => Comparator::Greater,
            _ => Comparator::GreaterOrEqual,
        }
    }

    /// The same with its sides exchanged.
    pub(super) fn turned(self) -> Comparator {
        match self {
            Comparator::Less => Comparator::Greater,
            Comparator::LessOrEqual => Comparator::GreaterOrEqual,
            Comparator::Greater => Comparator::Less,
            Comparator::GreaterOrEqual => Comparator::LessOrEqual,
            same @ (Comparator::Equal | Comparator::NotEqual) => same,
        }
    }

    /// What is missing differs from everything, and is neither smaller nor larger than anything.
    fn holds(self, a: Option<&Attr>, b: Option<&Attr>) -> bool {
        let order = match (a, b) {
            (Some(Attr::S(a)), Some(Attr::S(b))) => Some(a.cmp(b)),
            (Some(Attr::N(a)), Some(Attr::N(b))) => Some(a.cmp(b)),
            (Some(Attr::B(a)), Some(Attr::B(b))) => Some(a.cmp(b)),
            _ => None,
        };
        match self {
            Comparator::Equal => a.is_some() && a == b,
            Comparator::NotEqual => a.is_none() || a != b,
            Comparator::Less => order == Some(Ordering::Less),
            Comparator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Comparator::Greater => order == Some(Ordering::Greater),
            Comparator::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl<'a> Operand<'a> {
    fn path<'c>(&'c self, see: &mut dyn FnMut(&'c Path<'a>)) {
        match self {
            Operand::Path(path) => see(path),
            Operand::Size(inner) => inner.path(see),
            Operand::Value(_) => {}
        }
    }

    fn of<'i>(&'i self, item: &'i Item) -> Option<std::borrow::Cow<'i, Attr>> {
        use std::borrow::Cow;
        match self {
            Operand::Path(path) => path.find(item).map(Cow::Borrowed),
            Operand::Value(value) => Some(Cow::Borrowed(*value)),
            Operand::Size(inner) => size(inner.of(item)?.as_ref()).map(Cow::Owned),
        }
    }
}

/// Strings count in UTF-16, as Java does; collections in elements; other types have no size.
fn size(attr: &Attr) -> Option<Attr> {
    let n = match attr {
        Attr::S(text) => text.encode_utf16().count(),
        Attr::B(bytes) => bytes.len(),
        Attr::M(map) => map.len(),
        Attr::L(list) => list.len(),
        Attr::SS(set) => set.len(),
        Attr::NS(set) => set.len(),
        Attr::BS(set) => set.len(),
        Attr::N(_) | Attr::Bool(_) | Attr::Null => return None,
    };
    crate::number::Number::parse(&n.to_string()).ok().map(Attr::N)
}

struct Grammar<'a> {
    parser: Parser<'a>,
    operators: usize,
    blind: bool,
}

/// Functions that are conditions, and their operands.
const FUNCTIONS: &[(&str, usize)] = &[
    ("attribute_exists", 1),
    ("attribute_not_exists", 1),
    ("attribute_type", 2),
    ("begins_with", 2),
    ("contains", 2),
];

/// Conditions that are understood, each with whether parentheses stand around the whole of it.
type Done<'a> = Vec<(Condition<'a>, bool)>;

/// What waits for a condition behind it, in the order of how strongly it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Open {
    Parenthesis,
    Or,
    And,
    Not,
}

impl<'a> Grammar<'a> {
    fn count(&mut self) -> Result<(), Fault> {
        self.operators += 1;
        match self.operators > OPERATORS {
            true => Err(self.parser.invalid(&format!(
                "The expression contains too many operators; operator count: {}",
                self.operators
            ))),
            false => Ok(()),
        }
    }

    /// The whole expression. A stack of its own, not the thread's, holds what is nested: clients
    /// write long chains of conditions as deep parentheses.
    fn whole(&mut self) -> Result<Condition<'a>, Fault> {
        let (mut done, mut open) = (Vec::new(), Vec::new());
        loop {
            if self.parser.keyword("NOT") {
                self.count()?;
                open.push(Open::Not);
                continue;
            }
            if self.parser.symbol("(") {
                open.push(Open::Parenthesis);
                continue;
            }
            done.push((self.single()?, false));
            while open.contains(&Open::Parenthesis) && self.parser.symbol(")") {
                self.close(&mut done, &mut open)?;
            }
            let joints = [("AND", Open::And), ("OR", Open::Or)];
            let Some((_, joint)) = joints.into_iter().find(|(word, _)| self.parser.keyword(word)) else {
                break;
            };
            self.count()?;
            self.join(joint, &mut done, &mut open)?;
            open.push(joint);
        }
        self.join(Open::Parenthesis, &mut done, &mut open)?;
        match (done.pop(), done.is_empty() && open.is_empty()) {
            (Some((condition, _)), true) => Ok(condition),
            _ => Err(self.parser.syntax()),
        }
    }

    fn close(&self, done: &mut Done<'a>, open: &mut Vec<Open>) -> Result<(), Fault> {
        self.join(Open::Parenthesis, done, open)?;
        open.pop();
        match done.last_mut() {
            Some((_, parenthesised)) if !*parenthesised => *parenthesised = true,
            _ => return Err(self.parser.invalid("The expression has redundant parentheses;")),
        }
        Ok(())
    }

    /// Joins what binds as strongly as `next` or more, up to an open parenthesis.
    fn join(&self, next: Open, done: &mut Done<'a>, open: &mut Vec<Open>) -> Result<(), Fault> {
        while let Some(last) = open.pop_if(|last| *last != Open::Parenthesis && *last >= next) {
            let (right, _) = done.pop().ok_or_else(|| self.parser.syntax())?;
            let condition = match last {
                Open::Not | Open::Parenthesis => Condition::Not(Box::new(right)),
                Open::And | Open::Or => {
                    let (left, _) = done.pop().ok_or_else(|| self.parser.syntax())?;
                    let wrap = if last == Open::And { Condition::And } else { Condition::Or };
                    wrap(Box::new(left), Box::new(right))
                }
            };
            done.push((condition, false));
        }
        Ok(())
    }

    /// A comparison or a function.
    fn single(&mut self) -> Result<Condition<'a>, Fault> {
        let left = match self.parser.function() {
            Some("size") => self.size()?,
            Some(name) => return self.call(name),
            None => self.operand()?,
        };
        self.count()?;
        if self.parser.keyword("BETWEEN") {
            let low = self.operand()?;
            if !self.parser.keyword("AND") {
                return Err(self.parser.syntax());
            }
            let high = self.operand()?;
            self.comparable("BETWEEN", &[&left, &low, &high])?;
            self.ordered(&low, &high)?;
            return Ok(Condition::Between(left, low, high));
        }
        if self.parser.keyword("IN") {
            return self.among(left);
        }
        let comparator = self.parser.comparator().ok_or_else(|| self.parser.syntax())?;
        let right = self.operand()?;
        if !["=", "<>"].contains(&comparator) {
            self.comparable(comparator, &[&left, &right])?;
        }
        Ok(Condition::Compare(left, Comparator::parse(comparator), right))
    }

    fn among(&mut self, left: Operand<'a>) -> Result<Condition<'a>, Fault> {
        self.parser.expect("(")?;
        let mut list = vec![self.operand()?];
        while self.parser.symbol(",") {
            list.push(self.operand()?);
        }
        self.parser.expect(")")?;
        match list.len() > IN_LIST {
            true => Err(self.parser.invalid(&format!(
                "Incorrect number of operands for operator or function; operator or function: IN, number of operands: {}",
                list.len() + 1
            ))),
            false => Ok(Condition::In(left, list)),
        }
    }

    fn operand(&mut self) -> Result<Operand<'a>, Fault> {
        match self.parser.function() {
            Some("size") => return self.size(),
            Some(name) => return Err(self.misplaced(name)),
            None => {}
        }
        if let Some(value) = self.parser.value()? {
            return Ok(Operand::Value(value));
        }
        self.parser.path()?.map(Operand::Path).ok_or_else(|| self.parser.syntax())
    }

    fn misplaced(&self, name: &str) -> Fault {
        match name == "size" || FUNCTIONS.iter().any(|(known, _)| *known == name) {
            true => self.parser.invalid(&format!(
                "The function is not allowed to be used this way in an expression; function: {name}"
            )),
            false => self.unknown(name),
        }
    }

    fn unknown(&self, name: &str) -> Fault {
        match name {
            "if_not_exists" | "list_append" => self
                .parser
                .invalid(&format!("The function is not allowed in a condition expression; function: {name}")),
            _ => self.parser.invalid(&format!("Invalid function name; function: {name}")),
        }
    }

    /// The operands of a function whose name and parenthesis are taken.
    fn operands(&mut self, name: &str, wanted: usize) -> Result<Vec<Operand<'a>>, Fault> {
        let mut operands = vec![self.operand()?];
        while self.parser.symbol(",") {
            operands.push(self.operand()?);
        }
        self.parser.expect(")")?;
        match operands.len() == wanted {
            true => Ok(operands),
            false => Err(self.parser.invalid(&format!(
                "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {}",
                operands.len()
            ))),
        }
    }

    /// Behind `size(`. A size has no size, so that functions do not nest.
    fn size(&mut self) -> Result<Operand<'a>, Fault> {
        self.count()?;
        if self.parser.function().is_some() {
            return Err(self.misplaced("size"));
        }
        let operand = self.operands("size", 1)?.pop().ok_or_else(|| self.parser.syntax())?;
        match &operand {
            Operand::Value(value) if size(value).is_none() && !self.blind => {
                Err(self.wrong_type("size", value.kind()))
            }
            _ => Ok(Operand::Size(Box::new(operand))),
        }
    }

    fn wrong_type(&self, operator: &str, kind: &str) -> Fault {
        self.parser.invalid(&format!(
            "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {kind}"
        ))
    }

    fn call(&mut self, name: &str) -> Result<Condition<'a>, Fault> {
        let Some((_, wanted)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(self.unknown(name));
        };
        self.count()?;
        let mut operands = self.operands(name, *wanted)?.into_iter();
        let (Some(first), second) = (operands.next(), operands.next()) else {
            return Err(self.parser.syntax());
        };
        let path_wanted = || {
            self.parser.invalid(&format!(
                "Operator or function requires a document path; operator or function: {name}"
            ))
        };
        Ok(match (name, first, second) {
            ("attribute_exists", Operand::Path(path), _) => Condition::Exists(path),
            ("attribute_not_exists", Operand::Path(path), _) => Condition::NotExists(path),
            ("attribute_type", first, Some(Operand::Value(kind))) => {
                Condition::HasType(first, self.type_name(kind)?)
            }
            ("begins_with", first, Some(second)) => {
                for operand in [&first, &second] {
                    if let Operand::Value(value) = operand
                        && !matches!(value, Attr::S(_) | Attr::B(_))
                        && !self.blind
                    {
                        return Err(self.wrong_type(name, value.kind()));
                    }
                }
                Condition::BeginsWith(first, second)
            }
            ("contains", first, Some(second)) => Condition::Contains(first, second),
            _ => return Err(path_wanted()),
        })
    }

    fn type_name(&self, value: &'a Attr) -> Result<&'a str, Fault> {
        const TYPES: &[&str] = &["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];
        match value {
            Attr::S(name) if TYPES.contains(&name.as_str()) => Ok(name),
            Attr::S(name) => Err(self.parser.invalid(&format!(
                "Invalid attribute type name found; type: {name}, valid types: {{{}}}",
                TYPES.join(", ")
            ))),
            _ if self.blind => Ok("S"),
            other => Err(self.wrong_type("attribute_type", other.kind())),
        }
    }

    /// Only strings, numbers and binary data have an order.
    fn comparable(&self, operator: &str, operands: &[&Operand<'a>]) -> Result<(), Fault> {
        for operand in operands {
            if let Operand::Value(value) = operand
                && !matches!(value, Attr::S(_) | Attr::N(_) | Attr::B(_))
                && !self.blind
            {
                return Err(self.wrong_type(operator, value.kind()));
            }
        }
        Ok(())
    }

    fn ordered(&self, low: &Operand<'a>, high: &Operand<'a>) -> Result<(), Fault> {
        let (Operand::Value(low), Operand::Value(high)) = (low, high) else { return Ok(()) };
        if low.kind() != high.kind() {
            return Err(self.parser.invalid(&format!(
                "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
                low.shown(),
                high.shown()
            )));
        }
        match Comparator::Greater.holds(Some(low), Some(high)) {
            true => Err(self.parser.invalid(&format!(
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
                low.shown(),
                high.shown()
            ))),
            false => Ok(()),
        }
    }
}
