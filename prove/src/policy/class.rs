//! Kinds of callers that no policy in question tells apart, finitely many.
//!
//! Whoever a policy names is a class of his own; for each account that a policy speaks of there
//! are its other users and role sessions, and so for one account that none speaks of. Services,
//! identity providers and nobody in particular follow. What identity keys a caller of a class
//! has (`aws:PrincipalArn`, `aws:userid` and so on) is fixed, or is any text of a language.

use decide_iam::{Operand, Pattern, Principal, PrincipalKind, PrincipalPattern, Scope, Statement, Token};

use super::budget::{Budget, Stop};
use super::language::{Class as Chars, Glob, Language, Pins, Unit, chars, glob, of_pattern};
use super::text::{Demand, find};

/// A text that is one of a language, apart from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) within: Language,
    pub(crate) except: Language,
}

impl Open {
    fn of(within: Vec<Glob>) -> Open {
        Open { within: Language::of(within), except: Language::default() }
    }

    fn but(self, except: Vec<Glob>) -> Open {
        Open { except: Language::of(except), ..self }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// Someone of the class. Its parts named `~any` stand for all that nobody names.
    pub(crate) example: Principal,
    /// `aws:PrincipalArn`; `None`: such callers do not have it.
    pub(crate) arn: Option<Open>,
    /// `aws:userid`, likewise.
    pub(crate) id: Option<Open>,
}

const ANY: &str = "~any";

/// Which kinds of callers are in question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kinds {
    /// Root users, federated users, and users apart from role sessions.
    pub(crate) detailed: bool,
    pub(crate) root: bool,
    /// Service-linked roles apart from others.
    pub(crate) linked: bool,
    /// Services, identity providers and the anonymous.
    pub(crate) strangers: bool,
}

/// Names that the policies speak of.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) accounts: Vec<String>,
    arns: Vec<String>,
    ids: Vec<String>,
    services: Vec<String>,
    providers: Vec<String>,
    /// Patterns over account numbers.
    partial: Vec<Glob>,
    /// Why a class may be missing.
    pub(crate) doubt: Option<String>,
    /// A condition tells users, role sessions and the like apart.
    pub(crate) detailed: bool,
}

