//! Updates: their grammar, and what they make of an item. Every right-hand side is taken
//! from the item as it was before; then SET, REMOVE, ADD and DELETE are carried out.

use model::Fault;

use super::Scope;
use super::parser::Parser;
use super::path::{Path, Step};
use crate::attribute::{Attr, Item};
use crate::number::Number;

#[derive(Debug, Default)]
pub(crate) struct Update<'a> {
    set: Vec<(Path<'a>, Source<'a>)>,
    remove: Vec<Path<'a>>,
    add: Vec<(Path<'a>, &'a Attr)>,
    delete: Vec<(Path<'a>, &'a Attr)>,
}

/// What an attribute is set to.
#[derive(Debug)]
enum Source<'a> {
    Path(Path<'a>),
    Value(&'a Attr),
    IfNotExists(Path<'a>, Box<Source<'a>>),
    ListAppend(Box<Source<'a>>, Box<Source<'a>>),
    Plus(Box<Source<'a>>, Box<Source<'a>>),
    Minus(Box<Source<'a>>, Box<Source<'a>>),
}

fn invalid_path() -> Fault {
    Fault::validation("The document path provided in the update expression is invalid for update")
}

fn wrong_operand() -> Fault {
    Fault::validation("An operand in the update expression has an incorrect data type")
}

fn missing() -> Fault {
    Fault::validation("The provided expression refers to an attribute that does not exist in the item")
}

impl<'a> Update<'a> {
    pub(crate) fn parse(text: &'a str, scope: &'a Scope) -> Result<Update<'a>, Fault> {
        let mut grammar =
            Grammar { parser: Parser::new("UpdateExpression", text, scope)?, depth: 0, blind: scope.blind };
        let mut update = Update::default();
        let mut seen = Vec::new();
        while !grammar.parser.ended() {
            let section = ["SET", "REMOVE", "ADD", "DELETE"].into_iter().find(|s| grammar.parser.keyword(s));
            let section = section.ok_or_else(|| grammar.parser.syntax())?;
            if seen.contains(&section) {
                return Err(grammar.parser.invalid(&format!(
                    "The \"{section}\" section can only be used once in an update expression;"
                )));
            }
            seen.push(section);
            grammar.section(section, &mut update)?;
        }
        grammar.parser.distinct(&update.paths().collect::<Vec<_>>())?;
        Ok(update)
    }

    /// The paths that are changed.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path<'a>> {
        let set = self.set.iter().map(|(p, _)| p);
        set.chain(&self.remove)
            .chain(self.add.iter().map(|(p, _)| p))
            .chain(self.delete.iter().map(|(p, _)| p))
    }

    /// Calls `see` for the paths that are read.
    pub(crate) fn sources<'c>(&'c self, see: &mut dyn FnMut(&'c Path<'a>)) {
        self.set.iter().for_each(|(_, source)| source.paths(see));
    }

    /// The item as it is to be.
    pub(crate) fn apply(&self, item: &Item) -> Result<Item, Fault> {
        let mut new = item.clone();
        let values = self.set.iter().map(|(path, source)| Ok((path, source.of(item)?.into_owned())));
        // Places in a list behind its end are filled in the order of their numbers.
        let mut values: Vec<(&Path<'_>, Attr)> = values.collect::<Result<_, Fault>>()?;
        values.sort_by(|a, b| (a.0.root, &a.0.steps).cmp(&(b.0.root, &b.0.steps)));
        for (path, value) in values {
            put(&mut new, path, value)?;
        }
        // From the back, so that places keep their meaning.
        let mut removals: Vec<&Path<'_>> = self.remove.iter().collect();
        removals.sort_by(|a, b| (b.root, &b.steps).cmp(&(a.root, &a.steps)));
        for path in removals {
            remove(&mut new, path)?;
        }
        for (path, value) in &self.add {
            let sum = added(path.find(item), value)?;
            put(&mut new, path, sum)?;
        }
        for (path, value) in &self.delete {
            match without(path.find(item), value)? {
                Some(rest) => put(&mut new, path, rest)?,
                None => remove(&mut new, path)?,
            }
        }
        Ok(new)
    }
}

