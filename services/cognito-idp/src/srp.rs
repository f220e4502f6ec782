//! SRP-6a (RFC 5054) as Cognito speaks it: the 3,072-bit group of RFC 3526, SHA-256, and a
//! session key drawn by HKDF with the info `Caldera Derived Key`.
//!
//! The password is never stored, only `v = g^x`, with `x` from a random salt. Whoever holds
//! `v` can try passwords at the price of one exponentiation each, and the protocol fixes how
//! `x` is made: a slow hash beside `v` would protect nothing, the attacker would take `v`.
//! So there is no second form of the password anywhere, every flow is checked against `v`,
//! and `v` leaves this process only sealed (see `user`).

use std::sync::LazyLock;

use crypto_bigint::modular::ConstMontyForm;
use crypto_bigint::{CtAssign, CtEq, U256, U3072, const_monty_params};
use ring::digest::{SHA256, digest};
use ring::hmac;
use serde::{Deserialize, Serialize};

const N_HEX: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";
const BYTES: usize = 384;

const_monty_params!(Group, U3072, N_HEX);
type Element = ConstMontyForm<Group, { U3072::LIMBS }>;

/// What is kept of a password; both in hexadecimal.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verifier {
    pub(crate) salt: String,
    verifier: String,
}

/// The server's side of one exchange, as it waits in the sealed secret block.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Exchange {
    /// The client's `A`.
    a: String,
    /// The server's secret `b`.
    b: String,
    /// The server's `B`.
    pub(crate) public: String,
}

/// Bytes of a number as Cognito hashes them: none leading, but one zero where the first bit is set.
fn padded(number: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
    if bytes.first().is_none_or(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let joined = parts.concat();
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &joined).as_ref());
    out
}

/// A number of the group from hexadecimal; `None` if it is none, or too large.
fn number(text: &str) -> Option<U3072> {
    let even = if text.len() % 2 == 1 { format!("0{text}") } else { text.to_owned() };
    let bytes = hex::decode(even).ok()?;
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|b| *b == 0).collect();
    let mut whole = [0; BYTES];
    whole.get_mut(BYTES.checked_sub(bytes.len())?..)?.copy_from_slice(&bytes);
    let number = U3072::from_be_slice(&whole);
    (number < U3072::from_be_hex(N_HEX)).then_some(number)
}

fn bytes(number: &U3072) -> Vec<u8> {
    number.to_be_bytes().as_ref().to_vec()
}

fn text(number: &U3072) -> String {
    hex::encode(bytes(number).into_iter().skip_while(|b| *b == 0).collect::<Vec<_>>())
}

/// Bits of an exponent that one table takes.
const WINDOW: u32 = 4;
/// For each window of an exponent of 256 bits, the powers of the generator that its value can stand for.
type Powers = Vec<[Element; 1 << WINDOW]>;

/// Made once, at the price of four exponentiations: 64 windows of 16 powers, 384 kB.
static POWERS: LazyLock<Powers> = LazyLock::new(|| {
    let mut base = Element::new(&U3072::from_u8(2));
    let windows = U256::BITS / WINDOW;
    let mut powers = Powers::new();
    for _ in 0..windows {
        let mut next = Element::ONE;
        powers.push(std::array::from_fn(|_| {
            let power = next;
            next *= base;
            power
        }));
        // Sixteen factors further: the window's base to its width.
        base = next;
    }
    powers
});

/// `g` to the power of a secret: a product of one power from each window, no squarings. Every entry of
/// a window is read, and which one is taken shows neither in the time nor in the places read.
fn generated(exponent: &[u8; 32]) -> Element {
    let windows = exponent.iter().rev().flat_map(|byte| [byte & 15, byte >> 4]);
    POWERS.iter().zip(windows).fold(Element::ONE, |product, (powers, wanted)| {
        let mut power = Element::ONE;
        for (value, candidate) in (0_u8..).zip(powers) {
            power.ct_assign(candidate, value.ct_eq(&wanted));
        }
        product * power
    })
}

