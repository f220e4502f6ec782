//! Who acts, and whom a policy names.
//!
//! A name in a policy reaches a caller directly, through the role (or user) behind the
//! session, or through the account; that decides which other layers may still limit the
//! grant. Wildcards never match a part of a name. Follows AWS's "Principal" element.

use crate::arn::last_segment;

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// For a role session the session's ARN, `arn:aws:sts::1:assumed-role/role/session`.
    pub arn: String,
    /// The account that the caller belongs to; empty where there is none.
    pub account: String,
    /// The unique id, e.g. `AIDA...` or `AROA...:session`.
    pub id: String,
    pub kind: PrincipalKind,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// The account's root user.
    Root,
    User,
    /// The role itself, as simulators name it.
    Role,
    AssumedRole {
        role_arn: String,
        session_name: String,
    },
    /// A session from `GetFederationToken`.
    FederatedUser,
    /// The bearer of an OpenID Connect token.
    WebIdentity {
        provider: String,
    },
    /// The bearer of a SAML assertion.
    Saml {
        provider: String,
    },
    /// A service by its name, e.g. `lambda.amazonaws.com`.
    Service(String),
    Anonymous,
}

impl Principal {
    /// The principal that an ARN, an account number or a service's name stands for. A role
    /// session's ARN does not tell the path of its role, which is taken to be `/`.
    pub fn named(name: &str, account: &str) -> Principal {
        let kind = match name.splitn(6, ':').collect::<Vec<_>>().as_slice() {
            ["arn", partition, service, _, of, resource] => of_arn(partition, service, of, resource, name),
            _ if name.ends_with(".amazonaws.com") => PrincipalKind::Service(name.to_owned()),
            _ if name == account && !name.is_empty() => PrincipalKind::Root,
            _ => PrincipalKind::Anonymous,
        };
        Principal { arn: name.to_owned(), account: account.to_owned(), id: String::new(), kind }
    }

    /// Has permissions of its own in an account: identity policies, and what limits them, apply.
    pub fn has_identity(&self) -> bool {
        match self.kind {
            PrincipalKind::Root
            | PrincipalKind::User
            | PrincipalKind::Role
            | PrincipalKind::AssumedRole { .. }
            | PrincipalKind::FederatedUser => true,
            PrincipalKind::WebIdentity { .. }
            | PrincipalKind::Saml { .. }
            | PrincipalKind::Service(_)
            | PrincipalKind::Anonymous => false,
        }
    }

    /// Service-linked roles are beyond an organization's policies.
    pub fn is_service_linked(&self) -> bool {
        match &self.kind {
            PrincipalKind::Role => self.arn.contains(":role/aws-service-role/"),
            PrincipalKind::AssumedRole { role_arn, .. } => role_arn.contains(":role/aws-service-role/"),
            _ => false,
        }
    }
}

/// How far a grant in a resource's policy reaches. Greater reaches further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grant {
    /// Names the account, which must still delegate by its own policies.
    Account,
    /// Names the role or user behind the session, whose limits still apply.
    Behind,
    /// Names the caller (or everyone).
    Direct,
}

/// One name in a `Principal` or `NotPrincipal` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `*`
    Everyone,
    /// An account, by number or by its root ARN.
    Account(Box<str>),
    Arn(Box<str>),
    /// A unique id, which AWS shows in place of a deleted user or role.
    Id(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
    /// An Amazon S3 canonical user, which no caller here is known by.
    CanonicalUser(Box<str>),
}

impl PrincipalPattern {
    /// Reads a value under the type `AWS`, `Service`, `Federated` or `CanonicalUser`.
    pub(crate) fn parse(kind: &str, text: &str) -> Option<PrincipalPattern> {
        let wild = text.contains(['*', '?']);
        match kind {
            "AWS" if text == "*" => Some(PrincipalPattern::Everyone),
            _ if wild || text.is_empty() => None,
            "AWS" => aws(text),
            "Service" => Some(PrincipalPattern::Service(text.into())),
            "Federated" => Some(PrincipalPattern::Federated(text.into())),
            "CanonicalUser" => Some(PrincipalPattern::CanonicalUser(text.into())),
            _ => None,
        }
    }

