//! Keys at rest: one root key in a file of its owner's, from which a key for each
//! purpose is derived (HKDF-SHA256, RFC 5869). Sealing is AES-256-GCM.

use std::collections::HashMap;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom as _, SystemRandom};
use zeroize::Zeroizing;

/// What cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// Not sealed by this keyring for this purpose and context, or changed since.
    Tampered,
    /// No randomness, or more than can be sealed at once.
    Unable,
}

impl std::fmt::Display for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Sealed::Tampered => {
                "the sealed bytes are not what was sealed, or were sealed under another root key"
            }
            Sealed::Unable => "the bytes cannot be sealed",
        })
    }
}

impl std::error::Error for Sealed {}

const VERSION: u8 = 1;

pub struct Keyring {
    root: hkdf::Prk,
    derived: RwLock<HashMap<String, Arc<LessSafeKey>>>,
}

impl Keyring {
    /// Reads `data/root.key`, or makes it with mode 0600. A key that others may read is refused.
    pub fn open(data: &Path) -> Result<Keyring, String> {
        let path = data.join("root.key");
        let what = |e: std::io::Error| format!("`{}`: {e}", path.display());
        let key = match std::fs::metadata(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                let mut key = Zeroizing::new([0; 32]);
                SystemRandom::new()
                    .fill(key.as_mut())
                    .map_err(|_| "no randomness to make a root key".to_owned())?;
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&path)
                    .map_err(what)?;
                file.write_all(key.as_ref()).and_then(|()| file.sync_all()).map_err(what)?;
                key.to_vec()
            }
            Err(e) => return Err(what(e)),
            Ok(facts) if facts.mode() & 0o077 != 0 => {
                return Err(format!("`{0}` can be read by others; run `chmod 600 {0}`", path.display()));
            }
            Ok(_) => std::fs::read(&path).map_err(what)?,
        };
        let key = Zeroizing::new(key);
        if key.len() != 32 {
            return Err(format!("`{}` does not hold 32 bytes; restore it from a copy", path.display()));
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign root key").extract(&key);
        Ok(Keyring { root, derived: RwLock::default() })
    }

    fn key(&self, purpose: &str) -> Result<Arc<LessSafeKey>, Sealed> {
        if let Some(key) = self.derived.read().unwrap_or_else(PoisonError::into_inner).get(purpose) {
            return Ok(Arc::clone(key));
        }
        let info = [purpose.as_bytes()];
        let okm = self.root.expand(&info, &AES_256_GCM).map_err(|_| Sealed::Unable)?;
        let key = Arc::new(LessSafeKey::new(UnboundKey::from(okm)));
        self.derived
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(purpose.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    /// `version 1 | nonce 12 | ciphertext | tag 16`.
    pub fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Sealed> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| Sealed::Unable)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + plaintext.len() + 16);
        sealed.extend_from_slice(plaintext);
        self.key(purpose)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed)
            .map_err(|_| Sealed::Unable)?;
        let mut out = Vec::with_capacity(sealed.len() + 1 + NONCE_LEN);
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.append(&mut sealed);
        Ok(out)
    }

    pub fn open_sealed(
        &self,
        purpose: &str,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Sealed> {
        let (head, body) = sealed.split_at_checked(1 + NONCE_LEN).ok_or(Sealed::Tampered)?;
        let nonce = head.get(1..).and_then(|n| n.try_into().ok()).ok_or(Sealed::Tampered)?;
        if head.first() != Some(&VERSION) {
            return Err(Sealed::Tampered);
        }
        let mut body = Zeroizing::new(body.to_vec());
        let key = self.key(purpose)?;
        let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut body);
        let length = plain.map_err(|_| Sealed::Tampered)?.len();
        body.truncate(length);
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_purpose_and_context_open() {
        let dir = crate::store::tests::folder("keyring");
        let ring = Keyring::open(&dir).unwrap();
        let sealed = ring.seal("a", b"x", b"secret").unwrap();
        assert_eq!(ring.open_sealed("a", b"x", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(ring.open_sealed("b", b"x", &sealed).unwrap_err(), Sealed::Tampered);
        assert_eq!(ring.open_sealed("a", b"y", &sealed).unwrap_err(), Sealed::Tampered);
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert!(ring.open_sealed("a", b"x", &changed).is_err(), "byte {i}");
        }
        // The same after a restart; not under another root key.
        assert!(Keyring::open(&dir).unwrap().open_sealed("a", b"x", &sealed).is_ok());
        let other = Keyring::open(&crate::store::tests::folder("keyring-other")).unwrap();
        assert!(other.open_sealed("a", b"x", &sealed).is_err());
    }

    #[test]
    fn a_root_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = crate::store::tests::folder("keyring-open");
        Keyring::open(&dir).unwrap();
        std::fs::set_permissions(dir.join("root.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Keyring::open(&dir).err().unwrap().contains("chmod 600"));
        std::fs::set_permissions(dir.join("root.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(dir.join("root.key"), b"short").unwrap();
        assert!(Keyring::open(&dir).is_err());
    }
}
