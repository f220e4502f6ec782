//! What transactions lean on, over the log, the store and the keys.

use model::decision::Why;
use model::estate::denial::encoded as encoded_denial;
use model::event::Event;
use model::policy::Policies;
use model::service::{Registry, Served};
use model::tx::{BlobSink, Blobs, Certificate, Host, Range, Records, Settings, Side};
use model::{Decision, Fault, Request, Snapshot, Value};
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::{Estate, kind};

impl model::decision::Recorder for Estate {
    fn record(&self, event: Event) -> Result<(), Fault> {
        self.log_event(event).map(|_| ())
    }
}

impl Host for Estate {
    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn authorize(&self, snapshot: &Snapshot, request: &Request) -> Decision {
        match decide::authorize(snapshot, request) {
            Decision::Denied(why) => Decision::Denied(self.told(why, request)),
            allowed => allowed,
        }
    }

    fn redacted(&self, served: &Served, operation: &str, side: Side, value: &Value) -> serde_json::Value {
        let Some(operation) = served.api.operation(operation) else { return serde_json::Value::Null };
        let shape = match side {
            Side::Input => operation.input,
            Side::Output => operation.output,
        };
        shape.map(|shape| wire::trail_json(&served.api, shape, value)).unwrap_or_default()
    }

    fn policies(&self) -> &dyn Policies {
        self
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
        self.events_before(u64::MAX, take)
    }

    fn certificate(&self, names: &[String]) -> Result<Certificate, Fault> {
        let mut serial = [0; 16];
        self.random(&mut serial);
        self.authority.issue(names, serial, crate::now())
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

impl Blobs for Estate {
    fn read(&self, blob: &str, key: &[u8; 32], offset: u64, length: u64) -> Result<bytes::Bytes, Fault> {
        let read = self.blobs.read(blob, key, offset, length);
        read.map(bytes::Bytes::from).map_err(|e| Fault::internal(format!("a blob cannot be read: {e}")))
    }

    fn create(&self, key: &[u8; 32]) -> Result<Box<dyn BlobSink>, Fault> {
        let writer = self.blobs.create(key).map_err(unwritable)?;
        Ok(Box::new(Spool(writer)))
    }
}

struct Spool(record::BlobWriter);

fn unwritable(error: std::io::Error) -> Fault {
    Fault::unavailable(format!("a blob cannot be written: {error}"))
}

impl BlobSink for Spool {
    fn write(&mut self, plaintext: &[u8]) -> Result<(), Fault> {
        self.0.write(plaintext).map_err(unwritable)
    }

    fn finish(self: Box<Self>) -> Result<String, Fault> {
        self.0.finish().map_err(unwritable)
    }
}

impl Estate {
    /// Puts the details of a denial into its message, for nobody but `DecodeAuthorizationMessage` to read.
    /// A denial stays one without them.
    fn told(&self, mut why: Why, request: &Request) -> Why {
        let details = why.details.take();
        let encoded = details
            .and_then(|details| encoded_denial(self, &request.caller.account, request.time, &details).ok());
        if let Some(encoded) = encoded {
            why.message.push_str(". Encoded authorization failure message: ");
            why.message.push_str(&encoded);
        }
        why
    }

    /// The log's events before this entry, newest first, until `take` says stop.
    pub fn events_before(&self, before: u64, take: &mut dyn FnMut(u64, Event) -> bool) -> Result<(), Fault> {
        for entry in self.log.read_back(before) {
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

    pub(crate) fn random_bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random(&mut bytes);
        bytes
    }

    pub(crate) fn remove_blob(&self, blob: &str) -> Result<(), Fault> {
        self.blobs.remove(blob).map_err(|e| Fault::internal(format!("a blob cannot be removed: {e}")))
    }
}