/// `k = H(N, g)`.
fn multiplier() -> Element {
    let k = hash(&[&padded(&bytes(&U3072::from_be_hex(N_HEX))), &[2]]);
    small(&k)
}

fn small(hash: &[u8; 32]) -> Element {
    let mut whole = [0; BYTES];
    if let Some(end) = whole.get_mut(BYTES - 32..) {
        end.copy_from_slice(hash);
    }
    Element::new(&U3072::from_be_slice(&whole))
}

/// The part of a pool's id that takes part in the protocol: what follows the region.
fn pool_name(pool: &str) -> &str {
    pool.split_once('_').map_or(pool, |(_, name)| name)
}

/// `v = g^x`.
fn verifier(pool: &str, user: &str, password: &str, salt: &[u8]) -> U3072 {
    let inner = hash(&[pool_name(pool).as_bytes(), user.as_bytes(), b":", password.as_bytes()]);
    generated(&hash(&[&padded(salt), &inner])).retrieve()
}

impl Verifier {
    pub(crate) fn new(pool: &str, user: &str, password: &str, mut salt: [u8; 16]) -> Verifier {
        // Clients differ in how they pad a salt that begins with zeros, or with its first bit set.
        salt[0] = (salt[0] & 0x7f) | 0x40;
        let verifier = text(&verifier(pool, user, password, &salt));
        Verifier { salt: hex::encode(salt), verifier }
    }

    /// For a user who does not exist: the same salt at each time, and a verifier nobody has a password for.
    pub(crate) fn pretended(mut salt: [u8; 16], secret: [u8; 32]) -> Verifier {
        salt[0] = (salt[0] & 0x7f) | 0x40;
        let verifier = generated(&secret).retrieve();
        Verifier { salt: hex::encode(salt), verifier: text(&verifier) }
    }

    /// Whether this is the password.
    pub(crate) fn matches(&self, pool: &str, user: &str, password: &str) -> bool {
        let Ok(salt) = hex::decode(&self.salt) else { return false };
        let given = text(&verifier(pool, user, password, &salt));
        same(given.as_bytes(), self.verifier.as_bytes())
    }
}

/// Compares without telling by its time how much is alike.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    // A keyed digest of each: what the comparison of those tells is nothing about the texts.
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"comparison");
    hmac::verify(&key, other, hmac::sign(&key, one).as_ref()).is_ok()
}

/// Begins an exchange; `None` where the client's `A` is no element of the group, or zero in it.
pub(crate) fn begin(a: &str, verifier: &Verifier, b: [u8; 32]) -> Option<Exchange> {
    let client = number(a)?;
    if bool::from(client.is_zero()) {
        return None;
    }
    let v = Element::new(&number(&verifier.verifier)?);
    let public = multiplier() * v + generated(&b);
    Some(Exchange { a: text(&client), b: hex::encode(b), public: text(&public.retrieve()) })
}

/// What the client signed: that it knows the password, now, in this exchange.
pub(crate) struct Claim<'a> {
    pub(crate) pool: &'a str,
    pub(crate) user: &'a str,
    pub(crate) secret_block: &'a [u8],
    pub(crate) timestamp: &'a str,
    pub(crate) signature: &'a [u8],
}

/// Whether the client's signature was made with the key that only the password gives.
pub(crate) fn proves(exchange: &Exchange, verifier: &Verifier, claim: &Claim<'_>) -> bool {
    let Some(key) = session_key(exchange, verifier) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let message = [
        pool_name(claim.pool).as_bytes(),
        claim.user.as_bytes(),
        claim.secret_block,
        claim.timestamp.as_bytes(),
    ]
    .concat();
    hmac::verify(&key, &message, claim.signature).is_ok()
}