fn note(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

impl Names {
    pub(crate) fn of<'a>(statements: impl Iterator<Item = &'a Statement>, pins: &Pins) -> Names {
        let mut names = Names::default();
        for statement in statements {
            statement.principals.iter().flat_map(Scope::listed).for_each(|p| names.principal(p));
            for condition in &statement.conditions {
                let key = condition.key.name.to_ascii_lowercase();
                names.detailed |= ["aws:principalarn", "aws:principaltype", "aws:userid", "aws:username"]
                    .contains(&key.as_str());
                for value in &condition.values {
                    names.condition(&key, &value.operand, pins);
                }
            }
        }
        names.detailed |= pins.keys().any(|k| k == "aws:username" || k == "aws:userid");
        if let Some(Some(account)) = pins.get("aws:principalaccount") {
            names.account(account);
        }
        names
    }

    pub(crate) fn account(&mut self, text: &str) {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            note(&mut self.accounts, text);
        }
    }

    fn principal(&mut self, pattern: &PrincipalPattern) {
        match pattern {
            PrincipalPattern::Everyone => {}
            PrincipalPattern::Account(account) => self.account(account),
            PrincipalPattern::Arn(arn) => {
                if let Some(account) = arn.split(':').nth(4) {
                    self.account(account);
                }
                note(&mut self.arns, arn);
            }
            PrincipalPattern::Id(id) => note(&mut self.ids, id),
            PrincipalPattern::Service(name) => note(&mut self.services, name),
            PrincipalPattern::Federated(provider) => note(&mut self.providers, provider),
            PrincipalPattern::CanonicalUser(_) => {
                self.doubt = Some("canonical users are not modelled".to_owned());
            }
        }
    }

    fn condition(&mut self, key: &str, operand: &Operand, pins: &Pins) {
        match (key, operand) {
            ("aws:principalaccount", Operand::Text(pattern)) => match pattern.literal() {
                Some(account) => self.account(account),
                None if pattern.is_any() => {}
                None => self.partly(of_pattern(pattern, Chars::Digit, pins).0),
            },
            ("aws:principalarn", Operand::Name(name)) => {
                if let Some([.., account, _]) = name.fields() {
                    self.field(&account, pins);
                }
            }
            ("aws:principalarn", Operand::Text(pattern)) => self.arn(pattern, pins),
            ("aws:principalservicename" | "aws:principalservicenameslist", Operand::Text(pattern)) => {
                match pattern.literal() {
                    Some(name) => note(&mut self.services, name),
                    None if pattern.is_any() => {}
                    None => self.doubt = Some(format!("`{}` stands for many services", pattern.text())),
                }
            }
            _ => {}
        }
    }

    /// The account in a pattern over ARNs.
    fn field(&mut self, pattern: &Pattern, pins: &Pins) {
        match pattern.literal() {
            Some(account) => self.account(account),
            None if pattern.is_any() => {}
            None => self.partly(of_pattern(pattern, Chars::Digit, pins).0),
        }
    }

    /// An ARN compared as a text: its wildcards may pass colons.
    fn arn(&mut self, pattern: &Pattern, pins: &Pins) {
        let mut colons = 0;
        let mut account = String::new();
        for token in pattern.tokens() {
            match token {
                Token::Literal(text) => {
                    for c in text.chars() {
                        colons += usize::from(c == ':');
                        if colons == 4 && c != ':' {
                            account.push(c);
                        }
                    }
                }
                // Behind the account, or in its place alone.
                _ if colons > 4 => break,
                Token::Any if colons == 4 && account.is_empty() => account.push('*'),
                Token::Any | Token::One if colons == 4 => {
                    let (units, _) = of_pattern(pattern, Chars::Any, pins);
                    let field: Glob =
                        units.split(|u| *u == Unit::Char(':')).nth(4).unwrap_or_default().to_vec();
                    return self.partly(field);
                }
                Token::Any | Token::One | Token::Variable(_) => {
                    let digits = pattern.text().bytes().any(|b| b.is_ascii_digit());
                    if digits {
                        self.doubt = Some(format!("`{}` may stand for many accounts", pattern.text()));
                    }
                    return;
                }
            }
        }
        self.account(&account);
    }

    fn partly(&mut self, glob: Glob) {
        if !self.partial.contains(&glob) {
            self.partial.push(glob);
        }
    }

    /// Adds an account of each kind that patterns tell apart, and one that nobody names.
    pub(crate) fn settle(&mut self, budget: &mut Budget) -> Result<(), Stop> {
        const MOST: usize = 5;
        if self.partial.len() > MOST {
            self.doubt = Some("the policies have many patterns over account numbers".to_owned());
            self.partial.truncate(MOST);
        }
        let number = Language::of(vec![vec![Unit::One(Chars::Digit); 12]]);
        let partial: Vec<Language> = self.partial.iter().map(|g| Language::of(vec![g.clone()])).collect();
        let named = Language::of(self.accounts.iter().map(|a| chars(a).collect()).collect());
        for bits in (0..1_usize << partial.len()).rev().skip(usize::from(partial.is_empty())) {
            let mut demands: Vec<Demand<'_>> = vec![(&number, true), (&named, false)];
            demands.extend(partial.iter().enumerate().map(|(at, l)| (l, bits >> at & 1 == 1)));
            if let Some(account) = find(&demands, budget)? {
                note(&mut self.accounts, &account);
            }
        }
        if partial.is_empty() {
            let fresh = ["123456789012", "210987654321"].into_iter().map(str::to_owned);
            let fresh =
                fresh.chain((0..=self.accounts.len()).map(|n| format!("{:012}", 314_159_265_358 + n)));
            if let Some(other) = fresh.into_iter().find(|a| !self.accounts.contains(a)) {
                self.accounts.insert(0, other);
            }
        }
        Ok(())
    }

    pub(crate) fn classes(&self, kinds: Kinds) -> Vec<Class> {
        let mut classes = Vec::new();
        let (own, others) = self.accounts.split_at(usize::from(!self.accounts.is_empty()));
        own.iter().for_each(|account| self.of_account(account, kinds, &mut classes));
        if kinds.strangers {
            classes.push(stranger(PrincipalKind::Anonymous, ""));
        }
        self.arns.iter().for_each(|arn| self.named(arn, &mut classes));
        for id in &self.ids {
            self.accounts.iter().for_each(|account| self.by_id(id, account, &mut classes));
        }
        others.iter().for_each(|account| self.of_account(account, kinds, &mut classes));
        if kinds.strangers {
            let other = ["other.amazonaws.com".to_owned()];
            for name in self.services.iter().chain(&other) {
                classes.push(stranger(PrincipalKind::Service(name.clone()), name));
            }
            let other = ["other.example.com".to_owned()];
            for provider in self.providers.iter().chain(&other) {
                let provider = provider.clone();
                let kind = if provider.contains(":saml-provider/") {
                    PrincipalKind::Saml { provider }
                } else {
                    PrincipalKind::WebIdentity { provider }
                };
                classes.push(stranger(kind, ""));
            }
        }
        classes
    }

    /// Those of an account whom nobody names.
    fn of_account(&self, account: &str, kinds: Kinds, classes: &mut Vec<Class>) {
        let names = self.arns.iter().map(|arn| chars(arn).collect::<Glob>());
        let sessions = self.arns.iter().filter_map(|arn| session(arn));
        let named: Vec<Glob> = names.chain(sessions.flat_map(|(a, role, _)| roles_named(a, role))).collect();
        let role = format!("arn:aws:iam::{account}:role/");
        let id = Some(Open::of(vec![role_id(ANY)]).but(self.known_ids()));
        let mut except = named.clone();
        if kinds.linked {
            let linked = format!("{role}aws-service-role/");
            except.push(glob(&format!("{linked}*"), Chars::Any));
            let arn = Some(Open::of(below(&linked)).but(named.clone()));
            let example = assumed(&format!("{linked}{ANY}"), account, ANY);
            classes.push(Class { example, arn, id: id.clone() });
        }
        let arn = Some(Open::of(below(&role)).but(except));
        classes.push(Class { example: assumed(&format!("{role}{ANY}"), account, ANY), arn, id });
        if !kinds.detailed {
            return;
        }
        let user = format!("arn:aws:iam::{account}:user/");
        classes.push(Class {
            example: principal(format!("{user}{ANY}"), account, PrincipalKind::User),
            arn: Some(Open::of(below(&user)).but(named.clone())),
            id: Some(Open::of(vec![user_id()]).but(self.known_ids())),
        });
        let federated = format!("arn:aws:sts::{account}:federated-user/");
        let mut named = named;
        // Whose user is named is reached through that name.
        named.extend(self.arns.iter().filter(|a| a.contains(":user/")).filter_map(|a| {
            a.rsplit_once('/').map(|(_, name)| chars(&format!("{federated}{name}")).collect::<Glob>())
        }));
        classes.push(Class {
            example: principal(format!("{federated}{ANY}"), account, PrincipalKind::FederatedUser),
            arn: Some(Open::of(vec![name_of(&federated)]).but(named)),
            id: Some(Open::of(vec![name_of(&format!("{account}:"))])),
        });
        if kinds.root {
            let root = format!("arn:aws:iam::{account}:root");
            classes.push(Class {
                arn: Some(Open::of(vec![chars(&root).collect()])),
                id: Some(Open::of(vec![chars(account).collect()])),
                example: principal(root, account, PrincipalKind::Root),
            });
        }
    }

    fn known_ids(&self) -> Vec<Glob> {
        let both = |id: &String| [chars(id).collect::<Glob>(), glob(&format!("{id}:*"), Chars::Any)];
        self.ids.iter().flat_map(both).collect()
    }

    /// Whoever an ARN in a policy names.
    fn named(&self, arn: &str, classes: &mut Vec<Class>) {
        let exact = |text: &str| Some(Open::of(vec![chars(text).collect()]));
        let account = arn.split(':').nth(4).unwrap_or_default();
        let name = arn.rsplit_once('/').map_or("", |(_, name)| name);
        if let Some((account, role, name)) = session(arn) {
            // The session's ARN does not tell the path of the role.
            let others: Vec<Glob> = self.arns.iter().map(|a| chars(a).collect()).collect();
            let id = Some(Open::of(vec![role_id(name)]).but(self.known_ids()));
            let rest = self.sessions(account, role);
            let other_id = Some(Open::of(vec![role_id(ANY)]).but([self.known_ids(), rest].concat()));
            let open = Some(Open::of(roles_named(account, role)).but(others));
            let mut add = |example, arn, id| classes.push(Class { example, arn, id });
            let unnamed = format!("arn:aws:iam::{account}:role/{ANY}/{role}");
            add(assumed(&unnamed, account, name), open.clone(), id.clone());
            add(assumed(&unnamed, account, ANY), open, other_id);
            let path = format!(":role/{role}");
            let behind = |a: &&String| {
                a.split(':').nth(4) == Some(account)
                    && (a.ends_with(&path) || (a.contains(":role/") && a.ends_with(&format!("/{role}"))))
            };
            for known in self.arns.iter().filter(behind) {
                add(assumed(known, account, name), exact(known), id.clone());
            }
        } else if arn.contains(":role/") {
            let rest = [self.known_ids(), self.sessions(account, name)].concat();
            let id = Some(Open::of(vec![role_id(ANY)]).but(rest));
            classes.push(Class { example: assumed(arn, account, ANY), arn: exact(arn), id });
        } else if arn.contains(":user/") {
            let id = Some(Open::of(vec![user_id()]).but(self.known_ids()));
            let example = principal(arn.to_owned(), account, PrincipalKind::User);
            classes.push(Class { example, arn: exact(arn), id });
            let federated = format!("arn:aws:sts::{account}:federated-user/{name}");
            if !self.arns.contains(&federated) {
                self.federated(&federated, account, classes);
            }
        } else {
            self.federated(arn, account, classes);
        }
    }

    fn federated(&self, arn: &str, account: &str, classes: &mut Vec<Class>) {
        let name = arn.rsplit_once('/').map_or("", |(_, name)| name);
        classes.push(Class {
            example: principal(arn.to_owned(), account, PrincipalKind::FederatedUser),
            arn: Some(Open::of(vec![chars(arn).collect()])),
            id: Some(Open::of(vec![chars(&format!("{account}:{name}")).collect()])),
        });
    }

    /// Ids that end in the name of a session of the role that a policy names.
    fn sessions(&self, account: &str, role: &str) -> Vec<Glob> {
        let known = self.arns.iter().filter_map(|arn| session(arn));
        let known = known.filter(|(a, r, _)| *a == account && *r == role);
        known.map(|(.., name)| glob(&format!("*:{name}"), Chars::Name)).collect()
    }

    /// Whoever has a unique id that a policy names.
    fn by_id(&self, id: &str, account: &str, classes: &mut Vec<Class>) {
        let named: Vec<Glob> = self.arns.iter().map(|arn| chars(arn).collect()).collect();
        if !id.starts_with("AROA") {
            let user = format!("arn:aws:iam::{account}:user/");
            let mut example = principal(format!("{user}{ANY}"), account, PrincipalKind::User);
            id.clone_into(&mut example.id);
            let arn = Some(Open::of(below(&user)).but(named.clone()));
            classes.push(Class { example, arn, id: Some(Open::of(vec![chars(id).collect()])) });
        }
        if !id.starts_with("AIDA") {
            let role = format!("arn:aws:iam::{account}:role/");
            let mut example = assumed(&format!("{role}{ANY}"), account, ANY);
            example.id = format!("{id}:{ANY}");
            let session = chars(id).chain(chars(":")).chain(some_name()).collect();
            let arn = Some(Open::of(below(&role)).but(named));
            classes.push(Class { example, arn, id: Some(Open::of(vec![session])) });
        }
    }
}

