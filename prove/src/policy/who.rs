//! Who asks, together with the identity keys that depend on it.

use decide_iam::{Principal, PrincipalKind};

use super::atom::WhoTest;
use super::budget::{Budget, Stop};
use super::class::{Class, Open, assumed, path};
use super::key::{Found, Key, KeyTest, Test, Wanted};
use super::language::{Class as Chars, Language, Pins, Unit, chars};
use super::text::{Demand, find, fits};

/// What a key says of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    Arn,
    Id,
    UserName,
    Account,
    Type,
    IsService,
    ServiceName,
    ServiceNames,
    /// Free, but callers without an account do not have it.
    OfAccount,
}

const KEYS: [(&str, Identity); 10] = [
    ("aws:PrincipalArn", Identity::Arn),
    ("aws:userid", Identity::Id),
    ("aws:username", Identity::UserName),
    ("aws:PrincipalAccount", Identity::Account),
    ("aws:PrincipalType", Identity::Type),
    ("aws:PrincipalIsAWSService", Identity::IsService),
    ("aws:PrincipalServiceName", Identity::ServiceName),
    ("aws:PrincipalServiceNamesList", Identity::ServiceNames),
    ("aws:PrincipalOrgID", Identity::OfAccount),
    ("aws:PrincipalOrgPaths", Identity::OfAccount),
];

pub(crate) fn identity(key: &str) -> Option<Identity> {
    const TAG: &str = "aws:PrincipalTag/";
    if key.get(..TAG.len()).is_some_and(|head| head.eq_ignore_ascii_case(TAG)) {
        return Some(Identity::OfAccount);
    }
    KEYS.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, identity)| *identity)
}

/// A caller with the identity keys.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) principal: Principal,
    pub(crate) keys: Vec<(String, Vec<String>)>,
}

