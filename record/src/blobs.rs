//! Content too large for a record: files under random names, sealed in chunks of
//! 64 KiB with AES-256-GCM under a key of the blob's own, so that a slice can be
//! read without the rest and no chunk can be moved, dropped or exchanged.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom as _, SystemRandom};

const CHUNK: usize = 64 << 10;
const TAG: usize = 16;

pub struct Blobs {
    dir: PathBuf,
}

/// A blob being written; dropped unfinished, it leaves nothing.
pub struct BlobWriter {
    name: String,
    partial: PathBuf,
    path: PathBuf,
    file: Option<File>,
    key: LessSafeKey,
    pending: Vec<u8>,
    chunk: u64,
}

fn key(key: &[u8; 32]) -> std::io::Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| std::io::Error::other("no key"))
}

/// The chunk's number and whether it is the last one: a blob cut short does not open. Each blob has
/// a fresh key, so that numbers never repeat under one.
fn nonce(chunk: u64, last: bool) -> Nonce {
    let mut bytes = [0; 12];
    let (number, flag) = bytes.split_at_mut(8);
    number.copy_from_slice(&chunk.to_le_bytes());
    flag.copy_from_slice(&[u8::from(last), 0, 0, 0]);
    Nonce::assume_unique_for_key(bytes)
}

impl Blobs {
    pub fn open(data: &Path) -> std::io::Result<Blobs> {
        let dir = data.join("blobs");
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        // What was not finished before a crash was never named by a record.
        for entry in std::fs::read_dir(&dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|e| e == "partial") {
                std::fs::remove_file(path)?;
            }
        }
        Ok(Blobs { dir })
    }

    /// Begins a blob, to be sealed under `key`, which must be fresh.
    pub fn create(&self, blob_key: &[u8; 32]) -> std::io::Result<BlobWriter> {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).map_err(|_| std::io::Error::other("no randomness"))?;
        let name: String = random.iter().map(|b| format!("{b:02x}")).collect();
        let partial = self.dir.join(format!("{name}.partial"));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        let path = self.path(&name)?;
        Ok(BlobWriter {
            path,
            name,
            partial,
            file: Some(file),
            key: key(blob_key)?,
            pending: Vec::new(),
            chunk: 0,
        })
    }

    /// Up to `length` bytes of the plaintext from `offset` on.
    pub fn read(
        &self,
        name: &str,
        blob_key: &[u8; 32],
        offset: u64,
        length: u64,
    ) -> std::io::Result<Vec<u8>> {
        let mut file = File::open(self.path(name)?)?;
        let size = file.metadata()?.len();
        let stored = (CHUNK + TAG) as u64;
        let chunks = size.div_ceil(stored).max(1);
        let key = key(blob_key)?;
        let (first, end) = (offset / CHUNK as u64, offset.saturating_add(length));
        let mut out = Vec::new();
        file.seek(SeekFrom::Start(first.saturating_mul(stored)))?;
        for chunk in first..chunks {
            let begin = chunk * CHUNK as u64;
            if begin >= end {
                break;
            }
            let mut sealed = Vec::new();
            (&mut file).take(stored).read_to_end(&mut sealed)?;
            let plain =
                key.open_in_place(nonce(chunk, chunk + 1 == chunks), Aad::empty(), &mut sealed).map_err(
                    |_| std::io::Error::other(format!("chunk {chunk} of a blob is not what was sealed")),
                )?;
            let within =
                |at: u64| usize::try_from(at.saturating_sub(begin)).unwrap_or(usize::MAX).min(plain.len());
            out.extend_from_slice(plain.get(within(offset)..within(end)).unwrap_or_default());
        }
        Ok(out)
    }

    pub fn remove(&self, name: &str) -> std::io::Result<()> {
        match std::fs::remove_file(self.path(name)?) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(e),
            _ => Ok(()),
        }
    }

    fn path(&self, name: &str) -> std::io::Result<PathBuf> {
        if name.len() != 32 || !name.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(std::io::Error::other("no name of a blob"));
        }
        let dir = self.dir.join(name.get(..2).unwrap_or_default());
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        Ok(dir.join(name))
    }
}

impl BlobWriter {
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.pending.extend_from_slice(bytes);
        // The last chunk is marked as such, so one is always held back.
        while self.pending.len() > CHUNK {
            let rest = self.pending.split_off(CHUNK);
            let chunk = std::mem::replace(&mut self.pending, rest);
            self.seal(chunk, false)?;
        }
        Ok(())
    }

    fn seal(&mut self, mut chunk: Vec<u8>, last: bool) -> std::io::Result<()> {
        self.key
            .seal_in_place_append_tag(nonce(self.chunk, last), Aad::empty(), &mut chunk)
            .map_err(|_| std::io::Error::other("a chunk cannot be sealed"))?;
        self.chunk += 1;
        self.file.as_mut().ok_or_else(|| std::io::Error::other("finished"))?.write_all(&chunk)
    }

    /// Syncs the blob; only then may a record name it.
    pub fn finish(mut self) -> std::io::Result<String> {
        let last = std::mem::take(&mut self.pending);
        self.seal(last, true)?;
        if let Some(file) = self.file.take() {
            file.sync_all()?;
        }
        std::fs::rename(&self.partial, &self.path)?;
        if let Some(dir) = self.path.parent() {
            File::open(dir)?.sync_all()?;
        }
        Ok(std::mem::take(&mut self.name))
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_read_back_and_damage_shows() {
        let dir = crate::store::tests::folder("blobs");
        let blobs = Blobs::open(&dir).unwrap();
        let data: Vec<u8> = (0..200_000u32).map(|i| (i % 251) as u8).collect();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, data.len()] {
            let mut writer = blobs.create(&[7; 32]).unwrap();
            for part in data[..length].chunks(10_000) {
                writer.write(part).unwrap();
            }
            let name = writer.finish().unwrap();
            assert_eq!(blobs.read(&name, &[7; 32], 0, u64::MAX).unwrap(), &data[..length]);
            let middle = length / 3;
            assert_eq!(
                blobs.read(&name, &[7; 32], middle as u64, 100).unwrap(),
                &data[middle..(middle + 100).min(length)]
            );
            assert!(blobs.read(&name, &[8; 32], 0, 1).is_err() || length == 0);
            // Cut off at a chunk's end it does not open either.
            let path = blobs.path(&name).unwrap();
            if length > CHUNK {
                let file = OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len((CHUNK + TAG) as u64).unwrap();
                assert!(blobs.read(&name, &[7; 32], 0, 1).is_err());
            }
        }
        assert!(blobs.read("../../etc/passwd", &[7; 32], 0, 1).is_err());
    }
}