fn session_key(exchange: &Exchange, verifier: &Verifier) -> Option<[u8; 16]> {
    let (a, public) = (number(&exchange.a)?, number(&exchange.public)?);
    let u = hash(&[&padded(&bytes(&a)), &padded(&bytes(&public))]);
    if u == [0; 32] {
        return None;
    }
    let b: [u8; 32] = hex::decode(&exchange.b).ok()?.try_into().ok()?;
    let v = Element::new(&number(&verifier.verifier)?);
    let shared = (Element::new(&a) * v.pow(&U256::from_be_slice(&u))).pow(&U256::from_be_slice(&b));
    Some(derived(&padded(&bytes(&shared.retrieve())), &padded(&u)))
}

/// HKDF with one block, cut to sixteen bytes.
fn derived(secret: &[u8], salt: &[u8]) -> [u8; 16] {
    let extracted = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), secret);
    let expanded =
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, extracted.as_ref()), b"Caldera Derived Key\x01");
    let mut key = [0; 16];
    for (to, from) in key.iter_mut().zip(expanded.as_ref()) {
        *to = *from;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    const POOL: &str = "us-east-1_abcdefghi";

    fn generator() -> Element {
        Element::new(&U3072::from_u8(2))
    }

    #[test]
    fn the_tables_give_what_the_ladder_gives() {
        let mut last = [0; 32];
        last[31] = 1;
        let cases = [[0; 32], last, [0xff; 32], [0x0f; 32], [0xf0; 32], *b"0123456789abcdefghijklmnopqrstuv"];
        for e in cases {
            let ladder = generator().pow(&U256::from_be_slice(&e));
            assert_eq!(generated(&e).retrieve(), ladder.retrieve(), "{e:?}");
        }
        assert_eq!(POWERS.len(), 64);
    }

    /// The client's half, as RFC 5054 gives it.
    fn client(password: &str, a: [u8; 32], verifier: &Verifier, exchange: &Exchange) -> Vec<u8> {
        let salt = hex::decode(&verifier.salt).unwrap();
        let public_a = generator().pow(&U256::from_be_slice(&a)).retrieve();
        let public_b = number(&exchange.public).unwrap();
        let u = hash(&[&padded(&bytes(&public_a)), &padded(&bytes(&public_b))]);
        let inner = hash(&[pool_name(POOL).as_bytes(), b"alice:", password.as_bytes()]);
        let x = hash(&[&padded(&salt), &inner]);
        let base = Element::new(&public_b) - multiplier() * generator().pow(&U256::from_be_slice(&x));
        let (u256, x256, a256) = (U256::from_be_slice(&u), U256::from_be_slice(&x), U256::from_be_slice(&a));
        let shared = base.pow(&a256) * base.pow(&u256).pow(&x256);
        let key = derived(&padded(&bytes(&shared.retrieve())), &padded(&u));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let message = [pool_name(POOL).as_bytes(), b"alice", b"block", b"now"].concat();
        hmac::sign(&key, &message).as_ref().to_vec()
    }

    #[test]
    fn only_the_password_proves_itself() {
        let verifier = Verifier::new(POOL, "alice", "right", [0x91; 16]);
        assert!(verifier.matches(POOL, "alice", "right"));
        assert!(!verifier.matches(POOL, "alice", "wrong") && !verifier.matches(POOL, "bob", "right"));
        let a = [7; 32];
        let public_a = text(&generator().pow(&U256::from_be_slice(&a)).retrieve());
        let exchange = begin(&public_a, &verifier, [9; 32]).unwrap();
        let claims = |signature: &[u8], timestamp: &str| {
            let claim = Claim { pool: POOL, user: "alice", secret_block: b"block", timestamp, signature };
            proves(&exchange, &verifier, &claim)
        };
        let signature = client("right", a, &verifier, &exchange);
        assert!(claims(&signature, "now"));
        assert!(!claims(&signature, "later"));
        assert!(!claims(&client("wrong", a, &verifier, &exchange), "now"));
    }

    #[test]
    fn an_a_that_would_force_the_key_is_refused() {
        let verifier = Verifier::new(POOL, "alice", "right", [1; 16]);
        for a in ["0", "00", N_HEX, &format!("{N_HEX}00"), "zz", ""] {
            assert!(begin(a, &verifier, [9; 32]).is_none(), "{a}");
        }
    }
}