/// What is demanded of the caller.
#[derive(Debug, Default)]
pub(crate) struct Sought<'a> {
    pub(crate) tests: Vec<(&'a WhoTest, bool)>,
    /// Conditions by the index of their key.
    pub(crate) keys: Vec<(usize, Vec<Wanted<'a>>)>,
}

#[derive(Debug)]
pub(crate) struct Who {
    pub(crate) classes: Vec<Class>,
    /// Conditions that hold beforehand, or do not.
    settled: Vec<(Identity, KeyTest, bool)>,
}

impl Who {
    /// Variables are taken to have the values pinned; no caller satisfies what is shunned.
    pub(crate) fn new(classes: Vec<Class>, pins: &Pins, shunned: Vec<(Identity, KeyTest)>) -> Who {
        let pinned = pins.iter().filter_map(|(key, value)| {
            let identity = identity(key).filter(|i| *i != Identity::OfAccount)?;
            let test = match value {
                Some(value) => KeyTest::listed(Language::of(vec![chars(value).collect()])),
                None => KeyTest::absent(),
            };
            Some((identity, test, true))
        });
        let shunned = shunned.into_iter().map(|(identity, test)| (identity, test, false));
        Who { classes, settled: pinned.chain(shunned).collect() }
    }

    pub(crate) fn find(
        &self,
        sought: &Sought<'_>,
        keys: &[Key],
        budget: &mut Budget,
    ) -> Result<Found<Caller>, Stop> {
        let mut free: Option<Found<Keys>> = None;
        let mut doubt = None;
        for class in &self.classes {
            budget.spend(sought.tests.len() + 1)?;
            if !sought.tests.iter().all(|(test, sign)| passes(test, &class.example) == *sign) {
                continue;
            }
            let Some((arn, id)) = self.identified(class, sought, keys, budget)? else { continue };
            let owned = if class.example.has_identity() {
                match &free {
                    Some(found) => found.clone(),
                    None => free.insert(of_account(sought, keys, budget)?).clone(),
                }
            } else {
                let absent = |(at, wanted): &(usize, Vec<Wanted<'_>>)| {
                    kind(*at, keys) != Some(Identity::OfAccount) || holds(wanted, &[])
                };
                if sought.keys.iter().all(absent) { Found::Yes(Vec::new()) } else { Found::No }
            };
            match owned {
                Found::Yes(more) => return Ok(Found::Yes(caller(class, arn, id, more))),
                Found::No => {}
                Found::Doubt(why) => doubt = Some(why),
            }
        }
        Ok(doubt.map_or(Found::No, Found::Doubt))
    }

    /// The ARN and the id that a caller of a class may have.
    fn identified(
        &self,
        class: &Class,
        sought: &Sought<'_>,
        keys: &[Key],
        budget: &mut Budget,
    ) -> Result<Option<Identified>, Stop> {
        let settled = self.settled.iter().map(|(identity, test, sign)| (*identity, (test, *sign)));
        let asked = sought.keys.iter().filter_map(|(at, wanted)| Some((kind(*at, keys)?, wanted)));
        let asked = asked.flat_map(|(identity, wanted)| wanted.iter().map(move |w| (identity, *w)));
        let wanted: Vec<(Identity, Wanted<'_>)> = asked.chain(settled).collect();
        let mut names: Vec<(Language, bool)> = Vec::new();
        let user = matches!(class.example.kind, PrincipalKind::User);
        for (identity, (test, sign)) in &wanted {
            match identity {
                Identity::Arn | Identity::Id | Identity::OfAccount => {}
                Identity::UserName if user => match &test.test {
                    Test::Text(language) => names.push((named(language, class), *sign != test.negated)),
                    Test::Absent { of_present, .. } if of_present == sign => {}
                    Test::Absent { .. } => return Ok(None),
                    Test::Typed(_) => return Err(typed("aws:username")),
                },
                other => {
                    if test.holds(&fixed(class, *other)) != *sign {
                        return Ok(None);
                    }
                }
            }
        }
        let of = |which: Identity| wanted.iter().filter(move |(i, _)| *i == which).map(|(_, w)| *w);
        let Some(arn) =
            one(class.arn.as_ref(), of(Identity::Arn).collect(), &names, &preferred(class), budget)?
        else {
            return Ok(None);
        };
        let id = one(class.id.as_ref(), of(Identity::Id).collect(), &[], &preferred_id(class), budget)?;
        Ok(id.map(|id| (arn, id)))
    }
}

/// `aws:PrincipalArn` and `aws:userid`; `None`: absent.
type Identified = (Option<String>, Option<String>);
type Keys = Vec<(String, Vec<String>)>;

fn kind(at: usize, keys: &[Key]) -> Option<Identity> {
    keys.get(at).and_then(|key| identity(&key.name))
}

fn holds(wanted: &[Wanted<'_>], values: &[String]) -> bool {
    wanted.iter().all(|(test, sign)| test.holds(values) == *sign)
}

fn typed(key: &str) -> Stop {
    Stop::Unsupported(format!("`{key}` is compared with something other than text"))
}

pub(crate) fn passes(test: &WhoTest, who: &Principal) -> bool {
    match test {
        WhoTest::Named(names, least) => {
            names.iter().filter_map(|name| name.grants(who)).max().is_some_and(|grant| grant >= *least)
        }
        WhoTest::Own => who.has_identity(),
        WhoTest::Linked => who.is_service_linked(),
        WhoTest::Root => who.kind == PrincipalKind::Root,
        WhoTest::Of(account) => who.has_identity() && who.account == *account,
    }
}

/// The keys of organization and tags, which are free for callers who have an account.
fn of_account(sought: &Sought<'_>, keys: &[Key], budget: &mut Budget) -> Result<Found<Keys>, Stop> {
    let mut values = Vec::new();
    for (at, wanted) in &sought.keys {
        let Some(key) = keys.get(*at).filter(|_| kind(*at, keys) == Some(Identity::OfAccount)) else {
            continue;
        };
        match key.find(wanted, budget)? {
            Found::Yes(found) => values.push((key.name.clone(), found)),
            Found::No => return Ok(Found::No),
            Found::Doubt(why) => return Ok(Found::Doubt(why)),
        }
    }
    Ok(Found::Yes(values))
}

/// One text of an open key, or that the key is absent; the outer `None`: neither fits.
fn one(
    open: Option<&Open>,
    wanted: Vec<Wanted<'_>>,
    more: &[(Language, bool)],
    preferred: &str,
    budget: &mut Budget,
) -> Result<Option<Option<String>>, Stop> {
    let Some(open) = open else {
        return Ok(holds(&wanted, &[]).then_some(None));
    };
    let mut demands: Vec<Demand<'_>> = vec![(&open.within, true), (&open.except, false)];
    demands.extend(more.iter().map(|(language, inside)| (language, *inside)));
    for (test, sign) in wanted {
        match &test.test {
            Test::Text(language) => demands.push((language, sign != test.negated)),
            Test::Absent { of_present, .. } if *of_present == sign => {}
            Test::Absent { .. } => return Ok(None),
            Test::Typed(condition) => return Err(typed(&condition.key.name)),
        }
    }
    if fits(preferred, &demands) {
        return Ok(Some(Some(preferred.to_owned())));
    }
    Ok(find(&demands, budget)?.map(Some))
}

/// ARNs of users whose names are in a language. Names have neither `/` nor `:`.
fn named(names: &Language, class: &Class) -> Language {
    let head = format!("arn:aws:iam::{}:user/", class.example.account);
    let mut globs = Vec::new();
    for glob in &names.globs {
        let narrow = |unit: &Unit| match unit {
            Unit::Char(':' | '/') => None,
            Unit::Char(c) => Some(Unit::Char(*c)),
            Unit::One(_) => Some(Unit::One(Chars::Name)),
            Unit::Star(_) => Some(Unit::Star(Chars::Name)),
        };
        let Some(name) = glob.iter().map(narrow).collect::<Option<Vec<Unit>>>() else { continue };
        globs.push(chars(&head).chain(name.iter().copied()).collect());
        globs.push(chars(&head).chain(path()).chain(name).collect());
    }
    Language::new(globs, names.fold)
}

/// The values of the keys that the class decides.
fn fixed(class: &Class, identity: Identity) -> Vec<String> {
    let who = &class.example;
    let service = if let PrincipalKind::Service(name) = &who.kind { Some(name.clone()) } else { None };
    match identity {
        Identity::Account if who.has_identity() => vec![who.account.clone()],
        Identity::Type if service.is_none() => vec![
            match &who.kind {
                PrincipalKind::Root => "Account",
                PrincipalKind::User => "User",
                PrincipalKind::Role | PrincipalKind::AssumedRole { .. } => "AssumedRole",
                PrincipalKind::FederatedUser => "FederatedUser",
                PrincipalKind::WebIdentity { .. }
                | PrincipalKind::Saml { .. }
                | PrincipalKind::Service(_)
                | PrincipalKind::Anonymous => "Anonymous",
            }
            .to_owned(),
        ],
        Identity::IsService => vec![service.is_some().to_string()],
        Identity::ServiceName | Identity::ServiceNames => service.into_iter().collect(),
        Identity::Account
        | Identity::Type
        | Identity::Arn
        | Identity::Id
        | Identity::UserName
        | Identity::OfAccount => Vec::new(),
    }
}

fn preferred(class: &Class) -> String {
    let account = &class.example.account;
    match &class.example.kind {
        PrincipalKind::User => format!("arn:aws:iam::{account}:user/someone"),
        PrincipalKind::FederatedUser => format!("arn:aws:sts::{account}:federated-user/someone"),
        _ => format!("arn:aws:iam::{account}:role/SomeRole"),
    }
}

fn preferred_id(class: &Class) -> String {
    match &class.example.kind {
        PrincipalKind::User => "AIDAEXAMPLEEXAMPLE123".to_owned(),
        PrincipalKind::FederatedUser => format!("{}:someone", class.example.account),
        _ => "AROAEXAMPLEEXAMPLE123:session".to_owned(),
    }
}

fn caller(class: &Class, arn: Option<String>, id: Option<String>, more: Keys) -> Caller {
    let example = &class.example;
    let mut principal = example.clone();
    if let Some(arn) = &arn {
        principal = match &example.kind {
            PrincipalKind::AssumedRole { session_name, .. } => {
                let session = id.as_ref().and_then(|id| id.split_once(':')).map(|(_, s)| s.to_owned());
                assumed(arn, &example.account, &session.unwrap_or_else(|| session_name.clone()))
            }
            _ => Principal { arn: arn.clone(), ..principal },
        };
    }
    principal.id = id.clone().unwrap_or_default();
    let mut keys: Keys = Vec::new();
    for (name, identity) in KEYS {
        let values = match identity {
            Identity::Arn => arn.iter().cloned().collect(),
            Identity::Id => id.iter().cloned().collect(),
            Identity::UserName if matches!(example.kind, PrincipalKind::User) => {
                arn.iter().filter_map(|a| a.rsplit_once('/')).map(|(_, name)| name.to_owned()).collect()
            }
            Identity::UserName | Identity::OfAccount => Vec::new(),
            other => fixed(class, other),
        };
        if !values.is_empty() {
            keys.push((name.to_owned(), values));
        }
    }
    keys.extend(more);
    Caller { principal, keys }
}
