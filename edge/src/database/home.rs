//! Where an engine lives.
//!
//! ```text
//! HOME/conf/   what the engine is told; the runtime's own, the engine only reads it
//! HOME/data/   the cluster; the engine's own
//! HOME/run/    its socket; mode 0700
//! HOME/admin   the password of the runtime's role in it, sealed
//! ```
//! Ordinarily HOME is `rds/RESOURCE_ID` in the data folder, which only the runtime's user can
//! enter. PostgreSQL refuses to run as root; a runtime that is root lets it run as another
//! user, which could not come near a data folder such as `/root/.countersign`. Opening the
//! folders on the way would weaken everything else in them, so HOME is then
//! `/var/lib/countersign/rds/RESOURCE_ID`: a resource id is never used twice, so folders of
//! several runtimes do not meet there.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use model::Host;

/// Whose role the runtime has in every engine; as in AWS, nobody can log in with it.
pub const ADMINISTRATOR: &str = "rdsadmin";
const ROOTS_PLACE: &str = "/var/lib/countersign/rds";
const PURPOSE: &str = "rds-admin";
/// Linux takes so many bytes for a socket's path.
const LONGEST_SOCKET: usize = 107;

#[derive(Clone, Debug)]
pub struct Home {
    pub folder: PathBuf,
    resource_id: String,
}

/// Whether this process is root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

impl Home {
    pub fn of(data: &Path, resource_id: &str) -> Home {
        let place = if is_root() { PathBuf::from(ROOTS_PLACE) } else { data.join("rds") };
        Home { folder: place.join(resource_id), resource_id: resource_id.to_owned() }
    }

    pub fn conf(&self) -> PathBuf {
        self.folder.join("conf")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub fn run(&self) -> PathBuf {
        self.folder.join("run")
    }

    pub fn socket(&self) -> PathBuf {
        self.run().join(".s.PGSQL.5432")
    }

    /// Says what is wrong with a socket's path that is too long.
    pub fn check(&self) -> Result<(), String> {
        let socket = self.socket();
        match socket.as_os_str().len() > LONGEST_SOCKET {
            false => Ok(()),
            true => Err(format!(
                "`{}` is too long for a Unix socket: choose a data folder with a shorter path",
                socket.display()
            )),
        }
    }

    fn admin(&self) -> PathBuf {
        self.folder.join("admin")
    }

    /// The password of the runtime's role. Secret.
    pub fn password(&self, host: &dyn Host) -> Result<String, String> {
        let text = std::fs::read_to_string(self.admin()).map_err(|e| format!("no administrator: {e}"))?;
        let sealed =
            hex::decode(text.trim()).map_err(|_| "the administrator's file is damaged".to_owned())?;
        let plain =
            host.unseal(PURPOSE, self.resource_id.as_bytes(), &sealed).map_err(|fault| fault.message)?;
        String::from_utf8(plain).map_err(|_| "the administrator's password is not text".to_owned())
    }

    /// Makes a new one; what was there is no longer good.
    pub fn new_password(&self, host: &dyn Host) -> Result<String, String> {
        let mut random = [0; 32];
        host.random(&mut random);
        let password = hex::encode(random);
        let sealed = host.seal(PURPOSE, self.resource_id.as_bytes(), password.as_bytes());
        let sealed = hex::encode(sealed.map_err(|fault| fault.message)?);
        write_private(&self.admin(), sealed.as_bytes()).map_err(|e| e.to_string())?;
        Ok(password)
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// On PostgreSQL 16 and later only who has a role's ADMIN option can grant it, and who has it is
/// a member. So that the master user can let others use IAM and need not do so itself, it
/// signs in by password there, whatever it is a member of.
pub fn master_by_password(engine_version: &str) -> bool {
    let major = engine_version.split('.').next().and_then(|m| m.parse::<u32>().ok());
    major.is_none_or(|major| major >= 16)
}
