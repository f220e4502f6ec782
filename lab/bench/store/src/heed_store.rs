use std::path::Path;

use heed::types::Bytes;
use heed::{Database, Env, EnvOpenOptions};

pub struct Heed {
    env: Env,
    records: Database<Bytes, Bytes>,
}

impl crate::Store for Heed {
    const NAME: &'static str = "lmdb";

    fn open(dir: &Path) -> Heed {
        // SAFETY: nobody else changes the file while it is mapped.
        let env = unsafe { EnvOpenOptions::new().map_size(4 << 30).open(dir) }.expect("opens");
        let mut transaction = env.write_txn().expect("begins");
        let records = env.create_database(&mut transaction, None).expect("a database");
        transaction.commit().expect("commits");
        Heed { env, records }
    }

    fn write(&self, records: &[(Vec<u8>, Vec<u8>)]) {
        let mut transaction = self.env.write_txn().expect("begins");
        for (key, value) in records {
            self.records.put(&mut transaction, key, value).expect("inserts");
        }
        transaction.commit().expect("commits");
    }

    fn read(&self, key: &[u8]) -> Option<usize> {
        let transaction = self.env.read_txn().expect("begins");
        self.records.get(&transaction, key).expect("reads").map(<[u8]>::len)
    }

    fn scan(&self, prefix: &[u8]) -> usize {
        let transaction = self.env.read_txn().expect("begins");
        let found = self.records.prefix_iter(&transaction, prefix).expect("an iterator");
        found.map(|r| r.expect("reads").1.len()).sum()
    }
}
