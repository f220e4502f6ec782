//! An engine's files: its folders, its cluster, what it is told, the roles it begins with.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Stdio;

use edge::database::engine::{Administrator, EngineError};
use edge::database::home::{ADMINISTRATOR, Home, master_by_password};
use model::estate::rds::DbInstance;
use tokio::io::AsyncWriteExt as _;

use super::program::{Program, User};

/// What an engine is told by files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) settings: String,
    pub(super) hba: String,
}

fn failed(what: &str) -> impl Fn(io::Error) -> String {
    move |error| format!("{what}: {error}")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

impl Told {
    pub(super) fn of(instance: &DbInstance, home: &Home, version: &str) -> Told {
        let path = |path: &Path| quoted(&path.display().to_string());
        let conf = home.conf();
        let fixed = [
            ("listen_addresses", quoted("")),
            ("unix_socket_directories", path(&home.run())),
            ("unix_socket_permissions", "0700".to_owned()),
            ("port", "5432".to_owned()),
            ("hba_file", path(&conf.join("pg_hba.conf"))),
            ("ident_file", path(&conf.join("pg_ident.conf"))),
            ("ssl", "off".to_owned()),
            ("password_encryption", quoted("scram-sha-256")),
            ("logging_collector", "on".to_owned()),
            ("log_directory", quoted("log")),
            // A week of logs, one file a day.
            ("log_filename", quoted("postgresql-%a.log")),
            ("log_truncate_on_rotation", "on".to_owned()),
            ("log_rotation_age", quoted("1d")),
            ("log_rotation_size", "0".to_owned()),
            ("log_timezone", quoted("UTC")),
            ("timezone", quoted("UTC")),
        ];
        let own = instance.parameters.iter().filter(|(name, _)| !name.starts_with("rds."));
        let own = own.map(|(name, value)| (name.as_str(), quoted(value)));
        let lines = fixed.into_iter().chain(own).map(|(name, value)| format!("{name} = {value}\n"));
        Told { settings: lines.collect(), hba: hba(instance, version) }
    }

    pub(super) fn write(&self, home: &Home) -> Result<(), String> {
        let conf = home.conf();
        let write = |name: &str, text: &str| {
            let partial = conf.join(format!("{name}.partial"));
            std::fs::write(&partial, text)?;
            std::fs::set_permissions(&partial, std::fs::Permissions::from_mode(0o644))?;
            std::fs::rename(&partial, conf.join(name))
        };
        write("postgresql.conf", &self.settings)
            .and_then(|()| write("pg_hba.conf", &self.hba))
            .and_then(|()| write("pg_ident.conf", ""))
            .map_err(failed("the engine's configuration cannot be written"))
    }
}

/// Who may come in over the socket, and how. The front is the only one there; see its head.
fn hba(instance: &DbInstance, version: &str) -> String {
    let mut lines =
        vec![format!("local all {ADMINISTRATOR} scram-sha-256"), format!("local {ADMINISTRATOR} all reject")];
    if instance.iam_authentication {
        if master_by_password(version) {
            lines.push(format!("local all {} scram-sha-256", identifier(&instance.master_user)));
        }
        lines.push("local all +rds_iam trust".to_owned());
    }
    lines.push("local all all scram-sha-256\n".to_owned());
    lines.join("\n")
}

fn folder(path: &Path, mode: u32, owner: Option<User>) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    match owner {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)),
        None => Ok(()),
    }
}

/// Makes the folders, each for whom it is.
pub(super) fn folders(home: &Home, user: Option<User>) -> Result<(), String> {
    // Where the engine is another user, it has to come through; it can list nothing on the way.
    let through = if user.is_some() { 0o711 } else { 0o700 };
    let parents = home.folder.ancestors().skip(1).take(2).filter(|p| user.is_some() && p.is_absolute());
    let parents: Vec<&Path> = parents.collect();
    for parent in parents.into_iter().rev() {
        folder(parent, through, None).map_err(failed(&format!("`{}`", parent.display())))?;
    }
    folder(&home.folder, through, None)
        .and_then(|()| folder(&home.conf(), if user.is_some() { 0o755 } else { 0o700 }, None))
        .and_then(|()| folder(&home.run(), 0o700, user))
        .map_err(failed(&format!("`{}`", home.folder.display())))
}

/// The cluster is whole once this file is there; one that is not is begun anew.
fn mark(home: &Home) -> std::path::PathBuf {
    home.folder.join("made")
}