impl Class {
    /// Someone with a known ARN; an id that is not known may be any.
    pub(crate) fn single(example: Principal) -> Class {
        let id = match (&*example.id, &example.kind) {
            ("", PrincipalKind::User) => user_id(),
            ("", PrincipalKind::FederatedUser) => name_of(&format!("{}:", example.account)),
            ("", _) => chars(&example.account).collect(),
            (id, _) => chars(id).collect(),
        };
        let arn = Some(Open::of(vec![chars(&example.arn).collect()]));
        Class { example, arn, id: Some(Open::of(vec![id])) }
    }

    /// A session of a role, or any of its sessions. `id`: of the role or the session, where known.
    pub(crate) fn session(role_arn: &str, account: &str, name: Option<&str>, id: &str) -> Class {
        let session = name.unwrap_or(ANY);
        let ids = match (id.split_once(':'), name) {
            (Some(_), _) => chars(id).collect(),
            (None, _) if id.is_empty() => role_id(session),
            (None, Some(name)) => chars(&format!("{id}:{name}")).collect(),
            (None, None) => name_of(&format!("{id}:")),
        };
        let mut example = assumed(role_arn, account, session);
        // Where only the role's id is known, it is that which names the caller.
        example.id = if id.contains(':') { id.to_owned() } else { format!("{id}:{session}") };
        let arn = Some(Open::of(vec![chars(role_arn).collect()]));
        Class { example, arn, id: Some(Open::of(vec![ids])) }
    }
}