impl<'a> Source<'a> {
    fn paths<'c>(&'c self, see: &mut dyn FnMut(&'c Path<'a>)) {
        match self {
            Source::Path(path) => see(path),
            Source::Value(_) => {}
            Source::IfNotExists(path, other) => {
                see(path);
                other.paths(see);
            }
            Source::ListAppend(a, b) | Source::Plus(a, b) | Source::Minus(a, b) => {
                a.paths(see);
                b.paths(see);
            }
        }
    }

    fn of<'i>(&'i self, item: &'i Item) -> Result<std::borrow::Cow<'i, Attr>, Fault> {
        use std::borrow::Cow;
        let numbers = |a: &'i Source<'a>, b: &'i Source<'a>| -> Result<(Number, Number), Fault> {
            match (a.of(item)?.as_ref(), b.of(item)?.as_ref()) {
                (Attr::N(a), Attr::N(b)) => Ok((*a, *b)),
                _ => Err(wrong_operand()),
            }
        };
        Ok(match self {
            Source::Value(value) => Cow::Borrowed(*value),
            Source::Path(path) => Cow::Borrowed(path.find(item).ok_or_else(missing)?),
            Source::IfNotExists(path, other) => match path.find(item) {
                Some(found) => Cow::Borrowed(found),
                None => other.of(item)?,
            },
            Source::ListAppend(a, b) => match (a.of(item)?.into_owned(), b.of(item)?.into_owned()) {
                (Attr::L(mut a), Attr::L(b)) => {
                    a.extend(b);
                    Cow::Owned(Attr::L(a))
                }
                _ => return Err(wrong_operand()),
            },
            Source::Plus(a, b) => {
                let (a, b) = numbers(a, b)?;
                Cow::Owned(Attr::N(a.plus(b)?))
            }
            Source::Minus(a, b) => {
                let (a, b) = numbers(a, b)?;
                Cow::Owned(Attr::N(a.plus(b.negate())?))
            }
        })
    }
}

fn put(item: &mut Item, path: &Path<'_>, value: Attr) -> Result<(), Fault> {
    let Some((last, before)) = path.steps.split_last() else {
        item.insert(path.root.to_owned(), value);
        return Ok(());
    };
    match (last, holder(item, path.root, before).ok_or_else(invalid_path)?) {
        (Step::Field(name), Attr::M(map)) => {
            map.insert((*name).to_owned(), value);
        }
        (Step::Index(n), Attr::L(list)) => match list.get_mut(*n) {
            Some(place) => *place = value,
            None => list.push(value),
        },
        _ => return Err(invalid_path()),
    }
    Ok(())
}

fn remove(item: &mut Item, path: &Path<'_>) -> Result<(), Fault> {
    let Some((last, before)) = path.steps.split_last() else {
        item.remove(path.root);
        return Ok(());
    };
    match (last, holder(item, path.root, before).ok_or_else(invalid_path)?) {
        (Step::Field(name), Attr::M(map)) => {
            map.remove(*name);
        }
        (Step::Index(n), Attr::L(list)) => {
            if *n < list.len() {
                list.remove(*n);
            }
        }
        _ => return Err(invalid_path()),
    }
    Ok(())
}

/// The map or list in which a path's last step is found.
fn holder<'i>(item: &'i mut Item, root: &str, steps: &[Step<'_>]) -> Option<&'i mut Attr> {
    steps.iter().try_fold(item.get_mut(root)?, |attr, step| match (step, attr) {
        (Step::Field(name), Attr::M(map)) => map.get_mut(*name),
        (Step::Index(n), Attr::L(list)) => list.get_mut(*n),
        _ => None,
    })
}

fn added(old: Option<&Attr>, value: &Attr) -> Result<Attr, Fault> {
    Ok(match (old, value) {
        (None, value) => value.clone(),
        (Some(Attr::N(a)), Attr::N(b)) => Attr::N(a.plus(*b)?),
        (Some(Attr::SS(a)), Attr::SS(b)) => Attr::SS(a | b),
        (Some(Attr::NS(a)), Attr::NS(b)) => Attr::NS(a | b),
        (Some(Attr::BS(a)), Attr::BS(b)) => Attr::BS(a | b),
        _ => return Err(wrong_operand()),
    })
}

/// What is left of a set; nothing, if no element is: there are no empty sets.
fn without(old: Option<&Attr>, value: &Attr) -> Result<Option<Attr>, Fault> {
    let left = match (old, value) {
        (None, _) => return Ok(None),
        (Some(Attr::SS(a)), Attr::SS(b)) => Attr::SS(a - b),
        (Some(Attr::NS(a)), Attr::NS(b)) => Attr::NS(a - b),
        (Some(Attr::BS(a)), Attr::BS(b)) => Attr::BS(a - b),
        _ => return Err(wrong_operand()),
    };
    let empty = match &left {
        Attr::SS(set) => set.is_empty(),
        Attr::NS(set) => set.is_empty(),
        Attr::BS(set) => set.is_empty(),
        _ => false,
    };
    Ok((!empty).then_some(left))
}

struct Grammar<'a> {
    parser: Parser<'a>,
    depth: u32,
    blind: bool,
}