    /// How far the name reaches a caller; `None`: not at all.
    pub fn grants(&self, to: &Principal) -> Option<Grant> {
        match self {
            PrincipalPattern::Everyone => Some(Grant::Direct),
            PrincipalPattern::Account(account) => {
                let root = to.kind == PrincipalKind::Root;
                let grant = if root { Grant::Direct } else { Grant::Account };
                (to.has_identity() && to.account == **account).then_some(grant)
            }
            PrincipalPattern::Arn(arn) => by_arn(arn, to),
            PrincipalPattern::Id(id) => {
                let (of_role, _) = to.id.split_once(':').unwrap_or((&to.id, ""));
                let direct = (to.id == **id).then_some(Grant::Direct);
                direct.or((of_role == &**id).then_some(Grant::Behind))
            }
            PrincipalPattern::Service(name) => {
                matches!(&to.kind, PrincipalKind::Service(n) if **n == **name).then_some(Grant::Direct)
            }
            PrincipalPattern::Federated(provider) => match &to.kind {
                PrincipalKind::WebIdentity { provider: p } | PrincipalKind::Saml { provider: p } => {
                    (**p == **provider).then_some(Grant::Direct)
                }
                _ => None,
            },
            PrincipalPattern::CanonicalUser(_) => None,
        }
    }
}

fn of_arn(partition: &str, service: &str, account: &str, resource: &str, arn: &str) -> PrincipalKind {
    let mut parts = resource.splitn(3, '/');
    match (service, parts.next().unwrap_or_default(), parts.next(), parts.next()) {
        ("iam", "root", None, None) => PrincipalKind::Root,
        ("iam", "user", Some(_), _) => PrincipalKind::User,
        ("iam", "role", Some(_), _) => PrincipalKind::Role,
        ("sts", "assumed-role", Some(role), Some(session)) => PrincipalKind::AssumedRole {
            role_arn: format!("arn:{partition}:iam::{account}:role/{role}"),
            session_name: session.to_owned(),
        },
        ("sts", "federated-user", Some(_), _) => PrincipalKind::FederatedUser,
        ("iam", "oidc-provider", Some(_), _) => PrincipalKind::WebIdentity { provider: arn.to_owned() },
        ("iam", "saml-provider", Some(_), _) => PrincipalKind::Saml { provider: arn.to_owned() },
        _ => PrincipalKind::Anonymous,
    }
}

