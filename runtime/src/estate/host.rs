//! What transactions lean on, over the log, the store and the keys.

use model::event::Event;
use model::service::{Registry, Served};
use model::tx::{Blobs, Certificate, Host, Range, Records, Settings, Side};
use model::{Decision, Fault, Request, Snapshot, Value};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Estate, kind};

impl model::decision::Recorder for Estate {
    fn record(&self, event: Event) -> Result<(), Fault> {
        self.log_event(event, record::Durability::Ordered).map(|_| ())
    }
}

impl Host for Estate {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn authorize(&self, snapshot: &Snapshot, request: &Request) -> Decision {
        decide::authorize(snapshot, request)
    }

    fn redacted(&self, served: &Served, operation: &str, side: Side, value: &Value) -> serde_json::Value {
        let Some(operation) = served.api.operation(operation) else { return serde_json::Value::Null };
        let shape = match side {
            Side::Input => operation.input,
            Side::Output => operation.output,
        };
        shape.map(|shape| wire::trail_json(&served.api, shape, value)).unwrap_or_default()
    }

    fn records(&self) -> &dyn Records {
        self
    }

    fn blobs(&self) -> &dyn Blobs {
        self
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn random(&self, bytes: &mut [u8]) {
        // The operating system's generator does not fail once it has been seeded; without
        // randomness no key may be made, so there is nothing to go on with.
        if SystemRandom::new().fill(bytes).is_err() {
            std::process::abort();
        }
    }

    fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
        self.keyring.seal(purpose, aad, plaintext).map_err(|e| Fault::internal(format!("cannot seal: {e}")))
    }

    fn unseal(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        let opened = self.keyring.open_sealed(purpose, aad, sealed);
        opened.map(|plain| plain.to_vec()).map_err(|e| Fault::internal(format!("cannot unseal: {e}")))
    }

    fn events(&self, take: &mut dyn FnMut(u64, Event) -> bool) -> Result<(), Fault> {
        for entry in self.log.read_back() {
            let entry = entry.map_err(|e| Fault::internal(format!("the log cannot be read: {e}")))?;
            if entry.kind != kind::EVENT {
                continue;
            }
            let event = serde_json::from_slice(&entry.bytes)
                .map_err(|e| Fault::internal(format!("event {} cannot be read: {e}", entry.seq)))?;
            if !take(entry.seq, event) {
                break;
            }
        }
        Ok(())
    }

    fn certificate(&self, names: &[String]) -> Result<Certificate, Fault> {
        let mut serial = [0; 16];
        self.random(&mut serial);
        self.authority.issue(names, serial, super::now())
    }
}

impl Records for Estate {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<bytes::Bytes>, Fault> {
        self.store.get(table, key).map_err(|e| Fault::unavailable(format!("the store cannot be read: {e}")))
    }

    fn range(&self, table: &str, range: Range<'_>) -> Result<Vec<(Vec<u8>, bytes::Bytes)>, Fault> {
        self.store
            .range(table, range.from, range.to, range.reverse, range.limit)
            .map_err(|e| Fault::unavailable(format!("the store cannot be read: {e}")))
    }
}
