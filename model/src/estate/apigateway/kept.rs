//! A place beside a node for what the data plane makes of it: compiled routes, throttles.

use std::any::Any;
use std::sync::{Arc, OnceLock};

/// Not state: neither stored nor compared. Made at its first use, shared by every clone of the node.
#[derive(Clone, Default)]
pub struct Kept(Arc<OnceLock<Arc<dyn Any + Send + Sync>>>);

impl Kept {
    /// What is kept, of the one type that this node's reader keeps; `None` for any other.
    pub fn get<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        let any = self.0.get_or_init(|| Arc::new(make()) as Arc<dyn Any + Send + Sync>);
        Arc::clone(any).downcast::<T>().ok()
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept")
    }
}

impl PartialEq for Kept {
    fn eq(&self, _: &Kept) -> bool {
        true
    }
}