/// The major version of the cluster, if it is whole.
pub(super) fn made(home: &Home) -> Option<u32> {
    std::fs::read_to_string(mark(home)).ok()?.trim().parse().ok()
}

pub(super) fn set_made(home: &Home, major: u32) -> Result<(), String> {
    let done = std::fs::write(mark(home), major.to_string());
    done.and_then(|()| std::fs::File::open(&home.folder)?.sync_all())
        .map_err(failed("the cluster cannot be marked"))
}

/// Makes an empty cluster, with the runtime's role as its only one.
pub(super) async fn init(
    home: &Home,
    program: &Program,
    user: Option<User>,
    password: &str,
) -> Result<(), String> {
    let data = home.data();
    let _ = std::fs::remove_dir_all(&data);
    folder(&data, 0o700, user).map_err(failed(&format!("`{}`", data.display())))?;
    let mut last = String::new();
    // Every system has `C`; with `C.UTF-8` letters beyond ASCII have their upper case, too.
    for locale in ["C.UTF-8", "C"] {
        let mut command = program.command("initdb", user);
        command.arg("--pgdata").arg(&data).args(["--username", ADMINISTRATOR, "--encoding=UTF8"]);
        command.args([
            &format!("--locale={locale}"),
            "--data-checksums",
            "--auth=reject",
            "--no-instructions",
        ]);
        let done = command
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(failed("initdb cannot run"))?;
        if done.status.success() {
            return prove(home, program, user, password).await;
        }
        last = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    }
    Err(format!("initdb failed: {last}"))
}

/// Gives the runtime's role its password, before anybody can come in.
async fn prove(home: &Home, program: &Program, user: Option<User>, password: &str) -> Result<(), String> {
    let mut command = program.command("postgres", user);
    command.args(["--single", "-D"]).arg(home.data()).arg("-c");
    command.arg("password_encryption=scram-sha-256").arg("template1");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(failed("postgres cannot run"))?;
    if let Some(mut input) = child.stdin.take() {
        let sql = format!("ALTER ROLE {ADMINISTRATOR} PASSWORD {}\n", quoted(password));
        input.write_all(sql.as_bytes()).await.map_err(failed("postgres cannot be told"))?;
    }
    let status = child.wait().await.map_err(failed("postgres cannot be waited for"))?;
    if status.success() { Ok(()) } else { Err(format!("postgres --single failed: {status}")) }
}

/// The roles and databases that an instance begins with.
pub(super) async fn found(
    administrator: &mut Administrator,
    instance: &DbInstance,
    major: u32,
    verifier: &str,
) -> Result<(), EngineError> {
    let master = identifier(&instance.master_user);
    let mut statements = vec![
        format!("CREATE DATABASE {ADMINISTRATOR}"),
        format!("REVOKE ALL ON DATABASE {ADMINISTRATOR} FROM PUBLIC"),
        "CREATE ROLE rds_password NOLOGIN".to_owned(),
        "CREATE ROLE rds_iam NOLOGIN".to_owned(),
        "CREATE ROLE rds_superuser NOLOGIN".to_owned(),
        "GRANT pg_monitor, pg_signal_backend, rds_password TO rds_superuser WITH ADMIN OPTION".to_owned(),
        // Before version 16 whoever may create roles may grant these, which run programs and read and write
        // files as the engine's user. Of superusers' roles only superusers make members.
        "UPDATE pg_authid SET rolsuper = true WHERE rolname IN \
         ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')"
            .to_owned(),
        format!("CREATE ROLE {master} LOGIN CREATEDB CREATEROLE PASSWORD {}", quoted(verifier)),
        format!("GRANT rds_superuser TO {master} WITH ADMIN OPTION"),
        format!("ALTER DATABASE postgres OWNER TO {master}"),
    ];
    if major >= 16 {
        statements.push(format!("GRANT rds_iam TO {master} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE"));
    }
    if let Some(name) = instance.db_name.as_deref().filter(|name| *name != "postgres") {
        statements.push(format!("CREATE DATABASE {} OWNER {master}", identifier(name)));
    }
    for statement in statements {
        administrator.query(&statement).await?;
    }
    Ok(())
}

/// Gives the master user the password with this verifier.
pub(super) async fn set_master(
    administrator: &mut Administrator,
    instance: &DbInstance,
    verifier: &str,
) -> Result<(), EngineError> {
    let master = identifier(&instance.master_user);
    administrator.query(&format!("ALTER ROLE {master} PASSWORD {}", quoted(verifier))).await.map(|_| ())
}
