//! What is asked: an action and a resource. Where the services' tables are known, only actions
//! that exist, each on the types of resources that it has.

use super::budget::{Budget, Stop};
use super::language::{Class, Glob, Language, Unit, chars, glob};
use super::text::{Demand, find, fits};

/// An action that a service has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownAction {
    /// e.g. `kms:Decrypt`.
    pub name: String,
    /// Patterns over the ARNs that it may be about, e.g. `arn:*:kms:*:*:key/*`; `*` for actions
    /// that are about no resource.
    pub resources: Vec<String>,
}

/// Actions about the same types of resources.
#[derive(Clone, Debug)]
struct Family {
    resources: Language,
    actions: Vec<String>,
}

/// The actions that are known, by the resources that they may be about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    families: Vec<Family>,
    /// Of the services whose actions are known.
    vendors: Language,
}

#[derive(Debug)]
pub(crate) struct What<'a> {
    table: &'a Table,
    action: Language,
    resource: Language,
    /// What resources look like most of the time.
    usual: Language,
}

impl Table {
    pub(crate) fn new(actions: &[KnownAction]) -> Table {
        let mut families: Vec<Family> = Vec::new();
        let mut vendors: Vec<&str> = Vec::new();
        for action in actions {
            let resources = Language::of(action.resources.iter().map(|text| name(text)).collect());
            vendors.extend(action.name.split_once(':').map(|(vendor, _)| vendor));
            match families.iter_mut().find(|f| f.resources == resources) {
                Some(family) => family.actions.push(action.name.clone()),
                None => families.push(Family { resources, actions: vec![action.name.clone()] }),
            }
        }
        vendors.sort_unstable();
        vendors.dedup();
        let vendors = vendors.iter().map(|v| glob(&format!("{v}:*"), Class::Any)).collect();
        Table { families, vendors: Language::new(vendors, true) }
    }
}

impl<'a> What<'a> {
    /// `whole`: patterns over resources that are not ARNs.
    pub(crate) fn new(table: &'a Table, whole: Vec<Glob>) -> What<'a> {
        let mut names = whole;
        names.push(vec![Unit::Char('*')]);
        names.push(arn(&["arn", "+", "+", "*", "*", "+"], Class::NoColon));
        let usual = arn(&["arn", "aws", "+", "*", "*", "+"], Class::Name);
        let numbered = chars("arn:aws:")
            .chain([Unit::One(Class::Name), Unit::Star(Class::Name), Unit::Char(':')])
            .chain([Unit::Star(Class::Name), Unit::Char(':')])
            .chain([Unit::One(Class::Digit); 12])
            .chain([Unit::Char(':'), Unit::One(Class::Name), Unit::Star(Class::Any)]);
        What {
            table,
            action: Language::new(vec![arn(&["+", "+"], Class::Name)], true),
            resource: Language::of(names),
            usual: Language::of(vec![usual, numbered.collect()]),
        }
    }

    /// Whether actions tell what resources there may be.
    pub(crate) fn is_tied(&self) -> bool {
        !self.table.families.is_empty()
    }

    pub(crate) fn action(&self, demands: &[Demand<'_>], budget: &mut Budget) -> Result<Option<String>, Stop> {
        let mut all = vec![(&self.action, true)];
        all.extend_from_slice(demands);
        if self.is_tied() {
            all.push((&self.table.vendors, false));
        }
        find(&all, budget)
    }

    pub(crate) fn resource(
        &self,
        demands: &[Demand<'_>],
        budget: &mut Budget,
    ) -> Result<Option<String>, Stop> {
        let mut all = vec![(&self.resource, true)];
        all.extend_from_slice(demands);
        find(&all, budget)
    }

    /// A resource that looks as they usually do, where one is as good as the one found.
    pub(crate) fn usual(&self, found: String, demands: &[Demand<'_>], budget: &mut Budget) -> String {
        let mut all = vec![(&self.usual, true)];
        all.extend_from_slice(demands);
        find(&all, budget).ok().flatten().unwrap_or(found)
    }

    /// An action and a resource that it may be about.
    pub(crate) fn both(
        &self,
        actions: &[Demand<'_>],
        resources: &[Demand<'_>],
        budget: &mut Budget,
    ) -> Result<Option<(String, String)>, Stop> {
        for family in &self.table.families {
            budget.spend(family.actions.len() * (actions.len() + 1))?;
            let Some(action) = family.actions.iter().find(|name| fits(name, actions)) else { continue };
            let mut all = vec![(&family.resources, true)];
            all.extend_from_slice(resources);
            if let Some(resource) = find(&all, budget)? {
                return Ok(Some((action.clone(), resource)));
            }
        }
        let Some(action) = self.action(actions, budget)? else { return Ok(None) };
        Ok(self.resource(resources, budget)?.map(|resource| (action, resource)))
    }
}

/// `*` alone is the resource of actions that have none.
fn name(text: &str) -> Glob {
    if text == "*" {
        return vec![Unit::Char('*')];
    }
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let mut units = Glob::new();
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            units.push(Unit::Char(':'));
        }
        units.extend(glob(field, if at < 5 { Class::NoColon } else { Class::Any }));
    }
    units
}

/// Fields joined by `:`; `*` is any text, `+` any but the empty one.
fn arn(fields: &[&str], class: Class) -> Glob {
    let mut units = Glob::new();
    for (at, field) in fields.iter().enumerate() {
        let class = if at == 5 { Class::Any } else { class };
        if at > 0 {
            units.push(Unit::Char(':'));
        }
        match *field {
            "*" => units.push(Unit::Star(class)),
            "+" => units.extend([Unit::One(class), Unit::Star(class)]),
            text => units.extend(chars(text)),
        }
    }
    units
}
