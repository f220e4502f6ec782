//! Compiled web ACLs, by ARN. One is used as long as the very nodes that it was made from are
//! in the snapshot; else it is made anew.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use decide_waf::Acl;
use model::Snapshot;
use model::estate::waf::WebAcl;
use model::graph::AnyNode;

/// More than these are not kept at one time.
const MOST: usize = 1024;

struct Kept {
    /// Holding them keeps their addresses from being used again.
    nodes: Vec<(String, Arc<dyn AnyNode>)>,
    acl: Result<Arc<Acl>, String>,
}

static CACHE: LazyLock<RwLock<HashMap<String, Kept>>> = LazyLock::new(RwLock::default);

impl Kept {
    fn fits(&self, snapshot: &Snapshot) -> bool {
        self.nodes.iter().all(|(arn, node)| snapshot.by_arn(arn).is_some_and(|now| Arc::ptr_eq(now, node)))
    }
}

/// The compiled web ACL; the error says why there is none.
pub(super) fn compiled(snapshot: &Snapshot, arn: &str) -> Result<Arc<Acl>, String> {
    if let Some(kept) = CACHE.read().unwrap_or_else(PoisonError::into_inner).get(arn)
        && kept.fits(snapshot)
    {
        return kept.acl.clone();
    }
    let acl = snapshot.find_arn::<WebAcl>(arn).ok_or_else(|| "it does not exist".to_owned())?;
    let made = decide_waf::compile(snapshot, acl).map(Arc::new);
    // A failure is not kept: what it lacks may come.
    let compiled = made?;
    let node = |arn: &String| Some((arn.clone(), Arc::clone(snapshot.by_arn(arn)?)));
    let nodes = compiled.made_from.iter().filter_map(node).collect();
    let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= MOST {
        cache.clear();
    }
    cache.insert(arn.to_owned(), Kept { nodes, acl: Ok(Arc::clone(&compiled)) });
    Ok(compiled)
}
