//! Opening the data folder: the store's checkpoint, the log's tail, the graph.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use edge::ca::Authority;
use model::graph::{Change, NodeKind};
use model::service::{Registry, Served};
use model::tx::Settings;
use model::{Fault, Snapshot};
use record::{Keyring, Log, Store};
use tokio::sync::{Mutex, Notify, broadcast, watch};

use crate::{Estate, GRAPH_TABLE, kind};

/// What the runtime is told when it starts.
pub struct Opening<'a> {
    pub data: &'a Path,
    pub settings: Settings,
    pub services: Vec<&'static model::Service>,
}

pub(crate) fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::internal(format!("{what}: {error}"))
}

impl Estate {
    /// Opens the data folder, or makes a new one; replays what the checkpoint lacks.
    pub fn open(opening: Opening<'_>) -> Result<Arc<Estate>, Fault> {
        let data = opening.data;
        let registry = registry(opening.services)?;
        let folder = record::Folder::lock(data).map_err(|e| failed("the data folder cannot be opened", e))?;
        let keyring = Keyring::open(data).map_err(|e| failed("the root key cannot be opened", e))?;
        let (log, _recovery) =
            Log::open(data, record::Options::default()).map_err(|e| failed("the log cannot be opened", e))?;
        let store = Store::open(data, &log).map_err(|e| failed("the store cannot be opened", e))?;
        replay(&log, &store)?;
        store.keep_checkpoints(log.watch()).map_err(|e| failed("the checkpoints cannot be kept", e))?;
        let blobs = record::Blobs::open(data).map_err(|e| failed("the blobs cannot be opened", e))?;
        let authority = authority(data, &keyring)?;
        let snapshot = graph(&store, &registry)?;
        let version = snapshot.version;
        let estate = Arc::new(Estate {
            registry,
            log,
            store,
            blobs,
            keyring,
            authority,
            settings: opening.settings,
            published: ArcSwap::from_pointee(snapshot),
            writing: Mutex::new(()),
            feed: broadcast::channel(1024).0,
            events: broadcast::channel(4096).0,
            wanted: OnceLock::new(),
            graph: watch::Sender::new(version),
            work: Notify::new(),
            _folder: folder,
        });
        Ok(estate)
    }
}

fn registry(services: Vec<&'static model::Service>) -> Result<Registry, Fault> {
    let served = services.into_iter().map(|service| {
        let api = model::api::Api::parse(service.model).map_err(|e| failed(service.name, e))?;
        Ok(Served { service, api })
    });
    Ok(Registry { services: served.collect::<Result<_, Fault>>()? })
}

/// Applies the commits that the checkpoint lacks.
fn replay(log: &Log, store: &Store) -> Result<(), Fault> {
    for entry in log.read(store.checkpointed_seq() + 1) {
        let entry = entry.map_err(|e| failed("the log cannot be read", e))?;
        if entry.kind == kind::COMMIT {
            let writes =
                record::decode_writes(&entry.bytes).map_err(|e| failed("a commit cannot be read", e))?;
            store.apply(entry.seq, &writes);
        }
    }
    Ok(())
}

/// The graph as the store holds it.
fn graph(store: &Store, registry: &Registry) -> Result<Snapshot, Fault> {
    let kinds: HashMap<&str, NodeKind> =
        registry.services.iter().flat_map(|s| s.service.nodes).map(|k| (k.name, *k)).collect();
    let mut snapshot = Snapshot::default();
    let records = store
        .range(GRAPH_TABLE, b"", None, false, usize::MAX)
        .map_err(|e| failed("the graph cannot be read", e))?;
    for (key, bytes) in records {
        let name = key.split(|b| *b == 0).next().map(String::from_utf8_lossy).unwrap_or_default();
        let Some(kind) = kinds.get(name.as_ref()) else {
            return Err(failed(
                "the graph cannot be read",
                format!("no service of this program knows `{name}`"),
            ));
        };
        let json = serde_json::from_slice(&bytes).map_err(|e| failed(&name, e))?;
        let node = (kind.decode)(json).map_err(|e| failed(&format!("a `{name}` cannot be read"), e))?;
        snapshot.apply(&Change::Put(node));
    }
    Ok(snapshot)
}

/// The certificate authority: its root in the clear, its key sealed.
fn authority(data: &Path, keyring: &Keyring) -> Result<Authority, Fault> {
    let (root, key) = (data.join("ca.pem"), data.join("ca.key.sealed"));
    if let (Ok(root), Ok(sealed)) = (std::fs::read_to_string(&root), std::fs::read(&key)) {
        let opened = keyring
            .open_sealed("ca", b"root", &sealed)
            .map_err(|e| failed("the authority's key cannot be opened", e))?;
        let pem =
            std::str::from_utf8(&opened).map_err(|e| failed("the authority's key cannot be read", e))?;
        return Authority::open(root, pem);
    }
    let (authority, pem) = Authority::create(crate::now())?;
    let sealed = keyring
        .seal("ca", b"root", pem.as_bytes())
        .map_err(|e| failed("the authority's key cannot be sealed", e))?;
    std::fs::write(&key, sealed).map_err(|e| failed("the authority's key cannot be kept", e))?;
    std::fs::write(&root, &authority.root_pem)
        .map_err(|e| failed("the authority's root cannot be kept", e))?;
    Ok(authority)
}

impl Estate {
    /// Whether nothing has ever been committed here.
    pub(crate) fn is_new(&self) -> bool {
        self.snapshot().is_empty()
    }
}