fn by_arn(arn: &str, to: &Principal) -> Option<Grant> {
    match &to.kind {
        PrincipalKind::Role => (arn == to.arn).then_some(Grant::Behind),
        PrincipalKind::AssumedRole { role_arn, .. } if arn == role_arn => Some(Grant::Behind),
        // The session's ARN gives the user's name, not its path.
        PrincipalKind::FederatedUser if arn.contains(":user/") => {
            let user = account_of(arn) == Some(&to.account) && last_segment(arn) == last_segment(&to.arn);
            user.then_some(Grant::Behind)
        }
        PrincipalKind::WebIdentity { .. }
        | PrincipalKind::Saml { .. }
        | PrincipalKind::Service(_)
        | PrincipalKind::Anonymous => None,
        _ => (arn == to.arn).then_some(Grant::Direct),
    }
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

fn aws(text: &str) -> Option<PrincipalPattern> {
    if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(PrincipalPattern::Account(text.into()));
    }
    if text.len() >= 16
        && text.starts_with('A')
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    {
        return Some(PrincipalPattern::Id(text.into()));
    }
    let mut fields = text.splitn(6, ':');
    let (arn, _partition, service) = (fields.next()?, fields.next()?, fields.next()?);
    let (region, account, name) = (fields.next()?, fields.next()?, fields.next()?);
    // CloudFront's origin access identities are users of an account of that name.
    let numbered = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    if arn != "arn" || !region.is_empty() || !(numbered || account == "cloudfront") {
        return None;
    }
    let named = |prefix: &str| name.strip_prefix(prefix).is_some_and(|n| !n.is_empty());
    match service {
        "iam" if name == "root" => Some(PrincipalPattern::Account(account.into())),
        "iam" if named("user/") || named("role/") => Some(PrincipalPattern::Arn(text.into())),
        "sts" if named("assumed-role/") || named("federated-user/") => {
            Some(PrincipalPattern::Arn(text.into()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(kind: PrincipalKind, arn: &str) -> Principal {
        Principal {
            arn: arn.into(),
            account: "111122223333".into(),
            id: "AROAEXAMPLEEXAMPLE1:s".into(),
            kind,
        }
    }

    #[test]
    fn names_reach_callers() {
        let session = principal(
            PrincipalKind::AssumedRole {
                role_arn: "arn:aws:iam::111122223333:role/team/r".into(),
                session_name: "s".into(),
            },
            "arn:aws:sts::111122223333:assumed-role/r/s",
        );
        let user = principal(PrincipalKind::User, "arn:aws:iam::111122223333:user/u");
        let root = principal(PrincipalKind::Root, "arn:aws:iam::111122223333:root");
        let role = principal(PrincipalKind::Role, "arn:aws:iam::111122223333:role/r");
        let federated =
            principal(PrincipalKind::FederatedUser, "arn:aws:sts::111122223333:federated-user/bob");
        let service = principal(PrincipalKind::Service("lambda.amazonaws.com".into()), "");
        let web = principal(PrincipalKind::WebIdentity { provider: "accounts.google.com".into() }, "");
        let nobody = principal(PrincipalKind::Anonymous, "");
        let (direct, behind, account) = (Some(Grant::Direct), Some(Grant::Behind), Some(Grant::Account));
        for (kind, text, to, expected) in [
            ("AWS", "*", &nobody, direct),
            ("AWS", "111122223333", &session, account),
            ("AWS", "111122223333", &root, direct),
            ("AWS", "111122223333", &nobody, None),
            ("AWS", "111122223333", &service, None),
            ("AWS", "999999999999", &user, None),
            ("AWS", "arn:aws:iam::111122223333:root", &user, account),
            ("AWS", "arn:aws:iam::111122223333:role/team/r", &session, behind),
            ("AWS", "arn:aws:iam::111122223333:role/r", &session, None),
            ("AWS", "arn:aws:iam::111122223333:role/r", &role, behind),
            ("AWS", "arn:aws:sts::111122223333:assumed-role/r/s", &session, direct),
            ("AWS", "arn:aws:sts::111122223333:assumed-role/r/t", &session, None),
            ("AWS", "arn:aws:iam::111122223333:user/u", &user, direct),
            ("AWS", "arn:aws:iam::111122223333:user/U", &user, None),
            ("AWS", "arn:aws:iam::111122223333:user/x/bob", &federated, behind),
            ("AWS", "arn:aws:iam::999999999999:user/bob", &federated, None),
            ("AWS", "arn:aws:sts::111122223333:federated-user/bob", &federated, direct),
            ("AWS", "AROAEXAMPLEEXAMPLE1", &session, behind),
            ("Service", "lambda.amazonaws.com", &service, direct),
            ("Service", "ec2.amazonaws.com", &service, None),
            ("Service", "lambda.amazonaws.com", &user, None),
            ("Federated", "accounts.google.com", &web, direct),
            ("Federated", "accounts.google.com", &user, None),
            ("CanonicalUser", "79a59df900b949e5", &user, None),
        ] {
            assert_eq!(PrincipalPattern::parse(kind, text).unwrap().grants(to), expected, "{kind} {text}");
        }
    }

    #[test]
    fn principals_by_name() {
        let role_arn = "arn:aws:iam::111122223333:role/r".to_owned();
        let session = PrincipalKind::AssumedRole { role_arn, session_name: "s/t".into() };
        let oidc = "arn:aws:iam::111122223333:oidc-provider/x";
        for (name, kind) in [
            ("arn:aws:iam::111122223333:root", PrincipalKind::Root),
            ("111122223333", PrincipalKind::Root),
            ("arn:aws:iam::111122223333:user/a/b", PrincipalKind::User),
            ("arn:aws:iam::111122223333:role/a/b", PrincipalKind::Role),
            ("arn:aws:sts::111122223333:assumed-role/r/s/t", session),
            ("arn:aws:sts::111122223333:assumed-role/r", PrincipalKind::Anonymous),
            ("arn:aws:sts::111122223333:federated-user/f", PrincipalKind::FederatedUser),
            (oidc, PrincipalKind::WebIdentity { provider: oidc.into() }),
            ("lambda.amazonaws.com", PrincipalKind::Service("lambda.amazonaws.com".into())),
            ("arn:aws:s3:::b", PrincipalKind::Anonymous),
            ("*", PrincipalKind::Anonymous),
            ("", PrincipalKind::Anonymous),
        ] {
            assert_eq!(Principal::named(name, "111122223333").kind, kind, "{name}");
        }
    }

    #[test]
    fn names_that_are_none() {
        for (kind, text) in [
            ("AWS", ""),
            ("AWS", "alice"),
            ("AWS", "1234"),
            ("AWS", "arn:aws:iam::111122223333:role/*"),
            ("AWS", "arn:aws:iam::*:root"),
            ("AWS", "arn:aws:iam::111122223333:group/g"),
            ("AWS", "arn:aws:iam::111122223333:role/"),
            ("AWS", "arn:aws:s3:::bucket"),
            ("AWS", "arn:aws:iam:us-east-1:111122223333:root"),
            ("Service", "*"),
            ("Federated", "*"),
            ("Other", "x"),
            ("*", "*"),
        ] {
            assert_eq!(PrincipalPattern::parse(kind, text), None, "{kind} {text}");
        }
    }
}
