use std::path::Path;

use redb::{Database, ReadableDatabase as _, TableDefinition};

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");

pub struct Redb(Database);

impl crate::Store for Redb {
    const NAME: &'static str = "redb";

    fn open(dir: &Path) -> Redb {
        let database = Database::builder().set_cache_size(8 << 20).create(dir.join("store")).expect("opens");
        Redb(database)
    }

    fn write(&self, records: &[(Vec<u8>, Vec<u8>)]) {
        let transaction = self.0.begin_write().expect("begins");
        {
            let mut table = transaction.open_table(RECORDS).expect("a table");
            for (key, value) in records {
                table.insert(key.as_slice(), value.as_slice()).expect("inserts");
            }
        }
        transaction.commit().expect("commits");
    }

    fn read(&self, key: &[u8]) -> Option<usize> {
        let table = self.0.begin_read().expect("begins").open_table(RECORDS).expect("a table");
        table.get(key).expect("reads").map(|v| v.value().len())
    }

    fn scan(&self, prefix: &[u8]) -> usize {
        let table = self.0.begin_read().expect("begins").open_table(RECORDS).expect("a table");
        let found = table.range(prefix..).expect("a range").map(|r| r.expect("reads"));
        found.take_while(|(k, _)| k.value().starts_with(prefix)).map(|(_, v)| v.value().len()).sum()
    }
}
