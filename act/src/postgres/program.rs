//! The PostgreSQL programs of this machine, and the user that they run as.

use std::path::{Path, PathBuf};
use std::process::Command as Blocking;

use edge::database::home;
use tokio::process::Command;

pub(super) const MISSING: &str =
    "PostgreSQL is not installed on this machine; install it with `sudo apt-get install -y postgresql`";

/// One installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) bin: PathBuf,
    /// e.g. `15.18`.
    pub(super) version: String,
    pub(super) major: u32,
}

/// Every installation, the newest first.
pub(super) fn all() -> Vec<Program> {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|p| std::env::split_paths(&p).collect()).unwrap_or_default();
    for (parent, end) in [("/usr/lib/postgresql", "bin"), ("/usr", "bin"), ("/usr/local/pgsql", "")] {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        let named =
            entries.filter(|e| parent != "/usr" || e.file_name().to_string_lossy().starts_with("pgsql-"));
        folders.extend(named.map(|e| e.path().join(end)));
    }
    let mut found: Vec<Program> = Vec::new();
    for folder in folders {
        if ["postgres", "initdb", "pg_ctl"].iter().all(|name| folder.join(name).is_file())
            && let Some(program) = look(&folder)
            && !found.iter().any(|p| p.version == program.version)
        {
            found.push(program);
        }
    }
    found.sort_by_key(|p| std::cmp::Reverse(numbers(&p.version)));
    found
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').filter_map(|n| n.parse().ok()).collect()
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn look(bin: &Path) -> Option<Program> {
    let told = Blocking::new(bin.join("postgres")).arg("--version").output().ok()?;
    let told = String::from_utf8(told.stdout).ok()?;
    let version = told.split(' ').nth(2)?.trim().to_owned();
    let major = version.split('.').next()?.parse().ok()?;
    Some(Program { bin: bin.to_owned(), version, major })
}

/// The one for a cluster that there is (`made`), else the one asked for, else the newest.
pub(super) fn choose(made: Option<u32>, asked: &str) -> Result<Program, String> {
    let all = all();
    if let Some(major) = made {
        let missing = || {
            format!(
                "the instance's data is of PostgreSQL {major}, which is not installed; install it with `sudo apt-get install -y postgresql-{major}`"
            )
        };
        return all.into_iter().find(|p| p.major == major).ok_or_else(missing);
    }
    let asked: Option<u32> = asked.split('.').next().and_then(|m| m.parse().ok());
    let exact = all.iter().find(|p| Some(p.major) == asked).cloned();
    exact.or_else(|| all.into_iter().next()).ok_or_else(|| MISSING.to_owned())
}

/// The user that engines run as when the runtime is root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// `None`: the runtime's own user will do.
    pub(super) fn find() -> Result<Option<User>, String> {
        if !home::is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").map_err(|e| format!("/etc/passwd: {e}"))?;
        let found = ["postgres", "nobody"].iter().find_map(|name| parse(&users, name));
        found.map(Some).ok_or_else(|| {
            "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`".to_owned()
        })
    }
}

fn parse(users: &str, name: &str) -> Option<User> {
    let line = users.lines().find(|l| l.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    let user = User { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? };
    (user.uid != 0).then_some(user)
}

impl Program {
    /// One of the programs, as that user, with nothing of the runtime's environment.
    pub(super) fn command(&self, name: &str, user: Option<User>) -> Command {
        let mut command = Command::new(self.bin.join(name));
        prepare(&mut command, user);
        command
    }
}

pub(super) fn prepare(command: &mut Command, user: Option<User>) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
    // Signals from the terminal are for the runtime, which stops the engines itself.
    command.process_group(0);
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres:x:101:104::/x:/bin/sh\nevil:x:0:0::/:/bin/sh\n";
        assert_eq!(parse(users, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!((parse(users, "evil"), parse(users, "nobody")), (None, None));
        assert!(numbers("16.2") > numbers("15.18") && numbers("15.18") > numbers("15.4"));
    }
}