/// Account, role and session in the ARN of a role session.
fn session(arn: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = arn.split_once(":assumed-role/")?;
    let (role, name) = rest.split_once('/')?;
    Some((head.rsplit_once(':')?.1, role, name))
}

fn principal(arn: String, account: &str, kind: PrincipalKind) -> Principal {
    Principal { arn, account: account.to_owned(), id: String::new(), kind }
}

/// A session of a role.
pub(crate) fn assumed(role_arn: &str, account: &str, name: &str) -> Principal {
    let role = role_arn.rsplit_once('/').map_or(role_arn, |(_, role)| role);
    let kind = PrincipalKind::AssumedRole { role_arn: role_arn.to_owned(), session_name: name.to_owned() };
    principal(format!("arn:aws:sts::{account}:assumed-role/{role}/{name}"), account, kind)
}

fn stranger(kind: PrincipalKind, arn: &str) -> Class {
    Class { example: principal(arn.to_owned(), "", kind), arn: None, id: None }
}

fn some_name() -> [Unit; 2] {
    [Unit::One(Chars::Name), Unit::Star(Chars::Name)]
}

/// A path of at least one part, with its last slash.
pub(crate) fn path() -> [Unit; 3] {
    [Unit::One(Chars::Name), Unit::Star(Chars::NoColon), Unit::Char('/')]
}

fn name_of(head: &str) -> Glob {
    chars(head).chain(some_name()).collect()
}

/// Names below a prefix, with or without a path.
fn below(head: &str) -> Vec<Glob> {
    let deep = chars(head).chain(path()).chain(some_name());
    vec![name_of(head), deep.collect()]
}

/// Roles of a name, on any path.
fn roles_named(account: &str, role: &str) -> Vec<Glob> {
    let head = format!("arn:aws:iam::{account}:role/");
    let deep = chars(&head).chain(path()).chain(chars(role));
    vec![chars(&format!("{head}{role}")).collect(), deep.collect()]
}

fn user_id() -> Glob {
    chars("AIDA").chain([Unit::One(Chars::Id), Unit::Star(Chars::Id)]).collect()
}

/// The id of a role session of a name, or of any.
fn role_id(session: &str) -> Glob {
    let head = chars("AROA").chain([Unit::One(Chars::Id), Unit::Star(Chars::Id), Unit::Char(':')]);
    if session == ANY { head.chain(some_name()).collect() } else { head.chain(chars(session)).collect() }
}
