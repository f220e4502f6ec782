//! A request that shows what a policy allows, ready for the evaluator and for people.

use std::fmt::{self, Display, Formatter};

use decide_iam::{
    Context, EncryptionContext, Grants, Layers, Principal, PrincipalKind, Request, Verdict, evaluate,
};

use super::solve::Model;
use super::who::identity;

/// A request by which a check fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    pub principal: Principal,
    pub action: String,
    pub resource: String,
    /// The account that owns the resource; `None`: it does not matter.
    pub resource_account: Option<String>,
    /// Condition keys and their values.
    pub keys: Vec<(String, Vec<String>)>,
}

impl Counterexample {
    pub(crate) fn of(model: Model, owner: Option<&str>) -> Option<Counterexample> {
        let caller = model.caller?;
        let mut keys = caller.keys;
        for (name, values) in model.keys {
            if !keys.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
                keys.push((name, values));
            }
        }
        keys.retain(|(_, values)| !values.is_empty());
        Some(Counterexample {
            principal: caller.principal,
            action: model.action.unwrap_or_else(|| "s3:GetObject".to_owned()),
            resource: model.resource.unwrap_or_else(|| "*".to_owned()),
            resource_account: owner.map(str::to_owned),
            keys,
        })
    }

    /// The same, asked by another.
    pub(crate) fn by(&self, principal: &Principal) -> Counterexample {
        let own = |(name, _): &&(String, Vec<String>)| identity(name).is_none();
        let mut keys: Vec<(String, Vec<String>)> = self.keys.iter().filter(own).cloned().collect();
        keys.push(("aws:PrincipalArn".to_owned(), vec![principal.arn.clone()]));
        keys.push(("aws:PrincipalAccount".to_owned(), vec![principal.account.clone()]));
        if let (PrincipalKind::User, Some(name)) = (&principal.kind, principal.arn.rsplit('/').next()) {
            keys.push(("aws:username".to_owned(), vec![name.to_owned()]));
        }
        Counterexample { principal: principal.clone(), keys, ..self.clone() }
    }

    pub fn context(&self) -> Context {
        self.keys.iter().map(|(name, values)| (name.as_str(), values.clone())).collect()
    }

    /// For the evaluator. Without an owner the resource is the caller's own.
    pub fn request<'a>(&'a self, context: &'a Context) -> Request<'a> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: Some(self.resource_account.as_deref().unwrap_or(&self.principal.account)),
            context,
        }
    }
}

impl Counterexample {
    /// What the evaluator says to it.
    pub(crate) fn decided<T>(&self, layers: &Layers<'_>, read: impl FnOnce(Verdict<'_>) -> T) -> T {
        let (context, encryption) = (self.context(), self.encryption());
        let grants = Grants { encryption: Some(&encryption), ..layers.grants };
        read(evaluate(&self.request(&context), &Layers { grants, ..*layers }))
    }

    pub(crate) fn is_allowed(&self, layers: &Layers<'_>) -> bool {
        self.decided(layers, |verdict| verdict.is_allowed())
    }

    /// The encryption context of which the condition keys tell.
    fn encryption(&self) -> EncryptionContext {
        const PREFIX: &str = "kms:EncryptionContext:";
        let pair = |(key, values): &(String, Vec<String>)| {
            let head = key.get(..PREFIX.len()).filter(|head| head.eq_ignore_ascii_case(PREFIX));
            let name = head.and(key.get(PREFIX.len()..))?;
            Some((name.to_owned(), values.first()?.clone()))
        };
        self.keys.iter().filter_map(pair).collect()
    }
}

impl Display for Counterexample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` on `{}` by ", self.action, self.resource)?;
        match &self.principal.kind {
            PrincipalKind::Anonymous => f.write_str("anyone, without credentials")?,
            PrincipalKind::Service(name) => write!(f, "the service `{name}`")?,
            PrincipalKind::WebIdentity { provider } | PrincipalKind::Saml { provider } => {
                write!(f, "someone known to `{provider}`")?;
            }
            PrincipalKind::Root
            | PrincipalKind::User
            | PrincipalKind::Role
            | PrincipalKind::AssumedRole { .. }
            | PrincipalKind::FederatedUser => write!(f, "`{}`", self.principal.arn)?,
        }
        for (at, (name, values)) in self.keys.iter().enumerate() {
            f.write_str(if at == 0 { ", where " } else { ", " })?;
            let values: Vec<String> = values.iter().map(|v| format!("`{v}`")).collect();
            write!(f, "{name} is {}", values.join(" and "))?;
        }
        Ok(())
    }
}