impl<'a> Grammar<'a> {
    fn section(&mut self, section: &str, update: &mut Update<'a>) -> Result<(), Fault> {
        loop {
            let path = self.parser.wanted_path()?;
            match section {
                "SET" => {
                    self.parser.expect("=")?;
                    update.set.push((path, self.source()?));
                }
                "REMOVE" => update.remove.push(path),
                "ADD" => update.add.push((path, self.literal("ADD")?)),
                _ => update.delete.push((path, self.literal("DELETE")?)),
            }
            if !self.parser.symbol(",") {
                return Ok(());
            }
        }
    }

    /// The value of an ADD or DELETE.
    fn literal(&mut self, section: &str) -> Result<&'a Attr, Fault> {
        let value = self.parser.value()?.ok_or_else(|| self.parser.syntax())?;
        let good = match value {
            Attr::SS(_) | Attr::NS(_) | Attr::BS(_) => true,
            Attr::N(_) => section == "ADD",
            _ => self.blind,
        };
        let kind = long_name(value);
        match good {
            true => Ok(value),
            false => Err(self.parser.invalid(&format!(
                "Incorrect operand type for operator or function; operator: {section}, operand type: {kind}, typeSet: ALLOWED_FOR_{section}_OPERAND"
            ))),
        }
    }

    /// `operand`, `operand + operand`, `operand - operand`.
    fn source(&mut self) -> Result<Source<'a>, Fault> {
        let left = self.operand()?;
        let Some(sign) = ["+", "-"].into_iter().find(|sign| self.parser.symbol(sign)) else {
            return Ok(left);
        };
        let right = self.operand()?;
        for side in [&left, &right] {
            self.typed(side, sign, |v| matches!(v, Attr::N(_)))?;
        }
        let (left, right) = (Box::new(left), Box::new(right));
        Ok(if sign == "+" { Source::Plus(left, right) } else { Source::Minus(left, right) })
    }

    fn typed(&self, source: &Source<'a>, operator: &str, good: fn(&Attr) -> bool) -> Result<(), Fault> {
        match source {
            Source::Value(value) if !good(value) && !self.blind => Err(self.parser.invalid(&format!(
                "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {}",
                value.kind()
            ))),
            _ => Ok(()),
        }
    }

    fn operand(&mut self) -> Result<Source<'a>, Fault> {
        self.depth += 1;
        if self.depth > 32 {
            return Err(self.parser.invalid("The expression is nested too deeply;"));
        }
        let operand = self.nested();
        self.depth -= 1;
        operand
    }

    fn nested(&mut self) -> Result<Source<'a>, Fault> {
        if self.parser.symbol("(") {
            let inner = self.source()?;
            self.parser.expect(")")?;
            return Ok(inner);
        }
        match self.parser.function() {
            Some(name) => self.call(name),
            None => match self.parser.value()? {
                Some(value) => Ok(Source::Value(value)),
                None => self.parser.wanted_path().map(Source::Path),
            },
        }
    }

    fn call(&mut self, name: &str) -> Result<Source<'a>, Fault> {
        if !["if_not_exists", "list_append"].contains(&name) {
            let known = [
                "attribute_exists",
                "attribute_not_exists",
                "attribute_type",
                "begins_with",
                "contains",
                "size",
            ];
            return Err(self.parser.invalid(&match known.contains(&name) {
                true => format!("The function is not allowed in an update expression; function: {name}"),
                false => format!("Invalid function name; function: {name}"),
            }));
        }
        let mut operands = vec![self.operand()?];
        while self.parser.symbol(",") {
            operands.push(self.operand()?);
        }
        self.parser.expect(")")?;
        let count = operands.len();
        let mut operands = operands.into_iter();
        let (Some(first), Some(second), 2) = (operands.next(), operands.next(), count) else {
            return Err(self.parser.invalid(&format!(
                "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
            )));
        };
        match (name, first) {
            ("if_not_exists", Source::Path(path)) => Ok(Source::IfNotExists(path, Box::new(second))),
            ("if_not_exists", _) => Err(self.parser.invalid(
                "Operator or function requires a document path; operator or function: if_not_exists",
            )),
            (_, first) => {
                for side in [&first, &second] {
                    self.typed(side, "list_append", |v| matches!(v, Attr::L(_)))?;
                }
                Ok(Source::ListAppend(Box::new(first), Box::new(second)))
            }
        }
    }
}

fn long_name(value: &Attr) -> &'static str {
    match value {
        Attr::S(_) => "STRING",
        Attr::N(_) => "NUMBER",
        Attr::B(_) => "BINARY",
        Attr::Bool(_) => "BOOLEAN",
        Attr::Null => "NULL",
        Attr::M(_) => "MAP",
        Attr::L(_) => "LIST",
        Attr::SS(_) => "STRING_SET",
        Attr::NS(_) => "NUMBER_SET",
        Attr::BS(_) => "BINARY_SET",
    }
}
