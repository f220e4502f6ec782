//! The first start: an organization with its management account, and one
//! administrator with random keys. There are no fixed keys and no magic ones.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::estate::iam::{AccessKey, Account, Organization, OrganizationPolicy, User};
use model::graph::Change;
use model::tx::Delta;
use model::{AccountId, Caller, CallerKind, Fault, Host as _, Tags, Timestamp};

use crate::Estate;
use crate::recover::failed;

/// Where the administrator's credentials are.
pub struct Administrator {
    pub file: PathBuf,
}

const ADMINISTRATOR: &str = "administrator";
const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const DIGITS: &[u8] = b"0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Estate {
    /// Makes the organization and the administrator if this data folder is new.
    pub fn first_start(&self, data: &Path) -> Result<Administrator, Fault> {
        let file = data.join("credentials");
        let founding = self.founding();
        if !self.is_new() {
            // A newer program may found more than an older one did.
            if !founding.is_empty() {
                self.begin(Delta { changes: founding, ..Delta::default() })?;
            }
            return Ok(Administrator { file });
        }
        let now = crate::now();
        let account = self.account_id()?;
        let key_id = format!("AKIA{}", self.text(16, UPPER));
        let secret = self.text(40, SECRET);
        let sealed = self.seal("access-key", key_id.as_bytes(), secret.as_bytes())?;
        let mut changes = founding;
        changes.extend(self.organization(&account, now));
        changes.push(put(User {
            account: account.clone(),
            name: ADMINISTRATOR.to_owned(),
            path: "/".to_owned(),
            id: format!("AIDA{}", self.text(17, UPPER)),
            created: now,
            inline: Vec::new(),
            attached: vec![ADMINISTRATOR_ACCESS.to_owned()],
            groups: Vec::new(),
            boundary: None,
            tags: Tags::new(),
        }));
        changes.push(put(AccessKey {
            account,
            id: key_id.clone(),
            user: Some(ADMINISTRATOR.to_owned()),
            active: true,
            created: now,
            sealed_secret: hex::encode(sealed),
        }));
        // The file first: a crash between the two leaves a file without a key, and the next start a new one.
        write_secret(
            &file,
            &format!("[default]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n"),
        )?;
        self.begin(Delta { changes, ..Delta::default() })?;
        Ok(Administrator { file })
    }

    /// The administrator of the first start, as the caller of what the operator has done at the start.
    pub fn administrator(&self) -> Option<Caller> {
        let snapshot = self.snapshot();
        // Without an organization there is one open account: the others were its members.
        let account = match snapshot.all::<Organization>().next() {
            Some(organization) => organization.account.clone(),
            None => snapshot.all::<Account>().find(|a| a.status == "ACTIVE")?.account.clone(),
        };
        let user = snapshot.find::<User>(&account, "", ADMINISTRATOR)?;
        Some(Caller {
            arn: user.arn(),
            principal_id: user.id.clone(),
            kind: CallerKind::User { name: user.name.clone() },
            account,
            access_key: None,
            session: None,
        })
    }

    /// What services found and the graph lacks.
    fn founding(&self) -> Vec<Change> {
        let snapshot = self.snapshot();
        let nodes = model::Host::registry(self).services.iter().flat_map(|s| (s.service.founding)());
        nodes
            .filter(|node| snapshot.get(&node.key()).is_none_or(|old| old.to_json() != node.to_json()))
            .map(Change::Put)
            .collect()
    }

    fn organization(&self, account: &AccountId, now: Timestamp) -> [Change; 4] {
        let root = format!("r-{}", self.text(4, LOWER));
        [
            put(OrganizationPolicy::full_access(account, "SERVICE_CONTROL_POLICY")),
            put(OrganizationPolicy::full_access(account, "RESOURCE_CONTROL_POLICY")),
            put(Organization {
                account: account.clone(),
                id: format!("o-{}", self.text(10, LOWER)),
                root: root.clone(),
                feature_set: "ALL".to_owned(),
                policy_types: vec!["SERVICE_CONTROL_POLICY".to_owned()],
                created: now,
                policies: vec!["p-FullAWSAccess".to_owned()],
                root_tags: Tags::new(),
            }),
            put(Account {
                account: account.clone(),
                name: "management".to_owned(),
                email: "management@countersign.invalid".to_owned(),
                status: "ACTIVE".to_owned(),
                joined: now,
                parent: Some(root),
                policies: vec!["p-FullAWSAccess".to_owned()],
                tags: Tags::new(),
            }),
        ]
    }

    fn account_id(&self) -> Result<AccountId, Fault> {
        // A leading zero is allowed by AWS and lost by many tools.
        let text = format!("{}{}", self.text(1, b"123456789"), self.text(11, DIGITS));
        AccountId::parse(&text).ok_or_else(|| Fault::internal("no account id could be made"))
    }

    fn text(&self, length: usize, alphabet: &[u8]) -> String {
        let mut bytes = vec![0; length];
        self.random(&mut bytes);
        // The alphabets divide 256, or come so near that the bias does not matter for names; secrets use 64.
        bytes
            .iter()
            .filter_map(|b| alphabet.get(usize::from(*b) % alphabet.len()))
            .map(|b| char::from(*b))
            .collect()
    }
}

fn put<N: model::Node>(node: N) -> Change {
    Change::Put(Arc::new(node))
}

/// Writes a file that only its owner can read, all of it or nothing.
pub(crate) fn write_secret(path: &Path, text: &str) -> Result<(), Fault> {
    let partial = path.with_extension("partial");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&partial)
        .map_err(|e| failed("the credentials cannot be written", e))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&partial, path))
        .map_err(|e| failed("the credentials cannot be written", e))
}
