use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

pub struct Fjall {
    database: Database,
    records: Keyspace,
}

impl crate::Store for Fjall {
    const NAME: &'static str = "fjall";

    fn open(dir: &Path) -> Fjall {
        let database = Database::builder(dir.join("store")).cache_size(8 << 20).open().expect("opens");
        let records = database.keyspace("records", KeyspaceCreateOptions::default).expect("a keyspace");
        Fjall { database, records }
    }

    fn write(&self, records: &[(Vec<u8>, Vec<u8>)]) {
        let mut batch = self.database.batch();
        for (key, value) in records {
            batch.insert(&self.records, key.as_slice(), value.as_slice());
        }
        batch.commit().expect("commits");
        self.database.persist(PersistMode::SyncData).expect("syncs");
    }

    fn read(&self, key: &[u8]) -> Option<usize> {
        self.records.get(key).expect("reads").map(|v| v.len())
    }

    fn scan(&self, prefix: &[u8]) -> usize {
        self.records.prefix(prefix).map(|r| r.value().expect("reads").len()).sum()
    }
}
