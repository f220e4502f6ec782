//! Gives up every privilege, and becomes the image's program. Whatever cannot be given up ends the
//! process instead: nothing runs half confined.

use std::ffi::OsStr;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, Scope,
};
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::Spec;

/// What every program may read and run.
const SYSTEM: &[&str] =
    &["/usr", "/lib", "/lib32", "/lib64", "/bin", "/sbin", "/etc", "/opt", "/proc", "/sys"];
/// The rights of the newest kernel that is known here; an older one gives what it has.
const RIGHTS: ABI = ABI::V6;

/// `task-exec`: reads the spec from its standard input. Comes back only with the reason why not.
pub fn confine() -> String {
    match become_program() {
        Ok(never) => match never {},
        Err(why) => why,
    }
}

fn what(step: &'static str) -> impl Fn(rustix::io::Errno) -> String {
    move |e| format!("cannot {step}: {e}")
}

fn become_program() -> Result<std::convert::Infallible, String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| format!("cannot read the spec: {e}"))?;
    let spec: Spec = serde_json::from_str(&text).map_err(|e| format!("cannot read the spec: {e}"))?;
    drop(text);
    let null = std::fs::File::open("/dev/null").map_err(|e| format!("cannot open /dev/null: {e}"))?;
    rustix::stdio::dup2_stdin(&null).map_err(what("close the input"))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    std::env::set_current_dir(&spec.folder).map_err(|e| format!("cannot enter the task's folder: {e}"))?;
    limits(&spec)?;
    drop_privileges(&spec)?;
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(what("follow the parent"))?;
    let parent = rustix::process::getppid().map(|p| p.as_raw_nonzero().get().unsigned_abs());
    if parent != Some(spec.parent) {
        return Err("the parent is gone".to_owned());
    }
    if spec.confined {
        landlock(&spec)?;
    }
    let (program, arguments) = spec.argv.split_first().ok_or("there is no command")?;
    let path =
        spec.environment.iter().find(|(n, _)| n == "PATH").map(|(_, v)| v.as_str()).unwrap_or_default();
    let found = find(program, path)
        .ok_or_else(|| format!("exec: \"{program}\": executable file not found in $PATH"))?;
    let failed = Command::new(found)
        .arg0(program)
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().map(|(n, v)| (n, v)))
        .exec();
    Err(format!("exec: \"{program}\": {failed}"))
}

fn find(program: &str, path: &str) -> Option<std::path::PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    std::env::split_paths(OsStr::new(path)).map(|folder| folder.join(program)).find(|p| p.is_file())
}

fn limits(spec: &Spec) -> Result<(), String> {
    let limit = |soft: u64, hard: u64| Rlimit { current: Some(soft), maximum: Some(hard) };
    // A dump of a program's memory would hold its secrets.
    rustix::process::setrlimit(Resource::Core, limit(0, 0)).map_err(what("forbid core dumps"))?;
    match spec.files {
        Some((soft, hard)) => {
            rustix::process::setrlimit(Resource::Nofile, limit(soft, hard)).map_err(what("limit open files"))
        }
        None => Ok(()),
    }
}

fn drop_privileges(spec: &Spec) -> Result<(), String> {
    if let Some(id) = spec.user {
        // While there is still the right to: no capability can be had again, by no means.
        for capability in CapabilitySet::all().iter() {
            match rustix::thread::remove_capability_from_bounding_set(capability) {
                // A capability that this kernel does not know.
                Err(rustix::io::Errno::INVAL) | Ok(()) => {}
                Err(e) => return Err(format!("cannot drop capabilities: {e}")),
            }
        }
        let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
        rustix::thread::set_thread_groups(&[]).map_err(what("leave all groups"))?;
        rustix::thread::set_thread_res_gid(group, group, group).map_err(what("change the group"))?;
        rustix::thread::set_thread_res_uid(user, user, user).map_err(what("change the user"))?;
    }
    rustix::thread::clear_ambient_capability_set().map_err(what("drop ambient capabilities"))?;
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).map_err(what("drop capabilities"))?;
    rustix::thread::set_no_new_privs(true).map_err(what("forbid new privileges"))
}

/// Whether this kernel confines processes to files.
pub fn landlock_available() -> bool {
    let probe = || {
        let handled = AccessFs::from_all(ABI::V1);
        Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(handled)?.create()
    };
    probe().is_ok()
}

/// Read the system, read (and perhaps write) its own folder; nothing else, the data folder least of all.
fn landlock(spec: &Spec) -> Result<(), String> {
    let failed = |e: landlock::RulesetError| format!("cannot confine the process to its files: {e}");
    let read = AccessFs::from_read(RIGHTS);
    let all = AccessFs::from_all(RIGHTS);
    let devices = read | AccessFs::WriteFile | AccessFs::IoctlDev;
    let mut ruleset = Ruleset::default()
        .handle_access(all)
        .and_then(|r| r.scope(Scope::Signal | Scope::AbstractUnixSocket))
        .and_then(|r| r.create())
        .map_err(failed)?;
    let mut allow = |path: &Path, access: BitFlags<AccessFs>| -> Result<(), String> {
        let Ok(fd) = PathFd::new(path) else { return Ok(()) };
        let access = if path.is_dir() { access } else { access & AccessFs::from_file(RIGHTS) };
        (&mut ruleset).add_rule(PathBeneath::new(fd, access)).map(|_| ()).map_err(failed)
    };
    for path in SYSTEM {
        allow(Path::new(path), read)?;
    }
    for device in ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"] {
        allow(Path::new(device), devices)?;
    }
    allow(&spec.folder, if spec.writable { all } else { read })?;
    let status = ruleset.restrict_self().map_err(failed)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err("this kernel does not confine processes to files".to_owned()),
        _ => Ok(()),
    }
}
